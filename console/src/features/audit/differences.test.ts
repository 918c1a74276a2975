import { describe, expect, it } from "vitest";
import { differencesOf, masked, pointerWords, summaryOf, valueText } from "./differences";

const HASH = `hmac-sha256:${"9b62c8".padEnd(64, "0")}`;
const OTHER = `hmac-sha256:${"a08a98".padEnd(64, "0")}`;

function update(...changes: { pointer: string; from: unknown; to: unknown }[]) {
  return { changes, before: {}, after: {} };
}

describe("what an update changed", () => {
  it("is told member by member", () => {
    const entry = update(
      { pointer: "/host", from: null, to: "app-1" },
      { pointer: "/tags", from: ["a"], to: ["a", "b"] },
      { pointer: "/url", from: "http://x", to: null },
    );
    expect(differencesOf(entry).map(({ pointer, change }) => [pointer, change])).toEqual([
      ["/host", "added"],
      ["/tags", "changed"],
      ["/url", "removed"],
    ]);
    expect(summaryOf(entry)).toBe("host, tags, url");
  });

  it("goes into what came or went as a whole, and knows a secret there", () => {
    const to = { basic: { user: "probe", password: HASH }, note: null };
    expect(differencesOf(update({ pointer: "/spec/auth", from: null, to }))).toEqual([
      { pointer: "/spec/auth/basic/user", change: "added", secret: false, from: undefined, to: "probe" },
      { pointer: "/spec/auth/basic/password", change: "added", secret: true, from: undefined, to: HASH },
    ]);
  });

  it("says that a secret changed, and when one takes the place of something else", () => {
    const [one, other] = differencesOf(
      update({ pointer: "/a", from: HASH, to: OTHER }, { pointer: "/b", from: "plain", to: HASH }),
    );
    expect(one).toMatchObject({ change: "changed", secret: true });
    expect(other).toMatchObject({ change: "changed", secret: true });
  });

  it("keeps an object that became something else in one piece", () => {
    const [only, ...rest] = differencesOf(update({ pointer: "/x", from: { a: 1 }, to: [1] }));
    expect(only).toMatchObject({ pointer: "/x", change: "changed" });
    expect(rest).toEqual([]);
  });

  it("can be nothing", () => {
    expect(differencesOf(update())).toEqual([]);
    expect(summaryOf(update())).toBe("nothing");
  });
});

it("shows of what was made or deleted only what says something", () => {
  const object = {
    id: "1",
    version: 1,
    created_at: "x",
    key: "api",
    tags: [],
    host: null,
    "a/b": { c: false },
  };
  const created = differencesOf({ changes: [], before: null, after: object });
  expect(created.map(({ pointer, change, to }) => [pointer, change, to])).toEqual([
    ["/key", "added", "api"],
    ["/a~1b/c", "added", false],
  ]);
  expect(
    differencesOf({ changes: [], before: object, after: null }).every((d) => d.change === "removed"),
  ).toBe(true);
  expect(summaryOf({ changes: [], before: null, after: object })).toBe("");
});

it("never shows a keyed hash", () => {
  const value = { headers: [["authorization", HASH]], user: "probe" };
  expect(masked(value)).toEqual({ headers: [["authorization", "secret 9b62c8…"]], user: "probe" });
  expect(valueText(value)).not.toContain("hmac");
  expect(valueText(HASH)).toBe("secret 9b62c8…");
});

it("writes values as they are, long ones on several lines", () => {
  expect(valueText("plain words")).toBe("plain words");
  expect(valueText("")).toBe('""');
  expect(valueText(null)).toBe("null");
  expect(valueText([1, 2])).toBe("[1,2]");
  expect(valueText({ name: "x".repeat(70) })).toContain("\n");
});

it("writes pointers as people do", () => {
  expect(pointerWords("/spec/url")).toBe("spec.url");
  expect(pointerWords("/attributes/a~1b.c/d~0")).toBe('attributes."a/b.c"."d~"');
});
