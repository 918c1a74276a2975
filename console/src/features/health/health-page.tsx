"use client";

import { ArrowRight } from "lucide-react";
import { useQueryStates } from "nuqs";
import { useMemo } from "react";
import { FilterMenu } from "@/components/filter-menu";
import { StateBadge, STATE, StateIcon } from "@/components/state";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView, Notice } from "@/components/views";
import { formatDate } from "@/lib/format";
import { useRooms } from "@/lib/live";
import { HEALTH_STATES, type HealthEvent } from "@/lib/types";
import { changeKeys, useScope, useSheets } from "@/lib/url";
import { byTime, describeChange } from "./changes";
import { organisationRooms } from "./fleet";
import { useEvents, useFleet } from "./queries";

const PAGE = 100;
const KINDS = [
  { value: "all", label: "Everything" },
  { value: "system", label: "Systems" },
  { value: "instance", label: "Instances" },
  { value: "component", label: "Components" },
  { value: "check", label: "Checks" },
] as const;
const STATES = HEALTH_STATES.map((value) => ({
  value,
  label: STATE[value].word,
  icon: <StateIcon state={value} />,
}));

/** Every change of state, newest first: what happened, when, and why. */
export function HealthPage() {
  const [{ kind, to }, setFilters] = useQueryStates(changeKeys, { history: "replace" });
  const [{ scope }] = useScope();
  const fleet = useFleet().data;
  useRooms(useMemo(() => organisationRooms(fleet), [fleet]));
  const events = useEvents({
    limit: PAGE,
    ...(kind === "all" ? {} : { kind }),
    ...(to ? { state: to } : {}),
    ...(scope ? { scope } : {}),
  });
  const items = useMemo(() => byTime(events.data?.pages.flatMap((page) => page.items) ?? []), [events.data]);

  return (
    <div className="flex min-h-full flex-col gap-3 p-4 md:h-full">
      <div className="flex flex-wrap items-center gap-2">
        <h1 className="mr-2 text-lg font-semibold max-md:basis-full">Changes of state</h1>
        <FilterMenu
          label="Show"
          options={KINDS}
          value={[kind]}
          onChange={(kinds) => void setFilters({ kind: kinds.at(-1) ?? null })}
        />
        <FilterMenu
          label="Became"
          options={STATES}
          value={to ? [to] : []}
          onChange={(states) => void setFilters({ to: states.at(-1) ?? null })}
        />
        {to ? (
          <Button variant="ghost" onClick={() => void setFilters(null)}>
            Clear
          </Button>
        ) : null}
      </div>
      <Card className="min-h-80 flex-1 overflow-hidden">
        {events.isError ? (
          <ErrorView error={events.error} what="Changes" onRetry={() => void events.refetch()} />
        ) : events.isPending ? (
          <Delayed>
            <Skeleton className="m-3 h-80" />
          </Delayed>
        ) : items.length === 0 ? (
          <Notice title={to ? "No changes match" : "No changes yet"}>
            Each change of a state appears here as it happens.
          </Notice>
        ) : (
          <div className="min-h-0 flex-1 overflow-auto">
            <ChangeTable events={items} />
            {events.hasNextPage ? (
              <div className="p-3">
                <Button disabled={events.isFetchingNextPage} onClick={() => void events.fetchNextPage()}>
                  Earlier
                </Button>
              </div>
            ) : null}
          </div>
        )}
      </Card>
    </div>
  );
}

function ChangeTable({ events }: { events: HealthEvent[] }) {
  return (
    <table className="w-full table-fixed border-collapse text-left">
      <caption className="sr-only">Changes of state, newest first</caption>
      <thead className="sticky top-0 z-10 bg-muted text-xs text-muted-foreground">
        <tr className="[&>th]:h-8 [&>th]:px-3 [&>th]:font-normal">
          <th scope="col" className="w-36 max-md:w-20">
            When
          </th>
          <th scope="col">What</th>
          <th scope="col" className="w-52 max-md:w-19">
            Change
          </th>
          <th scope="col" className="w-2/5 max-xl:hidden">
            Reason
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <ChangeRow key={event.seq} event={event} />
        ))}
      </tbody>
    </table>
  );
}

function ChangeRow({ event }: { event: HealthEvent }) {
  const { openInstance, openComponent } = useSheets();
  const { name, place, sheet } = describeChange(event);
  const open = sheet?.kind === "instance" ? openInstance : openComponent;
  const what = (
    <>
      {name} <span className="font-normal text-muted-foreground">{place}</span>
    </>
  );
  return (
    <tr className="relative border-b hover:bg-accent [&>td]:h-9 [&>td]:px-3 max-xl:[&>td]:py-1.5 max-xl:[&>td]:align-top">
      <td className="numeric text-xs text-muted-foreground max-xl:leading-5">
        <span className="max-md:hidden">{formatDate(Date.parse(event.at))} </span>
        <Time at={event.at} as="clock" />
      </td>
      <td className="font-medium xl:truncate">
        {sheet ? (
          <button
            type="button"
            onClick={() => open(sheet.id)}
            className="focus-inset max-w-full text-left after:absolute after:inset-0 xl:truncate"
          >
            {what}
          </button>
        ) : (
          what
        )}
        <span className="line-clamp-2 text-xs font-normal text-muted-foreground xl:hidden">
          <span className="md:hidden">
            <span className={STATE[event.to].text}>{STATE[event.to].word}</span> ·{" "}
          </span>
          {event.reason}
        </span>
      </td>
      <td>
        <span className="flex items-center gap-1.5">
          <StateIcon state={event.from} labelled />
          <ArrowRight aria-hidden className="size-3 shrink-0 text-muted-foreground" />
          <span className="sr-only">to</span>
          <StateBadge state={event.to} className="max-md:hidden" />
          <StateIcon state={event.to} labelled className="md:hidden" />
        </span>
      </td>
      <td className="truncate text-xs text-muted-foreground max-xl:hidden" title={event.reason}>
        {event.reason}
      </td>
    </tr>
  );
}
