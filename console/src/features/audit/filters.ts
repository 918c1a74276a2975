// What narrows the journal: from the address's keys to the parameters of the API. Pure.

import type { inferParserType } from "nuqs";
import type { JournalChain } from "@/lib/types";
import type { journalKeys } from "@/lib/url";

export type JournalFilters = inferParserType<typeof journalKeys>;

/** Stands in `org` for the chain of what belongs to no organisation. */
export const INSTALLATION = "00000000-0000-0000-0000-000000000000";

export const NO_FILTERS: JournalFilters = {
  q: "",
  org: null,
  actor: [],
  credential: [],
  action: [],
  kind: [],
  entity: null,
  request: null,
  address: null,
  from: null,
  to: null,
};

export const RANGES = [
  { from: "now-1h", label: "Last hour" },
  { from: "now-24h", label: "Last 24 hours" },
  { from: "now-7d", label: "Last 7 days" },
  { from: "now-30d", label: "Last 30 days" },
] as const;

/** The parameters of `list_journal` that filters turn into; operators are names of their own, as `at__gte`. */
export interface JournalParameters {
  q?: string;
  organisation?: string[];
  organisation__isnull?: boolean;
  actor?: string[];
  credential_id?: string[];
  action?: string[];
  kind?: string[];
  entity?: string[];
  request_id?: string[];
  address?: string[];
  at__gte?: string;
  at__lt?: string;
}

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The instant that a moment of the address means now; null for one that means nothing. */
export function instantOf(moment: string, now: number): string | null {
  const relative = /^now-(\d+)([mhd])$/.exec(moment);
  const ms = relative ? now - Number(relative[1]) * UNIT_MS[relative[2]!]! : Date.parse(moment);
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

export function journalParameters(filters: JournalFilters, now: number): JournalParameters {
  const { q, org, actor, credential, action, kind, entity, request, address, from, to } = filters;
  const since = from ? instantOf(from, now) : null;
  const until = to ? instantOf(to, now) : null;
  return {
    ...(q.trim() ? { q: q.trim() } : {}),
    ...(org === INSTALLATION ? { organisation__isnull: true } : org ? { organisation: [org] } : {}),
    ...(actor.length > 0 ? { actor } : {}),
    ...(credential.length > 0 ? { credential_id: credential } : {}),
    ...(action.length > 0 ? { action } : {}),
    ...(kind.length > 0 ? { kind } : {}),
    ...(entity ? { entity: [entity] } : {}),
    ...(request ? { request_id: [request] } : {}),
    ...(address ? { address: [address] } : {}),
    ...(since ? { at__gte: since } : {}),
    ...(until ? { at__lt: until } : {}),
  };
}

export function isNarrowed(filters: JournalFilters): boolean {
  return Object.keys(journalParameters(filters, 0)).length > 0;
}

/** The range in words; null when all of the journal is meant. `write` says an instant in the reader's zone. */
export function rangeLabel(
  { from, to }: Pick<JournalFilters, "from" | "to">,
  write: (at: number) => string,
): string | null {
  if (!from && !to) return null;
  const known = RANGES.find((range) => range.from === from);
  if (known && !to) return known.label;
  const say = (moment: string) => (moment.startsWith("now") ? moment : write(Date.parse(moment)));
  if (from && to) return `${say(from)} – ${say(to)}`;
  return from ? `since ${say(from)}` : `until ${say(to!)}`;
}

/** What a chain is called. */
export function chainName({ chain, key }: Pick<JournalChain, "chain" | "key">): string {
  return chain === INSTALLATION ? "Installation" : (key ?? chain);
}
