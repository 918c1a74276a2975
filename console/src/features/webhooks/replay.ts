// The time that a replay is about. Pure.

import { localFieldInstant } from "@/lib/local-time";
import type { Webhook } from "@/lib/types";

const HOUR_MS = 3_600_000;

export interface TimeChoice {
  key: string;
  label: string;
  /** Null: the person says when. */
  from: string | null;
}

export const CUSTOM = "custom";

/** The times that are likely meant, as instants; the first is the likeliest. */
export function timeChoices({ included }: Pick<Webhook, "included">, now: number): TimeChoice[] {
  const back = (hours: number) => new Date(now - hours * HOUR_MS).toISOString();
  const failing = included?.status.failing_since;
  return [
    ...(failing ? [{ key: "failing", label: "Since it fails", from: failing }] : []),
    { key: "1h", label: "Last hour", from: back(1) },
    { key: "24h", label: "Last 24 h", from: back(24) },
    { key: "7d", label: "Last 7 d", from: back(7 * 24) },
    { key: CUSTOM, label: "From … to …", from: null },
  ];
}

/** What is asked for; null while that makes no sense yet. */
export function timeOf(
  choice: TimeChoice,
  fields: { from: string; until: string },
  now: number,
): { from: string; until: string } | null {
  if (choice.from) return { from: choice.from, until: new Date(now).toISOString() };
  const from = localFieldInstant(fields.from);
  const until = localFieldInstant(fields.until);
  return from && until && from < until ? { from, until } : null;
}
