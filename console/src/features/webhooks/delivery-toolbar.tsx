"use client";

import { X } from "lucide-react";
import { useMemo } from "react";
import { FilterMenu } from "@/components/filter-menu";
import { Button } from "@/components/ui/button";
import { RangeMenu } from "@/features/audit";
import { DELIVERY_STATES, type Delivery, type Webhook } from "@/lib/types";
import { isNarrowed, NO_FILTERS, type DeliveryFilters } from "./delivery-filters";
import { isCovered } from "./events";
import { deliveryWord } from "./marks";
import { useEventTypes } from "./queries";

const STATES = DELIVERY_STATES.map((value) => ({ value, label: deliveryWord(value) }));

/** All that narrows the log; it lives in the address. */
export function DeliveryToolbar({
  webhook,
  filters,
  setFilters,
  deliveries,
}: {
  webhook: Webhook;
  filters: DeliveryFilters;
  setFilters: (next: Partial<DeliveryFilters>) => void;
  deliveries: readonly Delivery[];
}) {
  const known = useEventTypes().data;
  const types = useMemo(() => {
    const asked = (known ?? []).map(({ type }) => type).filter((type) => isCovered(webhook.events, type));
    const all = [...asked, ...deliveries.map(({ type }) => type), ...filters.type];
    return [...new Set(all)].map((value) => ({ value, label: value }));
  }, [known, webhook.events, deliveries, filters.type]);

  return (
    <div role="search" className="flex flex-wrap items-center gap-2 border-b p-2">
      <h2 className="mr-2 pl-1 font-medium">Deliveries</h2>
      <RangeMenu from={filters.from} to={filters.to} onChange={setFilters} />
      <FilterMenu
        label="State"
        options={STATES}
        value={filters.state}
        onChange={(state) => setFilters({ state })}
      />
      <FilterMenu
        label="Event"
        options={types}
        value={filters.type}
        onChange={(type) => setFilters({ type })}
      />
      {isNarrowed(filters) ? (
        <Button variant="ghost" onClick={() => setFilters(NO_FILTERS)}>
          <X aria-hidden />
          Clear
        </Button>
      ) : null}
    </div>
  );
}
