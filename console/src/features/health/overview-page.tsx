"use client";

import { useMemo } from "react";
import { useQueryStates } from "nuqs";
import { ErrorBoundary } from "@/components/error-boundary";
import { STATE } from "@/components/state";
import { Card } from "@/components/ui/card";
import { Button } from "@/components/ui/button";
import { Delayed, ErrorView, Notice, RefetchBar } from "@/components/views";
import { NARROW, useMedia } from "@/lib/media";
import { useFilters, useScope, useSheets, viewKeys } from "@/lib/url";
import { useRooms } from "@/lib/live";
import type { HealthState } from "@/lib/types";
import { AttentionList } from "./attention-list";
import { FirstUse } from "./first-use";
import { organisationRooms, type Fleet } from "./fleet";
import { InstanceList } from "./instance-list";
import { InstanceMatrix } from "./instance-matrix";
import {
  byUrgency,
  columnsOf,
  countStates,
  filterInstances,
  instancesOf,
  isFiltered,
  needsAttention,
  rowsOf,
  type Filters,
} from "./overview";
import { OverviewSkeleton } from "./overview-skeleton";
import { OverviewToolbar, type SetFilters } from "./overview-toolbar";
import { useFleet, useTags } from "./queries";
import { RecentChanges } from "./recent-changes";
import { StateCounters } from "./state-counters";

const NO_TAGS: ReadonlyMap<string, readonly string[]> = new Map();

/** Is anything wrong, and where: the first screen of the console. */
export function OverviewPage() {
  const fleet = useFleet();
  const rooms = useMemo(() => organisationRooms(fleet.data), [fleet.data]);
  useRooms(rooms);

  return (
    <div className="flex min-h-full flex-col gap-4 p-4 md:h-full">
      <h1 className="sr-only">Overview</h1>
      {fleet.data ? (
        <Overview fleet={fleet.data} refetching={fleet.isFetching && fleet.isError} />
      ) : fleet.isError ? (
        <Card>
          <ErrorView error={fleet.error} what="The overview" onRetry={() => void fleet.refetch()} />
        </Card>
      ) : (
        <Delayed>
          <OverviewSkeleton />
        </Delayed>
      )}
    </div>
  );
}

function Overview({ fleet, refetching }: { fleet: Fleet; refetching: boolean }) {
  const [filters, setFilters] = useFilters();
  const [{ view }, setView] = useQueryStates(viewKeys, { history: "replace" });
  const [{ scope }] = useScope();
  const { env, openInstance } = useSheets();
  const tags = useTags().data ?? NO_TAGS;
  const narrow = useMedia(NARROW);

  const instances = useMemo(() => instancesOf(fleet, scope, tags), [fleet, scope, tags]);
  const matching = useMemo(() => filterInstances(instances, filters), [instances, filters]);
  const shown = useMemo(
    () =>
      filters.state.length === 0
        ? matching
        : matching.filter(({ node }) => filters.state.includes(node.health.state)),
    [matching, filters.state],
  );
  const columns = useMemo(() => columnsOf(shown), [shown]);
  const rows = useMemo(() => rowsOf(shown, columns), [shown, columns]);
  const attention = useMemo(() => needsAttention(matching, filters.state), [matching, filters.state]);
  const counts = useMemo(() => countStates(matching), [matching]);

  if (instances.length === 0 && scope === null) return <FirstUse />;

  const toggle = (state: HealthState) =>
    void setFilters({
      state: filters.state.includes(state)
        ? filters.state.filter((each) => each !== state)
        : [...filters.state, state],
    });
  const asList = narrow || view === "list";

  return (
    <>
      <StateCounters counts={counts} active={filters.state} onToggle={toggle} />
      <div className="grid shrink-0 gap-4 lg:grid-cols-[3fr_2fr]">
        <ErrorBoundary what="Needs attention">
          <AttentionList
            instances={attention}
            states={filters.state}
            filtered={isFiltered(filters)}
            onOpen={openInstance}
          />
        </ErrorBoundary>
        <ErrorBoundary what="Recent changes">
          <RecentChanges fleet={fleet} scope={scope} onOpen={openInstance} />
        </ErrorBoundary>
      </div>
      <Card aria-label="Instances" className="relative min-h-80 flex-1 overflow-hidden md:min-h-72">
        <RefetchBar active={refetching} />
        <OverviewToolbar
          instances={instances}
          shown={shown.length}
          filters={filters}
          setFilters={setFilters}
          view={view}
          setView={narrow ? null : (next) => void setView({ view: next })}
        />
        <ErrorBoundary what="The instances">
          {shown.length === 0 ? (
            <EmptyByFilter filters={filters} setFilters={setFilters} />
          ) : asList ? (
            <InstanceList instances={[...shown].sort(byUrgency)} selected={env} onOpen={openInstance} />
          ) : (
            <InstanceMatrix rows={rows} columns={columns} selected={env} onOpen={openInstance} />
          )}
        </ErrorBoundary>
      </Card>
    </>
  );
}

/** Names the filters, each of which can be taken away. */
function EmptyByFilter({ filters, setFilters }: { filters: Filters; setFilters: SetFilters }) {
  if (!isFiltered(filters)) {
    return <Notice title="No instances in this scope">Choose a wider scope at the top of the page.</Notice>;
  }
  const chips: { label: string; remove: () => unknown }[] = [
    ...(filters.q ? [{ label: `“${filters.q}”`, remove: () => setFilters({ q: "" }) }] : []),
    ...filters.state.map((state) => ({
      label: STATE[state].word,
      remove: () => setFilters({ state: filters.state.filter((each) => each !== state) }),
    })),
    ...filters.group.map((group) => ({
      label: `group ${group}`,
      remove: () => setFilters({ group: filters.group.filter((each) => each !== group) }),
    })),
    ...filters.tag.map((tag) => ({
      label: `tag ${tag}`,
      remove: () => setFilters({ tag: filters.tag.filter((each) => each !== tag) }),
    })),
  ];
  return (
    <Notice
      title="No instances match"
      actions={
        <>
          {chips.map((chip) => (
            <Button key={chip.label} onClick={chip.remove} aria-label={`Remove filter ${chip.label}`}>
              {chip.label} ×
            </Button>
          ))}
          <Button variant="primary" onClick={() => setFilters(null)}>
            Clear all filters
          </Button>
        </>
      }
    >
      Take away a filter, or clear them all.
    </Notice>
  );
}
