// The only place of this domain that calls the API.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, exactly, send } from "@/lib/api";
import type { Page, Problem } from "@/lib/types";
import type { ApiDocument, Operation } from "./document";
import type { Built } from "./request";

/** The API's own document, from the service itself. */
export function useApiDocument() {
  return useQuery<ApiDocument>({
    queryKey: ["api-document"],
    queryFn: ({ signal }) => exactly(api.GET("/api/v1/openapi.json", { signal })),
    staleTime: Infinity,
    structuralSharing: false,
  });
}

export interface Outcome {
  status: number;
  statusText: string;
  /** From sending to the last byte. */
  ms: number;
  bytes: number;
  headers: [string, string][];
  text: string;
  problem: Problem | null;
  /** The service says that it has kept nothing. */
  dryRun: boolean;
}

function problemOf(type: string, text: string): Problem | null {
  if (!type.includes("problem+json")) return null;
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return null;
  }
}

/** Sends a request as the person who is signed in. What it changes is fetched again wherever the console shows it. */
export function useSend() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (built: Built): Promise<Outcome> => {
      const began = performance.now();
      const { method, url, headers, body } = built;
      const response = await send(url, body === null ? { method, headers } : { method, headers, body });
      const text = await response.text();
      return {
        status: response.status,
        statusText: response.statusText,
        ms: performance.now() - began,
        bytes: new TextEncoder().encode(text).length,
        headers: [...response.headers].sort(([one], [other]) => one.localeCompare(other)),
        text,
        problem: problemOf(response.headers.get("Content-Type") ?? "", text),
        dryRun: response.headers.get("X-EM-Dry-Run") === "true",
      };
    },
    onSuccess: ({ status, dryRun }, { method }) => {
      if (method !== "GET" && status < 300 && !dryRun) {
        void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "api-document" });
      }
    },
  });
}

export interface Choice {
  id: string;
  name: string;
}

const CHOICES = 100;

/** What the id of a path may be: the first items of the collection before it, where the API has one. */
export function useChoices(operation: Operation, operations: readonly Operation[]) {
  const collection = /^(.*)\/\{id\}/.exec(operation.path)?.[1];
  const list = operations.find(({ method, path }) => method === "GET" && path === collection);
  const limit = list?.parameters.some(({ name }) => name === "limit") ? `?limit=${CHOICES}` : "";
  return useQuery({
    queryKey: ["api-choices", collection],
    queryFn: async ({ signal }) => {
      const response = await send(`${collection}${limit}`, { signal });
      if (!response.ok) return [];
      const { items } = (await response.json()) as Page<Record<string, unknown>>;
      return items.map((item): Choice => {
        const words = [item.name ?? item.key ?? item.class ?? item.reason, item.subject].filter(Boolean);
        return { id: String(item.id ?? ""), name: words.join(" ") };
      });
    },
    enabled: list !== undefined,
    staleTime: 30_000,
  });
}
