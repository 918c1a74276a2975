import { describe, expect, it } from "vitest";
import { formatMicros } from "@/lib/format";
import type { Result, Verdict } from "@/lib/types";
import { describeLatency, layoutLatency, nearestPoint, niceCeil } from "./latency";

const START = Date.parse("2026-11-20T10:00:00Z");
const result = (second: number, ms: number, verdict: Verdict = "ok"): Result => ({
  check: "c",
  at: new Date(START + second * 1000).toISOString(),
  verdict,
  outcome: verdict,
  timings_us: { total: ms * 1000 },
});

// Newest first, as the server sends them: a failure, then a gap of 90 s.
const results = [result(150, 20), result(60, 5_000, "fail"), result(30, 40), result(0, 30)];
const layout = layoutLatency(results, 30_000, { width: 300, height: 100 })!;

describe("layoutLatency", () => {
  it("places results in time, oldest left", () => {
    expect(layout.points.map(({ x }) => x)).toEqual([0, 60, 120, 300]);
  });

  it("scales by good results, and keeps a long failure inside", () => {
    expect(layout.maxUs).toBe(50_000);
    expect(layout.points[2]?.y).toBe(0);
    expect(layout.points[0]?.y).toBe(40);
  });

  it("breaks the line at failures and gaps, and marks the gap", () => {
    expect(layout.lines.map((line) => line.map(({ x }) => x))).toEqual([[0, 60], [300]]);
    expect(layout.gaps).toEqual([{ from: 120, to: 300 }]);
  });

  it("has nothing to show without results, and something for failures alone", () => {
    expect(layoutLatency([], 30_000, { width: 300, height: 100 })).toBeNull();
    expect(layoutLatency([result(0, 70, "fail")], 30_000, { width: 300, height: 100 })?.maxUs).toBe(100_000);
  });
});

it("finds the nearest point", () => {
  expect(nearestPoint(layout.points, 100)?.x).toBe(120);
  expect(nearestPoint([], 100)).toBeUndefined();
});

it("rounds up to 1, 2 or 5", () => {
  expect([0, 1, 11, 21, 51, 99, 100].map(niceCeil)).toEqual([1, 1, 20, 50, 100, 100, 100]);
});

it("says the picture in words", () => {
  expect(describeLatency(results, formatMicros)).toBe(
    "4 results, 1 failed. Good ones: median 30.0 ms, slowest 40.0 ms.",
  );
  expect(describeLatency([result(0, 1, "fail")], formatMicros)).toBe("1 result, 1 failed.");
  expect(describeLatency([result(0, 1, "error"), result(0, 1, "fail")], formatMicros)).toBe(
    "2 results, 1 failed, 1 error.",
  );
});
