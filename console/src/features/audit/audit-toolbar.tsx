"use client";

import { Download, Search, X } from "lucide-react";
import dynamic from "next/dynamic";
import { debounce } from "nuqs";
import { useMemo, useRef } from "react";
import { FilterMenu, type FilterOption } from "@/components/filter-menu";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Kbd } from "@/components/ui/kbd";
import { useShortcuts } from "@/lib/shortcuts";
import type { JournalEntry } from "@/lib/types";
import { chainName, isNarrowed, NO_FILTERS, type JournalFilters } from "./filters";
import { useChains, useKeyNames, useTotal } from "./queries";
import { RangeMenu } from "./range-menu";
import { ACTIONS, actionWord, KINDS, kindWord } from "./words";

const TYPING_MS = 200;

// Not in the first load; until it is there, a button of its size keeps the place.
const ExportMenu = dynamic(() => import("./export-menu").then((module) => module.ExportMenu), {
  ssr: false,
  loading: () => (
    <Button disabled>
      <Download aria-hidden />
      Export
    </Button>
  ),
});

export type SetJournalFilters = (
  next: Partial<JournalFilters>,
  options?: { limitUrlUpdates?: ReturnType<typeof debounce> },
) => unknown;

/** All that narrows the journal; it lives in the address. `effective` has the scope of the page in it, too. */
export function AuditToolbar({
  filters,
  effective,
  setFilters,
  entries,
}: {
  filters: JournalFilters;
  effective: JournalFilters;
  setFilters: SetJournalFilters;
  entries: readonly JournalEntry[];
}) {
  const options = useOptions(effective, entries);
  return (
    <div role="search" className="flex flex-wrap items-center gap-2 border-b p-2">
      <SearchField value={filters.q} setFilters={setFilters} />
      <RangeMenu from={filters.from} to={filters.to} onChange={(range) => setFilters(range)} />
      <FilterMenu
        label="Who"
        options={options.actors}
        value={filters.actor}
        onChange={(actor) => setFilters({ actor })}
      />
      {options.credentials.length > 0 ? (
        <FilterMenu
          label="Key"
          options={options.credentials}
          value={filters.credential}
          onChange={(credential) => setFilters({ credential })}
        />
      ) : null}
      <FilterMenu
        label="Action"
        options={options.actions}
        value={filters.action}
        onChange={(action) => setFilters({ action })}
      />
      <FilterMenu
        label="Kind"
        options={options.kinds}
        value={filters.kind}
        onChange={(kind) => setFilters({ kind })}
      />
      {options.organisations.length > 1 || effective.org ? (
        <FilterMenu
          label="Organisation"
          options={options.organisations}
          value={effective.org ? [effective.org] : []}
          onChange={(orgs) => setFilters({ org: orgs.at(-1) ?? null })}
        />
      ) : null}
      {filters.request ? (
        <Chip label="Request" text={filters.request} onRemove={() => setFilters({ request: null })} />
      ) : null}
      {filters.address ? (
        <Chip label="From" text={filters.address} onRemove={() => setFilters({ address: null })} />
      ) : null}
      {filters.entity ? (
        <Chip
          label="History of"
          text={options.entityName ?? filters.entity}
          onRemove={() => setFilters({ entity: null })}
        />
      ) : null}
      {isNarrowed(filters) ? (
        <Button variant="ghost" onClick={() => setFilters(NO_FILTERS)}>
          <X aria-hidden />
          Clear
        </Button>
      ) : null}
      <span className="ml-auto flex items-center gap-3">
        <Total filters={effective} />
        <ExportMenu filters={effective} />
      </span>
    </div>
  );
}

function SearchField({ value, setFilters }: { value: string; setFilters: SetJournalFilters }) {
  const search = useRef<HTMLInputElement>(null);
  useShortcuts(useMemo(() => ({ "/": () => search.current?.focus() }), []));
  return (
    <div className="relative w-full md:w-52">
      <Search aria-hidden className="absolute top-2 left-2 size-3.5 text-muted-foreground" />
      <Input
        ref={search}
        type="search"
        aria-label="Find entries"
        placeholder="Find a name, key, reason…"
        value={value}
        onChange={(event) => {
          const q = event.target.value;
          setFilters({ q }, q === "" ? {} : { limitUrlUpdates: debounce(TYPING_MS) });
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (value) setFilters({ q: "" });
          else event.currentTarget.blur();
        }}
        className="h-7 pr-8 pl-7 text-xs coarse:h-8 [&::-webkit-search-cancel-button]:hidden"
      />
      {value ? null : (
        <Kbd aria-hidden className="absolute top-1 right-1 max-md:hidden">
          /
        </Kbd>
      )}
    </div>
  );
}

function Chip({ label, text, onRemove }: { label: string; text: string; onRemove: () => void }) {
  return (
    <Button
      onClick={onRemove}
      aria-label={`Remove filter ${label.toLowerCase()} ${text}`}
      className="max-w-64"
    >
      <span className="font-normal text-muted-foreground">{label}</span>
      <span className="truncate">{text}</span>
      <X aria-hidden />
    </Button>
  );
}

function Total({ filters }: { filters: JournalFilters }) {
  const total = useTotal(filters).data;
  return (
    <span role="status" className="numeric text-xs text-muted-foreground">
      {typeof total === "number" ? `${total.toLocaleString("en")} ${total === 1 ? "entry" : "entries"}` : ""}
    </span>
  );
}

/** The choices of each menu: what is known, what the list shows, and what is chosen. */
function useOptions(filters: JournalFilters, entries: readonly JournalEntry[]) {
  const names = useKeyNames().data;
  const chains = useChains().data;
  return useMemo(() => {
    const words = (known: readonly string[], met: string[], word: (value: string) => string) =>
      [...new Set([...known, ...met])].map((value): FilterOption<string> => ({ value, label: word(value) }));
    const actors = [...new Set([...entries.map(({ actor }) => actor), ...filters.actor])].sort();
    const credentials = new Set([...(names?.keys() ?? []), ...filters.credential]);
    const subject = entries.find(({ entity }) => entity === filters.entity);
    return {
      actors: actors.map((value) => ({ value, label: value })),
      credentials: [...credentials].map((value) => ({ value, label: names?.get(value) ?? value })),
      actions: words(ACTIONS, [...entries.map(({ action }) => action), ...filters.action], actionWord),
      kinds: words(KINDS, [...entries.map(({ kind }) => kind), ...filters.kind], kindWord),
      organisations: (chains ?? []).map((chain) => ({ value: chain.chain, label: chainName(chain) })),
      entityName: subject ? nameOf(subject) : null,
    };
  }, [filters, entries, names, chains]);
}

function nameOf({ before, after }: JournalEntry): string | null {
  const name = (after ?? before)?.name;
  return typeof name === "string" ? name : null;
}
