import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, CheckHealth, EntityHealth, Result } from "@/lib/types";
import { health } from "./fixtures";
import { addResult, patchHealth, throttle } from "./live-cache";

const result = (at: string): Result => ({
  check: "check",
  at,
  verdict: "ok",
  outcome: "ok",
  timings_us: { total: 1 },
});
const check: CheckHealth = {
  ...health("operational"),
  id: "check",
  key: "check",
  name: "health page",
  kind: "check",
  check_kind: "http",
  enabled: true,
  soft: false,
  flapping: false,
  interval_s: 30,
  last: result("2026-11-20T10:00:00.000Z"),
};
const entity: EntityHealth = {
  ...health("operational", 5),
  kind: "component",
  id: "component",
  key: "api",
  name: "API",
  path: [],
  measured: "operational",
  because: [],
  checks: [check],
};
const change = (id: string, changed: Change["changed"]): Change => ({
  seq: 1,
  kind: "check",
  id,
  version: 1,
  changed,
});

describe("patchHealth", () => {
  it("takes the entity's newer state", () => {
    expect(patchHealth(entity, [change("component", { health: health("down", 6) })]).state).toBe("down");
    expect(patchHealth(entity, [change("component", { health: health("down", 5) })])).toBe(entity);
  });

  it("takes a check's state and its newest result", () => {
    const newer = result("2026-11-20T10:00:30.000Z");
    const patched = patchHealth(entity, [
      change("check", { health: health("down", 2) }),
      change("check", { result: newer }),
      change("check", { result: result("2026-11-20T09:00:00.000Z") }),
    ]);
    expect(patched.checks?.[0]).toMatchObject({ state: "down", last: newer });
  });
});

describe("addResult", () => {
  const held = ["2026-11-20T10:00:30.000Z", "2026-11-20T10:00:00.000Z"].map(result);

  it("keeps the newest first", () => {
    expect(addResult(held, result("2026-11-20T10:01:00.000Z")).map(({ at }) => at.slice(14, 19))).toEqual([
      "01:00",
      "00:30",
      "00:00",
    ]);
    expect(addResult(held, result("2026-11-20T10:00:15.000Z"))[1]?.at).toContain("00:15");
  });

  it("holds each once, and no more than its bound", () => {
    expect(addResult(held, result("2026-11-20T10:00:30.000Z"))).toBe(held);
    const many = Array.from({ length: 400 }, (_, i) => result(new Date(1e12 - i * 1000).toISOString()));
    expect(addResult(many, result(new Date(2e12).toISOString()))).toHaveLength(400);
  });
});

describe("throttle", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("runs at once, then at most once an interval, and never loses the last call", () => {
    const run = vi.fn();
    const { call } = throttle(run, 1_000);
    call();
    call();
    call();
    expect(run).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1_000);
    expect(run).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(5_000);
    expect(run).toHaveBeenCalledTimes(2);
  });
});
