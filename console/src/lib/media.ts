import { useCallback, useSyncExternalStore } from "react";

/** Below this the console is one column: lists instead of matrices, a drawer instead of the navigation. */
export const NARROW = "(max-width: 759.98px)";

/** Whether a media query holds; false in the prerendered page. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(
    subscribe,
    () => matchMedia(query).matches,
    () => false,
  );
}
