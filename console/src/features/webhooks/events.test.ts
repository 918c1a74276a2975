import { describe, expect, it } from "vitest";
import { covers, findEvents, groupEvents, isCovered, kindName, toggleEvent } from "./events";

const TYPES = [
  "health.status_changed",
  "business_unit.created",
  "business_unit.deleted",
  "component.created",
  "component_definition.created",
  "api_key.revoked",
].map((type) => ({ type, description: `${type} happened.` }));

describe("groups", () => {
  it("keeps the service's order and says what means all of a kind", () => {
    expect(
      groupEvents(TYPES).map(({ pattern, types }) => [pattern, types.map(({ action }) => action)]),
    ).toEqual([
      ["health.*", ["status_changed"]],
      ["business_unit.*", ["created", "deleted"]],
      ["component.*", ["created"]],
      ["component_definition.*", ["created"]],
      ["api_key.*", ["revoked"]],
    ]);
  });

  it("names kinds as people do", () => {
    expect(["business_unit", "health", "settings", "api_key"].map(kindName)).toEqual([
      "Business units",
      "Health",
      "Settings",
      "API keys",
    ]);
  });

  it("finds a kind whole by its name, else the types that have the words", () => {
    const found = (words: string) =>
      findEvents(groupEvents(TYPES), words).map(({ kind, types }) => [kind, types.length]);
    expect(found("Business")).toEqual([["business_unit", 2]]);
    expect(found("business unit")).toEqual([["business_unit", 2]]);
    expect(found("deleted")).toEqual([["business_unit", 1]]);
    expect(found("  ")).toHaveLength(5);
    expect(found("nothing like it")).toEqual([]);
  });
});

describe("patterns", () => {
  it.each([
    ["*", "api_key.revoked", true],
    ["component.*", "component.created", true],
    ["component.*", "component_definition.created", false],
    ["component.created", "component.created", true],
    ["component.created", "component.*", false],
    ["component.*", "component.*", true],
    ["*", "component.*", true],
  ])("%s covers %s: %s", (pattern, type, fits) => {
    expect(covers(pattern, type)).toBe(fits);
  });

  it("a wider choice takes the place of what it covers, and leaves the rest", () => {
    const some = ["component.created", "component_definition.created"];
    expect(toggleEvent(some, "component.*")).toEqual(["component_definition.created", "component.*"]);
    expect(toggleEvent(some, "*")).toEqual(["*"]);
    expect(toggleEvent(["*"], "*")).toEqual([]);
    expect(toggleEvent(some, "component.created")).toEqual(["component_definition.created"]);
    expect(isCovered(["component.*"], "component.created")).toBe(true);
    expect(isCovered([], "component.created")).toBe(false);
  });
});
