"use client";

import { memo, useMemo, useRef } from "react";
import { Time } from "@/components/time";
import { useFleet } from "@/features/health";
import { formatDate } from "@/lib/format";
import { useRowKeys } from "@/lib/row-keys";
import type { JournalEntry } from "@/lib/types";
import { cn } from "@/lib/utils";
import { ActionMark } from "./action-mark";
import { summaryOf } from "./differences";
import { componentOf, placeOf } from "./place";
import { useComponents, useKeyNames } from "./queries";
import { entityName, kindWord } from "./words";

/**
 * Entries as rows, newest first. Arrows, or j and k from anywhere on the page, move between them and Enter opens; while a
 * sheet is open, j and k go on to the next in it.
 */
export function EntryTable({
  entries,
  selected,
  onOpen,
  onStep,
}: {
  entries: readonly JournalEntry[];
  selected: string | null;
  onOpen: (id: string) => void;
  onStep: (by: number) => void;
}) {
  const body = useRef<HTMLTableSectionElement>(null);
  const names = useKeyNames().data;
  const fleet = useFleet().data;
  const components = useComponents(
    useMemo(() => [...new Set(entries.flatMap((entry) => componentOf(entry) ?? []))], [entries]),
  ).data;
  const tabStop = entries.some(({ id }) => id === selected) ? selected : entries[0]?.id;
  const onKeyDown = useRowKeys(body, selected, onStep);

  return (
    <table className="w-full table-fixed border-collapse text-left">
      <caption className="sr-only">Entries of the journal, newest first</caption>
      <thead className="sticky top-0 z-10 bg-muted text-xs text-muted-foreground max-md:sr-only">
        <tr className="[&>th]:h-8 [&>th]:px-3 [&>th]:font-normal">
          <th scope="col" className="w-34">
            When
          </th>
          <th scope="col" className="w-56 max-lg:w-40">
            Who
          </th>
          <th scope="col" className="w-28">
            Action
          </th>
          <th scope="col">What</th>
          <th scope="col" className="w-[30%] max-lg:hidden">
            Changed
          </th>
        </tr>
      </thead>
      <tbody ref={body} onKeyDown={onKeyDown}>
        {entries.map((entry) => (
          <EntryRow
            key={entry.id}
            entry={entry}
            via={names?.get(entry.credential_id ?? "")}
            place={placeOf(entry, fleet, components)}
            selected={entry.id === selected}
            tabStop={entry.id === tabStop}
            onOpen={onOpen}
          />
        ))}
      </tbody>
    </table>
  );
}

const EntryRow = memo(function EntryRow({
  entry,
  via,
  place,
  selected,
  tabStop,
  onOpen,
}: {
  entry: JournalEntry;
  via: string | undefined;
  place: string | null;
  selected: boolean;
  tabStop: boolean;
  onOpen: (id: string) => void;
}) {
  const name = entityName(entry);
  return (
    <tr
      className={cn(
        "relative border-b hover:bg-accent md:[&>td]:h-8 [&>td]:px-3 [&>td]:align-middle",
        "max-md:grid max-md:grid-cols-[1fr_auto] max-md:gap-x-3 max-md:py-2",
        selected && "bg-accent",
      )}
    >
      <td className="numeric text-xs text-muted-foreground max-md:order-2 max-md:text-right max-md:leading-5">
        {formatDate(Date.parse(entry.at))} <Time at={entry.at} as="clock" />
      </td>
      <td className="truncate max-md:order-3">
        {entry.actor}
        {via ? <span className="text-xs text-muted-foreground"> via {via}</span> : null}
      </td>
      <td className="max-md:order-4 max-md:text-right max-md:text-xs">
        <ActionMark action={entry.action} className="max-md:justify-end" />
      </td>
      <td className="truncate max-md:order-1">
        <button
          type="button"
          data-row={entry.id}
          tabIndex={tabStop ? 0 : -1}
          aria-current={selected || undefined}
          onClick={() => onOpen(entry.id)}
          className="focus-inset max-w-full truncate text-left after:absolute after:inset-0"
        >
          <span className="text-muted-foreground">{kindWord(entry.kind)}</span>{" "}
          {name ? <span className="font-medium">{name}</span> : null}
          {place ? <span className="text-muted-foreground"> · {place}</span> : null}
        </button>
      </td>
      <td className="truncate font-mono text-xs text-muted-foreground max-lg:hidden">{summaryOf(entry)}</td>
    </tr>
  );
});
