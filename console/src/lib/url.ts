// The state of a page lives in its address. This is the one list of keys: each has a parser, and what a parser
// does not understand counts as absent, so no link can break a page.

import {
  createParser,
  parseAsNativeArrayOf,
  parseAsString,
  parseAsStringLiteral,
  useQueryStates,
} from "nuqs";
import { HEALTH_STATES } from "@/lib/types";

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

/** An organisation or business unit that the whole page is narrowed to. */
export const scopeKeys = { scope: parseAsUuid };

export type Sheets = { env: string | null; ci: string | null; full: true | null };

/** The open sheets. Opening is a step in the history, so Back closes. */
export function useSheets() {
  const [sheets, set] = useQueryStates(sheetKeys, { history: "push" });
  return {
    ...sheets,
    openInstance: (id: string) => void set({ env: id, ci: null }),
    openComponent: (id: string) => void set({ ci: id }),
    closeComponent: () => void set({ ci: null, ...(sheets.env ? {} : { full: null }) }),
    closeInstance: () => void set({ env: null, ci: null, full: null }),
    setFull: (full: boolean) => void set({ full: full || null }, { history: "replace" }),
  };
}

/** The filters; changing them replaces the address, and typing waits until the person pauses. */
export function useFilters() {
  return useQueryStates(filterKeys, { history: "replace" });
}

export function useScope() {
  return useQueryStates(scopeKeys, { history: "push" });
}
