// Where a key moves to in a grid whose cells hold any number of items. Pure.

export interface GridPosition {
  row: number;
  column: number;
  item: number;
}

const PAGE_ROWS = 8;

/** The position after `key`, or null when the key is not one of the grid's. */
export function moveInGrid(
  at: GridPosition,
  key: string,
  ctrl: boolean,
  size: { rows: number; columns: number },
  itemsIn: (row: number, column: number) => number,
): GridPosition | null {
  const lastRow = size.rows - 1;
  const lastColumn = size.columns - 1;
  if (lastRow < 0 || lastColumn < 0) return null;
  const go = (row: number, column: number, item = 0): GridPosition => {
    const [r, c] = [clamp(row, lastRow), clamp(column, lastColumn)];
    return { row: r, column: c, item: clamp(item, Math.max(0, itemsIn(r, c) - 1)) };
  };
  switch (key) {
    case "ArrowRight":
      return go(at.row, at.column + 1, at.item);
    case "ArrowLeft":
      return go(at.row, at.column - 1, at.item);
    case "ArrowDown":
      if (at.item < itemsIn(at.row, at.column) - 1) return { ...at, item: at.item + 1 };
      return at.row < lastRow ? go(at.row + 1, at.column) : at;
    case "ArrowUp":
      if (at.item > 0) return { ...at, item: at.item - 1 };
      return at.row > 0 ? go(at.row - 1, at.column, Infinity) : at;
    case "Home":
      return ctrl ? go(0, 0) : go(at.row, 0);
    case "End":
      return ctrl ? go(lastRow, lastColumn) : go(at.row, lastColumn);
    case "PageDown":
      return go(at.row + PAGE_ROWS, at.column);
    case "PageUp":
      return go(at.row - PAGE_ROWS, at.column);
    default:
      return null;
  }
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}
