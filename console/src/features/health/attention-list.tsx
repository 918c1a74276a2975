"use client";

import { CircleCheck } from "lucide-react";
import { memo, useMemo } from "react";
import { STATE, StateBadge } from "@/components/state";
import { Time } from "@/components/time";
import { Card, CardHeader } from "@/components/ui/card";
import { Notice } from "@/components/views";
import { useShortcuts } from "@/lib/shortcuts";
import { HEALTH_STATES, type HealthState } from "@/lib/types";
import type { Instance } from "./overview";
import { useHeldOrder } from "./use-held-order";

const MOST_SHOWN = 100;
const idOf = ({ node }: Instance) => node.id;

/** What somebody should look at, worst first and newest first. */
export function AttentionList({
  instances,
  states,
  filtered,
  onOpen,
}: {
  instances: Instance[];
  states: readonly HealthState[];
  filtered: boolean;
  onOpen: (id: string) => void;
}) {
  const { shown, waiting, apply, bind } = useHeldOrder(instances, idOf);
  useShortcuts(useMemo(() => ({ u: apply }), [apply]));
  const worstFirst = HEALTH_STATES.filter((state) => states.includes(state));
  const title = worstFirst.map((state) => STATE[state].word).join(", ") || "Needs attention";

  return (
    <Card aria-label={title} className="max-h-80 md:h-54" {...bind}>
      <CardHeader title={title} count={instances.length}>
        {waiting > 0 ? (
          <button
            type="button"
            onClick={apply}
            className="ml-auto rounded-full bg-primary px-2 text-xs leading-5 font-medium text-primary-foreground"
          >
            {waiting} {waiting === 1 ? "change" : "changes"} · apply
          </button>
        ) : null}
      </CardHeader>
      {shown.length === 0 ? (
        <Notice
          icon={filtered ? undefined : CircleCheck}
          title={filtered ? "Nothing matches the filters" : "Nothing needs attention"}
          className="flex-1 justify-center py-6"
        >
          {filtered ? null : "Everything is operational or in planned maintenance."}
        </Notice>
      ) : (
        <ul className="min-h-0 flex-1 overflow-auto py-1">
          {shown.slice(0, MOST_SHOWN).map((instance) => (
            <AttentionRow key={instance.node.id} instance={instance} onOpen={onOpen} />
          ))}
          {shown.length > MOST_SHOWN ? (
            <li className="px-3 py-1.5 text-xs text-muted-foreground">
              {(shown.length - MOST_SHOWN).toLocaleString("en")} more: narrow the filters to see them.
            </li>
          ) : null}
        </ul>
      )}
    </Card>
  );
}

interface AttentionRowProps {
  instance: Instance;
  onOpen: (id: string) => void;
}

const AttentionRow = memo(function AttentionRow({ instance, onOpen }: AttentionRowProps) {
  const { node, label, system } = instance;
  return (
    <li>
      <button
        type="button"
        onClick={() => onOpen(node.id)}
        className="focus-inset flex min-h-8 w-full items-center gap-2 px-3 text-left hover:bg-accent max-md:items-start max-md:py-1.5"
      >
        <span className="min-w-23 shrink-0">
          <StateBadge state={node.health.state} />
        </span>
        <span className="flex min-w-0 flex-1 items-baseline gap-x-2 max-md:flex-col">
          <span className="max-w-full truncate font-medium md:max-w-1/2 md:shrink-0">
            {system.name} <span className="font-normal text-muted-foreground">{label}</span>
          </span>
          <span className="max-w-full min-w-0 truncate text-xs text-muted-foreground">
            {node.health.reason}
          </span>
        </span>
        <Time at={node.health.since} as="for" className="numeric shrink-0 text-xs text-muted-foreground" />
      </button>
    </li>
  );
}, sameInstance);

/** Patches make a new list each time; an entry is only drawn again when its node is another object. */
function sameInstance(before: AttentionRowProps, after: AttentionRowProps): boolean {
  return (
    before.instance.node === after.instance.node &&
    before.instance.system.name === after.instance.system.name &&
    before.onOpen === after.onOpen
  );
}
