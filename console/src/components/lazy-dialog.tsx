"use client";

import dynamic from "next/dynamic";
import { useEffect, useState, type ComponentType } from "react";

const IDLE_MS = 2_000;

/**
 * A dialog whose code is not in the first load. It is fetched while the page is idle, drawn from the first time it
 * is open, and stays from then on, so that it can close with its transition.
 */
export function lazyDialog<Props extends { open: boolean }>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  const Loaded = dynamic(load, { ssr: false }) as ComponentType<Props>; // dynamic() forgets the exact props
  return function LazyDialog(props: Props) {
    const [opened, setOpened] = useState(props.open);
    if (props.open && !opened) setOpened(true);
    useEffect(() => {
      const timer = setTimeout(() => void load().catch(() => undefined), IDLE_MS);
      return () => clearTimeout(timer);
    }, []);
    return opened ? <Loaded {...props} /> : null;
  };
}
