"use client";

import { CircleX, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { formatCount } from "@/lib/format";
import type { Webhook } from "@/lib/types";
import { cn } from "@/lib/utils";
import { stateOf } from "./webhook-state";

/** What is wrong with a webhook, if anything, and what to do. */
export function WebhookNotice({
  webhook,
  onSwitchOn,
  onReplay,
}: {
  webhook: Webhook;
  onSwitchOn: (() => void) | null;
  onReplay: (() => void) | null;
}) {
  const status = webhook.included?.status;
  const state = stateOf(webhook);
  const on = onSwitchOn ? (
    <Button onClick={onSwitchOn} className="ml-auto text-foreground">
      Switch on
    </Button>
  ) : null;
  const error = status?.last_error ? <> {status.last_error}</> : null;
  switch (state) {
    case "failing":
      return (
        <Banner tone="degraded">
          <strong>
            Nothing has arrived for <Time at={status?.failing_since} as="for" />.
          </strong>
          {error} It is tried again by itself, up to 75 hours; then the webhook is switched off.
        </Banner>
      );
    case "gone":
      return (
        <Banner tone="down" actions={on}>
          <strong>
            The service switched it off <Time at={webhook.disabled_at} />: the receiver answered 410, gone.
          </strong>{" "}
          Nothing is kept for it meanwhile. Mend the address or the receiver, switch it on, and replay the
          time.
        </Banner>
      );
    case "given_up":
      return (
        <Banner tone="down" actions={on}>
          <strong>
            The service switched it off <Time at={webhook.disabled_at} />: nothing arrived in 75 hours.
          </strong>
          {error} Nothing is kept for it meanwhile. Mend the receiver, switch it on, and replay the time.
        </Banner>
      );
    case "off":
      return (
        <Banner tone="unknown" actions={on}>
          <strong>
            Switched off <Time at={webhook.disabled_at} />.
          </strong>{" "}
          Nothing is kept for it meanwhile; a replay makes up for that once it is on.
        </Banner>
      );
    default:
      return status?.dropped ? (
        <Banner
          tone="degraded"
          actions={
            onReplay ? (
              <Button onClick={onReplay} className="ml-auto text-foreground">
                Replay…
              </Button>
            ) : null
          }
        >
          <strong>{formatCount(status.dropped, "event")} dropped</strong> so far, as too many were waiting. A
          replay of the time sends them.
        </Banner>
      ) : null;
  }
}

const TONE = {
  degraded: "border-degraded bg-degraded-bg text-degraded",
  down: "border-down bg-down-bg text-down",
  unknown: "border-dashed border-unknown bg-unknown-bg text-unknown",
};

function Banner({
  tone,
  actions,
  children,
}: {
  tone: keyof typeof TONE;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const Icon = tone === "down" ? CircleX : TriangleAlert;
  return (
    <div
      role="status"
      className={cn(
        "flex shrink-0 items-start gap-2.5 rounded-lg border py-2 pr-2 pl-3 md:items-center",
        TONE[tone],
      )}
    >
      <Icon aria-hidden className="size-4 shrink-0 max-md:mt-0.5" />
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-2">
        <p className="min-w-0 flex-1 basis-64 break-words text-foreground [&>strong]:font-medium">
          {children}
        </p>
        {actions}
      </div>
    </div>
  );
}
