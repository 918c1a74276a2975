"use client";

import { Lock, Search } from "lucide-react";
import { useEffect, useMemo, useRef, type KeyboardEvent } from "react";
import { Input } from "@/components/ui/input";
import { Kbd } from "@/components/ui/kbd";
import { useSession } from "@/features/access";
import { holds } from "@/lib/permissions";
import { useShortcuts } from "@/lib/shortcuts";
import type { Group, Operation } from "./document";
import { MethodMark } from "./method-mark";

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/** All operations by tag, with search. Arrows move, from the search too; Enter opens. */
export function OperationList({
  groups,
  query,
  setQuery,
  selected,
  onOpen,
}: {
  groups: Group[];
  query: string;
  setQuery: (query: string) => void;
  selected: string | null;
  onOpen: (id: string) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  useShortcuts(useMemo(() => ({ "/": () => search.current?.focus() }), []));
  const all = useMemo(() => groups.flatMap(({ operations }) => operations), [groups]);
  const tabStop = all.some(({ id }) => id === selected) ? selected : all[0]?.id;

  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  const onKeyDown = (event: KeyboardEvent) => {
    const typing = event.target instanceof HTMLInputElement;
    if (typing && event.key === "Enter" && all[0]) onOpen(all[0].id);
    if (typing && event.key === "Escape") {
      if (query) setQuery("");
      else search.current?.blur();
    }
    const by = STEPS[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || (typing && event.key !== "ArrowDown")) return;
    event.preventDefault();
    const buttons = [...(list.current?.querySelectorAll<HTMLButtonElement>("[data-operation]") ?? [])];
    const at = typing ? -1 : buttons.findIndex((button) => button === document.activeElement);
    buttons[Math.min(Math.max(at + by, 0), buttons.length - 1)]?.focus();
  };

  return (
    <div className="flex min-h-0 flex-1 flex-col" onKeyDown={onKeyDown}>
      <div className="relative border-b p-2">
        <Search aria-hidden className="absolute top-4 left-4 size-3.5 text-muted-foreground" />
        <Input
          ref={search}
          type="search"
          aria-label="Find an operation"
          placeholder="Find an operation…"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          className="h-7 pr-8 pl-7 text-xs coarse:h-8 [&::-webkit-search-cancel-button]:hidden"
        />
        {query ? null : (
          <Kbd aria-hidden className="absolute top-3 right-3 max-md:hidden">
            /
          </Kbd>
        )}
      </div>
      <div ref={list} className="min-h-0 flex-1 overflow-auto pb-2">
        {groups.length === 0 ? (
          <p role="status" className="p-4 text-center text-muted-foreground">
            No operation has all of these words.
          </p>
        ) : null}
        {groups.map(({ tag, operations }) => (
          <section key={tag} aria-label={tag}>
            <h2 className="sticky top-0 z-10 bg-card px-3 pt-3 pb-1 text-2xs font-medium text-muted-foreground">
              {tag}
            </h2>
            <ul>
              {operations.map((operation) => (
                <OperationRow
                  key={operation.id}
                  operation={operation}
                  selected={operation.id === selected}
                  tabStop={operation.id === tabStop}
                  onOpen={onOpen}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
    </div>
  );
}

function OperationRow({
  operation: { id, method, path, summary, permission },
  selected,
  tabStop,
  onOpen,
}: {
  operation: Operation;
  selected: boolean;
  tabStop: boolean;
  onOpen: (id: string) => void;
}) {
  const session = useSession().data;
  const denied = permission !== null && !holds(session, permission);
  return (
    <li>
      <button
        type="button"
        data-operation={id}
        tabIndex={tabStop ? 0 : -1}
        aria-current={selected || undefined}
        title={`${method} ${path}`}
        onClick={() => onOpen(id)}
        className="focus-inset flex min-h-7 w-full items-center gap-1.5 px-3 text-left text-xs hover:bg-accent aria-[current]:bg-accent aria-[current]:font-medium coarse:min-h-9"
      >
        <MethodMark method={method} />
        <span className="min-w-0 flex-1 truncate">{summary}</span>
        {denied ? (
          <span title={`You do not have ${permission}`}>
            <Lock aria-hidden className="size-3 text-muted-foreground" />
            <span className="sr-only">not permitted</span>
          </span>
        ) : null}
      </button>
    </li>
  );
}
