import { describe, expect, it } from "vitest";
import { estate } from "./fixtures";
import { buildFleet } from "./fleet";
import {
  columnsOf,
  countStates,
  filterInstances,
  instancesOf,
  needsAttention,
  rowsOf,
  type Filters,
  type Instance,
} from "./overview";

const NONE: Filters = { q: "", state: [], system: [], group: [], tag: [] };
const tags = new Map([
  ["payments", ["pci"]],
  ["ledger-prod", ["eu"]],
]);
const instances = instancesOf(buildFleet(estate), null, tags);
const ids = (list: readonly Instance[]) => list.map(({ node }) => node.id);

describe("instances", () => {
  it("are narrowed to a scope", () => {
    expect(instances).toHaveLength(6);
    expect(ids(instancesOf(buildFleet(estate), "finance", tags))).toEqual(["ledger-sit", "ledger-prod"]);
  });

  it.each([
    [{ q: "pay SIT" }, ["payments-sit-10", "payments-sit-2"]],
    [{ q: "pci prod" }, ["payments-prod"]],
    [{ group: ["prod"] }, ["payments-prod", "ledger-prod"]],
    [{ system: ["ledger", "basket"], group: ["sit"] }, ["basket-sit", "ledger-sit"]],
    [{ tag: ["eu", "pci"], group: ["prod"] }, ["payments-prod", "ledger-prod"]],
    [{ q: "nothing" }, []],
  ])("match %j", (filters, expected) => {
    expect(ids(filterInstances(instances, { ...NONE, ...filters }))).toEqual(expected);
  });

  it("are counted by state", () => {
    expect(countStates(instances)).toEqual({
      down: 2,
      degraded: 1,
      unknown: 1,
      maintenance: 1,
      operational: 1,
    });
  });
});

describe("needsAttention", () => {
  it("is worst first, then newest, and leaves planned maintenance out", () => {
    expect(ids(needsAttention(instances, []))).toEqual([
      "payments-sit-2",
      "payments-sit-10",
      "ledger-prod",
      "ledger-sit",
    ]);
  });

  it("shows what was asked for instead", () => {
    expect(ids(needsAttention(instances, ["maintenance"]))).toEqual(["basket-sit"]);
  });
});

describe("matrix", () => {
  const columns = columnsOf(instances);

  it("has one column for a group of the same key in every unit, in their order", () => {
    expect(columns).toEqual([
      { key: "sit", name: "SIT", named: true },
      { key: "prod", name: "PROD", named: false },
    ]);
  });

  it("has a row for each system, by unit and name, with instances in natural order", () => {
    const rows = rowsOf(instances, columns);
    expect(rows.map(({ system }) => system.id)).toEqual(["ledger", "basket", "payments"]);
    expect(rows[2]?.cells.map((cell) => cell.map(({ key }) => key))).toEqual([["sit-2", "sit-10"], ["prod"]]);
    expect(rows[1]?.cells[1]).toEqual([]);
  });
});
