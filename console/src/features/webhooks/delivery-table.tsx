"use client";

import { memo, useRef } from "react";
import { Time } from "@/components/time";
import { formatDate } from "@/lib/format";
import { useRowKeys } from "@/lib/row-keys";
import type { Delivery } from "@/lib/types";
import { cn } from "@/lib/utils";
import { DeliveryMark } from "./marks";

/**
 * Deliveries as rows, newest first. Arrows, or j and k from anywhere on the page, move between them and Enter opens;
 * while a sheet is open, j and k go on to the next in it.
 */
export function DeliveryTable({
  deliveries,
  selected,
  onOpen,
  onStep,
}: {
  deliveries: readonly Delivery[];
  selected: string | null;
  onOpen: (id: string) => void;
  onStep: (by: number) => void;
}) {
  const body = useRef<HTMLTableSectionElement>(null);
  const onKeyDown = useRowKeys(body, selected, onStep);
  const tabStop = deliveries.some(({ id }) => id === selected) ? selected : deliveries[0]?.id;
  return (
    <table className="w-full table-fixed border-collapse text-left">
      <caption className="sr-only">Deliveries, newest first</caption>
      <thead className="sticky top-0 z-10 bg-muted text-xs text-muted-foreground max-md:sr-only">
        <tr className="[&>th]:h-8 [&>th]:px-3 [&>th]:font-normal">
          <th scope="col" className="w-34">
            When
          </th>
          <th scope="col" className="w-48 max-lg:w-44">
            State
          </th>
          <th scope="col" className="w-[26%]">
            Event
          </th>
          <th scope="col" className="w-20 text-right">
            Attempts
          </th>
          <th scope="col">Last answer</th>
        </tr>
      </thead>
      <tbody ref={body} onKeyDown={onKeyDown}>
        {deliveries.map((delivery) => (
          <DeliveryRow
            key={delivery.id}
            delivery={delivery}
            selected={delivery.id === selected}
            tabStop={delivery.id === tabStop}
            onOpen={onOpen}
          />
        ))}
      </tbody>
    </table>
  );
}

const DeliveryRow = memo(function DeliveryRow({
  delivery,
  selected,
  tabStop,
  onOpen,
}: {
  delivery: Delivery;
  selected: boolean;
  tabStop: boolean;
  onOpen: (id: string) => void;
}) {
  const { id, type, created_at, attempts, due_at, last_status, last_error, state } = delivery;
  return (
    <tr
      className={cn(
        "relative border-b hover:bg-accent md:[&>td]:h-8 [&>td]:px-3 [&>td]:align-middle",
        "max-md:grid max-md:grid-cols-[minmax(0,1fr)_auto] max-md:gap-x-3 max-md:py-2",
        selected && "bg-accent",
      )}
    >
      <td className="numeric text-xs text-muted-foreground max-md:order-2 max-md:text-right max-md:leading-5">
        {formatDate(Date.parse(created_at))} <Time at={created_at} as="clock" />
      </td>
      <td className="max-md:order-3">
        <DeliveryMark delivery={delivery} />
        {due_at ? (
          <Time
            at={due_at}
            as="until"
            className="numeric ml-1.5 align-middle text-xs text-muted-foreground"
          />
        ) : null}
      </td>
      <td className="truncate max-md:order-1">
        <button
          type="button"
          data-row={id}
          tabIndex={tabStop ? 0 : -1}
          aria-current={selected || undefined}
          onClick={() => onOpen(id)}
          className="focus-inset max-w-full truncate text-left font-mono text-xs after:absolute after:inset-0"
        >
          {type}
        </button>
      </td>
      <td className="numeric text-right max-md:order-4 max-md:text-xs max-md:leading-5">
        {attempts}
        <span className="md:hidden"> {attempts === 1 ? "attempt" : "attempts"}</span>
      </td>
      <td
        className={cn(
          "truncate text-muted-foreground max-md:order-5 max-md:col-span-2 max-md:text-xs",
          state === "delivered" && "max-md:hidden",
          attempts === 0 && !last_error && "max-md:hidden",
        )}
        title={last_error ?? undefined}
      >
        {last_error ?? (last_status ? `HTTP ${last_status}` : "–")}
      </td>
    </tr>
  );
});
