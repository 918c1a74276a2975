import {
  CircleCheck,
  CircleQuestionMark,
  OctagonX,
  TriangleAlert,
  Wrench,
  type LucideIcon,
} from "lucide-react";
import { cn } from "@/lib/utils";
import type { HealthState } from "@/lib/types";

interface Look {
  word: string;
  icon: LucideIcon;
  /** Of text and icon on a plain surface. */
  text: string;
  /** Of a badge: each state has a form of its own, so that it reads without colour. */
  badge: string;
  /** Of a drawn mark, as in a bar of counts. */
  fill: string;
}

/** The one place that knows how a health state looks and what it is called. */
export const STATE: Record<HealthState, Look> = {
  operational: {
    word: "Operational",
    icon: CircleCheck,
    text: "text-operational",
    badge: "border-transparent bg-operational-bg text-operational",
    fill: "fill-operational-fill",
  },
  degraded: {
    word: "Degraded",
    icon: TriangleAlert,
    text: "text-degraded",
    badge: "border-degraded bg-degraded-bg text-degraded",
    fill: "fill-degraded-fill",
  },
  down: {
    word: "Down",
    icon: OctagonX,
    text: "text-down",
    badge: "border-down-fill bg-down-fill text-down-on-fill",
    fill: "fill-down-fill",
  },
  maintenance: {
    word: "Maintenance",
    icon: Wrench,
    text: "text-maintenance",
    badge: "hatch-maintenance border-transparent text-maintenance",
    fill: "fill-maintenance-fill",
  },
  unknown: {
    word: "Unknown",
    icon: CircleQuestionMark,
    text: "text-unknown",
    badge: "border-dashed border-unknown text-unknown",
    fill: "fill-unknown-fill",
  },
};

/** A state as a badge: icon, form and word. */
export function StateBadge({ state, className }: { state: HealthState; className?: string }) {
  const { word, icon: Icon, badge } = STATE[state];
  return (
    <span
      data-state={state}
      className={cn(
        "inline-flex h-5 shrink-0 items-center gap-1 rounded-sm border px-1.5 text-xs font-medium whitespace-nowrap",
        badge,
        className,
      )}
    >
      <Icon aria-hidden className="size-3" />
      {word}
    </span>
  );
}

/** A state as its icon alone, for places where the word stands beside it or is given to assistive technology. */
export function StateIcon({
  state,
  labelled,
  className,
}: {
  state: HealthState;
  labelled?: boolean;
  className?: string;
}) {
  const { word, icon: Icon, text } = STATE[state];
  return (
    <>
      <Icon aria-hidden data-state={state} className={cn("size-3.5 shrink-0", text, className)} />
      {labelled ? <span className="sr-only">{word}</span> : null}
    </>
  );
}
