"use client";

import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { cn } from "@/lib/utils";

/**
 * A panel at the side of the page. It is not modal: the page beside it stays usable, so that picking another row
 * changes what the panel shows. A sheet rendered inside another lies on top of it and takes Escape first.
 */
export function Sheet({
  open,
  onClose,
  label,
  behind = false,
  children,
}: {
  open: boolean;
  onClose: () => void;
  label: string;
  behind?: boolean;
  children: ReactNode;
}) {
  return (
    <Dialog.Root
      open={open}
      modal={false}
      disablePointerDismissal
      onOpenChange={(next, details) => {
        if (!next && (details.reason === "escape-key" || details.reason === "close-press")) onClose();
      }}
    >
      <Dialog.Portal>
        <Dialog.Popup
          data-slot="sheet"
          aria-label={label}
          className={cn(
            "fixed top-12 right-0 bottom-0 z-30 flex w-full flex-col border-l bg-card shadow-sheet transition-[transform,opacity] duration-150 ease-out outline-none data-ending-style:translate-x-8 data-ending-style:opacity-0 data-starting-style:translate-x-8 data-starting-style:opacity-0 md:w-[560px]",
            behind && "lg:-translate-x-6",
          )}
        >
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
