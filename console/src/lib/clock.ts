// One clock for all relative times on the page: a ticking number that components read, instead of a timer each.

import { useSyncExternalStore } from "react";

/** How far the present time of `useNow` may lie behind. */
export const TICK_MS = 5_000;

let now = 0;
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

function tick(): void {
  now = Date.now();
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === null) {
    now = Date.now();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

function read(): number {
  if (timer === null && Date.now() - now >= TICK_MS) now = Date.now();
  return now;
}

/** The present time to within 5 s, or 0 while the page is prerendered: times are only written in the browser. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, read, () => 0);
}
