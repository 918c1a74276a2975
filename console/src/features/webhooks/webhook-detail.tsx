"use client";

import { Pencil, RotateCcw, Send } from "lucide-react";
import { useQueryStates } from "nuqs";
import { useCallback, useState } from "react";
import { ErrorBoundary } from "@/components/error-boundary";
import { lazyDialog } from "@/components/lazy-dialog";
import { PageTitle } from "@/components/page-title";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { Delayed, ErrorView } from "@/components/views";
import { useCan } from "@/features/access";
import { ApiError } from "@/lib/api";
import { paths } from "@/lib/paths";
import type { Webhook, WebhookSecret } from "@/lib/types";
import { webhookKeys } from "@/lib/url";
import { DeliveryLog } from "./delivery-log";
import { WebhookBadge } from "./marks";
import { useSendTest, useUpdateWebhook, useWebhook } from "./queries";
import type { StopKind } from "./stop-dialog";
import { WebhookFacts } from "./webhook-facts";
import { WebhookMenu } from "./webhook-menu";
import { WebhookNotice } from "./webhook-notice";
import { stateOf } from "./webhook-state";

const WebhookDialog = lazyDialog(() => import("./webhook-dialog").then((module) => module.WebhookDialog));
const RotateDialog = lazyDialog(() => import("./rotate-dialog").then((module) => module.RotateDialog));
const ReplayDialog = lazyDialog(() => import("./replay-dialog").then((module) => module.ReplayDialog));
const StopDialog = lazyDialog(() => import("./stop-dialog").then((module) => module.StopDialog));

const ABOVE = { name: "Webhooks", path: paths.webhooks };

const SWITCH_ON_FIRST = { title: "The webhook is off: switch it on first" };

/** For a button that acts only while the webhook is on, and says so else. */
function whileOn({ enabled }: Webhook) {
  return enabled ? {} : { "aria-disabled": true, title: SWITCH_ON_FIRST.title };
}

interface Done {
  /** A secret is to be shown, this once. */
  onSecret: (secret: WebhookSecret) => void;
  onDeleted: () => void;
}

/** One webhook: whether it works, what it tells whom, what can be done with it, and the log of what was sent. */
export function WebhookDetail({ id, ...done }: Done & { id: string }) {
  const webhook = useWebhook(id);
  const gone = webhook.error instanceof ApiError && webhook.error.status === 404; // deleted meanwhile, by somebody else
  if (webhook.data && !gone) return <Loaded webhook={webhook.data} {...done} />;
  return (
    <div className="flex flex-col gap-3 p-4">
      <PageTitle title="Webhook" above={ABOVE} />
      <Card>
        {webhook.isError ? (
          <ErrorView
            error={webhook.error}
            what="The webhook"
            onRetry={() => void webhook.refetch()}
            className="py-16"
          />
        ) : (
          <Delayed>
            <div role="status" aria-label="Loading the webhook" className="flex flex-col gap-3 p-4">
              <Skeleton className="h-6 w-1/3" />
              <Skeleton className="h-28" />
              <Skeleton className="h-64" />
            </div>
          </Delayed>
        )}
      </Card>
    </div>
  );
}

function Loaded({ webhook, onSecret, onDeleted }: Done & { webhook: Webhook }) {
  const [dialog, setDialog] = useState<"edit" | "rotate" | "replay" | StopKind | null>(null);
  const mayWrite = useCan("webhook.write");
  const setOpen = (name: typeof dialog) => (open: boolean) => setDialog(open ? name : null);
  const switchOn = useSwitchOn(webhook);

  return (
    <div className="flex min-h-full flex-col gap-3 p-4 md:h-full">
      <PageTitle
        title={webhook.name}
        above={ABOVE}
        actions={
          mayWrite ? (
            <>
              <TestButton webhook={webhook} />
              <Button
                {...whileOn(webhook)}
                onClick={() => (webhook.enabled ? setDialog("replay") : toast(SWITCH_ON_FIRST))}
              >
                <RotateCcw aria-hidden />
                Replay…
              </Button>
              <Button onClick={() => setDialog("edit")}>
                <Pencil aria-hidden />
                Edit
              </Button>
              <WebhookMenu
                webhook={webhook}
                onRotate={() => setDialog("rotate")}
                onSwitchOn={switchOn.run}
                onStop={setDialog}
              />
            </>
          ) : null
        }
      >
        <WebhookBadge state={stateOf(webhook)} />
      </PageTitle>
      <WebhookNotice
        webhook={webhook}
        onSwitchOn={mayWrite ? switchOn.run : null}
        onReplay={mayWrite ? () => setDialog("replay") : null}
      />
      <WebhookFacts webhook={webhook} />
      <ErrorBoundary what="The log">
        <DeliveryLog webhook={webhook} />
      </ErrorBoundary>
      <WebhookDialog open={dialog === "edit"} webhook={webhook} onOpenChange={setOpen("edit")} />
      <RotateDialog
        open={dialog === "rotate"}
        webhook={webhook}
        onOpenChange={setOpen("rotate")}
        onSecret={onSecret}
      />
      <ReplayDialog open={dialog === "replay"} webhook={webhook} onOpenChange={setOpen("replay")} />
      <StopDialog
        open={dialog === "off" || dialog === "delete"}
        kind={dialog === "delete" ? "delete" : "off"}
        webhook={webhook}
        onClose={() => setDialog(null)}
        onDeleted={onDeleted}
      />
    </div>
  );
}

function useSwitchOn({ id, name }: Webhook) {
  const update = useUpdateWebhook();
  return {
    run: () =>
      update.mutate(
        { id, body: { enabled: true } },
        {
          onSuccess: () =>
            toast({ title: `${name} is on`, description: "What happened meanwhile can be replayed." }),
          onError: (error) => toast({ title: "It could not be switched on", description: error.message }),
        },
      ),
  };
}

function TestButton({ webhook }: { webhook: Webhook }) {
  const test = useSendTest();
  const [, setPlace] = useQueryStates(webhookKeys, { history: "replace" });
  // The log shows the test, whatever it was narrowed to.
  const send = useCallback(
    () =>
      test.mutate(webhook.id, {
        onSuccess: () => {
          void setPlace({ state: null, type: null, from: null, to: null });
          toast({ title: "A test event is on its way", description: "The log shows what comes back." });
        },
        onError: (error) => toast({ title: "No test was sent", description: error.message }),
      }),
    [test, webhook.id, setPlace],
  );
  return (
    <Button
      variant="primary"
      disabled={test.isPending}
      {...whileOn(webhook)}
      onClick={() => (webhook.enabled ? send() : toast(SWITCH_ON_FIRST))}
    >
      <Send aria-hidden />
      Send test event
    </Button>
  );
}
