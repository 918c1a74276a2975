"use client";

import { Menu as Base } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import type { ComponentProps, ReactElement, ReactNode } from "react";
import { cn } from "@/lib/utils";

const ITEM =
  "flex min-h-7 items-center gap-2 rounded-sm px-2 text-sm outline-none select-none data-highlighted:bg-accent coarse:min-h-8 [&_svg]:size-3.5";

/** A button that opens a list of actions or choices. */
export function Menu({
  trigger,
  align = "end",
  className,
  children,
}: {
  trigger: ReactElement;
  align?: "start" | "end";
  className?: string;
  children: ReactNode;
}) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner align={align} sideOffset={4} className="z-50">
          <Base.Popup
            data-slot="menu"
            className={cn(
              "max-h-[min(480px,var(--available-height))] min-w-44 overflow-auto rounded-lg border bg-card p-1 shadow-popover transition-opacity duration-120 outline-none data-ending-style:opacity-0 data-starting-style:opacity-0",
              className,
            )}
          >
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export function MenuItem({ className, ...props }: ComponentProps<typeof Base.Item>) {
  return <Base.Item data-slot="menu-item" className={cn(ITEM, className)} {...props} />;
}

export function MenuRadioGroup(props: ComponentProps<typeof Base.RadioGroup>) {
  return <Base.RadioGroup data-slot="menu-radio-group" {...props} />;
}

export function MenuRadioItem({ className, children, ...props }: ComponentProps<typeof Base.RadioItem>) {
  return (
    <Base.RadioItem data-slot="menu-radio-item" closeOnClick className={cn(ITEM, className)} {...props}>
      <span className="grid size-3.5 shrink-0 place-items-center">
        <Base.RadioItemIndicator>
          <Check aria-hidden />
        </Base.RadioItemIndicator>
      </span>
      {children}
    </Base.RadioItem>
  );
}

export function MenuCheckboxItem({
  className,
  children,
  ...props
}: ComponentProps<typeof Base.CheckboxItem>) {
  return (
    <Base.CheckboxItem data-slot="menu-checkbox-item" className={cn(ITEM, className)} {...props}>
      <span className="grid size-3.5 shrink-0 place-items-center">
        <Base.CheckboxItemIndicator>
          <Check aria-hidden />
        </Base.CheckboxItemIndicator>
      </span>
      {children}
    </Base.CheckboxItem>
  );
}

/** A named part of the menu; its label goes with the items for assistive technology. */
export function MenuSection({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-2 pt-2 pb-1 text-2xs text-muted-foreground">{label}</Base.GroupLabel>
      {children}
    </Base.Group>
  );
}

export function MenuSeparator() {
  return <Base.Separator className="-mx-1 my-1 h-px bg-border" />;
}
