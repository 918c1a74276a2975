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

const WIDTH = 100;

/** The phases as a bar; its full length is `scaleUs`, so that bars of one list compare. */
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
  const words = describePhases(timings);
  return (
    <svg
      role="img"
      aria-label={words || "no time measured"}
      viewBox={`0 0 ${WIDTH} 8`}
      preserveAspectRatio="none"
      className={cn("h-2 rounded-sm", className)}
    >
      <title>{words}</title>
      <rect width={WIDTH} height="8" className="fill-muted" />
      {PHASES.map(({ key, fill }, index) => (
        <rect key={key} x={startOf(index)} width={lengths[index]} height="8" className={fill} />
      ))}
    </svg>
  );
}

/** What the colours of the bars mean. */
export function PhaseLegend() {
  return (
    <ul className="flex flex-wrap gap-x-3 text-2xs text-muted-foreground">
      {PHASES.map(({ key, word, swatch }) => (
        <li key={key} className="flex items-center gap-1">
          <span aria-hidden className={cn("size-2 rounded-[2px]", swatch)} />
          {word}
        </li>
      ))}
    </ul>
  );
}
