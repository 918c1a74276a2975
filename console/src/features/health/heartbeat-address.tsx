"use client";

import { CopyButton } from "@/components/copy-button";
import { formatSeconds } from "@/lib/format";
import type { Check } from "@/lib/types";

/** Where the target of a heartbeat calls, and how often it has to; the address is for who may write the check. */
export function HeartbeatAddress({ check }: { check: Check }) {
  const url = check.heartbeat_path ? location.origin + check.heartbeat_path : null;
  return (
    <>
      {url ? (
        <div className="mb-1.5 flex items-center gap-1 rounded-md border bg-muted py-0.5 pr-0.5 pl-2">
          <code className="min-w-0 flex-1 truncate font-mono text-xs">{url}</code>
          <CopyButton text={url} label="Copy the address to call" />
        </div>
      ) : null}
      <p className="text-muted-foreground">
        {describePromise(check)}
        {url ? null : " Who may change the check sees the address."}
      </p>
    </>
  );
}

function describePromise({ spec, interval_s }: Check): string {
  const interval = spec.interval_s ?? interval_s;
  const grace = spec.grace_s ?? Math.min(interval, 3_600);
  return `A call is expected every ${formatSeconds(interval)}, with ${formatSeconds(grace)} of grace.`;
}
