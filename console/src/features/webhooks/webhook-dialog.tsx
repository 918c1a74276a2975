"use client";

import { useState } from "react";
import { Dialog } from "@/components/ui/dialog";
import type { Webhook, WebhookSecret } from "@/lib/types";
import { WebhookForm } from "./webhook-form";

/** Makes a webhook, or changes one. What was typed is not lost by a click beside it. */
export function WebhookDialog({
  open,
  webhook,
  onOpenChange,
  onCreated,
}: {
  open: boolean;
  webhook: Webhook | null;
  onOpenChange: (open: boolean) => void;
  onCreated?: (webhook: WebhookSecret) => void;
}) {
  const [dirty, setDirty] = useState(false);
  const close = () => {
    setDirty(false);
    onOpenChange(false);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      dismissible={!dirty}
      title={webhook ? `Edit ${webhook.name}` : "New webhook"}
      description={webhook ? undefined : "Each event that fits is sent there as a signed POST request."}
      className="top-[6vh] max-h-[88vh] max-w-[680px]"
    >
      <WebhookForm webhook={webhook} onDirty={setDirty} onClose={close} onCreated={onCreated} />
    </Dialog>
  );
}
