import { expect, it } from "vitest";
import { compareLines } from "./lines";

const drawn = (before: string, after: string) =>
  compareLines(before, after)?.map(({ sign, text }) => sign + text);

it("keeps what stayed, in order, and tells what went and came", () => {
  expect(drawn("a\nb\nc", "a\nx\nc\nd")).toEqual([" a", "-b", "+x", " c", "+d"]);
});

it("does not compare with nothing", () => {
  expect(drawn("", "a\nb")).toEqual(["+a", "+b"]);
  expect(drawn("a", "")).toEqual(["-a"]);
  expect(drawn("", "")).toEqual([]);
});

it("finds the smallest change", () => {
  const lines = drawn("{\n1\n2\n3\n}", "{\n0\n1\n2\n3\n4\n}") ?? [];
  expect(lines.filter((line) => !line.startsWith(" "))).toEqual(["+0", "+4"]);
});

it("gives up on what is too long", () => {
  expect(compareLines("x\n".repeat(2_001), "y")).toBeNull();
});
