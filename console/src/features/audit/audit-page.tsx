"use client";

import { Lock, RefreshCw, ShieldCheck } from "lucide-react";
import { useQueryStates } from "nuqs";
import { useCallback, useMemo, useState } from "react";
import { ErrorBoundary } from "@/components/error-boundary";
import { lazyDialog } from "@/components/lazy-dialog";
import { PageTitle } from "@/components/page-title";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Kbd } from "@/components/ui/kbd";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView, Notice, RefetchBar } from "@/components/views";
import { useCan } from "@/features/access";
import { pathOf, useFleet } from "@/features/health";
import { paths } from "@/lib/paths";
import { useShortcuts } from "@/lib/shortcuts";
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
            How to verify
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
        {entries.isError && items.length === 0 ? (
          <ErrorView error={entries.error} what="The journal" onRetry={() => void entries.refetch()} />
        ) : entries.isPending ? (
          <Delayed>
            <div role="status" aria-label="Loading the journal" className="flex flex-col gap-2 p-3">
              {Array.from({ length: 12 }, (_, row) => (
                <Skeleton key={row} className="h-7" />
              ))}
            </div>
          </Delayed>
        ) : items.length === 0 ? (
          <Empty filters={filters} onClear={() => void setFilters(NO_FILTERS)} />
        ) : (
          <div className="min-h-0 flex-1 overflow-auto">
            <EntryTable entries={items} selected={entry} onOpen={open} onStep={step} />
            {entries.hasNextPage ? (
              <div className="flex items-center gap-3 p-3">
                <Button disabled={entries.isFetchingNextPage} onClick={() => void entries.fetchNextPage()}>
                  Earlier
                </Button>
                {entries.isError ? <p role="alert">{entries.error.message}</p> : null}
              </div>
            ) : (
              <p className="p-3 text-xs text-muted-foreground">
                {isNarrowed(narrowed) ? "That is all that matches." : "That is where the journal begins."}
              </p>
            )}
          </div>
        )}
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
      const at = items.findIndex(({ id }) => id === entry);
      const next = at < 0 ? undefined : items[at + by];
      if (next) void setEntry({ entry: next.id }, { history: "replace" });
    },
    [items, entry, setEntry],
  );
  return { entry, open, close, step };
}

/** Says that there is something newer than the list shows, and fetches it when asked. */
function Newer({ filters, first }: { filters: JournalFilters; first: string | undefined }) {
  const newest = useNewestId(filters).data;
  const refresh = useRefresh();
  const waiting = Boolean(newest && first && newest > first);
  useShortcuts(
    useMemo((): Record<string, () => void> => (waiting ? { u: refresh } : {}), [waiting, refresh]),
  );
  if (!waiting) return null;
  return (
    <div role="status" className="flex justify-center border-b bg-accent p-1">
      <Button variant="ghost" onClick={refresh}>
        <RefreshCw aria-hidden />
        Newer entries · show
        <Kbd aria-hidden>u</Kbd>
      </Button>
    </div>
  );
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
