// The geometry of the latency chart. Pure: pixels out of results, so that it is tested without drawing.

import { formatCount } from "@/lib/format";
import type { Result } from "@/lib/types";

export interface Point {
  x: number;
  y: number;
  result: Result;
}

export interface Latency {
  /** Every result, oldest first. A failed one that took longer than the axis goes sits at its top. */
  points: Point[];
  /** Lines through the good results: broken where one failed or none came. */
  lines: Point[][];
  /** Stretches of time without results. */
  gaps: { from: number; to: number }[];
  /** Labelled values of the vertical axis, in microseconds. */
  ticks: { y: number; us: number }[];
  maxUs: number;
  from: number;
  to: number;
}

/** Without a result for this many intervals, there is a gap. */
const GAP_INTERVALS = 2.5;
const isGood = ({ verdict }: Result) => verdict === "ok" || verdict === "warn";

/** The smallest of 1, 2, 5 × 10ⁿ that is not below `value`. */
export function niceCeil(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

/** Lays out `results` (newest first) in a box; null when there is nothing to show. */
export function layoutLatency(
  results: readonly Result[],
  intervalMs: number,
  size: { width: number; height: number },
): Latency | null {
  const oldestFirst = [...results].reverse();
  const first = oldestFirst[0];
  const last = oldestFirst.at(-1);
  if (!first || !last) return null;

  const from = Date.parse(first.at);
  const to = Math.max(Date.parse(last.at), from + 1);
  const answers = oldestFirst.filter(isGood);
  const measured = (answers.length > 0 ? answers : oldestFirst).map(({ timings_us }) => timings_us.total);
  const maxUs = niceCeil(Math.max(...measured));
  const x = (at: number) => ((at - from) / (to - from)) * size.width;
  const y = (us: number) => size.height - Math.min(us / maxUs, 1) * size.height;

  const points = oldestFirst.map((result) => ({
    x: x(Date.parse(result.at)),
    y: y(result.timings_us.total),
    result,
  }));
  const gaps: Latency["gaps"] = [];
  const lines: Point[][] = [];
  let line: Point[] = [];
  points.forEach((point, index) => {
    const before = points[index - 1];
    const apart = before ? Date.parse(point.result.at) - Date.parse(before.result.at) : 0;
    const gap = before !== undefined && apart > intervalMs * GAP_INTERVALS;
    if (gap) gaps.push({ from: before.x, to: point.x });
    if (gap || !isGood(point.result)) {
      if (line.length > 0) lines.push(line);
      line = [];
    }
    if (isGood(point.result)) line.push(point);
  });
  if (line.length > 0) lines.push(line);

  const ticks = [0, maxUs / 2, maxUs].map((us) => ({ us, y: y(us) }));
  return { points, lines, gaps, ticks, maxUs, from, to };
}

/** The point nearest to a place on the horizontal axis. */
export function nearestPoint(points: readonly Point[], x: number): Point | undefined {
  return points.reduce<Point | undefined>(
    (best, point) => (best === undefined || Math.abs(point.x - x) < Math.abs(best.x - x) ? point : best),
    undefined,
  );
}

/** What the picture says, in one sentence. */
export function describeLatency(results: readonly Result[], format: (us: number) => string): string {
  const answers = results.filter(isGood).map(({ timings_us }) => timings_us.total);
  const errors = results.filter(({ verdict }) => verdict === "error").length;
  const failed = results.length - answers.length - errors;
  const counted = [
    formatCount(results.length, "result"),
    `${failed === 0 ? "none" : failed} failed`,
    ...(errors > 0 ? [formatCount(errors, "error")] : []), // which tell nothing of the target
  ].join(", ");
  if (answers.length === 0) return `${counted}.`;
  const sorted = [...answers].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${counted}. Good ones: median ${format(median)}, slowest ${format(sorted.at(-1) ?? 0)}.`;
}
