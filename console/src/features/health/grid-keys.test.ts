import { describe, expect, it } from "vitest";
import { moveInGrid } from "./grid-keys";

// Two instances in the middle of the first row, nothing at the end of the second.
const items = [
  [1, 2, 1],
  [1, 1, 0],
];
const move = (from: [number, number, number], key: string, ctrl = false) => {
  const [row, column, item] = from;
  const next = moveInGrid(
    { row, column, item },
    key,
    ctrl,
    { rows: 2, columns: 3 },
    (r, c) => items[r]?.[c] ?? 0,
  );
  return next && [next.row, next.column, next.item];
};

describe("moveInGrid", () => {
  it.each<[[number, number, number], string, boolean, number[]]>([
    [[0, 0, 0], "ArrowRight", false, [0, 1, 0]],
    [[0, 0, 0], "ArrowLeft", false, [0, 0, 0]],
    [[0, 1, 0], "ArrowDown", false, [0, 1, 1]],
    [[0, 1, 1], "ArrowDown", false, [1, 1, 0]],
    [[1, 1, 0], "ArrowUp", false, [0, 1, 1]],
    [[1, 1, 0], "ArrowRight", false, [1, 2, 0]],
    [[1, 1, 0], "ArrowDown", false, [1, 1, 0]],
    [[1, 1, 0], "Home", false, [1, 0, 0]],
    [[1, 1, 0], "Home", true, [0, 0, 0]],
    [[0, 0, 0], "End", true, [1, 2, 0]],
    [[0, 0, 0], "PageDown", false, [1, 0, 0]],
  ])("from %j by %s (ctrl %s) to %j", (from, key, ctrl, to) => {
    expect(move(from, key, ctrl)).toEqual(to);
  });

  it("leaves other keys and empty grids alone", () => {
    expect(move([0, 0, 0], "a")).toBeNull();
    expect(
      moveInGrid({ row: 0, column: 0, item: 0 }, "End", true, { rows: 0, columns: 0 }, () => 0),
    ).toBeNull();
  });
});
