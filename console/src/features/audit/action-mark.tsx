import { Ban, CircleDot, Pencil, Plus, RotateCcw, Square, Trash2, type LucideIcon } from "lucide-react";
import { cn } from "@/lib/utils";
import { actionWord } from "./words";

const ICON: Record<string, LucideIcon> = {
  create: Plus,
  update: Pencil,
  delete: Trash2,
  restore: RotateCcw,
  rotate: RotateCcw,
  revoke: Ban,
  end: Square,
};

/** What was done: icon and word. What takes away is marked. */
export function ActionMark({ action, className }: { action: string; className?: string }) {
  const Icon = ICON[action] ?? CircleDot;
  const away = action === "delete" || action === "revoke";
  return (
    <span className={cn("flex items-center gap-1.5", className)}>
      <Icon aria-hidden className={cn("size-3.5 shrink-0", away ? "text-down" : "text-muted-foreground")} />
      {actionWord(action)}
    </span>
  );
}
