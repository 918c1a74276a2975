import { describe, expect, it } from "vitest";
import { parseAsMoment } from "@/lib/url";
import { INSTALLATION, instantOf, isNarrowed, journalParameters, NO_FILTERS, rangeLabel } from "./filters";

const NOW = Date.parse("2026-11-22T12:00:00Z");

describe("moments", () => {
  it.each([
    ["now-90m", "2026-11-22T10:30:00.000Z"],
    ["now-24h", "2026-11-21T12:00:00.000Z"],
    ["now-7d", "2026-11-15T12:00:00.000Z"],
    ["2026-11-20T08:00:00+05:30", "2026-11-20T02:30:00.000Z"],
  ])("%s is %s", (moment, instant) => {
    expect(parseAsMoment.parse(moment)).toBe(moment);
    expect(instantOf(moment, NOW)).toBe(instant);
  });

  it.each(["yesterday", "now-", "now-7w", ""])("%j is none", (moment) => {
    expect(parseAsMoment.parse(moment)).toBeNull();
  });

  it("survives what no calendar has", () => {
    expect(instantOf("now-999999d", NOW)).toMatch(/^-/);
    expect(instantOf("now-999999999999d", NOW)).toBeNull();
  });
});

describe("parameters", () => {
  it("are none without filters", () => {
    expect(journalParameters(NO_FILTERS, NOW)).toEqual({});
    expect(isNarrowed(NO_FILTERS)).toBe(false);
    expect(isNarrowed({ ...NO_FILTERS, q: "  " })).toBe(false);
  });

  it("are named as the API names them", () => {
    const filters = {
      q: " pay ",
      org: "o",
      actor: ["a", "b"],
      credential: ["c"],
      action: ["update"],
      kind: ["check"],
      entity: "e",
      request: "r",
      address: "192.0.2.10",
      from: "now-1h",
      to: "2026-11-22T11:30:00Z",
    };
    expect(journalParameters(filters, NOW)).toEqual({
      q: "pay",
      organisation: ["o"],
      actor: ["a", "b"],
      credential_id: ["c"],
      action: ["update"],
      kind: ["check"],
      entity: ["e"],
      request_id: ["r"],
      address: ["192.0.2.10"],
      at__gte: "2026-11-22T11:00:00.000Z",
      at__lt: "2026-11-22T11:30:00.000Z",
    });
    expect(isNarrowed(filters)).toBe(true);
  });

  it("ask for what belongs to no organisation", () => {
    expect(journalParameters({ ...NO_FILTERS, org: INSTALLATION }, NOW)).toEqual({
      organisation__isnull: true,
    });
  });
});

it("says the range in words", () => {
  const write = (at: number) => new Date(at).toISOString().slice(0, 10);
  expect(rangeLabel({ from: null, to: null }, write)).toBeNull();
  expect(rangeLabel({ from: "now-7d", to: null }, write)).toBe("Last 7 days");
  expect(rangeLabel({ from: "2026-11-01", to: "2026-11-08" }, write)).toBe("2026-11-01 – 2026-11-08");
  expect(rangeLabel({ from: null, to: "2026-11-08" }, write)).toBe("until 2026-11-08");
});
