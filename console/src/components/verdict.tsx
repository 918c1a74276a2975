import { Check, CircleQuestionMark, TriangleAlert, X, type LucideIcon } from "lucide-react";
import { cn } from "@/lib/utils";
import type { Verdict } from "@/lib/types";

/** The one place that knows how a verdict of a single probe looks and what it is called. */
export const VERDICT: Record<Verdict, { word: string; icon: LucideIcon; text: string; fill: string }> = {
  ok: { word: "OK", icon: Check, text: "text-operational", fill: "fill-operational-fill" },
  warn: { word: "Warn", icon: TriangleAlert, text: "text-degraded", fill: "fill-degraded-fill" },
  fail: { word: "Fail", icon: X, text: "text-down", fill: "fill-down-fill" },
  error: { word: "Error", icon: CircleQuestionMark, text: "text-unknown", fill: "fill-unknown-fill" },
};

/** A verdict: icon and word. */
export function VerdictMark({ verdict, className }: { verdict: Verdict; className?: string }) {
  const { word, icon: Icon, text } = VERDICT[verdict];
  return (
    <span
      className={cn(
        "inline-flex shrink-0 items-center gap-1 align-middle text-xs font-medium",
        text,
        className,
      )}
    >
      <Icon aria-hidden className="size-3" />
      {word}
    </span>
  );
}
