"use client";

import { CloudOff, Lock, SearchX, ServerCrash, type LucideIcon } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import { ApiError } from "@/lib/api";
import { cn } from "@/lib/utils";

/** What stands where there is nothing to show: says why, and offers the next step. */
export function Notice({
  icon: Icon,
  title,
  children,
  actions,
  className,
}: {
  icon?: LucideIcon | undefined;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  className?: string;
}) {
  return (
    <div className={cn("flex flex-col items-center gap-2 px-4 py-10 text-center", className)}>
      {Icon ? <Icon aria-hidden className="size-5 text-muted-foreground" /> : null}
      <p className="font-medium">{title}</p>
      {children ? (
        <div className="max-w-[min(56ch,100%)] text-balance text-muted-foreground">{children}</div>
      ) : null}
      {actions ? <div className="mt-1 flex flex-wrap justify-center gap-2">{actions}</div> : null}
    </div>
  );
}

/** Shows its children only after 150 ms, so that a quick answer never flashes a skeleton. */
export function Delayed({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return <div className={shown ? undefined : "invisible"}>{children}</div>;
}

/** Any failure of a call, in words: offline, forbidden, gone, or a fault with its request id. */
export function ErrorView({
  error,
  what,
  onRetry,
  className,
}: {
  error: unknown;
  what: string;
  onRetry?: () => void;
  className?: string;
}) {
  const retry = onRetry ? <Button onClick={onRetry}>Retry</Button> : null;
  const fault = error instanceof ApiError ? error : new ApiError(0, "bug", String(error));

  if (fault.code === "network" || fault.code === "timeout") {
    return (
      <Notice icon={CloudOff} title={`${what} could not be loaded`} actions={retry} className={className}>
        {fault.detail} It is tried again by itself.
      </Notice>
    );
  }
  if (fault.status === 403) {
    return (
      <Notice icon={Lock} title={`You may not see ${what.toLowerCase()}`} className={className}>
        {fault.detail} An administrator of the organisation can grant it.
      </Notice>
    );
  }
  if (fault.status === 404) {
    return (
      <Notice icon={SearchX} title="No such item" className={className}>
        It may have been deleted, or you may not be allowed to know of it.
      </Notice>
    );
  }
  return (
    <Notice icon={ServerCrash} title={`${what} could not be loaded`} actions={retry} className={className}>
      <p>{fault.detail}</p>
      {fault.requestId ? (
        <p className="mt-1 inline-flex items-center gap-1 text-xs">
          Request <code className="font-mono">{fault.requestId}</code>
          <CopyButton text={fault.requestId} label="Copy the request id" />
        </p>
      ) : null}
    </Notice>
  );
}

/** A thin bar at the top of a panel while its data is fetched again. */
export function RefetchBar({ active }: { active: boolean }) {
  return (
    <div aria-hidden className="pointer-events-none absolute inset-x-0 top-0 z-10 h-0.5 overflow-hidden">
      {active ? <div className="h-full w-1/4 animate-bar bg-primary" /> : null}
    </div>
  );
}
