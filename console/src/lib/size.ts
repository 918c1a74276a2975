import { useCallback, useState } from "react";

/** The width of an element in pixels, as it changes; 0 until it is known. Give `ref` to the element. */
export function useWidth(): { width: number; ref: (element: Element | null) => (() => void) | undefined } {
  const [width, setWidth] = useState(0);
  const ref = useCallback((element: Element | null) => {
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { width, ref };
}
