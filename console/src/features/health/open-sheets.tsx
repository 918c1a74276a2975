"use client";

import { ErrorBoundary } from "@/components/error-boundary";
import { Sheet } from "@/components/ui/sheet";
import { useSheets } from "@/lib/url";
import { ComponentSheet } from "./component-sheet";
import { InstanceSheet } from "./instance-sheet";

/** The sheets themselves: an instance, and a component on top of it. */
export function OpenSheets(_: { open: boolean }) {
  const { env, ci, closeComponent, closeInstance } = useSheets();
  const component = (
    <Sheet open={ci !== null} onClose={closeComponent} label="Component">
      <ErrorBoundary key={ci} what="The component">
        {ci ? <ComponentSheet id={ci} /> : null}
      </ErrorBoundary>
    </Sheet>
  );
  if (!env) return component;
  return (
    <Sheet open onClose={closeInstance} label="Instance" behind={ci !== null}>
      <ErrorBoundary key={env} what="The instance">
        <InstanceSheet id={env} />
      </ErrorBoundary>
      {component}
    </Sheet>
  );
}

/** The top entity with the whole page to itself. */
export function EntityPage() {
  const { env, ci } = useSheets();
  return (
    <div className="mx-auto flex min-h-full max-w-280 flex-col border-x bg-card">
      {ci ? <ComponentSheet key={ci} id={ci} /> : env ? <InstanceSheet key={env} id={env} /> : null}
    </div>
  );
}
