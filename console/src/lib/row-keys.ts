import { useCallback, useMemo, type KeyboardEvent, type RefObject } from "react";
import { useShortcuts } from "@/lib/shortcuts";

const STEPS: Record<string, number> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 10,
  PageUp: -10,
  Home: -Infinity,
  End: Infinity,
};

/**
 * Moves the focus between the rows of a table: their buttons carry `data-row`. Arrows act inside the body that gets
 * the answer as `onKeyDown`; j and k from anywhere on the page, and go to `step` instead when a sheet is open.
 */
export function useRowKeys(
  bodyRef: RefObject<HTMLElement | null>,
  selected: string | null,
  step?: (by: number) => void,
) {
  const move = useCallback(
    (by: number) => {
      const buttons = [...(bodyRef.current?.querySelectorAll<HTMLButtonElement>("[data-row]") ?? [])];
      const focused = buttons.findIndex((button) => button === document.activeElement);
      const at = focused >= 0 ? focused : buttons.findIndex((button) => button.dataset.row === selected);
      buttons[Math.min(Math.max(at < 0 ? 0 : at + by, 0), buttons.length - 1)]?.focus();
    },
    [bodyRef, selected],
  );
  const go = selected && step ? step : move;
  useShortcuts(useMemo(() => ({ j: () => go(1), k: () => go(-1) }), [go]));

  return (event: KeyboardEvent) => {
    const by = STEPS[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(by);
  };
}

/** The item so many rows after the one with the id; none beyond the ends, or when that one is not among them. */
export function neighbour<Item extends { id: string }>(
  items: readonly Item[],
  id: string | null,
  by: number,
): Item | undefined {
  const at = items.findIndex((item) => item.id === id);
  return at < 0 ? undefined : items[at + by];
}
