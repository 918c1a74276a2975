"use client";

import { useEffect, useState } from "react";
import { formatCount } from "@/lib/format";
import { live } from "@/lib/live";

const EVERY_MS = 10_000;

/** Tells whoever listens instead of looking how much has changed, at most once every 10 s. */
export function LiveAnnouncer() {
  const [text, setText] = useState("");
  useEffect(() => {
    let changes = 0;
    const leave = live.listen({
      onChanges: (batch) => {
        changes += batch.filter(({ kind, changed }) => kind === "instance" && changed.health).length;
      },
      onResync: () => undefined,
    });
    const timer = setInterval(() => {
      setText(changes === 0 ? "" : formatCount(changes, "change of state", "changes of state"));
      changes = 0;
    }, EVERY_MS);
    return () => {
      leave();
      clearInterval(timer);
    };
  }, []);
  return (
    <p aria-live="polite" className="sr-only">
      {text}
    </p>
  );
}
