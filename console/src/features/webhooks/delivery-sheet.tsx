"use client";

import { ChevronDown, ChevronUp, Link2, RotateCcw, X } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { CopyButton } from "@/components/copy-button";
import { ErrorBoundary } from "@/components/error-boundary";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { Sheet } from "@/components/ui/sheet";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { Delayed, ErrorView } from "@/components/views";
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
  const delivery = useDelivery(id);
  if (delivery.data) {
    return (
      <>
        <Header delivery={delivery.data} webhook={webhook} onClose={onClose} onStep={onStep} />
        <div className="min-h-0 flex-1 overflow-auto">
          <Facts delivery={delivery.data} />
          <Section title="Attempts" aside={delivery.data.tries.length}>
            <AttemptList delivery={delivery.data} />
          </Section>
          <Payload payload={delivery.data.payload} />
        </div>
      </>
    );
  }
  return (
    <div className="flex-1 p-4">
      <div className="flex justify-end">
        <CloseButton onClose={onClose} />
      </div>
      {delivery.isError ? (
        <ErrorView error={delivery.error} what="The delivery" onRetry={() => void delivery.refetch()} />
      ) : (
        <Delayed>
          <div role="status" aria-label="Loading" className="flex flex-col gap-3">
            <Skeleton className="h-6 w-1/2" />
            <Skeleton className="h-28" />
            <Skeleton className="h-48" />
          </div>
        </Delayed>
      )}
    </div>
  );
}

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <Button variant="ghost" size="icon" aria-label="Close" onClick={onClose}>
      <X aria-hidden />
    </Button>
  );
}

function Header({ delivery, webhook, onClose, onStep }: SheetProps & { delivery: DeliveryDetail }) {
  const copy = async () => {
    await navigator.clipboard.writeText(location.href);
    toast({ title: "Link copied" });
  };
  return (
    <header className="shrink-0 border-b px-4 py-3">
      <div className="flex items-center gap-1">
        <DeliveryMark delivery={delivery} className="mr-auto" />
        <Button variant="ghost" size="icon" aria-label="Newer delivery" onClick={() => onStep(-1)}>
          <ChevronUp aria-hidden />
        </Button>
        <Button variant="ghost" size="icon" aria-label="Earlier delivery" onClick={() => onStep(1)}>
          <ChevronDown aria-hidden />
        </Button>
        <Button variant="ghost" size="icon" aria-label="Copy link" onClick={() => void copy()}>
          <Link2 aria-hidden />
        </Button>
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
    <dl className="grid grid-cols-[104px_minmax(0,1fr)] items-center gap-x-3 border-b px-4 py-2.5 [&>dd]:min-h-6 [&>dd]:leading-6 [&>dt]:self-start [&>dt]:leading-6 [&>dt]:text-muted-foreground">
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
    </dl>
  );
}

function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section aria-label={title} className="border-b px-4 py-3 last:border-b-0">
      <div className="mb-2 flex min-h-6 items-center gap-2">
        <h3 className="font-medium">{title}</h3>
        {aside === undefined ? null : <span className="numeric text-xs text-muted-foreground">{aside}</span>}
      </div>
      {children}
    </section>
  );
}

function Payload({ payload }: { payload: DeliveryDetail["payload"] }) {
  const text = useMemo(() => JSON.stringify(payload, null, 2), [payload]);
  return (
    <Section title="Payload">
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
    </Section>
  );
}
