"use client";

import { memo, useCallback, useRef, useState, type KeyboardEvent } from "react";
import { shortName } from "@/lib/names";
import { cn } from "@/lib/utils";
import type { FleetNode } from "./fleet";
import { InstanceChip } from "./instance-chip";
import { moveInGrid, type GridPosition } from "./grid-keys";
import type { Column, Row } from "./overview";

const SYSTEM_WIDTH = 180;
const COLUMN_WIDTH = 152;
const NO_ITEM = -1;
const NAMED = "n";

/**
 * Systems by environment group. A grid in the sense of ARIA: one tab stop, arrows move between cells, and from
 * instance to instance where a cell holds several.
 */
export function InstanceMatrix({
  rows,
  columns,
  selected,
  onOpen,
}: {
  rows: Row[];
  columns: Column[];
  selected: string | null;
  onOpen: (id: string) => void;
}) {
  const grid = useRef<HTMLDivElement>(null);
  const [position, setPosition] = useState<GridPosition>({ row: 0, column: 0, item: 0 });
  const sizes = useCallback((row: number, column: number) => rows[row]?.cells[column]?.length ?? 0, [rows]);
  const active = {
    row: Math.min(position.row, Math.max(0, rows.length - 1)),
    column: Math.min(position.column, Math.max(0, columns.length - 1)),
    item: position.item,
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey) return;
    const next = moveInGrid(
      active,
      event.key,
      event.ctrlKey,
      { rows: rows.length, columns: columns.length },
      sizes,
    );
    if (!next) return;
    event.preventDefault();
    setPosition(next);
    const cell = grid.current?.querySelector(`[data-cell="${next.row}:${next.column}"]`);
    const target = cell?.querySelectorAll<HTMLElement>("[data-instance]")[next.item] ?? cell;
    if (target instanceof HTMLElement) {
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  };

  return (
    <div className="min-h-0 flex-1 overflow-auto scroll-pt-8 scroll-pl-44">
      <div
        ref={grid}
        role="grid"
        aria-label="Instances by system and environment group"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
        onKeyDown={onKeyDown}
        className="grid w-full"
        style={{
          gridTemplateColumns: `minmax(${SYSTEM_WIDTH}px, 1.4fr) repeat(${columns.length}, minmax(${COLUMN_WIDTH}px, 1fr))`,
          minWidth: SYSTEM_WIDTH + COLUMN_WIDTH * columns.length,
        }}
      >
        <div role="row" aria-rowindex={1} className="contents text-xs text-muted-foreground">
          <span
            role="columnheader"
            className="sticky top-0 left-0 z-20 flex h-8 items-center border-r border-b bg-muted px-3"
          >
            System
          </span>
          {columns.map((column) => (
            <span
              key={column.key}
              role="columnheader"
              className="sticky top-0 z-10 flex h-8 min-w-0 items-center border-b bg-muted px-2.5"
            >
              <span className="truncate">{column.name}</span>
            </span>
          ))}
        </div>
        {rows.map((row, index) => (
          <MatrixRow
            key={row.system.id}
            row={row}
            index={index}
            unitStarts={row.unit !== undefined && row.unit.id !== rows[index - 1]?.unit?.id}
            manyUnits={rows[0]?.unit?.id !== rows.at(-1)?.unit?.id}
            named={columns.map((column) => (column.named ? NAMED : " ")).join("")}
            activeColumn={active.row === index ? active.column : NO_ITEM}
            activeItem={active.row === index ? active.item : NO_ITEM}
            selected={row.cells.some((cell) => cell.some((node) => node.id === selected)) ? selected : null}
            onOpen={onOpen}
          />
        ))}
      </div>
    </div>
  );
}

interface MatrixRowProps {
  row: Row;
  index: number;
  unitStarts: boolean;
  manyUnits: boolean;
  /** Per column, whether its instances' names are shown; text, so that it compares. */
  named: string;
  activeColumn: number;
  activeItem: number;
  selected: string | null;
  onOpen: (id: string) => void;
}

const MatrixRow = memo(function MatrixRow(props: MatrixRowProps) {
  const { row, index, unitStarts, manyUnits, named, activeColumn, activeItem, selected, onOpen } = props;
  return (
    <div role="row" aria-rowindex={index + 2} className="contents">
      <span
        role="rowheader"
        className="sticky left-0 z-5 flex min-w-0 items-center gap-2 border-r border-b bg-card px-3"
      >
        <span className="truncate font-medium" title={row.system.name}>
          {row.system.name}
        </span>
        {manyUnits && unitStarts ? (
          <span className="ml-auto shrink-0 text-2xs text-muted-foreground">{row.unit?.name}</span>
        ) : null}
      </span>
      {row.cells.map((cell, column) => (
        <Cell
          key={column}
          name={`${index}:${column}`}
          system={row.system.name}
          nodes={cell}
          named={named[column] === NAMED}
          activeItem={column === activeColumn ? activeItem : NO_ITEM}
          selected={selected}
          onOpen={onOpen}
        />
      ))}
    </div>
  );
}, sameRow);

/** Patches make new rows each time; a row is only drawn again when something in it is another object. */
function sameRow(before: MatrixRowProps, after: MatrixRowProps): boolean {
  const { row: a, ...restA } = before;
  const { row: b, ...restB } = after;
  return (
    a.system === b.system &&
    a.unit === b.unit &&
    (Object.keys(restA) as (keyof typeof restA)[]).every((key) => restA[key] === restB[key]) &&
    a.cells.length === b.cells.length &&
    a.cells.every(
      (cell, i) => cell.length === b.cells[i]?.length && cell.every((node, j) => node === b.cells[i]?.[j]),
    )
  );
}

function Cell({
  name,
  system,
  nodes,
  named,
  activeItem,
  selected,
  onOpen,
}: {
  name: string;
  system: string;
  nodes: FleetNode[];
  named: boolean;
  activeItem: number;
  selected: string | null;
  onOpen: (id: string) => void;
}) {
  const empty = nodes.length === 0;
  const active = activeItem === NO_ITEM ? NO_ITEM : Math.min(activeItem, Math.max(0, nodes.length - 1));
  return (
    <div
      role="gridcell"
      data-cell={name}
      tabIndex={empty ? (active === 0 ? 0 : -1) : undefined}
      className={cn(
        "focus-inset @container flex min-h-9 min-w-0 flex-col justify-center gap-0.5 border-b p-0.5",
        empty && "px-3",
      )}
    >
      {empty ? (
        <span aria-label="No instance" role="img" className="text-muted-foreground">
          ·
        </span>
      ) : (
        nodes.map((node, item) => (
          <InstanceChip
            key={node.id}
            node={node}
            name={shortName(node.name, system)}
            named={named}
            selected={node.id === selected}
            tabIndex={item === active ? 0 : -1}
            onOpen={onOpen}
          />
        ))
      )}
    </div>
  );
}
