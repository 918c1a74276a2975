// The only place of this domain that calls the API.

import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
} from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { useCan } from "@/features/access";
import { api, data, exactly } from "@/lib/api";
import { live, POLL_MS, useRooms } from "@/lib/live";
import { useSignal } from "@/lib/signal";
import type { JournalChain, JournalEntry, Page } from "@/lib/types";
import { journalParameters, NO_FILTERS, type JournalFilters } from "./filters";

const PAGE = 50;
const NEWEST = "-id";
const HEARD_MS = 1_000;
const MOST_ROOMS = 50;

const keys = {
  journal: ["journal"] as const,
  lists: ["journal", "entries"] as const,
  entries: (filters: JournalFilters) => ["journal", "entries", filters] as const,
  newests: ["journal", "newest"] as const,
  newest: (filters: JournalFilters) => ["journal", "newest", filters] as const,
  total: (filters: JournalFilters) => ["journal", "total", filters] as const,
  entry: (id: string) => ["journal", "entry", id] as const,
  chains: ["journal", "chains"] as const,
  apiKeys: ["api-keys"] as const,
};

interface PageQuery {
  limit: number;
  cursor?: string;
  count?: boolean;
  fields?: string;
}

function list<Item>(filters: JournalFilters, page: PageQuery, signal?: AbortSignal) {
  const query = { ...journalParameters(filters, Date.now()), sort: NEWEST, ...page };
  const init = signal ? { params: { query }, signal } : { params: { query } };
  return exactly<Page<Item> & { total?: number }>(api.GET("/api/v1/journal", init));
}

/** One page of entries, newest first; `cursor` is the `next` of the page before. */
export function fetchEntries(filters: JournalFilters, limit: number, cursor: string, signal?: AbortSignal) {
  return list<JournalEntry>(filters, cursor ? { limit, cursor } : { limit }, signal);
}

/** Entries, newest first, a page at a time. They stay as they are while they are read: see `useNewestId`. */
export function useEntries(filters: JournalFilters) {
  return useInfiniteQuery({
    queryKey: keys.entries(filters),
    queryFn: ({ pageParam, signal }) => fetchEntries(filters, PAGE, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    staleTime: Infinity,
  });
}

function useFallbackInterval(): number | false {
  return useSignal(live.status) === "live" ? false : POLL_MS;
}

/** While mounted, each record that is sealed has the ends of the journal looked up again, at most once a second. */
export function useFollowJournal(chains: readonly JournalChain[] | undefined): void {
  const client = useQueryClient();
  useRooms((chains ?? []).slice(0, MOST_ROOMS).map(({ chain }) => `journal:${chain}`));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const look = () => {
      timer = null;
      void client.invalidateQueries({ queryKey: keys.newests });
      void client.invalidateQueries({ queryKey: keys.chains });
    };
    const stop = live.listen({
      onChanges: (changes) => {
        if (changes.some(({ changed }) => changed.journal)) timer ??= setTimeout(look, HEARD_MS);
      },
      onResync: look,
    });
    return () => {
      stop();
      if (timer) clearTimeout(timer);
    };
  }, [client]);
}

/** The id of the newest entry that the filters find. */
export function useNewestId(filters: JournalFilters) {
  return useQuery({
    queryKey: keys.newest(filters),
    queryFn: async ({ signal }) => {
      const page = await list<{ id: string }>(filters, { limit: 1, fields: "id" }, signal);
      return page.items[0]?.id ?? null;
    },
    refetchInterval: useFallbackInterval(),
  });
}

/** How many entries the filters find. */
export function useTotal(filters: JournalFilters) {
  return useQuery({
    queryKey: keys.total(filters),
    queryFn: async ({ signal }) =>
      (await list<{ id: string }>(filters, { limit: 1, fields: "id", count: true }, signal)).total ?? null,
    staleTime: Infinity,
  });
}

/** Fetches the list anew, with what was written meanwhile. */
export function useRefresh(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    void client.resetQueries({ queryKey: keys.lists });
    void client.invalidateQueries({ queryKey: keys.journal });
  }, [client]);
}

/** One entry; at once when a list has it already. */
export function useEntry(id: string) {
  const client = useQueryClient();
  return useQuery<JournalEntry>({
    queryKey: keys.entry(id),
    queryFn: ({ signal }) => exactly(api.GET("/api/v1/journal/{id}", { params: { path: { id } }, signal })),
    placeholderData: () =>
      client
        .getQueriesData<InfiniteData<Page<JournalEntry>>>({ queryKey: keys.lists })
        .flatMap(([, list]) => list?.pages.flatMap((page) => page.items) ?? [])
        .find((entry) => entry.id === id),
    staleTime: 60_000,
  });
}

/** Where each chain ends. */
export function useChains() {
  return useQuery<JournalChain[]>({
    queryKey: keys.chains,
    queryFn: async ({ signal }) => (await data(api.GET("/api/v1/journal/chain", { signal }))).items,
    refetchInterval: useFallbackInterval(),
  });
}

const MOST_KEYS = 1_000;

/**
 * The names of API keys by id: of those that are, for who may read them, and of those that ever were made, by the
 * journal itself. The installation's first key is in no journal.
 */
export function useKeyNames() {
  const readsKeys = useCan("access.read");
  return useQuery({
    queryKey: [...keys.apiKeys, readsKeys],
    queryFn: async ({ signal }) => {
      const query = { limit: MOST_KEYS };
      const made = list<JournalEntry>(
        { ...NO_FILTERS, kind: ["api_key"], action: ["create"] },
        { limit: MOST_KEYS, fields: "entity,after" },
        signal,
      );
      const present = readsKeys ? data(api.GET("/api/v1/api-keys", { params: { query }, signal })) : null;
      const names = new Map<string, string>();
      for (const { entity, after } of (await made).items) names.set(entity, String(after?.name ?? ""));
      for (const { id, name } of (await present)?.items ?? []) names.set(id, name);
      return names;
    },
    staleTime: 60_000,
    structuralSharing: false,
  });
}

const MOST_COMPONENTS = 100;

/** The components that the given ids name, by id: checks say nothing but whose they are. */
export function useComponents(ids: readonly string[]) {
  const wanted = ids.slice(0, MOST_COMPONENTS);
  return useQuery({
    queryKey: ["components", wanted],
    queryFn: async ({ signal }) => {
      const query = { id: wanted, limit: MOST_COMPONENTS, fields: "id,name,instance" };
      const { items } = await data(api.GET("/api/v1/components", { params: { query }, signal }));
      return new Map(items.map(({ id, name, instance }) => [id, { name, instance }]));
    },
    enabled: wanted.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    structuralSharing: false,
  });
}

/** A page of a chain as the lines that `emctl audit verify` reads; empty behind its end. */
export async function fetchChainLines(chain: string, after: number, limit: number, signal: AbortSignal) {
  const init = { params: { query: { chain, after, limit } }, parseAs: "text" as const, signal };
  const text = await data<string>(api.GET("/api/v1/journal/export", init));
  return text ?? ""; // the client gives nothing at all for an answer without a body
}
