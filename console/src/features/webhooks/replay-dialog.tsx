"use client";

import { useId, useState, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Dialog } from "@/components/ui/dialog";
import { FormError } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { toast } from "@/components/ui/toast";
import { useDelayed } from "@/lib/delayed";
import { formatCount } from "@/lib/format";
import { localFieldValue } from "@/lib/local-time";
import type { Webhook, WebhookReplay } from "@/lib/types";
import { useReplay, useReplayCount } from "./queries";
import { CUSTOM, timeChoices, timeOf } from "./replay";

const TYPING_MS = 400;
const HOUR_MS = 3_600_000;

const WHAT = [
  {
    value: "undelivered",
    label: "What has not arrived",
    text: "Also what happened while it was off, or before it was made.",
  },
  {
    value: "all",
    label: "Everything",
    text: "Under the ids they had: the receiver knows those that it has seen.",
  },
] as const;

/** Sends the events of a time again, after it has said how many that are. */
export function ReplayDialog({
  open,
  webhook,
  onOpenChange,
}: {
  open: boolean;
  webhook: Webhook;
  onOpenChange: (open: boolean) => void;
}) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Replay to ${webhook.name}`}
      description="Events that its types and filter fit are sent again, at most 10,000 at a time."
      className="max-w-[520px]"
    >
      <ReplayForm webhook={webhook} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function ReplayForm({ webhook, onDone }: { webhook: Webhook; onDone: () => void }) {
  // The time stands still while the dialog is open: what is counted is what is sent.
  const [now] = useState(() => Date.now());
  const [choices] = useState(() => timeChoices(webhook, now));
  const [key, setKey] = useState(choices[0]!.key);
  const [fields, setFields] = useState(() => ({
    from: localFieldValue(now - HOUR_MS),
    until: localFieldValue(now),
  }));
  const [what, setWhat] = useState<(typeof WHAT)[number]["value"]>("undelivered");
  const replay = useReplay();
  const ids = useId();
  const time = timeOf(
    choices.find((choice) => choice.key === key)!,
    fields,
    now,
  );
  const body: WebhookReplay | null = time ? { ...time, what } : null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!body) return;
    replay.mutate(
      { id: webhook.id, body },
      {
        onSuccess: ({ repeated, made }) => {
          toast({ title: `${formatCount(repeated + made, "event")} on the way to ${webhook.name}` });
          onDone();
        },
      },
    );
  };

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <fieldset>
        <legend className="mb-1.5 font-medium">When they happened</legend>
        <div className="flex flex-wrap gap-1.5">
          {choices.map((choice) => (
            <Choice
              key={choice.key}
              type="radio"
              name={`${ids}-time`}
              checked={key === choice.key}
              onChange={() => setKey(choice.key)}
            >
              {choice.label}
            </Choice>
          ))}
        </div>
        {key === CUSTOM ? (
          <div className="mt-2 grid gap-3 md:grid-cols-2">
            {[
              { label: "From", name: "from" as const },
              { label: "To, not included", name: "until" as const },
            ].map(({ label, name }) => (
              <label key={name} className="flex flex-col gap-1.5">
                {label}
                <Input
                  type="datetime-local"
                  value={fields[name]}
                  aria-invalid={time === null}
                  onChange={(event) => setFields({ ...fields, [name]: event.target.value })}
                />
              </label>
            ))}
          </div>
        ) : null}
      </fieldset>
      <fieldset>
        <legend className="mb-1.5 font-medium">What of it</legend>
        <div className="flex flex-wrap gap-1.5">
          {WHAT.map(({ value, label }) => (
            <Choice
              key={value}
              type="radio"
              name={`${ids}-what`}
              checked={what === value}
              onChange={() => setWhat(value)}
            >
              {label}
            </Choice>
          ))}
        </div>
        <p className="mt-1.5 text-xs text-muted-foreground">
          {WHAT.find(({ value }) => value === what)?.text}
        </p>
      </fieldset>
      <Send webhook={webhook} body={body} pending={replay.isPending} />
      {replay.isError ? <FormError>{replay.error.message}</FormError> : null}
    </form>
  );
}

/** How many events it would be, and the button that sends them. */
function Send({
  webhook,
  body,
  pending,
}: {
  webhook: Webhook;
  body: WebhookReplay | null;
  pending: boolean;
}) {
  const text = JSON.stringify(body);
  const settled = useDelayed(text, TYPING_MS);
  const count = useReplayCount(webhook.id, JSON.parse(settled) as WebhookReplay | null);
  const known = settled === text && count.isSuccess ? count.data : null;
  const total = known ? known.repeated + known.made : 0;
  return (
    <div className="flex min-h-8 flex-wrap items-center gap-3">
      <p role="status" className="numeric min-w-0 flex-1 basis-48">
        {body === null ? (
          <span className="text-down">The time must end after it begins.</span>
        ) : settled === text && count.isError ? (
          <span className="text-down">{count.error.message}</span>
        ) : known === null ? (
          <span className="text-muted-foreground">Counting…</span>
        ) : total === 0 ? (
          <span className="text-muted-foreground">No event of this time would be sent.</span>
        ) : (
          <>
            <span className="font-medium">{formatCount(total, "event")} would be sent</span>
            {known.made > 0 && known.repeated > 0 ? (
              <span className="text-muted-foreground">
                , {known.made.toLocaleString("en")} for the first time
              </span>
            ) : null}
          </>
        )}
      </p>
      <Button type="submit" variant="primary" size="md" disabled={total === 0 || pending}>
        {total > 0 ? `Send ${formatCount(total, "event")}` : "Send"}
      </Button>
    </div>
  );
}
