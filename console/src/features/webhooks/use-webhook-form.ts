import { useState } from "react";
import { ApiError } from "@/lib/api";
import { useDelayed } from "@/lib/delayed";
import type { Webhook, WebhookSecret } from "@/lib/types";
import {
  draftBody,
  draftErrors,
  isSame,
  mergeValues,
  NEW_WEBHOOK,
  newBody,
  patchOf,
  readErrors,
  same,
  valuesOf,
  type Conflict,
  type Field,
  type FieldErrors,
  type WebhookValues,
} from "./form";
import { useCreateWebhook, useDryRun, useUpdateWebhook } from "./queries";

const TYPING_MS = 400;
const NOTHING_SEEN = "Somebody has changed it meanwhile, but nothing that stands here. Save again.";

interface Refusal {
  values: WebhookValues;
  fields: FieldErrors;
  rest: string[];
}

/** State of the form: its values, what the service says of them, and what somebody else has saved meanwhile. */
export function useWebhookForm({
  webhook,
  onDirty,
  onCreated,
  onSaved,
}: {
  webhook: Webhook | null;
  onDirty: (dirty: boolean) => void;
  onCreated: ((webhook: WebhookSecret) => void) | undefined;
  onSaved: () => void;
}) {
  // As it was read when the form opened, or after a lost race: what is fetched meanwhile must not change it.
  const [base, setBase] = useState(() => ({
    version: webhook?.version,
    values: webhook ? valuesOf(webhook) : NEW_WEBHOOK,
  }));
  const [values, setValues] = useState(base.values);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [conflicts, setConflicts] = useState<Conflict[]>([]);
  const create = useCreateWebhook();
  const update = useUpdateWebhook();
  const draft = useDraft(values);

  const set = (next: Partial<WebhookValues>) => {
    const changed = { ...values, ...next };
    setValues(changed);
    onDirty(!isSame(base.values, changed));
  };

  const refused = (error: Error) => {
    if (error instanceof ApiError && error.status === 412 && error.current) {
      const current = error.current as Webhook; // what GET answers
      const merged = mergeValues(base.values, values, valuesOf(current));
      setBase({ version: current.version, values: valuesOf(current) });
      setValues(merged.values);
      setConflicts(merged.conflicts);
      const rest = merged.conflicts.length > 0 ? [] : [NOTHING_SEEN];
      setRefusal({ values: merged.values, fields: {}, rest });
      return;
    }
    const known =
      error instanceof ApiError ? readErrors(error, values) : { fields: {}, rest: [error.message] };
    setRefusal({ values, ...known });
  };

  const submit = () => {
    const options = { onError: refused };
    if (!webhook) create.mutate(newBody(values), { ...options, onSuccess: (made) => onCreated?.(made) });
    else {
      const body = patchOf(base.values, values);
      if (Object.keys(body).length === 0) onSaved();
      else {
        const version = base.version === undefined ? {} : { version: base.version };
        update.mutate({ id: webhook.id, ...version, body }, { ...options, onSuccess: onSaved });
      }
    }
  };

  /** What is wrong with a field as it stands now. */
  const errorOf = (field: Field): string | undefined =>
    draft.errors[field] ??
    (refusal && same(refusal.values[field], values[field]) ? refusal.fields[field] : undefined);

  return {
    values,
    set,
    submit,
    errorOf,
    conflicts,
    refusal,
    pending: create.isPending || update.isPending,
    filterFits: draft.fits && values.filter.trim() !== "",
  };
}

/** What a dry run says, once the person pauses; nothing while that is about other values than the present. */
function useDraft(values: WebhookValues): { errors: FieldErrors; fits: boolean } {
  const text = JSON.stringify(draftBody(values));
  const settled = useDelayed(text, TYPING_MS);
  const worthAsking = values.filter.trim() !== "" || values.events.length > 0;
  const dryRun = useDryRun(worthAsking ? (JSON.parse(settled) as ReturnType<typeof draftBody>) : null);
  if (settled !== text || !worthAsking || !dryRun.isSuccess) return { errors: {}, fits: false };
  const errors = dryRun.data ? draftErrors(dryRun.data, values) : {};
  return { errors, fits: !errors.filter };
}
