import { describe, expect, it } from "vitest";
import type { EntityRef, HealthEvent } from "@/lib/types";
import { byTime, describeChange } from "./changes";

const step = (kind: EntityRef["kind"], name: string): EntityRef => ({
  kind,
  id: `${kind}-id`,
  key: name,
  name,
});
const PATH = [
  step("organisation", "Acme"),
  step("business_unit", "Retail"),
  step("system", "Shop"),
  step("instance", "Shop SIT-1"),
  step("component", "Search"),
];

function event(
  kind: HealthEvent["kind"],
  name: string,
  above: number,
  more: Partial<HealthEvent> = {},
): HealthEvent {
  return {
    seq: 1,
    at: "2026-11-20T10:00:00.000Z",
    noted_at: "2026-11-20T10:00:00.000Z",
    kind,
    id: "own-id",
    key: name,
    name,
    path: PATH.slice(0, above),
    from: "operational",
    to: "down",
    version: 1,
    reason: "",
    ...more,
  };
}

describe("describeChange", () => {
  it.each([
    [event("check", "health", 5), "health", "Search · Shop SIT-1", { kind: "component", id: "component-id" }],
    [event("component", "Search", 4), "Search", "Shop SIT-1", { kind: "component", id: "own-id" }],
    [event("instance", "SIT-1", 3), "Shop SIT-1", "", { kind: "instance", id: "own-id" }],
    [event("system", "Shop", 2), "Shop", "system of Retail", null],
    [event("environment_group", "PROD", 2), "PROD", "environment group of Retail", null],
    [event("organisation", "Acme", 0), "Acme", "organisation", null],
  ])("names %j", (change, name, place, sheet) => {
    expect(describeChange(change)).toEqual({ name, place, sheet });
  });
});

it("lists what happened last first, also when it was certain only later", () => {
  const shown = byTime([
    event("check", "dated back", 5, { seq: 9, at: "2026-11-20T10:00:01.000Z" }),
    event("check", "second", 5, { seq: 8, at: "2026-11-20T10:00:02.000Z" }),
    event("check", "first", 5, { seq: 7, at: "2026-11-20T10:00:02.000Z" }),
  ]);
  expect(shown.map(({ name }) => name)).toEqual(["second", "first", "dated back"]);
});
