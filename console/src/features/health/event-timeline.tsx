"use client";

import { STATE, StateIcon } from "@/components/state";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { ErrorView } from "@/components/views";
import { formatDuration } from "@/lib/format";
import type { HealthEvent } from "@/lib/types";
import { byTime } from "./changes";
import { useEvents, type SheetKind } from "./queries";

const PAGE = 20;

/** The entity's own changes of state, newest first, each with how long it lasted. */
export function EventTimeline({ kind, id }: { kind: SheetKind; id: string }) {
  const events = useEvents({ kind, id, limit: PAGE });
  if (events.isError) {
    return (
      <ErrorView error={events.error} what="Events" onRetry={() => void events.refetch()} className="py-4" />
    );
  }
  const items = byTime(events.data?.pages.flatMap((page) => page.items) ?? []);
  if (items.length === 0) {
    return <p className="text-muted-foreground">{events.isPending ? "" : "No change of state yet."}</p>;
  }
  return (
    <>
      <ol className="relative ml-[7px] border-l">
        {items.map((event, index) => (
          <Event key={event.seq} event={event} until={items[index - 1]?.at} />
        ))}
      </ol>
      {events.hasNextPage ? (
        <Button
          className="mt-2"
          disabled={events.isFetchingNextPage}
          onClick={() => void events.fetchNextPage()}
        >
          Earlier
        </Button>
      ) : null}
    </>
  );
}

function Event({ event, until }: { event: HealthEvent; until: string | undefined }) {
  return (
    <li className="relative py-1 pl-5">
      <span className="absolute top-2 -left-[7px] bg-card">
        <StateIcon state={event.to} />
      </span>
      <div className="flex items-baseline gap-2">
        <span className={STATE[event.to].text}>{STATE[event.to].word}</span>
        {until ? (
          <span className="numeric text-xs text-muted-foreground">
            for {formatDuration(Date.parse(until) - Date.parse(event.at))}
          </span>
        ) : null}
        <Time at={event.at} className="numeric ml-auto shrink-0 text-xs text-muted-foreground" />
      </div>
      {event.reason ? <p className="text-xs text-muted-foreground">{event.reason}</p> : null}
    </li>
  );
}
