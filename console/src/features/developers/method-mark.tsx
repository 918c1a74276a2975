import { cn } from "@/lib/utils";
import type { Method } from "./document";

const COLOUR: Record<Method, string> = {
  GET: "text-operational",
  POST: "text-primary",
  PUT: "text-degraded",
  PATCH: "text-degraded",
  DELETE: "text-down",
};

/** A method by its word; the colour only helps to find it again. */
export function MethodMark({ method, className }: { method: Method; className?: string }) {
  return (
    <span className={cn("w-12 shrink-0 font-mono text-2xs font-semibold", COLOUR[method], className)}>
      {method}
    </span>
  );
}
