import type { ComponentProps } from "react";
import { cn } from "@/lib/utils";

/** One of several choices as a button: a radio button or checkbox, told apart from the rest by more than colour. */
export function Choice({
  type,
  size = "md",
  className,
  children,
  ...props
}: Omit<ComponentProps<"input">, "size"> & { type: "radio" | "checkbox"; size?: "sm" | "md" }) {
  return (
    <label
      data-slot="choice"
      className={cn(
        "relative inline-flex items-center rounded-md border border-input/60 select-none has-checked:border-primary has-checked:bg-accent has-checked:font-medium has-checked:shadow-[inset_0_0_0_1px_var(--primary)] has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-ring has-disabled:opacity-60",
        size === "sm" ? "h-6 px-1.5 text-xs coarse:h-8" : "h-8 px-3",
        className,
      )}
    >
      <input type={type} className="absolute inset-0 opacity-0" {...props} />
      {children}
    </label>
  );
}
