// Keys of the whole page. Single letters can be switched off, and none fires while somebody types.

import { useEffect } from "react";
import { signal } from "@/lib/signal";

const STORAGE_KEY = "em-letter-keys";
const SEQUENCE_MS = 1_000;

/** Whether single-letter keys act (WCAG 2.1.4). */
export const letterKeys = signal(true);

export function setLetterKeys(on: boolean): void {
  letterKeys.set(on);
  try {
    localStorage.setItem(STORAGE_KEY, on ? "on" : "off");
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

export function restoreLetterKeys(): void {
  try {
    letterKeys.set(localStorage.getItem(STORAGE_KEY) !== "off");
  } catch {
    // The default stays.
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
}

function isModal(): boolean {
  return document.querySelector("[data-slot=dialog], [data-slot=palette], [data-slot=menu]") !== null;
}

let first: { key: string; at: number } | null = null;
const names = new WeakMap<KeyboardEvent, string>();

/** The name of a pressed key: `/`, `Shift D`, `Ctrl K`; the second of a sequence comes as `g o`. */
export function keyName(event: KeyboardEvent, now = Date.now()): string {
  // Several components listen; a sequence must advance once for each press.
  const known = names.get(event);
  if (known !== undefined) return known;
  const name = readKey(event, now);
  names.set(event, name);
  return name;
}

function readKey(event: KeyboardEvent, now: number): string {
  const command = event.ctrlKey || event.metaKey;
  if (command || event.altKey) return `${command ? "Ctrl " : "Alt "}${event.key.toUpperCase()}`;
  if (event.shiftKey && /^[a-z]$/i.test(event.key)) return `Shift ${event.key.toUpperCase()}`;
  const pending = first && now - first.at < SEQUENCE_MS ? first.key : null;
  first = event.key === "g" && !pending ? { key: event.key, at: now } : null;
  return pending ? `${pending} ${event.key}` : event.key;
}

/** Runs the action of a key while the component is mounted. */
export function useShortcuts(actions: Record<string, () => void>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat || /^(Shift|Control|Meta|Alt)$/.test(event.key)) return;
      const command = event.ctrlKey || event.metaKey;
      if (!command && (isTyping(event.target) || isModal() || !letterKeys.get())) return;
      const action = actions[keyName(event)];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [actions]);
}
