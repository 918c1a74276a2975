import { useCallback, useState, type FocusEvent, type PointerEvent } from "react";

/**
 * Keeps a list from moving under the pointer: while the pointer or the focus is inside, entries stay where they
 * are, gone ones leave, and new ones wait. `waiting` counts what would move; `apply` lets it.
 */
export function useHeldOrder<T>(items: readonly T[], idOf: (item: T) => string) {
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const hold = useCallback(() => setHeld((order) => order ?? items.map(idOf)), [items, idOf]);
  const release = useCallback(() => setHeld(null), []);

  const byId = new Map(items.map((item) => [idOf(item), item]));
  const shown = held ? held.flatMap((id) => byId.get(id) ?? []) : items;
  const waiting = held ? items.filter((item, index) => held[index] !== idOf(item)).length : 0;

  return {
    shown,
    waiting,
    apply: () => setHeld(items.map(idOf)),
    bind: {
      onPointerEnter: hold,
      onPointerLeave: (event: PointerEvent<HTMLElement>) => {
        if (!event.currentTarget.contains(document.activeElement)) release();
      },
      onFocus: hold,
      onBlur: (event: FocusEvent<HTMLElement>) => {
        if (!event.currentTarget.contains(event.relatedTarget) && !event.currentTarget.matches(":hover"))
          release();
      },
    },
  };
}
