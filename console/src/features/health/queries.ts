// The only place of this domain that calls the API.

import {
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, exactly } from "@/lib/api";
import { live, POLL_MS } from "@/lib/live";
import { useSignal } from "@/lib/signal";
import type {
  Check,
  EntityHealth,
  HealthEvent,
  Kind,
  MaintenanceWindow,
  MaintenanceWindowNew,
  Page,
  Result,
} from "@/lib/types";
import { buildFleet, depthToInstances, keepNewer, type Fleet } from "./fleet";

/** Kinds that a sheet can show. */
export type SheetKind = "instance" | "component";

export const keys = {
  trees: ["tree"] as const,
  fleet: ["tree", "fleet"] as const,
  instanceTree: (id: string) => ["tree", id] as const,
  healths: ["health"] as const,
  health: (kind: SheetKind, id: string) => ["health", kind, id] as const,
  results: (check: string) => ["results", check] as const,
  events: ["events"] as const,
  eventsOf: (query: EventQuery) => ["events", query] as const,
  check: (id: string) => ["check", id] as const,
  windows: ["maintenance-windows"] as const,
  tags: ["tags"] as const,
  search: (q: string) => ["component-search", q] as const,
};

/** While the socket is down, data is fetched again at an interval instead. */
export function useFallbackInterval(): number | false {
  return useSignal(live.status) === "live" ? false : POLL_MS;
}

const PAGE = 1_000;
const MOST_DEPTH = 12;
let fleetDepth = 3; // organisation, unit, system, instance; more where units are nested

async function fetchFleet(signal: AbortSignal) {
  for (;;) {
    const query = { depth: fleetDepth, include: "health" as const };
    const { items } = await data(api.GET("/api/v1/tree", { params: { query }, signal }));
    const depth = Math.min(depthToInstances(items), MOST_DEPTH);
    if (depth <= fleetDepth) return buildFleet(items);
    fleetDepth = depth;
  }
}

const fleetOptions = queryOptions({
  queryKey: keys.fleet,
  queryFn: async ({ signal, client }) =>
    keepNewer(await fetchFleet(signal), client.getQueryData<Fleet>(keys.fleet)),
  structuralSharing: false,
});

/** Everything down to the instances, with their health. */
export function useFleet() {
  return useQuery({ ...fleetOptions, refetchInterval: useFallbackInterval() });
}

async function fetchTags(collection: "/api/v1/instances" | "/api/v1/systems", signal: AbortSignal) {
  const tags: [string, readonly string[]][] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: PAGE, ...(cursor ? { cursor } : {}) };
    const page = await data(api.GET(collection, { params: { query }, signal }));
    for (const entity of page.items) if (entity.tags.length > 0) tags.push([entity.id, entity.tags]);
    cursor = page.next ?? undefined;
  } while (cursor);
  return tags;
}

/** Tags by instance and by system; the tree does not carry them. */
export function useTags() {
  return useQuery({
    queryKey: keys.tags,
    queryFn: async ({ signal }) => {
      const [instances, systems] = await Promise.all([
        fetchTags("/api/v1/instances", signal),
        fetchTags("/api/v1/systems", signal),
      ]);
      return new Map([...instances, ...systems]);
    },
    staleTime: 5 * 60_000,
    structuralSharing: false,
  });
}

/** An instance with its components and their health. */
export function useInstanceTree(id: string) {
  return useQuery({
    queryKey: keys.instanceTree(id),
    queryFn: async ({ signal, client }) => {
      const query = { root: id, depth: 1, include: "health" as const };
      const { items } = await data(api.GET("/api/v1/tree", { params: { query }, signal }));
      return keepNewer(buildFleet(items), client.getQueryData<Fleet>(keys.instanceTree(id)));
    },
    structuralSharing: false,
    refetchInterval: useFallbackInterval(),
  });
}

const SEARCH_RESULTS = 20;

/** Components by name; the console does not hold them all, so the server searches. */
export function useComponentSearch(q: string) {
  return useQuery({
    queryKey: keys.search(q),
    queryFn: async ({ signal }) => {
      const query = { q, limit: SEARCH_RESULTS };
      return (await data(api.GET("/api/v1/components", { params: { query }, signal }))).items;
    },
    enabled: q.length > 1,
    placeholderData: q.length > 1 ? keepPreviousData : undefined,
    staleTime: 30_000,
  });
}

function fetchHealth(kind: SheetKind, id: string, signal: AbortSignal): Promise<EntityHealth> {
  const request = { params: { path: { id } }, signal };
  return kind === "instance"
    ? exactly(api.GET("/api/v1/instances/{id}/health", request))
    : exactly(api.GET("/api/v1/components/{id}/health", request));
}

/** State, path, causes and checks of what a sheet shows. */
export function useEntityHealth(kind: SheetKind, id: string) {
  return useQuery({
    queryKey: keys.health(kind, id),
    queryFn: ({ signal }) => fetchHealth(kind, id, signal),
    refetchInterval: useFallbackInterval(),
  });
}

const RESULTS = 200;

/** The newest results of a check, newest first. */
export function useResults(check: string) {
  return useQuery({
    queryKey: keys.results(check),
    queryFn: async ({ signal }) => {
      const params = { path: { id: check }, query: { limit: RESULTS } };
      const page = exactly<Page<Result>>(api.GET("/api/v1/checks/{id}/results", { params, signal }));
      return (await page).items;
    },
    placeholderData: keepPreviousData,
    refetchInterval: useFallbackInterval(),
  });
}

/** A check's definition: its target and thresholds. */
export function useCheck(id: string) {
  return useQuery<Check>({
    queryKey: keys.check(id),
    queryFn: ({ signal }) => exactly(api.GET("/api/v1/checks/{id}", { params: { path: { id } }, signal })),
    staleTime: 60_000,
  });
}

export interface EventQuery {
  kind?: Kind;
  id?: string;
  scope?: string;
  state?: string;
  limit: number;
}

/** Health events, newest first, a page at a time. */
export function useEvents(query: EventQuery) {
  return useInfiniteQuery({
    queryKey: keys.eventsOf(query),
    queryFn: ({ pageParam, signal }) => {
      const params = { query: { ...query, ...(pageParam ? { cursor: pageParam } : {}) } };
      return exactly<Page<HealthEvent>>(api.GET("/api/v1/health/events", { params, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    refetchInterval: useFallbackInterval(),
  });
}

export function useRunCheck() {
  return useMutation({
    mutationFn: (id: string) => data(api.POST("/api/v1/checks/{id}/run", { params: { path: { id } } })),
  });
}

/** Windows that are open now or still to come. */
export function useMaintenanceWindows() {
  return useQuery({
    queryKey: keys.windows,
    queryFn: async ({ signal }) => {
      const query = { limit: PAGE };
      const page = await data(api.GET("/api/v1/maintenance-windows", { params: { query }, signal }));
      const now = Date.now();
      return page.items.filter((window) => !window.ended_at && Date.parse(window.ends_at) > now);
    },
    staleTime: 10_000,
  });
}

export function useCreateMaintenance() {
  const client = useQueryClient();
  return useMutation<MaintenanceWindow, Error, MaintenanceWindowNew>({
    mutationFn: (body) => data(api.POST("/api/v1/maintenance-windows", { body })),
    onSuccess: () => invalidateMaintenance(client),
  });
}

export function useEndMaintenance() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      data(api.POST("/api/v1/maintenance-windows/{id}/end", { params: { path: { id } } })),
    onSuccess: () => invalidateMaintenance(client),
  });
}

function invalidateMaintenance(client: ReturnType<typeof useQueryClient>): void {
  for (const queryKey of [keys.windows, keys.healths, keys.trees, keys.events]) {
    void client.invalidateQueries({ queryKey });
  }
}
