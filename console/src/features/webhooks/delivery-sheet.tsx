"use client";

import { RotateCcw } from "lucide-react";
import { useMemo } from "react";
import { CopyButton } from "@/components/copy-button";
import { ErrorBoundary } from "@/components/error-boundary";
import {
  CloseButton,
  CopyLinkButton,
  SheetContent,
  SheetFacts,
  SheetSection,
  StepButtons,
} from "@/components/sheet-parts";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { Sheet } from "@/components/ui/sheet";
import { toast } from "@/components/ui/toast";
import { useCan } from "@/features/access";
import { formatInstant } from "@/lib/format";
import type { DeliveryDetail, Webhook } from "@/lib/types";
import { AttemptList } from "./attempt-list";
import { DeliveryMark } from "./marks";
import { useDelivery, useReplayDelivery } from "./delivery-queries";

interface SheetProps {
  webhook: Webhook;
  onClose: () => void;
  onStep: (by: number) => void;
}

/** The sheet of the delivery that the address names. */
export function OpenDelivery({ open, id, ...props }: SheetProps & { open: boolean; id: string | null }) {
  return (
    <Sheet open={open} onClose={props.onClose} label="Delivery">
      <ErrorBoundary key={id} what="The delivery">
        {id ? <DeliverySheet id={id} {...props} /> : null}
      </ErrorBoundary>
    </Sheet>
  );
}

/** One delivery: what was sent, each attempt with what came back, and sending it again. */
function DeliverySheet({ id, webhook, onClose, onStep }: SheetProps & { id: string }) {
  return (
    <SheetContent query={useDelivery(id)} what="The delivery" onClose={onClose}>
      {(delivery) => (
        <>
          <Header delivery={delivery} webhook={webhook} onClose={onClose} onStep={onStep} />
          <div className="min-h-0 flex-1 overflow-auto">
            <Facts delivery={delivery} />
            <SheetSection
              title="Attempts"
              aside={<span className="numeric text-xs text-muted-foreground">{delivery.tries.length}</span>}
            >
              <AttemptList delivery={delivery} />
            </SheetSection>
            <Payload payload={delivery.payload} />
          </div>
        </>
      )}
    </SheetContent>
  );
}

function Header({ delivery, webhook, onClose, onStep }: SheetProps & { delivery: DeliveryDetail }) {
  return (
    <header className="shrink-0 border-b px-4 py-3">
      <div className="flex items-center gap-1">
        <DeliveryMark delivery={delivery} className="mr-auto" />
        <StepButtons what="delivery" onStep={onStep} />
        <CopyLinkButton />
        <CloseButton onClose={onClose} />
      </div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="min-w-0 flex-1 text-lg font-semibold break-words">{delivery.type}</h2>
        <SendAgain delivery={delivery} webhook={webhook} />
      </div>
    </header>
  );
}

/** The button; where it cannot be done, why. */
function SendAgain({ delivery, webhook }: { delivery: DeliveryDetail; webhook: Webhook }) {
  const replay = useReplayDelivery();
  if (!useCan("webhook.write") || delivery.state === "waiting") return null;
  if (!webhook.enabled) {
    return <span className="text-xs text-muted-foreground">Switch the webhook on to send it again</span>;
  }
  return (
    <Button
      disabled={replay.isPending}
      onClick={() =>
        replay.mutate(delivery.id, {
          onError: (error) => toast({ title: "It could not be sent again", description: error.message }),
        })
      }
    >
      <RotateCcw aria-hidden />
      Send again
    </Button>
  );
}

function Facts({ delivery }: { delivery: DeliveryDetail }) {
  const { id, stream, position, happened_at, due_at, ended_at, state } = delivery;
  return (
    <SheetFacts>
      <dt>Happened</dt>
      <dd className="numeric">{formatInstant(Date.parse(happened_at))}</dd>
      {due_at ? (
        <>
          <dt>Next attempt</dt>
          <dd className="numeric">
            <Time at={due_at} as="until" />
          </dd>
        </>
      ) : null}
      {ended_at ? (
        <>
          <dt>{state === "delivered" ? "Arrived" : "Given up"}</dt>
          <dd className="numeric">{formatInstant(Date.parse(ended_at))}</dd>
        </>
      ) : null}
      <dt>webhook-id</dt>
      <dd className="flex min-w-0 items-center gap-1">
        <code className="min-w-0 truncate font-mono text-xs">{id}</code>
        <CopyButton text={id} label="Copy the id" />
      </dd>
      <dt>Stream</dt>
      <dd className="numeric">
        {stream
          ? `${stream}, position ${position?.toLocaleString("en") ?? "unknown"}`
          : "a test, of no stream"}
      </dd>
    </SheetFacts>
  );
}

function Payload({ payload }: { payload: DeliveryDetail["payload"] }) {
  const text = useMemo(() => JSON.stringify(payload, null, 2), [payload]);
  return (
    <SheetSection title="Payload">
      <div className="relative rounded-md border">
        <div className="absolute top-1 right-1 bg-card">
          <CopyButton text={text} label="Copy the payload" />
        </div>
        <pre
          tabIndex={0}
          aria-label="Payload as JSON"
          className="focus-inset overflow-auto px-3 py-2 font-mono text-xs leading-5"
        >
          {text}
        </pre>
      </div>
    </SheetSection>
  );
}
