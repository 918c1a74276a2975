"use client";

import { Play } from "lucide-react";
import { StateBadge } from "@/components/state";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";
import { VerdictMark } from "@/components/verdict";
import { useCan } from "@/features/access";
import { formatMicros, formatWord } from "@/lib/format";
import type { CheckHealth } from "@/lib/types";
import { cn } from "@/lib/utils";
import { isHeartbeat } from "./entity";
import { useRunCheck } from "./queries";

/** A component's checks: state, last result and when the next is due. Picking one shows its results below. */
export function CheckList({
  checks,
  selected,
  onSelect,
}: {
  checks: CheckHealth[];
  selected: string | undefined;
  onSelect: (id: string) => void;
}) {
  const mayRun = useCan("check.run");
  return (
    <ul className="-mx-2 flex flex-col gap-0.5">
      {checks.map((check) => (
        <li
          key={check.id}
          data-check={check.id}
          className={cn(
            "relative grid grid-cols-[auto_minmax(0,1fr)_auto] items-start gap-x-2 rounded-md px-2 py-1.5 hover:bg-accent md:grid-cols-[108px_minmax(0,1fr)_auto]",
            check.id === selected && "bg-accent",
          )}
        >
          <StateBadge state={check.state} className="justify-self-start" />
          <p className="flex flex-wrap items-baseline gap-x-2">
            <button
              type="button"
              aria-pressed={check.id === selected}
              onClick={() => onSelect(check.id)}
              className="rounded-sm text-left font-medium after:absolute after:inset-0 after:rounded-md"
            >
              {check.name}
            </button>
            <span className="text-xs text-muted-foreground">
              {check.check_kind}
              {isHeartbeat(check) ? null : ` · every ${check.interval_s} s`}
            </span>
            {check.enabled ? null : <Tag word="paused" />}
            {check.soft ? <Tag word="confirming" /> : null}
            {check.flapping ? <Tag word="flapping" /> : null}
          </p>
          {mayRun && !isHeartbeat(check) ? <RunButton check={check} /> : null}
          <LastResult check={check} className="col-start-2 max-md:col-span-full" />
        </li>
      ))}
    </ul>
  );
}

function Tag({ word }: { word: string }) {
  return <span className="rounded-sm border px-1 text-2xs text-muted-foreground">{word}</span>;
}

function LastResult({ check, className }: { check: CheckHealth; className: string }) {
  const { last } = check;
  if (!last)
    return (
      <p className={cn("text-xs text-muted-foreground", className)}>
        {isHeartbeat(check) ? "Never called." : "No result yet."}
      </p>
    );
  const next = new Date(Date.parse(last.at) + check.interval_s * 1_000).toISOString();
  return (
    <p className={cn("flex flex-wrap items-center gap-x-2 text-xs text-muted-foreground", className)}>
      <VerdictMark verdict={last.verdict} />
      {isHeartbeat(check) ? null : <span className="numeric">{formatMicros(last.timings_us.total)}</span>}
      <Time at={last.at} className="numeric" />
      {check.enabled && !isHeartbeat(check) ? (
        <span>
          next <Time at={next} as="until" className="numeric" />
        </span>
      ) : null}
      {last.verdict === "ok" ? null : (
        <span className="basis-full">{last.message || formatWord(last.outcome)}</span>
      )}
    </p>
  );
}

function RunButton({ check }: { check: CheckHealth }) {
  const run = useRunCheck();
  return (
    <Button
      className="relative z-1 md:row-span-2"
      aria-label={`Run ${check.name} now`}
      disabled={run.isPending}
      onClick={() =>
        run.mutate(check.id, {
          onSuccess: () =>
            toast({ title: `${check.name} runs now`, description: "Its result appears here." }),
          onError: (error) => toast({ title: `${check.name} could not be run`, description: error.message }),
        })
      }
    >
      <Play aria-hidden />
      Run
    </Button>
  );
}
