"use client";

import { Dialog } from "@base-ui/react/dialog";
import { PaletteContent } from "./palette-content";

/** Search and commands over any page. */
export function Palette({
  open,
  onOpenChange,
  onHelp,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onHelp: () => void;
}) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-backdrop transition-opacity duration-120 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup
          data-slot="palette"
          aria-label="Search or jump to"
          className="fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-32px)] max-w-[600px] -translate-x-1/2 overflow-hidden rounded-lg border bg-card shadow-popover transition-opacity duration-120 outline-none data-ending-style:opacity-0 data-starting-style:opacity-0"
        >
          <PaletteContent close={() => onOpenChange(false)} onHelp={onHelp} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
