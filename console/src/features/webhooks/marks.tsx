import {
  CircleCheck,
  CirclePause,
  CircleX,
  Clock,
  Link2Off,
  RotateCw,
  TriangleAlert,
  type LucideIcon,
} from "lucide-react";
import { cn } from "@/lib/utils";
import type { Delivery, DeliveryState } from "@/lib/types";
import type { WebhookState } from "./webhook-state";

interface Look {
  word: string;
  icon: LucideIcon;
  className: string;
}

const WEBHOOK: Record<WebhookState, Look> = {
  on: { word: "On", icon: CircleCheck, className: "border-transparent bg-operational-bg text-operational" },
  failing: {
    word: "Failing",
    icon: TriangleAlert,
    className: "border-degraded bg-degraded-bg text-degraded",
  },
  off: { word: "Off", icon: CirclePause, className: "border-dashed border-unknown text-unknown" },
  gone: {
    word: "Off: gone",
    icon: Link2Off,
    className: "border-down-fill bg-down-fill text-down-on-fill",
  },
  given_up: {
    word: "Off: failing",
    icon: CircleX,
    className: "border-down-fill bg-down-fill text-down-on-fill",
  },
};

/** The state of a webhook: icon, form and word. */
export function WebhookBadge({ state }: { state: WebhookState }) {
  const { word, icon: Icon, className } = WEBHOOK[state];
  return (
    <span
      data-webhook-state={state}
      className={cn(
        "inline-flex h-5 shrink-0 items-center gap-1 rounded-sm border px-1.5 text-xs font-medium whitespace-nowrap",
        className,
      )}
    >
      <Icon aria-hidden className="size-3" />
      {word}
    </span>
  );
}

const DELIVERY: Record<DeliveryState | "again", Look> = {
  delivered: { word: "Delivered", icon: CircleCheck, className: "text-operational" },
  waiting: { word: "Waiting", icon: Clock, className: "text-unknown" },
  again: { word: "Trying again", icon: RotateCw, className: "text-degraded" },
  failed: { word: "Failed", icon: CircleX, className: "text-down" },
};

export function deliveryWord(state: DeliveryState): string {
  return DELIVERY[state].word;
}

/** The state of a delivery: icon and word. */
export function DeliveryMark({
  delivery: { state, last_error },
  className,
}: {
  delivery: Pick<Delivery, "state" | "last_error">;
  className?: string;
}) {
  const look = DELIVERY[state === "waiting" && last_error ? "again" : state];
  return (
    <span
      data-delivery-state={state}
      className={cn(
        "inline-flex shrink-0 items-center gap-1.5 align-middle font-medium whitespace-nowrap",
        look.className,
        className,
      )}
    >
      <look.icon aria-hidden className="size-3.5" />
      {look.word}
    </span>
  );
}
