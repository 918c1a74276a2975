// What was sent to webhooks: with queries.ts the only place of this domain that calls the API.

import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryClient,
} from "@tanstack/react-query";
import { useCallback } from "react";
import { api, exactly } from "@/lib/api";
import type { Delivery, DeliveryDetail, Page } from "@/lib/types";
import { deliveryParameters, type DeliveryFilters } from "./delivery-filters";
import { IDLE_MS, pollMs, SOON_MS } from "./polling";
import { keys as common } from "./queries";

const keys = {
  ...common,
  lists: [...common.deliveries, "list"] as const,
  list: (webhook: string, filters: DeliveryFilters) =>
    [...common.deliveries, "list", webhook, filters] as const,
  newest: (webhook: string, filters: DeliveryFilters) =>
    [...common.deliveries, "newest", webhook, filters] as const,
  waiting: (ids: readonly string[]) => [...common.deliveries, "waiting", ids] as const,
  delivery: (id: string) => [...common.deliveries, "one", id] as const,
};

const PAGE = 50;
const NEWEST = "-created_at";

interface PageQuery {
  limit: number;
  cursor?: string;
  fields?: string;
}

function listDeliveries<Item>(
  webhook: string,
  filters: DeliveryFilters,
  page: PageQuery,
  signal: AbortSignal,
) {
  const narrowed = deliveryParameters(filters, Date.now());
  const query = { webhook: [webhook], ...narrowed, sort: NEWEST, ...page };
  return exactly<Page<Item>>(api.GET("/api/v1/webhook-deliveries", { params: { query }, signal }));
}

/** Deliveries, newest first, a page at a time. Their order stays while they are read: see `useNewestDelivery`. */
export function useDeliveries(webhook: string, filters: DeliveryFilters) {
  return useInfiniteQuery({
    queryKey: keys.list(webhook, filters),
    queryFn: ({ pageParam, signal }) => {
      const page = pageParam ? { limit: PAGE, cursor: pageParam } : { limit: PAGE };
      return listDeliveries<Delivery>(webhook, filters, page, signal);
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    staleTime: Infinity,
  });
}

/** The id of the newest delivery that the filters find, looked up again and again. */
export function useNewestDelivery(webhook: string, filters: DeliveryFilters) {
  return useQuery({
    queryKey: keys.newest(webhook, filters),
    queryFn: async ({ signal }) => {
      const page = await listDeliveries<{ id: string }>(webhook, filters, { limit: 1, fields: "id" }, signal);
      return page.items[0]?.id ?? null;
    },
    refetchInterval: IDLE_MS,
  });
}

/** Fetches the log anew, with what was made meanwhile. */
export function useRefreshDeliveries(): () => void {
  const client = useQueryClient();
  return useCallback(() => void client.invalidateQueries({ queryKey: keys.deliveries }), [client]);
}

/** Writes what is known better into each list that has it. */
function patchLists(client: QueryClient, fresh: readonly Delivery[]): void {
  const known = new Map(fresh.map((delivery) => [delivery.id, delivery]));
  client.setQueriesData<InfiniteData<Page<Delivery>>>({ queryKey: keys.lists }, (list) =>
    list
      ? {
          ...list,
          pages: list.pages.map((page) => ({
            ...page,
            items: page.items.map((item) => known.get(item.id) ?? item),
          })),
        }
      : list,
  );
}

/** Keeps those deliveries of a list up to date that still wait, in their places; nothing is asked while none does. */
export function useFollowWaiting(shown: readonly Delivery[]): void {
  const client = useQueryClient();
  const waiting = shown.filter(({ state }) => state === "waiting").slice(0, PAGE);
  const ids = waiting.map(({ id }) => id);
  useQuery({
    queryKey: keys.waiting(ids),
    queryFn: async ({ signal }) => {
      const query = { id: ids, limit: PAGE };
      const request = api.GET("/api/v1/webhook-deliveries", { params: { query }, signal });
      const { items } = await exactly<Page<Delivery>>(request);
      patchLists(client, items);
      if (items.some(({ state }) => state !== "waiting")) {
        void client.invalidateQueries({ queryKey: keys.webhooks });
      }
      return items;
    },
    enabled: ids.length > 0,
    staleTime: SOON_MS,
    gcTime: 0,
    refetchInterval: ({ state }) => pollMs(state.data ?? waiting, Date.now()),
  });
}

/** A delivery with what was sent and each attempt; followed while it waits. */
export function useDelivery(id: string) {
  return useQuery<DeliveryDetail>({
    queryKey: keys.delivery(id),
    queryFn: ({ signal }) =>
      exactly(api.GET("/api/v1/webhook-deliveries/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => pollMs(state.data ? [state.data] : [], Date.now()),
  });
}

export function useReplayDelivery() {
  const client = useQueryClient();
  return useMutation<DeliveryDetail, Error, string>({
    mutationFn: (id) =>
      exactly(api.POST("/api/v1/webhook-deliveries/{id}/replay", { params: { path: { id } } })),
    onSuccess: (delivery) => {
      client.setQueryData(keys.delivery(delivery.id), delivery);
      patchLists(client, [delivery]);
      void client.invalidateQueries({ queryKey: keys.webhooks });
    },
  });
}
