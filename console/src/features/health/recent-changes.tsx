"use client";

import { ArrowRight } from "lucide-react";
import { useMemo } from "react";
import { STATE, StateIcon } from "@/components/state";
import { Time } from "@/components/time";
import { Card, CardHeader } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView, Notice } from "@/components/views";
import { shortName } from "@/lib/names";
import type { HealthEvent } from "@/lib/types";
import { byTime } from "./changes";
import type { Fleet } from "./fleet";
import { useEvents } from "./queries";

const SHOWN = 30;

/** The latest changes of instances' states, newest first. */
export function RecentChanges({
  fleet,
  scope,
  onOpen,
}: {
  fleet: Fleet;
  scope: string | null;
  onOpen: (id: string) => void;
}) {
  const events = useEvents({ kind: "instance", limit: SHOWN, ...(scope ? { scope } : {}) });
  const items = useMemo(() => byTime(events.data?.pages[0]?.items ?? []), [events.data]);
  return (
    <Card aria-label="Recent changes" className="max-h-80 md:h-54">
      <CardHeader title="Recent changes" />
      {events.isPending ? (
        <Delayed>
          <div className="flex flex-col gap-3 p-3">
            {[0, 1, 2, 3].map((row) => (
              <Skeleton key={row} className="h-5" />
            ))}
          </div>
        </Delayed>
      ) : events.isError ? (
        <ErrorView
          error={events.error}
          what="Recent changes"
          onRetry={() => void events.refetch()}
          className="py-4"
        />
      ) : items.length > 0 ? (
        <ul className="min-h-0 flex-1 overflow-auto py-1">
          {items.map((event) => (
            <ChangeRow key={event.seq} event={event} system={systemName(fleet, event.id)} onOpen={onOpen} />
          ))}
        </ul>
      ) : (
        <Notice title="No changes yet" className="flex-1 justify-center py-6">
          Each change of an instance&rsquo;s state appears here as it happens.
        </Notice>
      )}
    </Card>
  );
}

function systemName(fleet: Fleet, instance: string): string | undefined {
  const parent = fleet.nodes.get(instance)?.parent;
  return parent ? fleet.nodes.get(parent)?.name : undefined;
}

function ChangeRow({
  event,
  system,
  onOpen,
}: {
  event: HealthEvent;
  system: string | undefined;
  onOpen: (id: string) => void;
}) {
  return (
    <li>
      <button
        type="button"
        title={event.reason ?? undefined}
        onClick={() => onOpen(event.id)}
        className="focus-inset flex h-8 w-full items-center gap-2 px-3 text-left hover:bg-accent"
      >
        <Time at={event.at} as="clock" className="numeric w-14 shrink-0 text-xs text-muted-foreground" />
        <span className="min-w-0 flex-1 truncate">
          {system} <span className="text-muted-foreground">{shortName(event.name, system)}</span>
        </span>
        <span className="flex shrink-0 items-center gap-1 text-xs">
          <StateIcon state={event.from} labelled />
          <ArrowRight aria-hidden className="size-3 text-muted-foreground" />
          <span className="sr-only">to</span>
          <StateIcon state={event.to} />
          <span className={STATE[event.to].text}>{STATE[event.to].word}</span>
        </span>
      </button>
    </li>
  );
}
