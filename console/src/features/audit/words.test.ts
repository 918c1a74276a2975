import { expect, it } from "vitest";
import type { Fleet, FleetNode } from "@/features/health";
import { componentOf, placeOf } from "./place";
import { actionWord, entityName, kindWord } from "./words";

it("says kinds and actions as people do, also those it does not know", () => {
  expect(kindWord("business_unit")).toBe("Business unit");
  expect(kindWord("api_key")).toBe("API key");
  expect(actionWord("update")).toBe("Changed");
  expect(actionWord("roll_back")).toBe("Roll back");
});

it("calls what was changed by its name, key or reason", () => {
  const named = (kind: string, after: Record<string, unknown> | null, before = null) =>
    entityName({ kind, after, before });
  expect(named("system", { name: "Payments", key: "pay" })).toBe("Payments");
  expect(named("system", { key: "pay" })).toBe("pay");
  expect(named("maintenance_window", { reason: "Upgrade" })).toBe("Upgrade");
  expect(named("settings", { class: "sign_in", subject: "address" })).toBe("rate limit, sign in by address");
  expect(named("settings", { webhook: {} })).toBeNull();
});

it("says where it is", () => {
  const node = (id: string, kind: string, name: string, parent: string | null) =>
    [id, { id, kind, name, parent }] as unknown as [string, FleetNode];
  const fleet: Fleet = {
    nodes: new Map([node("s", "system", "Shop", null), node("i", "instance", "Shop SIT", "s")]),
  };
  const components = new Map([["c", { name: "Web", instance: "i" }]]);
  const check = { kind: "check", before: { component: "c" }, after: null };
  expect(componentOf(check)).toBe("c");
  expect(placeOf(check, fleet, components)).toBe("Web · Shop SIT");
  expect(placeOf({ kind: "component", before: null, after: { instance: "i" } }, fleet, components)).toBe(
    "Shop SIT",
  );
  expect(placeOf({ kind: "instance", before: null, after: { system: "s" } }, fleet, undefined)).toBe("Shop");
  expect(
    placeOf({ kind: "system", before: null, after: { business_unit: "gone" } }, fleet, undefined),
  ).toBeNull();
  expect(placeOf(check, undefined, undefined)).toBeNull();
});
