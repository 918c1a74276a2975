"use client";

import { RefreshCw } from "lucide-react";
import { useQueryStates } from "nuqs";
import { useCallback, useMemo } from "react";
import { lazyDialog } from "@/components/lazy-dialog";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Kbd } from "@/components/ui/kbd";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView, Notice, RefetchBar } from "@/components/views";
import { useShortcuts } from "@/lib/shortcuts";
import type { Delivery, Webhook } from "@/lib/types";
import { webhookKeys } from "@/lib/url";
import { isNarrowed, NO_FILTERS, type DeliveryFilters } from "./delivery-filters";
import { DeliveryTable } from "./delivery-table";
import { DeliveryToolbar } from "./delivery-toolbar";
import { useDeliveries, useFollowWaiting, useNewestDelivery, useRefreshDeliveries } from "./delivery-queries";

const OpenDelivery = lazyDialog(() => import("./delivery-sheet").then((module) => module.OpenDelivery));

/** What was sent to a webhook, newest first, and what came of it. */
export function DeliveryLog({ webhook }: { webhook: Webhook }) {
  const [{ delivery, state, type, from, to }, setPlace] = useQueryStates(webhookKeys);
  const filters = useMemo(() => ({ state, type, from, to }), [state, type, from, to]);
  const setFilters = useCallback(
    (next: Partial<DeliveryFilters>) => void setPlace(next, { history: "replace" }),
    [setPlace],
  );
  const deliveries = useDeliveries(webhook.id, filters);
  const items = useMemo(() => deliveries.data?.pages.flatMap((page) => page.items) ?? [], [deliveries.data]);
  useFollowWaiting(items);

  const open = useCallback(
    (id: string | null) => void setPlace({ delivery: id }, { history: "push" }),
    [setPlace],
  );
  const step = useCallback(
    (by: number) => {
      const at = items.findIndex(({ id }) => id === delivery);
      const next = at < 0 ? undefined : items[at + by];
      if (next) void setPlace({ delivery: next.id }, { history: "replace" });
    },
    [items, delivery, setPlace],
  );

  return (
    <Card aria-label="Deliveries" className="relative min-h-96 flex-1 overflow-hidden">
      <RefetchBar active={deliveries.isFetching && !deliveries.isFetchingNextPage && !deliveries.isPending} />
      <DeliveryToolbar webhook={webhook} filters={filters} setFilters={setFilters} deliveries={items} />
      {deliveries.isSuccess ? (
        <Newer
          webhook={webhook.id}
          filters={filters}
          known={deliveries.data.pages[0]?.items}
          busy={deliveries.isFetching}
        />
      ) : null}
      {deliveries.isError && items.length === 0 ? (
        <ErrorView error={deliveries.error} what="The log" onRetry={() => void deliveries.refetch()} />
      ) : deliveries.isPending ? (
        <Delayed>
          <div role="status" aria-label="Loading the log" className="flex flex-col gap-2 p-3">
            {Array.from({ length: 8 }, (_, row) => (
              <Skeleton key={row} className="h-7" />
            ))}
          </div>
        </Delayed>
      ) : items.length === 0 ? (
        <Empty webhook={webhook} filters={filters} onClear={() => setFilters(NO_FILTERS)} />
      ) : (
        <div className="min-h-0 flex-1 overflow-auto">
          <DeliveryTable deliveries={items} selected={delivery} onOpen={open} onStep={step} />
          {deliveries.hasNextPage ? (
            <div className="flex items-center gap-3 p-3">
              <Button
                disabled={deliveries.isFetchingNextPage}
                onClick={() => void deliveries.fetchNextPage()}
              >
                Earlier
              </Button>
              {deliveries.isError ? <p role="alert">{deliveries.error.message}</p> : null}
            </div>
          ) : (
            <p className="p-3 text-xs text-muted-foreground">
              {isNarrowed(filters)
                ? "That is all that matches."
                : "That is all. What has ended is kept for 30 days."}
            </p>
          )}
        </div>
      )}
      <OpenDelivery
        open={delivery !== null}
        id={delivery}
        webhook={webhook}
        onClose={() => open(null)}
        onStep={step}
      />
    </Card>
  );
}

/** Says that there is something newer than the log shows, and fetches it when asked. */
function Newer({
  webhook,
  filters,
  known,
  busy,
}: {
  webhook: string;
  filters: DeliveryFilters;
  known: readonly Delivery[] | undefined;
  busy: boolean;
}) {
  const newest = useNewestDelivery(webhook, filters).data;
  const refresh = useRefreshDeliveries();
  const waiting = Boolean(newest && !busy && known && !known.some(({ id }) => id === newest));
  useShortcuts(
    useMemo((): Record<string, () => void> => (waiting ? { u: refresh } : {}), [waiting, refresh]),
  );
  if (!waiting) return null;
  return (
    <div role="status" className="flex justify-center border-b bg-accent p-1">
      <Button variant="ghost" onClick={refresh}>
        <RefreshCw aria-hidden />
        Newer deliveries · show
        <Kbd aria-hidden>u</Kbd>
      </Button>
    </div>
  );
}

function Empty({
  webhook,
  filters,
  onClear,
}: {
  webhook: Webhook;
  filters: DeliveryFilters;
  onClear: () => void;
}) {
  if (!isNarrowed(filters)) {
    return (
      <Notice title="Nothing was sent yet">
        {webhook.enabled
          ? "Each event that fits appears here, with what the receiver answered. A test event shows whether it arrives."
          : "The webhook is off: switch it on, and each event that fits appears here."}
      </Notice>
    );
  }
  return (
    <Notice
      title="No deliveries match"
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
