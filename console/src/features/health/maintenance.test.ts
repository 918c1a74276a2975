import { describe, expect, it } from "vitest";
import type { EntityHealth, MaintenanceWindow } from "@/lib/types";
import { health } from "./fixtures";
import { openWindows } from "./maintenance";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const window = (id: string, more: Partial<MaintenanceWindow>): MaintenanceWindow => ({
  id,
  scope: { instance: "sit" },
  starts_at: "2026-11-20T11:00:00Z",
  ends_at: "2026-11-20T13:00:00Z",
  reason: "upgrade",
  ended_at: null,
  version: 1,
  created_at: "2026-11-20T10:00:00Z",
  updated_at: "2026-11-20T10:00:00Z",
  ...more,
});
const component: EntityHealth = {
  ...health("maintenance"),
  kind: "component",
  id: "api",
  key: "api",
  name: "API",
  path: [{ kind: "instance", id: "sit", key: "sit", name: "SIT" }],
  measured: "down",
  because: [],
};

describe("openWindows", () => {
  it("finds those on the entity and above it, its own first", () => {
    const windows = [window("above", {}), window("own", { scope: { component: "api" } })];
    expect(openWindows(windows, component, NOW).map(({ id }) => id)).toEqual(["own", "above"]);
  });

  it("leaves out what is elsewhere, over, ended early, or still to come", () => {
    const windows = [
      window("elsewhere", { scope: { instance: "uat" } }),
      window("over", { ends_at: "2026-11-20T11:30:00Z" }),
      window("ended", { ended_at: "2026-11-20T11:30:00Z" }),
      window("later", { starts_at: "2026-11-20T12:30:00Z" }),
    ];
    expect(openWindows(windows, component, NOW)).toEqual([]);
  });
});
