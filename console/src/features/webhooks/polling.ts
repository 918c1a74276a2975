// How often the service is asked again. Pure; that nothing is asked while the page is hidden is the query client's doing.

import type { Delivery } from "@/lib/types";

/** While nothing is under way. */
export const IDLE_MS = 15_000;
/** While a request is under way or about to be made. */
export const SOON_MS = 2_000;

const SOON_BEFORE_MS = 10_000;
const LATE_MS = 60_000;

/**
 * Often while one of them is about to be sent, seldom while all are only due later or the receiver is left alone, and
 * not at all when none waits.
 */
export function pollMs(
  deliveries: readonly Pick<Delivery, "state" | "due_at">[],
  now: number,
): number | false {
  const waiting = deliveries.filter(({ state }) => state === "waiting");
  if (waiting.length === 0) return false;
  const soon = waiting.some(({ due_at }) => {
    const until = due_at ? Date.parse(due_at) - now : 0;
    return until < SOON_BEFORE_MS && until > -LATE_MS;
  });
  return soon ? SOON_MS : IDLE_MS;
}
