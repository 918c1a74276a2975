"use client";

import { useEffect, useRef, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Field, FormError } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { useFleet } from "@/features/health";
import type { Webhook, WebhookSecret } from "@/lib/types";
import { ConflictList } from "./conflict-list";
import { EventPicker } from "./event-picker";
import { FilterField } from "./filter-field";
import { useWebhookForm } from "./use-webhook-form";

const CONTROL =
  "w-full min-w-0 rounded-md border border-input bg-card px-2.5 text-sm aria-invalid:border-down";

/** The fields of a webhook. What the service refuses is said at the field it is about. */
export function WebhookForm({
  webhook,
  onDirty,
  onClose,
  onCreated,
}: {
  webhook: Webhook | null;
  onDirty: (dirty: boolean) => void;
  onClose: () => void;
  onCreated: ((webhook: WebhookSecret) => void) | undefined;
}) {
  const form = useWebhookForm({ webhook, onDirty, onCreated, onSaved: onClose });
  const { values, set, errorOf, refusal } = form;
  const element = useRef<HTMLFormElement>(null);

  useEffect(() => {
    if (refusal) element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [refusal]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    form.submit();
  };

  return (
    <form ref={element} onSubmit={submit} noValidate className="flex flex-col gap-4">
      {form.conflicts.length > 0 ? (
        <ConflictList conflicts={form.conflicts} values={values} onChoose={set} />
      ) : null}
      <div className="grid gap-4 md:grid-cols-2">
        <Field label="Name" error={errorOf("name")}>
          {(control) => (
            <Input
              {...control}
              value={values.name}
              maxLength={200}
              placeholder="Release board"
              onChange={(event) => set({ name: event.target.value })}
            />
          )}
        </Field>
        <Field label="Description" aside="optional" error={errorOf("description")}>
          {(control) => (
            <Input
              {...control}
              value={values.description}
              maxLength={4000}
              placeholder="What it is for, and whose it is"
              onChange={(event) => set({ description: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Field label="Address" error={errorOf("url")} hint="A POST request goes there for each event.">
        {(control) => (
          <Input
            {...control}
            type="url"
            inputMode="url"
            autoComplete="off"
            spellCheck={false}
            value={values.url}
            maxLength={2048}
            placeholder="https://hooks.example/em"
            onChange={(event) => set({ url: event.target.value })}
            className="font-mono text-xs"
          />
        )}
      </Field>
      <EventPicker value={values.events} onChange={(events) => set({ events })} error={errorOf("events")} />
      <FilterField
        value={values.filter}
        onChange={(filter) => set({ filter })}
        error={errorOf("filter")}
        fits={form.filterFits}
      />
      {webhook ? null : (
        <Organisation value={values.organisation} error={errorOf("organisation")} set={set} />
      )}
      <details className="group" open={Boolean(errorOf("concurrency") ?? errorOf("secret")) || undefined}>
        <summary className="w-fit rounded-sm py-0.5 font-medium select-none">More</summary>
        <div className="mt-3 flex flex-col gap-4">
          <Field
            label="Requests at once"
            error={errorOf("concurrency")}
            hint="From 1 to 16. With 1, events come in their order; else their positions tell it."
          >
            {(control) => (
              <Input
                {...control}
                type="number"
                min={1}
                max={16}
                value={values.concurrency}
                onChange={(event) => set({ concurrency: event.target.value })}
                className="w-24"
              />
            )}
          </Field>
          {webhook ? null : (
            <Field
              label="Secret of your own"
              aside="optional"
              error={errorOf("secret")}
              hint="whsec_ and the base64 of 24 to 64 bytes. Without one, a new one is made and shown once."
            >
              {(control) => (
                <Input
                  {...control}
                  autoComplete="off"
                  spellCheck={false}
                  value={values.secret}
                  placeholder="whsec_…"
                  onChange={(event) => set({ secret: event.target.value })}
                  className="font-mono text-xs"
                />
              )}
            </Field>
          )}
        </div>
      </details>
      <label className="flex items-center gap-2">
        <input
          type="checkbox"
          checked={values.enabled}
          onChange={(event) => set({ enabled: event.target.checked })}
          className="size-4 accent-primary"
        />
        <span>
          On <span className="text-muted-foreground">– while it is off, nothing is kept for it</span>
        </span>
      </label>
      {refusal?.rest.map((words) => (
        <FormError key={words}>{words}</FormError>
      ))}
      <div className="sticky bottom-0 z-10 -mx-4 -mb-4 flex justify-end gap-2 border-t bg-card px-4 py-3">
        <Button size="md" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" size="md" disabled={form.pending}>
          {webhook ? "Save" : "Create webhook"}
        </Button>
      </div>
    </form>
  );
}

/** Whose events it hears; only asked where there are several. */
function Organisation({
  value,
  error,
  set,
}: {
  value: string;
  error: string | undefined;
  set: (next: { organisation: string }) => void;
}) {
  const fleet = useFleet().data;
  const organisations = [...(fleet?.nodes.values() ?? [])].filter(({ kind }) => kind === "organisation");
  if (organisations.length < 2) return null;
  return (
    <Field label="Organisation" error={error} hint="It cannot be changed later.">
      {(control) => (
        <select
          {...control}
          value={value}
          onChange={(event) => set({ organisation: event.target.value })}
          className={`${CONTROL} h-8`}
        >
          <option value="">All, and what belongs to none</option>
          {organisations.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
