"use client";

import { ExternalLink } from "lucide-react";
import { useMemo } from "react";
import { StateBadge } from "@/components/state";
import { SheetSection } from "@/components/sheet-parts";
import { Time } from "@/components/time";
import { ErrorBoundary } from "@/components/error-boundary";
import { Delayed, ErrorView } from "@/components/views";
import { Skeleton } from "@/components/ui/skeleton";
import { formatCount } from "@/lib/format";
import { useSheets } from "@/lib/url";
import { BecauseList } from "./because-list";
import { EventTimeline } from "./event-timeline";
import type { FleetNode } from "./fleet";
import { MaintenanceButton, OpenMaintenance } from "./maintenance-actions";
import { bySeverity } from "./overview";
import { useInstanceTree } from "./queries";
import { SheetFrame } from "./sheet-frame";
import { SheetHeader } from "./sheet-header";

/** An instance: its state and why, its components, and what happened to it. */
export function InstanceSheet({ id }: { id: string }) {
  const { openComponent, closeInstance } = useSheets();
  const tree = useInstanceTree(id);
  const url = tree.data?.nodes.get(id)?.url;
  const components = useMemo(
    () => [...(tree.data?.nodes.values() ?? [])].filter(({ kind }) => kind === "component").sort(bySeverity),
    [tree.data],
  );

  return (
    <SheetFrame kind="instance" id={id} onClose={closeInstance}>
      {(health) => (
        <>
          <SheetHeader
            health={health}
            onClose={closeInstance}
            actions={<MaintenanceButton kind="instance" health={health} />}
            details={
              <>
                {url ? <InstanceLink url={url} /> : null}
                <OpenMaintenance health={health} />
              </>
            }
          />
          <div className="min-h-0 flex-1 overflow-auto">
            {health.because.length > 0 && health.state !== "operational" ? (
              <SheetSection title="Because">
                <BecauseList causes={health.because} onOpen={({ id: cause }) => openComponent(cause)} />
              </SheetSection>
            ) : null}
            <SheetSection
              title="Components"
              aside={
                <span className="numeric text-xs text-muted-foreground">
                  {formatCount(components.length, "component")}
                </span>
              }
            >
              {tree.isError ? (
                <ErrorView
                  error={tree.error}
                  what="Components"
                  onRetry={() => void tree.refetch()}
                  className="py-4"
                />
              ) : tree.isPending ? (
                <Delayed>
                  <Skeleton className="h-40" />
                </Delayed>
              ) : components.length === 0 ? (
                <p className="text-muted-foreground">
                  This instance has no components yet. Add them through the API; their checks decide its
                  state.
                </p>
              ) : (
                <ComponentList components={components} onOpen={openComponent} />
              )}
            </SheetSection>
            <SheetSection title="Events">
              <ErrorBoundary what="Events">
                <EventTimeline kind="instance" id={id} />
              </ErrorBoundary>
            </SheetSection>
          </div>
        </>
      )}
    </SheetFrame>
  );
}

function InstanceLink({ url }: { url: string }) {
  if (!/^https?:\/\//.test(url)) return null;
  return (
    <a
      href={url}
      target="_blank"
      rel="noreferrer"
      className="mt-1 inline-flex max-w-full items-center gap-1 text-xs text-primary underline-offset-4 hover:underline"
    >
      <span className="truncate">{url}</span>
      <ExternalLink aria-hidden className="size-3 shrink-0" />
    </a>
  );
}

function ComponentList({ components, onOpen }: { components: FleetNode[]; onOpen: (id: string) => void }) {
  return (
    <ul className="-mx-2">
      {components.map((component) => (
        <li key={component.id}>
          <button
            type="button"
            data-component={component.id}
            title={component.health.reason ?? undefined}
            onClick={() => onOpen(component.id)}
            className="focus-inset grid h-8 w-full grid-cols-[108px_minmax(0,1fr)_auto_44px] items-center gap-2 rounded-md px-2 text-left hover:bg-accent"
          >
            <StateBadge state={component.health.state} className="justify-self-start" />
            <span className="truncate font-medium">{component.name}</span>
            <span className="max-w-40 truncate text-xs text-muted-foreground">
              {[component.component_kind, component.host].filter(Boolean).join(" · ")}
            </span>
            <Time
              at={component.health.since}
              as="for"
              className="numeric text-right text-xs text-muted-foreground"
            />
          </button>
        </li>
      ))}
    </ul>
  );
}
