"use client";

import { StateBadge } from "@/components/state";
import { Time } from "@/components/time";
import type { Cause } from "@/lib/types";

/** The children that decide the state, worst first. */
export function BecauseList({
  causes,
  onOpen,
}: {
  causes: Cause[];
  onOpen: ((cause: Cause) => void) | null;
}) {
  return (
    <ul className="-mx-2">
      {causes.map((cause) => (
        <li key={cause.id}>
          <button
            type="button"
            onClick={() => onOpen?.(cause)}
            disabled={!onOpen}
            className="focus-inset grid min-h-8 w-full grid-cols-[108px_1fr_auto] items-center gap-2 rounded-md px-2 py-1 text-left enabled:hover:bg-accent"
          >
            <StateBadge state={cause.state} className="justify-self-start" />
            <span className="min-w-0">
              <span className="font-medium">{cause.name}</span>
              {cause.reason ? <span className="text-muted-foreground"> {cause.reason}</span> : null}
            </span>
            <Time at={cause.since} as="for" className="numeric text-xs text-muted-foreground" />
          </button>
        </li>
      ))}
    </ul>
  );
}
