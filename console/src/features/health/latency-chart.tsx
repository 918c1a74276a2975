"use client";

import { useId, useMemo, useState, type PointerEvent } from "react";
import { VERDICT, VerdictMark } from "@/components/verdict";
import { formatClock, formatMicros } from "@/lib/format";
import { useWidth } from "@/lib/size";
import type { Result } from "@/lib/types";
import { describeLatency, layoutLatency, nearestPoint, type Latency, type Point } from "./latency";

const PLOT = 104;
const STRIP = 14;
const AXIS = 16;
const LABELS = 52;
const TOP = 8;
const HEIGHT = TOP + PLOT + 6 + STRIP + AXIS;

/** How tall a result stands in the strip: form tells verdicts apart without colour. */
const STRIP_HEIGHT = { ok: 4, warn: 9, fail: STRIP, error: STRIP };

/**
 * Response times over time, gaps hatched, with a strip of verdicts below. The list of results beneath it holds the
 * same facts for whoever does not see pictures.
 */
export function LatencyChart({
  results,
  intervalMs,
  warnMs,
  failMs,
}: {
  results: Result[];
  intervalMs: number;
  warnMs: number | null | undefined;
  failMs: number | null | undefined;
}) {
  const { width, ref } = useWidth();
  const [hovered, setHovered] = useState<Point | null>(null);
  const hatch = useId();
  const plotWidth = Math.max(width - LABELS, 0);
  const layout = useMemo(
    () => layoutLatency(results, intervalMs, { width: plotWidth, height: PLOT }),
    [results, intervalMs, plotWidth],
  );
  if (!layout) return <p className="text-muted-foreground">No results yet.</p>;

  const onPointerMove = (event: PointerEvent<SVGSVGElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    setHovered(nearestPoint(layout.points, x) ?? null);
  };

  return (
    <figure ref={ref}>
      <figcaption className="flex h-5 items-center gap-2 text-xs text-muted-foreground max-md:h-8 max-md:items-start">
        {hovered ? (
          <Reading result={hovered.result} />
        ) : (
          <span className="max-md:text-balance md:truncate">{describeLatency(results, formatMicros)}</span>
        )}
      </figcaption>
      {width === 0 ? (
        <div className="h-37" />
      ) : (
        <svg
          role="img"
          aria-label={`Response times: ${describeLatency(results, formatMicros)}`}
          width={width}
          height={HEIGHT}
          onPointerMove={onPointerMove}
          onPointerLeave={() => setHovered(null)}
          className="block touch-pan-y overflow-visible"
        >
          <defs>
            <pattern
              id={hatch}
              width="6"
              height="6"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <line x1="0" y1="0" x2="0" y2="6" strokeWidth="1.5" className="stroke-border" />
            </pattern>
          </defs>
          <g transform={`translate(0 ${TOP})`}>
            <Axis layout={layout} width={plotWidth} />
            {layout.gaps.map((gap) => (
              <rect
                key={gap.from}
                x={gap.from}
                width={gap.to - gap.from}
                height={PLOT}
                fill={`url(#${hatch})`}
              >
                <title>No results</title>
              </rect>
            ))}
            <Threshold ms={warnMs} layout={layout} width={plotWidth} className="stroke-degraded-fill" />
            <Threshold ms={failMs} layout={layout} width={plotWidth} className="stroke-down-fill" />
            {layout.lines.map((line) => (
              <polyline
                key={line[0]?.x}
                points={line.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")}
                fill="none"
                strokeWidth="1.5"
                strokeLinejoin="round"
                strokeLinecap="round"
                className="stroke-chart-1"
              />
            ))}
            {layout.points
              .filter(({ result }) => result.verdict !== "ok")
              .map((point) => (
                <Mark key={point.result.at} point={point} />
              ))}
            <Strip layout={layout} width={plotWidth} />
            {hovered ? (
              <g className="pointer-events-none">
                <line x1={hovered.x} x2={hovered.x} y2={PLOT + 6 + STRIP} className="stroke-input" />
                <circle
                  cx={hovered.x}
                  cy={hovered.y}
                  r="3"
                  strokeWidth="2"
                  className="fill-card stroke-chart-1"
                />
              </g>
            ) : null}
          </g>
        </svg>
      )}
    </figure>
  );
}

function Reading({ result }: { result: Result }) {
  return (
    <>
      <span className="numeric">{formatClock(Date.parse(result.at))}</span>
      <VerdictMark verdict={result.verdict} />
      <span className="numeric text-foreground">{formatMicros(result.timings_us.total)}</span>
      <span className="truncate">{result.message}</span>
    </>
  );
}

function Axis({ layout, width }: { layout: Latency; width: number }) {
  const y = PLOT + 6 + STRIP + AXIS - 3;
  return (
    <g className="fill-muted-foreground text-2xs">
      {layout.ticks.map((tick) => (
        <g key={tick.us}>
          <line x2={width} y1={tick.y} y2={tick.y} className="stroke-border" />
          <text x={width + 6} y={tick.y + 3.5} className="numeric">
            {tick.us === 0 ? "0" : formatMicros(tick.us)}
          </text>
        </g>
      ))}
      <text y={y} className="numeric">
        {formatClock(layout.from)}
      </text>
      <text x={width} y={y} textAnchor="end" className="numeric">
        {formatClock(layout.to)}
      </text>
    </g>
  );
}

function Threshold({
  ms,
  layout,
  width,
  className,
}: {
  ms: number | null | undefined;
  layout: Latency;
  width: number;
  className: string;
}) {
  if (!ms || ms * 1_000 > layout.maxUs) return null;
  const y = PLOT - (ms * 1_000 * PLOT) / layout.maxUs;
  return (
    <line x2={width} y1={y} y2={y} strokeDasharray="4 3" className={className}>
      <title>{`Limit: ${ms} ms`}</title>
    </line>
  );
}

/** A result that was not simply good: a triangle for a warning, a cross for a failure, a ring for an error. */
function Mark({ point: { x, y, result } }: { point: Point }) {
  if (result.verdict === "warn") {
    return <path d={`M${x} ${y - 4}l4 7h-8z`} className={VERDICT.warn.fill} />;
  }
  if (result.verdict === "fail") {
    return (
      <path
        d={`M${x - 3} ${y - 3}l6 6M${x - 3} ${y + 3}l6 -6`}
        strokeWidth="1.75"
        strokeLinecap="round"
        className="stroke-down-fill"
      />
    );
  }
  return <circle cx={x} cy={y} r="3" fill="none" strokeWidth="1.5" className="stroke-unknown-fill" />;
}

function Strip({ layout, width }: { layout: Latency; width: number }) {
  const bar = Math.max(1, Math.min(6, width / layout.points.length - 1));
  return (
    <g transform={`translate(0 ${PLOT + 6})`}>
      {layout.points.map(({ x, result }) => {
        const height = STRIP_HEIGHT[result.verdict];
        return (
          <rect
            key={result.at}
            x={Math.min(x, width - bar)}
            y={STRIP - height}
            width={bar}
            height={height}
            className={VERDICT[result.verdict].fill}
            opacity={result.verdict === "error" ? 0.6 : 1}
          />
        );
      })}
    </g>
  );
}
