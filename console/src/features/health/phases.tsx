import { formatMicros } from "@/lib/format";
import { cn } from "@/lib/utils";
import type { Result, Timings } from "@/lib/types";

/** The phases of a probe in the order they happen; their colours keep this order everywhere. */
export const PHASES = [
  { key: "dns", word: "DNS", fill: "fill-chart-1", swatch: "bg-chart-1" },
  { key: "connect", word: "connect", fill: "fill-chart-2", swatch: "bg-chart-2" },
  { key: "tls", word: "TLS", fill: "fill-chart-3", swatch: "bg-chart-3" },
  { key: "first_byte", word: "first byte", fill: "fill-chart-4", swatch: "bg-chart-4" },
  { key: "transfer", word: "transfer", fill: "fill-chart-5", swatch: "bg-chart-5" },
] as const satisfies { key: keyof Timings; word: string; fill: string; swatch: string }[];

/** How a probe's time was spent, in words: `DNS 1.2 ms, connect 310 µs`. */
export function describePhases(timings: Timings): string {
  return PHASES.filter(({ key }) => (timings[key] ?? 0) > 0)
    .map(({ key, word }) => `${word} ${formatMicros(timings[key] ?? 0)}`)
    .join(", ");
}

/** Whether the probe's time can be told by phases: a script's cannot, nor can that of a packed result. */
export function hasPhases({ timings_us: timings }: Result): boolean {
  return PHASES.some(({ key }) => (timings[key] ?? 0) > 0);
}

const WIDTH = 100;

/** The phases, or where there are none the whole time, as a bar whose full length is `scaleUs`: those of a list compare. */
export function PhaseBar({
  result,
  scaleUs,
  className,
}: {
  result: Result;
  scaleUs: number;
  className?: string;
}) {
  const { timings_us: timings } = result;
  if (result.compact) return <span className={className} />;
  const lengths = PHASES.map(({ key }) => ((timings[key] ?? 0) / scaleUs) * WIDTH);
  const startOf = (index: number) => lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
  const words = describePhases(timings) || formatMicros(timings.total);
  return (
    <svg
      role="img"
      aria-label={words}
      viewBox={`0 0 ${WIDTH} 8`}
      preserveAspectRatio="none"
      className={cn("h-2 rounded-sm", className)}
    >
      <title>{words}</title>
      <rect width={WIDTH} height="8" className="fill-muted" />
      {hasPhases(result) ? null : (
        <rect width={(timings.total / scaleUs) * WIDTH} height="8" className="fill-chart-5" />
      )}
      {PHASES.map(({ key, fill }, index) => (
        <rect key={key} x={startOf(index)} width={lengths[index]} height="8" className={fill} />
      ))}
    </svg>
  );
}

/** What the colours of the bars mean. */
export function PhaseLegend({ className }: { className?: string }) {
  return (
    <ul className={cn("flex flex-wrap gap-x-3 text-2xs text-muted-foreground", className)}>
      {PHASES.map(({ key, word, swatch }) => (
        <li key={key} className="flex items-center gap-1">
          <span aria-hidden className={cn("size-2 rounded-[2px]", swatch)} />
          {word}
        </li>
      ))}
    </ul>
  );
}
