import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/utils";

export function Card({ className, ...props }: ComponentProps<"section">) {
  return (
    <section
      data-slot="card"
      className={cn("flex min-w-0 flex-col rounded-lg border bg-card", className)}
      {...props}
    />
  );
}

export function CardHeader({
  title,
  count,
  children,
}: {
  title: string;
  count?: number | undefined;
  children?: ReactNode;
}) {
  return (
    <header
      data-slot="card-header"
      className="flex min-h-10 flex-wrap items-center gap-x-2 gap-y-1 border-b px-3 py-1"
    >
      <h2 className="text-sm font-medium">{title}</h2>
      {count === undefined ? null : (
        <span className="numeric text-xs text-muted-foreground">{count.toLocaleString("en")}</span>
      )}
      {children}
    </header>
  );
}
