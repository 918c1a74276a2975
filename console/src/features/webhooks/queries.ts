// With delivery-queries.ts the only place of this domain that calls the API.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, ApiError, data, exactly } from "@/lib/api";
import type {
  EventType,
  Page,
  Webhook,
  WebhookNew,
  WebhookPatch,
  WebhookReplay,
  WebhookSecret,
} from "@/lib/types";
import { IDLE_MS, SOON_MS } from "./polling";

export const keys = {
  webhooks: ["webhooks"] as const,
  webhook: (id: string) => ["webhooks", id] as const,
  events: ["webhook-events"] as const,
  deliveries: ["webhook-deliveries"] as const,
};

const MOST_WEBHOOKS = 1_000;
const STATUS = { include: "status" };

/** All webhooks with what has become of what they send. */
export function useWebhooks() {
  return useQuery({
    queryKey: keys.webhooks,
    queryFn: async ({ signal }) => {
      const query = { ...STATUS, sort: "name", limit: MOST_WEBHOOKS };
      return (await exactly<Page<Webhook>>(api.GET("/api/v1/webhooks", { params: { query }, signal }))).items;
    },
    refetchInterval: ({ state }) =>
      state.data?.some(({ included }) => included?.status.waiting) ? IDLE_MS / 3 : IDLE_MS,
  });
}

/** One webhook; at once when the list has it already. */
export function useWebhook(id: string) {
  const client = useQueryClient();
  return useQuery<Webhook>({
    queryKey: keys.webhook(id),
    queryFn: ({ signal }) =>
      exactly(api.GET("/api/v1/webhooks/{id}", { params: { path: { id }, query: STATUS }, signal })),
    placeholderData: () =>
      client.getQueryData<Webhook[]>(keys.webhooks)?.find((webhook) => webhook.id === id),
    refetchInterval: ({ state }) => (state.data?.included?.status.waiting ? SOON_MS : IDLE_MS),
  });
}

/** Every type of event that a webhook can hear of. */
export function useEventTypes() {
  return useQuery<EventType[]>({
    queryKey: keys.events,
    queryFn: async ({ signal }) => (await data(api.GET("/api/v1/webhook-events", { signal }))).items,
    staleTime: Infinity,
  });
}

// ---- writing ----

function useInvalidate(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    void client.invalidateQueries({ queryKey: keys.webhooks });
    void client.invalidateQueries({ queryKey: keys.deliveries });
  }, [client]);
}

/** Of an answer with a secret nothing is kept once it is shown. */
const FORGET = { gcTime: 0 };

/** The client's types ask for what the service fills in by itself. */
type Full<Body> = Required<Body>;

export function useCreateWebhook() {
  const onSuccess = useInvalidate();
  return useMutation<WebhookSecret, Error, WebhookNew>({
    ...FORGET,
    mutationFn: (body) => data(api.POST("/api/v1/webhooks", { body: body as Full<WebhookNew> })),
    onSuccess,
  });
}

/** What the service says of a webhook before it is made: the refusal, or null; nothing is written. */
export function useDryRun(body: WebhookNew | null) {
  return useQuery({
    queryKey: ["webhook-dry-run", body],
    queryFn: async ({ signal }) => {
      const init = { params: { query: { dry_run: true } }, body: body as Full<WebhookNew>, signal };
      try {
        await data(api.POST("/api/v1/webhooks", init));
        return null;
      } catch (error) {
        if (error instanceof ApiError && error.status === 422) return error;
        throw error;
      }
    },
    enabled: body !== null,
    staleTime: Infinity,
    gcTime: 60_000,
    retry: false,
    structuralSharing: false,
  });
}

/** Changes a webhook; with a version, only if it is still that one. */
export function useUpdateWebhook() {
  const onSuccess = useInvalidate();
  return useMutation<unknown, Error, { id: string; version?: number; body: WebhookPatch }>({
    mutationFn: ({ id, version, body }) => {
      const header = version === undefined ? {} : { "If-Match": `"${version}"` };
      const params = { path: { id }, header };
      return data(api.PATCH("/api/v1/webhooks/{id}", { params, body: body as Full<WebhookPatch> }));
    },
    onSuccess,
  });
}

export function useDeleteWebhook() {
  const client = useQueryClient();
  return useMutation<unknown, Error, string>({
    mutationFn: (id) => data(api.DELETE("/api/v1/webhooks/{id}", { params: { path: { id } } })),
    onSuccess: (_, id) => {
      client.setQueryData<Webhook[]>(keys.webhooks, (list) => list?.filter((webhook) => webhook.id !== id));
      void client.invalidateQueries({ queryKey: keys.webhooks, exact: true });
    },
  });
}

export function useRestoreWebhook() {
  const onSuccess = useInvalidate();
  return useMutation<Webhook, Error, string>({
    mutationFn: (id) => exactly(api.POST("/api/v1/webhooks/{id}/restore", { params: { path: { id } } })),
    onSuccess,
  });
}

export function useRotateSecret() {
  const onSuccess = useInvalidate();
  return useMutation<WebhookSecret, Error, { id: string; overlap_s: number }>({
    ...FORGET,
    mutationFn: ({ id, overlap_s }) =>
      data(
        api.POST("/api/v1/webhooks/{id}/rotate-secret", { params: { path: { id } }, body: { overlap_s } }),
      ),
    onSuccess,
  });
}

export function useSendTest() {
  const onSuccess = useInvalidate();
  return useMutation<unknown, Error, string>({
    mutationFn: (id) => data(api.POST("/api/v1/webhooks/{id}/test", { params: { path: { id } } })),
    onSuccess,
  });
}

/** How many events a replay would send. */
export function useReplayCount(id: string, body: WebhookReplay | null) {
  return useQuery({
    queryKey: ["webhook-replay", id, body],
    queryFn: ({ signal }) => {
      const params = { path: { id }, query: { dry_run: true } };
      return data(api.POST("/api/v1/webhooks/{id}/replay", { params, body: body!, signal }));
    },
    enabled: body !== null,
    gcTime: 0,
  });
}

export function useReplay() {
  const onSuccess = useInvalidate();
  return useMutation({
    mutationFn: ({ id, body }: { id: string; body: WebhookReplay }) =>
      data(api.POST("/api/v1/webhooks/{id}/replay", { params: { path: { id } }, body })),
    onSuccess,
  });
}
