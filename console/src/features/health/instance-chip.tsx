"use client";

import { Wrench } from "lucide-react";
import { useState } from "react";
import { STATE, StateIcon } from "@/components/state";
import { Time } from "@/components/time";
import { cn } from "@/lib/utils";
import type { FleetNode } from "./fleet";

/** One instance in the matrix: icon, name, state in words and for how long. A change tints it for a moment. */
export function InstanceChip({
  node,
  name,
  named,
  selected,
  tabIndex,
  onOpen,
}: {
  node: FleetNode;
  name: string;
  /** Whether the name says more than the column's heading does. */
  named: boolean;
  selected: boolean;
  tabIndex: number;
  onOpen: (id: string) => void;
}) {
  const { state, since, reason, version, partial_maintenance: partial } = node.health;
  const [firstVersion] = useState(version);
  const calm = state === "operational";
  return (
    <button
      type="button"
      data-instance={node.id}
      data-state={state}
      tabIndex={tabIndex}
      aria-pressed={selected}
      title={reason ?? undefined}
      onClick={() => onOpen(node.id)}
      className={cn(
        "focus-inset relative flex h-7 w-full items-center gap-1.5 rounded-sm border border-transparent px-1.5 text-left text-xs hover:bg-accent aria-pressed:border-ring coarse:h-8",
        state === "down" && "border-down/40 bg-down-bg",
        state === "degraded" && "border-degraded/40 bg-degraded-bg",
        state === "maintenance" && "hatch-maintenance",
        state === "unknown" && "border-dashed border-unknown/50",
      )}
    >
      {version === firstVersion ? null : (
        <span
          key={version}
          aria-hidden
          className="pointer-events-none absolute inset-0 animate-tint rounded-sm"
        />
      )}
      <StateIcon state={state} />
      <span className={named ? "min-w-0 flex-1 truncate font-medium" : "sr-only"}>{name}</span>
      <span
        className={cn(
          "shrink-0",
          named ? null : "flex-1",
          // Where name and word do not both fit, a good state is left to its icon.
          named && calm && "@max-[184px]:sr-only",
          calm ? "text-muted-foreground" : STATE[state].text,
        )}
      >
        {STATE[state].word}
        {partial ? <Wrench aria-hidden className="ml-1 inline size-3 align-[-2px]" /> : null}
        {partial ? <span className="sr-only">, partly in maintenance</span> : null}
      </span>
      <Time
        at={since}
        as="for"
        className={cn("numeric w-10 shrink-0 text-right", calm ? "text-muted-foreground" : STATE[state].text)}
      />
    </button>
  );
}
