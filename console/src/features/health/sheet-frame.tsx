"use client";

import type { ReactNode } from "react";
import { SheetContent } from "@/components/sheet-parts";
import type { EntityHealth } from "@/lib/types";
import { useEntityHealth, type SheetKind } from "./queries";

/** Loads what a sheet is about and shows it, or why it cannot. */
export function SheetFrame({
  kind,
  id,
  onClose,
  children,
}: {
  kind: SheetKind;
  id: string;
  onClose: () => void;
  children: (health: EntityHealth) => ReactNode;
}) {
  return (
    <SheetContent
      query={useEntityHealth(kind, id)}
      what={kind === "instance" ? "The instance" : "The component"}
      onClose={onClose}
    >
      {children}
    </SheetContent>
  );
}
