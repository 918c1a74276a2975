import { describe, expect, it } from "vitest";
import {
  formatAgo,
  formatCount,
  formatDuration,
  formatIn,
  formatInstant,
  formatMicros,
  formatSeconds,
} from "./format";

const MINUTE = 60_000;

describe("durations", () => {
  it.each([
    [-5, "0 s"],
    [999, "0 s"],
    [59_999, "59 s"],
    [MINUTE, "1 min"],
    [59 * MINUTE, "59 min"],
    [60 * MINUTE, "1 h"],
    [24 * 60 * MINUTE - 1, "23 h"],
    [49 * 60 * MINUTE, "2 d"],
  ])("%d ms is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe("exact lengths of time", () => {
  it.each([
    [0, "0 s"],
    [90, "90 s"],
    [120, "2 min"],
    [5_400, "90 min"],
    [7_200, "2 h"],
    [90_000, "25 h"],
    [604_800, "7 d"],
  ])("%d s is %s", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
});

describe("moments", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");

  it("is relative under a day and absolute beyond", () => {
    expect(formatAgo(now - 1_000, now)).toBe("just now");
    expect(formatAgo(now - 4 * MINUTE, now)).toBe("4 min ago");
    expect(formatAgo(now - 30 * 60 * MINUTE, now)).toMatch(/19/);
  });

  it("says when something is due", () => {
    expect(formatIn(now + 12_000, now)).toBe("in 12 s");
    expect(formatIn(now - 3_000, now)).toBe("due");
  });

  it.each(["Asia/Kolkata", "America/New_York", "Pacific/Apia"])("names the zone %s and UTC", (zone) => {
    const text = formatInstant(now, zone);
    expect(text).toContain(zone);
    expect(text).toContain("2026-11-20 12:00:00 UTC");
  });

  it("does not say UTC twice", () => {
    expect(formatInstant(now, "UTC")).toBe("2026-11-20 12:00:00 UTC");
  });
});

describe("measures", () => {
  it.each([
    [0, "0 µs"],
    [95, "95 µs"],
    [1_240, "1.24 ms"],
    [23_140, "23.1 ms"],
    [318_400, "318 ms"],
    [999_400, "999 ms"],
    [999_600, "1.00 s"],
    [2_051_000, "2.05 s"],
    [31_000_000, "31.0 s"],
  ])("%d µs is %s", (us, text) => expect(formatMicros(us)).toBe(text));

  it("counts", () => {
    expect(formatCount(1, "component")).toBe("1 component");
    expect(formatCount(1_204, "component")).toBe("1,204 components");
  });
});
