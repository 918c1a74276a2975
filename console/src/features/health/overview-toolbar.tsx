"use client";

import { LayoutGrid, List, Search, X } from "lucide-react";
import { debounce } from "nuqs";
import { useMemo, useRef } from "react";
import { FilterMenu, type FilterOption } from "@/components/filter-menu";
import { STATE, StateIcon } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Kbd } from "@/components/ui/kbd";
import { useShortcuts } from "@/lib/shortcuts";
import { HEALTH_STATES, type HealthState } from "@/lib/types";
import { columnsOf, isFiltered, type Filters, type Instance } from "./overview";

const TYPING_MS = 200;
const STATE_OPTIONS: FilterOption<HealthState>[] = HEALTH_STATES.map((state) => ({
  value: state,
  label: STATE[state].word,
  icon: <StateIcon state={state} />,
}));

export type SetFilters = (
  next: Partial<Filters> | null,
  options?: { limitUrlUpdates?: ReturnType<typeof debounce> },
) => unknown;

/** Search, filters and the choice between matrix and list. All of it lives in the address. */
export function OverviewToolbar({
  instances,
  shown,
  filters,
  setFilters,
  view,
  setView,
}: {
  instances: Instance[];
  shown: number;
  filters: Filters;
  setFilters: SetFilters;
  view: "matrix" | "list";
  setView: ((view: "matrix" | "list") => void) | null;
}) {
  const search = useRef<HTMLInputElement>(null);
  useShortcuts(useMemo(() => ({ "/": () => search.current?.focus() }), []));
  const options = useMemo(() => filterOptions(instances), [instances]);

  return (
    <div role="search" className="flex flex-wrap items-center gap-2 border-b p-2">
      <div className="relative w-full md:w-60">
        <Search aria-hidden className="absolute top-2 left-2 size-3.5 text-muted-foreground" />
        <Input
          ref={search}
          type="search"
          aria-label="Filter instances"
          placeholder="Filter by name, system, tag…"
          value={filters.q}
          onChange={(event) => {
            const q = event.target.value;
            setFilters({ q }, q === "" ? {} : { limitUrlUpdates: debounce(TYPING_MS) });
          }}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            if (filters.q) setFilters({ q: "" });
            else event.currentTarget.blur();
          }}
          className="h-7 pr-8 pl-7 text-xs coarse:h-8 [&::-webkit-search-cancel-button]:hidden"
        />
        {filters.q ? null : (
          <Kbd aria-hidden className="absolute top-1 right-1 max-md:hidden">
            /
          </Kbd>
        )}
      </div>
      <FilterMenu
        label="State"
        options={STATE_OPTIONS}
        value={filters.state}
        onChange={(state) => setFilters({ state })}
      />
      <FilterMenu
        label="System"
        options={options.systems}
        value={filters.system}
        onChange={(system) => setFilters({ system })}
      />
      <FilterMenu
        label="Group"
        options={options.groups}
        value={filters.group}
        onChange={(group) => setFilters({ group })}
      />
      {options.tags.length > 0 ? (
        <FilterMenu
          label="Tag"
          options={options.tags}
          value={filters.tag}
          onChange={(tag) => setFilters({ tag })}
        />
      ) : null}
      {isFiltered(filters) ? (
        <Button variant="ghost" onClick={() => setFilters(null)}>
          <X aria-hidden />
          Clear
        </Button>
      ) : null}
      <span className="ml-auto flex items-center gap-3">
        <span role="status" className="numeric text-xs text-muted-foreground">
          {shown === instances.length
            ? `${shown.toLocaleString("en")} instances`
            : `${shown.toLocaleString("en")} of ${instances.length.toLocaleString("en")} instances`}
        </span>
        {setView ? <ViewSwitch view={view} setView={setView} /> : null}
      </span>
    </div>
  );
}

function ViewSwitch({
  view,
  setView,
}: {
  view: "matrix" | "list";
  setView: (view: "matrix" | "list") => void;
}) {
  return (
    <span role="group" aria-label="View" className="flex rounded-md border border-input/60 p-px">
      {(["matrix", "list"] as const).map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={view === each}
          aria-label={each === "matrix" ? "Matrix" : "List"}
          onClick={() => setView(each)}
          className="grid h-6 w-7 place-items-center rounded-sm text-muted-foreground hover:text-foreground aria-pressed:bg-accent aria-pressed:text-foreground"
        >
          {each === "matrix" ? (
            <LayoutGrid aria-hidden className="size-3.5" />
          ) : (
            <List aria-hidden className="size-3.5" />
          )}
        </button>
      ))}
    </span>
  );
}

function filterOptions(instances: Instance[]) {
  const systems = new Map(instances.map(({ system }) => [system.id, system.name]));
  const tags = new Set(instances.flatMap((instance) => instance.tags));
  return {
    systems: [...systems]
      .map(([value, label]) => ({ value, label }))
      .sort((a, b) => a.label.localeCompare(b.label)),
    groups: columnsOf(instances).map(({ key, name }) => ({ value: key, label: name })),
    tags: [...tags].sort().map((tag) => ({ value: tag, label: tag })),
  };
}
