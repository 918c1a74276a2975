// Two texts line by line: what stayed, what went, what came. Pure.

export interface Line {
  sign: " " | "-" | "+";
  text: string;
}

/** Beyond it a comparison would cost more than it shows. */
const MOST_LINES = 2_000;

/** The lengths of the longest common sequences of the two tails, from every pair of lines on. */
function commonLengths(before: string[], after: string[]): Uint16Array[] {
  const table = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      table[i]![j] =
        before[i] === after[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
    }
  }
  return table;
}

/** The smallest change from one text to the other; null when they are too long to compare. */
export function compareLines(before: string, after: string): Line[] | null {
  const [old, now] = [before === "" ? [] : before.split("\n"), after === "" ? [] : after.split("\n")];
  if (old.length > MOST_LINES || now.length > MOST_LINES) return null;
  const common = commonLengths(old, now);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ sign: " ", text: old[i]! });
      i++;
      j++;
    } else if (i < old.length && (j >= now.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push({ sign: "-", text: old[i++]! });
    } else {
      lines.push({ sign: "+", text: now[j++]! });
    }
  }
  return lines;
}
