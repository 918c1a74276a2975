// The state of a page lives in its address. This is the one list of keys: each has a parser, and what a parser
// does not understand counts as absent, so no link can break a page.

import {
  createParser,
  parseAsNativeArrayOf,
  parseAsString,
  parseAsStringLiteral,
  useQueryStates,
} from "nuqs";
import { useMemo } from "react";
import { DELIVERY_STATES, HEALTH_STATES } from "@/lib/types";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A bare UUID: the key says which kind of entity it names. */
export const parseAsUuid = createParser({
  parse: (value) => (UUID.test(value) ? value.toLowerCase() : null),
  serialize: (value: string) => value,
});

const parseAsFlag = createParser({ parse: (value) => value === "1" || null, serialize: () => "1" });

/** Which sheets are open: an instance (`env`), and a component (`ci`) above it; `full` gives the top one the page. */
export const sheetKeys = { env: parseAsUuid, ci: parseAsUuid, full: parseAsFlag };

/** What narrows the overview. Repeated keys are alternatives; different keys must all hold. */
export const filterKeys = {
  q: parseAsString.withDefault(""),
  state: parseAsNativeArrayOf(parseAsStringLiteral(HEALTH_STATES)).withDefault([]),
  system: parseAsNativeArrayOf(parseAsUuid).withDefault([]),
  group: parseAsNativeArrayOf(parseAsString).withDefault([]),
  tag: parseAsNativeArrayOf(parseAsString).withDefault([]),
};

export const viewKeys = { view: parseAsStringLiteral(["matrix", "list"] as const).withDefault("matrix") };

/** What narrows the list of changes. */
export const changeKeys = {
  kind: parseAsStringLiteral(["all", "system", "instance", "component", "check"] as const).withDefault(
    "instance",
  ),
  to: parseAsStringLiteral(HEALTH_STATES),
};

/** A moment: an instant, or one that goes with the clock, as `now-24h`. */
export const parseAsMoment = createParser({
  parse: (value) => (/^now-\d{1,6}[mhd]$/.test(value) || !Number.isNaN(Date.parse(value)) ? value : null),
  serialize: (value: string) => value,
});

/** What narrows the journal; `org` is an organisation's id, all zeros for what belongs to none. */
export const journalKeys = {
  q: parseAsString.withDefault(""),
  org: parseAsUuid,
  actor: parseAsNativeArrayOf(parseAsString).withDefault([]),
  credential: parseAsNativeArrayOf(parseAsUuid).withDefault([]),
  action: parseAsNativeArrayOf(parseAsString).withDefault([]),
  kind: parseAsNativeArrayOf(parseAsString).withDefault([]),
  entity: parseAsUuid,
  request: parseAsString,
  address: parseAsString,
  from: parseAsMoment,
  to: parseAsMoment,
};

/** The entry of the journal whose sheet is open. */
export const entryKeys = { entry: parseAsUuid };

/** The operation that the API explorer shows, by its id. */
export const operationKeys = { op: parseAsString };

/** The webhook whose page is shown, what narrows its log, and the delivery whose sheet is open. */
export const webhookKeys = {
  webhook: parseAsUuid,
  delivery: parseAsUuid,
  state: parseAsNativeArrayOf(parseAsStringLiteral(DELIVERY_STATES)).withDefault([]),
  type: parseAsNativeArrayOf(parseAsString).withDefault([]),
  from: parseAsMoment,
  to: parseAsMoment,
};

/** An organisation or business unit that the whole page is narrowed to. */
export const scopeKeys = { scope: parseAsUuid };

/**
 * The open sheets. Opening is a step in the history, so Back closes. Every step names all of the sheets: the router
 * writes its own address late, and two quick steps must not lose the first.
 */
export function useSheets() {
  const [{ env, ci, full }, set] = useQueryStates(sheetKeys, { history: "push" });
  // The same functions from one render to the next: hundreds of cells are drawn again when theirs changes.
  return useMemo(
    () => ({
      env,
      ci,
      full,
      openInstance: (id: string) => void set({ env: id, ci: null, full }),
      openComponent: (id: string) => void set({ env, ci: id, full }),
      closeComponent: () => void set({ env, ci: null, full: env ? full : null }),
      closeInstance: () => void set({ env: null, ci: null, full: null }),
      setFull: (next: boolean) => void set({ env, ci, full: next || null }, { history: "replace" }),
    }),
    [env, ci, full, set],
  );
}

/** The filters; changing them replaces the address, and typing waits until the person pauses. */
export function useFilters() {
  return useQueryStates(filterKeys, { history: "replace" });
}

export function useScope() {
  return useQueryStates(scopeKeys, { history: "push" });
}
