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
            className="focus-inset flex min-h-8 w-full items-center gap-x-2 rounded-md px-2 py-1 text-left enabled:hover:bg-accent max-md:flex-wrap"
          >
            <span className="shrink-0 md:w-27">
              <StateBadge state={cause.state} />
            </span>
            <span className="min-w-0 flex-1 max-md:contents">
              <span className="min-w-0 font-medium max-md:flex-1">{cause.name}</span>
              {cause.reason ? (
                <span className="text-muted-foreground max-md:order-last max-md:basis-full">
                  {" "}
                  {cause.reason}
                </span>
              ) : null}
            </span>
            <Time at={cause.since} as="for" className="numeric text-xs text-muted-foreground" />
          </button>
        </li>
      ))}
    </ul>
  );
}
