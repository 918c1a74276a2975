"use client";

import { STATE, StateIcon } from "@/components/state";
import { HEALTH_STATES, type HealthState } from "@/lib/types";
import { cn } from "@/lib/utils";

/** How many instances are in each state; each counter switches that state's filter. */
export function StateCounters({
  counts,
  active,
  onToggle,
}: {
  counts: Record<HealthState, number>;
  active: readonly HealthState[];
  onToggle: (state: HealthState) => void;
}) {
  const total = HEALTH_STATES.reduce((sum, state) => sum + counts[state], 0);
  return (
    <div
      role="group"
      aria-label="Instances by state"
      className="grid shrink-0 grid-cols-2 overflow-hidden rounded-lg border bg-card md:grid-cols-5"
    >
      {HEALTH_STATES.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={active.includes(state)}
          onClick={() => onToggle(state)}
          className="focus-inset relative -mb-px -ml-px flex h-15 flex-col justify-center gap-0.5 border-b border-l px-3 text-left transition-colors duration-120 last:col-span-2 hover:bg-accent/60 aria-pressed:bg-accent md:last:col-span-1"
        >
          <span
            className={cn(
              "numeric text-xl leading-6 font-semibold",
              counts[state] === 0 && "text-muted-foreground",
            )}
          >
            {counts[state].toLocaleString("en")}
          </span>
          <span className="flex items-center gap-1.5 text-xs text-muted-foreground">
            <StateIcon state={state} className={counts[state] === 0 ? "text-muted-foreground" : undefined} />
            {STATE[state].word}
          </span>
          <svg
            aria-hidden
            className="absolute inset-x-0 bottom-0 h-0.5 w-full"
            preserveAspectRatio="none"
            viewBox="0 0 1 1"
          >
            <rect width={total === 0 ? 0 : counts[state] / total} height="1" className={STATE[state].fill} />
          </svg>
        </button>
      ))}
    </div>
  );
}
