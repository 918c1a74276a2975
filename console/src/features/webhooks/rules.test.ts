import { describe, expect, it } from "vitest";
import type { Webhook } from "@/lib/types";
import { deliveryParameters, isNarrowed, NO_FILTERS } from "./delivery-filters";
import { addCondition } from "./filter-words";
import { IDLE_MS, pollMs, SOON_MS } from "./polling";
import { CUSTOM, timeChoices, timeOf } from "./replay";
import { stateOf } from "./webhook-state";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();

const status = (failing_since: string | null): NonNullable<Webhook["included"]> => ({
  status: { waiting: 0, failing_since, last_delivered_at: null, last_error: null, dropped: 0 },
});

describe("the state of a webhook", () => {
  it.each([
    ["on", true, null, null],
    ["failing", true, null, at(-60)],
    ["off", false, null, at(-60)],
    ["gone", false, "gone", at(-60)],
    ["given_up", false, "failing", at(-60)],
  ] as const)("is %s", (state, enabled, disabled_reason, failing) => {
    expect(stateOf({ enabled, disabled_reason, included: status(failing) })).toBe(state);
  });
});

describe("asking again", () => {
  const waiting = (due_at: string | null) => ({ state: "waiting" as const, due_at });
  it.each([
    ["never when none waits", [{ state: "failed" as const, due_at: null }], false],
    ["never without any", [], false],
    ["often while one is under way", [waiting(at(3_600)), waiting(at(-1))], SOON_MS],
    ["often when one is about to be sent", [waiting(at(5))], SOON_MS],
    ["seldom when all are due later", [waiting(at(300))], IDLE_MS],
    ["seldom when the receiver is left alone", [waiting(at(-300))], IDLE_MS],
  ])("is done %s", (_, deliveries, expected) => {
    expect(pollMs(deliveries, NOW)).toBe(expected);
  });
});

describe("filters of the log", () => {
  it("become parameters, times being those of the delivery", () => {
    const filters = { state: ["failed" as const], type: ["a.b", "c.d"], from: "now-24h", to: null };
    expect(deliveryParameters(filters, NOW)).toEqual({
      state: ["failed"],
      type: ["a.b", "c.d"],
      created_at__gte: "2026-11-21T10:00:00.000Z",
    });
    expect(isNarrowed(filters)).toBe(true);
    expect(isNarrowed(NO_FILTERS)).toBe(false);
  });
});

describe("the time of a replay", () => {
  it("begins with since when it fails, if it does", () => {
    expect(timeChoices({ included: status(at(-90)) }, NOW)[0]).toMatchObject({
      key: "failing",
      from: at(-90),
    });
    expect(timeChoices({ included: status(null) }, NOW)[0]).toMatchObject({ key: "1h", from: at(-3_600) });
  });

  it("ends when the dialog was opened, or where the person says, after it begins", () => {
    const fields = { from: "2026-11-22T08:00", until: "2026-11-22T09:00" };
    const [hour] = timeChoices({}, NOW);
    expect(timeOf(hour!, fields, NOW)).toEqual({ from: at(-3_600), until: at(0) });
    const custom = { key: CUSTOM, label: "", from: null };
    const said = timeOf(custom, fields, NOW)!;
    expect(Date.parse(said.until) - Date.parse(said.from)).toBe(3_600_000);
    expect(timeOf(custom, { from: fields.until, until: fields.from }, NOW)).toBeNull();
    expect(timeOf(custom, { from: "", until: fields.until }, NOW)).toBeNull();
  });
});

it("a condition is joined to those that are there", () => {
  expect(addCondition("", "tag=a")).toBe("tag=a");
  expect(addCondition("kind=system& ", "tag=a")).toBe("kind=system&tag=a");
});
