// What narrows the log of deliveries: from the address's keys to the parameters of the API. Pure.

import type { inferParserType } from "nuqs";
import { instantOf } from "@/features/audit";
import type { DeliveryState } from "@/lib/types";
import type { webhookKeys } from "@/lib/url";

export type WebhookPlace = inferParserType<typeof webhookKeys>;
export type DeliveryFilters = Pick<WebhookPlace, "state" | "type" | "from" | "to">;

export const NO_FILTERS: DeliveryFilters = { state: [], type: [], from: null, to: null };

/** The parameters of `list_webhook_deliveries` that filters turn into; operators are names of their own. */
export interface DeliveryParameters {
  state?: DeliveryState[];
  type?: string[];
  created_at__gte?: string;
  created_at__lt?: string;
}

export function deliveryParameters(
  { state, type, from, to }: DeliveryFilters,
  now: number,
): DeliveryParameters {
  const since = from ? instantOf(from, now) : null;
  const until = to ? instantOf(to, now) : null;
  return {
    ...(state.length > 0 ? { state } : {}),
    ...(type.length > 0 ? { type } : {}),
    ...(since ? { created_at__gte: since } : {}),
    ...(until ? { created_at__lt: until } : {}),
  };
}

export function isNarrowed(filters: DeliveryFilters): boolean {
  return Object.keys(deliveryParameters(filters, 0)).length > 0;
}
