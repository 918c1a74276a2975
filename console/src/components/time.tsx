"use client";

import { useNow } from "@/lib/clock";
import { formatAgo, formatClock, formatDuration, formatIn, formatInstant } from "@/lib/format";

const WRITE = {
  /** `4 min ago`, and the day beyond a day. */
  ago: formatAgo,
  /** `4 min`: for how long it has been so. */
  for: (at: number, now: number) => formatDuration(now - at),
  /** `in 12 s`. */
  until: formatIn,
  /** `10:04:31`. */
  clock: (at: number) => formatClock(at),
};

/** A moment. The full instant, its zone and UTC are in the tooltip; nothing is written before the page is alive. */
export function Time({
  at,
  as = "ago",
  className,
}: {
  at: string | null | undefined;
  as?: keyof typeof WRITE;
  className?: string;
}) {
  const now = useNow();
  if (!at || now === 0) return null;
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return null;
  return (
    <time dateTime={at} title={formatInstant(ms)} className={className}>
      {WRITE[as](ms, now)}
    </time>
  );
}
