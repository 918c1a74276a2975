// The only place of this domain that calls the API.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, data } from "@/lib/api";
import type { RateLimit } from "@/lib/types";
import type { LimitPatch } from "./limits";

const keys = {
  limits: ["rate-limits"] as const,
  preview: (id: string, version: number, body: LimitPatch | null) =>
    ["rate-limit-preview", id, version, body] as const,
};

/** All limits: one for each class of routes and each way to tell callers apart. */
export function useRateLimits() {
  return useQuery({
    queryKey: keys.limits,
    queryFn: async ({ signal }) => (await data(api.GET("/api/v1/rate-limits", { signal }))).items,
  });
}

/** The version that is meant, so that nobody's change in between is lost. */
function patch(limit: RateLimit, body: LimitPatch, dryRun: boolean, signal?: AbortSignal) {
  return data(
    api.PATCH("/api/v1/rate-limits/{id}", {
      params: {
        path: { id: limit.id },
        header: { "If-Match": `"${limit.version}"` },
        ...(dryRun ? { query: { dry_run: true } } : {}),
      },
      body,
      ...(signal ? { signal } : {}),
    }),
  );
}

/** What the service would say to a change, without making it. */
export function usePreview(limit: RateLimit, body: LimitPatch | null) {
  return useQuery({
    queryKey: keys.preview(limit.id, limit.version, body),
    queryFn: ({ signal }) => patch(limit, body!, true, signal), // enabled says that there is one
    enabled: body !== null,
    gcTime: 0,
  });
}

export function useUpdateRateLimit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ limit, body }: { limit: RateLimit; body: LimitPatch }) => patch(limit, body, false),
    onSuccess: (changed) => {
      client.setQueryData<RateLimit[]>(keys.limits, (limits) =>
        limits?.map((limit) => (limit.id === changed.id ? changed : limit)),
      );
    },
    onSettled: () => void client.invalidateQueries({ queryKey: keys.limits }),
  });
}
