"use client";

import { Check, X } from "lucide-react";
import { Time } from "@/components/time";
import { formatDate, formatMicros } from "@/lib/format";
import type { DeliveryDetail } from "@/lib/types";
import { cn } from "@/lib/utils";

/** How long it took, to the millisecond that is known: `< 1 ms`, `318 ms`, `2.05 s`. */
function formatTaken(ms: number): string {
  if (ms >= 1_000) return formatMicros(ms * 1_000);
  return ms === 0 ? "< 1 ms" : `${ms} ms`;
}

type Attempt = DeliveryDetail["tries"][number];

/** Each attempt, the last one first: when, how long, and what came back, which is text whatever it says it is. */
export function AttemptList({ delivery }: { delivery: DeliveryDetail }) {
  if (delivery.tries.length === 0) {
    return (
      <p className="text-muted-foreground">
        {delivery.state === "waiting" ? "None yet: it is about to be sent." : "None: it was never sent."}
      </p>
    );
  }
  return (
    <ol className="flex flex-col gap-2">
      {[...delivery.tries].reverse().map((attempt) => (
        <AttemptRow key={attempt.number} attempt={attempt} />
      ))}
    </ol>
  );
}

function AttemptRow({ attempt: { number, at, duration_ms, status, error, reply } }: { attempt: Attempt }) {
  const Icon = error ? X : Check;
  return (
    <li data-attempt={number} className="overflow-hidden rounded-md border">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-0.5 bg-muted px-2.5 py-1 text-xs">
        <span className="numeric text-muted-foreground">{number}.</span>
        <span className={cn("flex items-center gap-1 font-medium", error ? "text-down" : "text-operational")}>
          <Icon aria-hidden className="size-3.5" />
          {status ? `HTTP ${status}` : "No reply"}
        </span>
        <span className="numeric text-muted-foreground">{formatTaken(duration_ms)}</span>
        <span className="numeric ml-auto text-muted-foreground">
          {formatDate(Date.parse(at))} <Time at={at} as="clock" />
        </span>
      </div>
      {error ? <p className="px-2.5 py-1.5 break-words">{error}</p> : null}
      {reply ? (
        <pre
          tabIndex={0}
          aria-label={`Reply to attempt ${number}`}
          className="focus-inset max-h-40 overflow-auto border-t px-2.5 py-1.5 font-mono text-xs leading-5 break-words whitespace-pre-wrap"
        >
          {reply}
        </pre>
      ) : null}
    </li>
  );
}
