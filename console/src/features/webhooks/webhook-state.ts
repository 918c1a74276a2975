// What state a webhook is in, in one word. Pure.

import type { Webhook } from "@/lib/types";

/** On; on, but nothing arrives; off by people; off by the service, as the receiver is gone or took nothing for too long. */
export type WebhookState = "on" | "failing" | "off" | "gone" | "given_up";

export function stateOf({
  enabled,
  disabled_reason,
  included,
}: Pick<Webhook, "enabled" | "disabled_reason" | "included">): WebhookState {
  if (enabled) return included?.status.failing_since ? "failing" : "on";
  if (disabled_reason === "gone") return "gone";
  return disabled_reason === "failing" ? "given_up" : "off";
}
