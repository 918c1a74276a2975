"use client";

import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { cn } from "@/lib/utils";

/** A modal question. It must be answered or closed before anything else can be done. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  dismissible = true,
  className,
  children,
}: {
  open: boolean;
  onOpenChange?: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  dismissible?: boolean;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Base.Root
      open={open}
      onOpenChange={(next) => (dismissible ? onOpenChange?.(next) : undefined)}
      disablePointerDismissal={!dismissible}
    >
      <Base.Portal>
        <Base.Backdrop
          forceRender
          className="fixed inset-0 z-40 bg-backdrop transition-opacity duration-120 data-ending-style:opacity-0 data-starting-style:opacity-0"
        />
        <Base.Popup
          data-slot="dialog"
          className={cn(
            "fixed top-[12vh] left-1/2 z-50 flex max-h-[76vh] w-[calc(100vw-32px)] max-w-[440px] -translate-x-1/2 flex-col overflow-auto rounded-lg border bg-card shadow-popover transition-[opacity,scale] duration-120 ease-out outline-none data-ending-style:scale-[0.98] data-ending-style:opacity-0 data-starting-style:scale-[0.98] data-starting-style:opacity-0",
            className,
          )}
        >
          <div className="flex flex-col gap-1 px-4 pt-4">
            <Base.Title className="text-lg font-semibold">{title}</Base.Title>
            {description ? (
              <Base.Description className="text-muted-foreground">{description}</Base.Description>
            ) : null}
          </div>
          <div className="p-4">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
