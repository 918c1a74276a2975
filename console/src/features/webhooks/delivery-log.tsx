"use client";

import { useQueryStates } from "nuqs";
import { useCallback, useMemo } from "react";
import { lazyDialog } from "@/components/lazy-dialog";
import { NewerBar, PagedList } from "@/components/paged-list";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Notice, RefetchBar } from "@/components/views";
import { neighbour } from "@/lib/row-keys";
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
      const next = neighbour(items, delivery, by);
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
      <PagedList
        pages={deliveries}
        count={items.length}
        what="The log"
        empty={<Empty webhook={webhook} filters={filters} onClear={() => setFilters(NO_FILTERS)} />}
        end={
          isNarrowed(filters)
            ? "That is all that matches."
            : "That is all. What has ended is kept for 30 days."
        }
      >
        <DeliveryTable deliveries={items} selected={delivery} onOpen={open} onStep={step} />
      </PagedList>
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
  return <NewerBar what="deliveries" waiting={waiting} onShow={refresh} />;
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
