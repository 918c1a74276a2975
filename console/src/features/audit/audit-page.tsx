"use client";

import { Lock, ShieldCheck } from "lucide-react";
import { useQueryStates } from "nuqs";
import { useCallback, useMemo, useState } from "react";
import { ErrorBoundary } from "@/components/error-boundary";
import { lazyDialog } from "@/components/lazy-dialog";
import { PageTitle } from "@/components/page-title";
import { NewerBar, PagedList } from "@/components/paged-list";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Notice, RefetchBar } from "@/components/views";
import { useCan } from "@/features/access";
import { pathOf, useFleet } from "@/features/health";
import { paths } from "@/lib/paths";
import { neighbour } from "@/lib/row-keys";
import type { JournalEntry } from "@/lib/types";
import { entryKeys, journalKeys, useScope } from "@/lib/url";
import { AuditToolbar } from "./audit-toolbar";
import { ChainCard } from "./chain-card";
import { EntryTable } from "./entry-table";
import { isNarrowed, NO_FILTERS, type JournalFilters } from "./filters";
import { useChains, useEntries, useFollowJournal, useNewestId, useRefresh } from "./queries";

const VerifyDialog = lazyDialog(() => import("./verify-dialog").then((module) => module.VerifyDialog));
const OpenEntry = lazyDialog(() => import("./entry-sheet").then((module) => module.OpenEntry));

/** Who changed what, when and from what to what. */
export function AuditPage() {
  if (useCan("journal.read")) return <Journal />;
  return (
    <div className="flex flex-col gap-3 p-4">
      <PageTitle title="Audit" above={{ name: "Admin", path: paths.admin }} />
      <Card>
        <Notice icon={Lock} title="You may not see the journal">
          This needs the permission journal.read. An administrator of the organisation can grant it.
        </Notice>
      </Card>
    </div>
  );
}

function Journal() {
  const [filters, setFilters] = useQueryStates(journalKeys, { history: "replace" });
  const narrowed = useScoped(filters);
  const entries = useEntries(narrowed);
  useFollowJournal(useChains().data);
  const items = useMemo(() => entries.data?.pages.flatMap((page) => page.items) ?? [], [entries.data]);
  const { entry, open, close, step } = useOpenEntry(items);
  const [verify, setVerify] = useState(false);

  return (
    <div className="flex min-h-full flex-col gap-3 p-4 md:h-full">
      <PageTitle
        title="Audit"
        above={{ name: "Admin", path: paths.admin }}
        actions={
          <Button onClick={() => setVerify(true)}>
            <ShieldCheck aria-hidden />
            Verify
          </Button>
        }
      >
        Every change, who made it, and from what to what. Nothing here can be altered.
      </PageTitle>
      <ErrorBoundary what="The chains">
        <ChainCard org={narrowed.org} />
      </ErrorBoundary>
      <Card aria-label="Entries" className="relative min-h-96 flex-1 overflow-hidden">
        <RefetchBar active={entries.isFetching && !entries.isFetchingNextPage && !entries.isPending} />
        <AuditToolbar filters={filters} effective={narrowed} setFilters={setFilters} entries={items} />
        {items.length > 0 ? <Newer filters={narrowed} first={items[0]?.id} /> : null}
        <PagedList
          pages={entries}
          count={items.length}
          what="The journal"
          empty={<Empty filters={filters} onClear={() => void setFilters(NO_FILTERS)} />}
          end={isNarrowed(narrowed) ? "That is all that matches." : "That is where the journal begins."}
        >
          <EntryTable entries={items} selected={entry} onOpen={open} onStep={step} />
        </PagedList>
      </Card>
      <VerifyDialog open={verify} onOpenChange={setVerify} />
      <OpenEntry
        open={entry !== null}
        id={entry}
        onClose={close}
        onFilter={(only) => {
          close();
          void setFilters({ ...NO_FILTERS, ...only });
        }}
        onStep={step}
      />
    </div>
  );
}

/** Narrowed to the organisation of the page's scope, too, unless the filters name one themselves. */
function useScoped(filters: JournalFilters): JournalFilters {
  const [{ scope }] = useScope();
  const fleet = useFleet().data;
  const organisation = !filters.org && scope && fleet ? (pathOf(fleet, scope)[0]?.id ?? scope) : null;
  return useMemo(() => (organisation ? { ...filters, org: organisation } : filters), [filters, organisation]);
}

/** The entry whose sheet is open. Opening is a step of the history; going on to its neighbour is not. */
function useOpenEntry(items: readonly JournalEntry[]) {
  const [{ entry }, setEntry] = useQueryStates(entryKeys);
  const open = useCallback((id: string) => void setEntry({ entry: id }, { history: "push" }), [setEntry]);
  const close = useCallback(() => void setEntry({ entry: null }, { history: "push" }), [setEntry]);
  const step = useCallback(
    (by: number) => {
      const next = neighbour(items, entry, by);
      if (next) void setEntry({ entry: next.id }, { history: "replace" });
    },
    [items, entry, setEntry],
  );
  return { entry, open, close, step };
}

function Newer({ filters, first }: { filters: JournalFilters; first: string | undefined }) {
  const newest = useNewestId(filters).data;
  const refresh = useRefresh();
  const waiting = Boolean(newest && first && newest > first);
  return <NewerBar what="entries" waiting={waiting} onShow={refresh} />;
}

function Empty({ filters, onClear }: { filters: JournalFilters; onClear: () => void }) {
  if (!isNarrowed(filters)) {
    return <Notice title="No entries yet">Each change of anything appears here, from the first on.</Notice>;
  }
  return (
    <Notice
      title="No entries match"
      actions={
        <Button variant="primary" onClick={onClear}>
          Clear all filters
        </Button>
      }
    >
      Take away a filter above, widen the range of time, or clear them all.
    </Notice>
  );
}
