import { describe, expect, it } from "vitest";
import { clashesOf, formOf, isSame, limitName, limitWords, patchOf, paceWords } from "./limits";

it("names limits and says them in words", () => {
  expect(limitName({ class: "sign_in", subject: "address" })).toBe("Sign in by address");
  expect(limitName({ class: "change", subject: "key" })).toBe("Change by API key or session");
  expect(limitWords({ quota: 1_200, window_s: 60 })).toBe("1,200 per 1 min");
  expect(limitWords({ quota: null, window_s: 60 })).toBe("no limit");
});

it.each([
  [1_200, 60, "1,200 at once, then 20 per second"],
  [100, 30, "100 at once, then 3.3 per second"],
  [2, 60, "2 at once, then 1 every 30 s"],
])("%i in %i s is %s", (quota, window_s, words) => expect(paceWords({ quota, window_s })).toBe(words));

describe("a form", () => {
  it("asks for what it shows", () => {
    const limit = { quota: 30, window_s: 5 };
    expect(patchOf(formOf(limit))).toEqual(limit);
    expect(isSame(limit, limit)).toBe(true);
    expect(patchOf(formOf({ quota: null, window_s: 60 }))).toEqual({ quota: null, window_s: 60 });
    expect(patchOf({ limited: false, quota: "junk", window: "60" })).toEqual({ quota: null, window_s: 60 });
  });

  it.each([
    ["", "60"],
    ["1.5", "60"],
    ["ten", "60"],
    ["10", ""],
  ])("with %j in %j asks for nothing", (quota, window) => {
    expect(patchOf({ limited: true, quota, window })).toBeNull();
  });

  it("leaves it to the service to refuse a number", () => {
    expect(patchOf({ limited: true, quota: "-5", window: "0" })).toEqual({ quota: -5, window_s: 0 });
  });
});

it("tells where two changes clash", () => {
  expect(clashesOf({ quota: 10, window_s: 60 }, { quota: null, window_s: 60 })).toEqual([
    { field: "Requests", mine: "10", theirs: "no limit" },
  ]);
  expect(clashesOf({ quota: 10, window_s: 5 }, { quota: 10, window_s: 5 })).toEqual([]);
});
