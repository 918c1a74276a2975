"use client";

import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { FormError } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import { formatCount } from "@/lib/format";
import type { Webhook } from "@/lib/types";
import { useDeleteWebhook, useRestoreWebhook, useUpdateWebhook } from "./queries";

export type StopKind = "off" | "delete";

/** Asks before a webhook is switched off or deleted: what waits for it is given up, which no undo brings back. */
export function StopDialog({
  open,
  kind,
  webhook,
  onClose,
  onDeleted,
}: {
  open: boolean;
  kind: StopKind;
  webhook: Webhook;
  onClose: () => void;
  onDeleted: () => void;
}) {
  const update = useUpdateWebhook();
  const remove = useDeleteWebhook();
  const restore = useRestoreWebhook();
  const waiting = webhook.included?.status.waiting ?? 0;
  const error = kind === "off" ? update.error : remove.error;

  // Runs from the toast, when the webhook's page is gone already: only a promise still answers then.
  const undo = () =>
    restore.mutateAsync(webhook.id).then(
      () => toast({ title: `${webhook.name} is back`, description: "It hears of what happens from now on." }),
      (problem: Error) => toast({ title: "It could not be restored", description: problem.message }),
    );

  const stop = () => {
    if (kind === "delete")
      remove.mutate(webhook.id, {
        onSuccess: () => {
          toast({ title: `${webhook.name} is deleted`, action: { label: "Undo", run: () => void undo() } });
          onDeleted();
        },
      });
    else
      update.mutate(
        { id: webhook.id, body: { enabled: false } },
        {
          onSuccess: () => {
            toast({ title: `${webhook.name} is off` });
            onClose();
          },
        },
      );
  };

  return (
    <Dialog
      open={open}
      onOpenChange={onClose}
      title={kind === "off" ? `Switch ${webhook.name} off?` : `Delete ${webhook.name}?`}
      description={
        kind === "off"
          ? "It hears of nothing until it is on again. A replay of the time makes up for that."
          : "It hears of nothing any more. It can be taken back, with its secret and its log."
      }
    >
      <div className="flex flex-col gap-3">
        {waiting > 0 ? (
          <p className="rounded-md bg-degraded-bg px-2.5 py-2 text-degraded">
            {formatCount(waiting, "delivery", "deliveries")} still{" "}
            {waiting === 1 ? "waits and is" : "wait and are"} given up.
          </p>
        ) : null}
        {error ? <FormError>{error.message}</FormError> : null}
        <div className="flex justify-end gap-2">
          <Button size="md" onClick={onClose}>
            Cancel
          </Button>
          <Button variant="primary" size="md" disabled={update.isPending || remove.isPending} onClick={stop}>
            {kind === "off" ? "Switch off" : "Delete"}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
