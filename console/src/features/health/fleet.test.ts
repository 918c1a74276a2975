import { describe, expect, it } from "vitest";
import { estate, statusChange } from "./fixtures";
import { buildFleet, depthToInstances, keepNewer, patchFleet, pathOf } from "./fleet";

const fleet = buildFleet(estate);

describe("buildFleet", () => {
  it("keeps every node with its parent", () => {
    expect(fleet.nodes.size).toBe(16);
    expect(pathOf(fleet, "payments-prod").map(({ id }) => id)).toEqual(["acme", "retail", "payments"]);
  });

  it("asks no deeper than the instances, also under nested units", () => {
    expect(depthToInstances(estate)).toBe(3);
    const inner = { ...estate[0]!.children![0]!, children: [] };
    const nested = [{ ...estate[0]!, children: [{ ...inner, id: "outer", children: [inner] }] }];
    expect(depthToInstances(nested)).toBe(4);
    expect(depthToInstances([])).toBe(3);
  });
});

describe("patchFleet", () => {
  it("changes the one node and shares all others", () => {
    const next = patchFleet(fleet, [statusChange("payments-prod", "down", 2)]);
    expect(next.nodes.get("payments-prod")?.health.state).toBe("down");
    expect(fleet.nodes.get("payments-prod")?.health.state).toBe("operational");
    expect(next.nodes.get("ledger-sit")).toBe(fleet.nodes.get("ledger-sit"));
  });

  it("ignores what is not newer and what is not held", () => {
    expect(patchFleet(fleet, [statusChange("payments-prod", "down", 1)])).toBe(fleet);
    expect(patchFleet(fleet, [statusChange("elsewhere", "down", 9)])).toBe(fleet);
  });

  it("takes the newest of a batch, in whatever order it comes", () => {
    const next = patchFleet(fleet, [
      statusChange("payments-prod", "degraded", 3),
      statusChange("payments-prod", "down", 2),
    ]);
    expect(next.nodes.get("payments-prod")?.health.state).toBe("degraded");
  });
});

describe("keepNewer", () => {
  it("does not let a slow answer undo a live change", () => {
    const live = patchFleet(fleet, [statusChange("payments-prod", "down", 2)]);
    expect(keepNewer(fleet, live).nodes.get("payments-prod")?.health.state).toBe("down");
    expect(keepNewer(live, fleet).nodes.get("payments-prod")?.health.state).toBe("down");
    expect(keepNewer(fleet, undefined)).toBe(fleet);
  });
});
