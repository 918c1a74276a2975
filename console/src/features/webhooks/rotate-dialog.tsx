"use client";

import { useId, useState, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Dialog } from "@/components/ui/dialog";
import { FormError } from "@/components/ui/field";
import type { Webhook, WebhookSecret } from "@/lib/types";
import { useRotateSecret } from "./queries";

const HOUR_S = 3_600;
const OVERLAPS = [
  { seconds: 0, label: "Not at all" },
  { seconds: HOUR_S, label: "1 h" },
  { seconds: 24 * HOUR_S, label: "1 d" },
  { seconds: 7 * 24 * HOUR_S, label: "7 d" },
  { seconds: 30 * 24 * HOUR_S, label: "30 d" },
] as const;
const USUAL_S = 24 * HOUR_S;

/** Gives a webhook a new secret; for how long the present one goes on signing too. */
export function RotateDialog({
  open,
  webhook,
  onOpenChange,
  onSecret,
}: {
  open: boolean;
  webhook: Webhook;
  onOpenChange: (open: boolean) => void;
  onSecret: (secret: WebhookSecret) => void;
}) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`A new secret for ${webhook.name}`}
      description="While both sign, the receiver may know either: nothing is refused while you give it the new one."
    >
      <RotateForm
        webhook={webhook}
        onDone={(secret) => {
          onOpenChange(false);
          onSecret(secret);
        }}
      />
    </Dialog>
  );
}

function RotateForm({ webhook, onDone }: { webhook: Webhook; onDone: (secret: WebhookSecret) => void }) {
  const [seconds, setSeconds] = useState<number>(USUAL_S);
  const rotate = useRotateSecret();
  const name = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rotate.mutate({ id: webhook.id, overlap_s: seconds }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <fieldset>
        <legend className="mb-1.5 font-medium">For how long the present secret signs too</legend>
        <div className="flex flex-wrap gap-1.5">
          {OVERLAPS.map((each) => (
            <Choice
              key={each.seconds}
              type="radio"
              name={name}
              checked={seconds === each.seconds}
              onChange={() => setSeconds(each.seconds)}
            >
              {each.label}
            </Choice>
          ))}
        </div>
        {seconds === 0 ? (
          <p className="mt-2 text-xs text-degraded">
            From now on the receiver refuses everything until it knows the new one. Right when the present
            secret has leaked.
          </p>
        ) : null}
      </fieldset>
      {rotate.isError ? <FormError>{rotate.error.message}</FormError> : null}
      <div className="flex justify-end">
        <Button type="submit" variant="primary" size="md" disabled={rotate.isPending}>
          Make a new secret
        </Button>
      </div>
    </form>
  );
}
