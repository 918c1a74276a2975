"use client";

import { live, type LiveStatus } from "@/lib/live";
import { useSignal } from "@/lib/signal";
import { cn } from "@/lib/utils";

const CHIP: Record<LiveStatus, { word: string; dot: string; help: string }> = {
  connecting: {
    word: "Connecting",
    dot: "bg-unknown-fill",
    help: "The live connection is being made.",
  },
  live: { word: "Live", dot: "bg-operational-fill", help: "Changes appear as they happen." },
  reconnecting: {
    word: "Reconnecting",
    dot: "bg-degraded-fill motion-safe:animate-pulse",
    help: "The live connection broke off and is being made anew.",
  },
  polling: {
    word: "Polling 15 s",
    dot: "bg-degraded-fill",
    help: "There is no live connection: data is fetched every 15 s instead.",
  },
  offline: {
    word: "Offline",
    dot: "border-2 border-unknown-fill",
    help: "The service cannot be reached. What is shown is the last that was known.",
  },
};

/** How current the page is. */
export function LiveChip() {
  const status = useSignal(live.status);
  const { word, dot, help } = CHIP[status];
  return (
    <span
      data-slot="live-chip"
      role="status"
      title={help}
      className="flex h-7 shrink-0 items-center gap-1.5 rounded-md px-1.5 text-xs text-muted-foreground"
    >
      <span aria-hidden className={cn("size-2 rounded-full", dot)} />
      <span className={cn(status === "live" && "max-md:sr-only")}>{word}</span>
    </span>
  );
}
