// The form of a webhook: its values, what they become for the API, and what it says of them. Pure.

import type { ApiError } from "@/lib/api";
import type { Webhook, WebhookNew, WebhookPatch } from "@/lib/types";

export interface WebhookValues {
  name: string;
  description: string;
  url: string;
  events: string[];
  filter: string;
  enabled: boolean;
  concurrency: string;
  /** An id; empty for all. Only a new one can choose. */
  organisation: string;
  /** Empty: the service makes one. Only for a new one. */
  secret: string;
}

export type Field = keyof WebhookValues;
export type FieldErrors = Partial<Record<Field, string>>;

/** Those that can be changed later. */
export const CHANGEABLE = [
  "name",
  "description",
  "url",
  "events",
  "filter",
  "concurrency",
  "enabled",
] as const satisfies readonly Field[];

type Changeable = (typeof CHANGEABLE)[number];

export const NEW_WEBHOOK: WebhookValues = {
  name: "",
  description: "",
  url: "",
  events: [],
  filter: "",
  enabled: true,
  concurrency: "4",
  organisation: "",
  secret: "",
};

export function valuesOf(webhook: Webhook): WebhookValues {
  return {
    name: webhook.name,
    description: webhook.description ?? "",
    url: webhook.url,
    events: webhook.events,
    filter: webhook.filter ?? "",
    enabled: webhook.enabled,
    concurrency: String(webhook.concurrency),
    organisation: webhook.organisation ?? "",
    secret: "",
  };
}

function sent(values: WebhookValues): Required<Pick<WebhookNew, Changeable>> {
  return {
    name: values.name.trim(),
    description: values.description.trim() || null,
    url: values.url.trim(),
    events: values.events,
    filter: values.filter.trim() || null,
    concurrency: values.concurrency.trim() === "" ? null : Number(values.concurrency),
    enabled: values.enabled,
  };
}

export function newBody(values: WebhookValues): WebhookNew {
  return {
    ...sent(values),
    ...(values.organisation ? { organisation: values.organisation } : {}),
    ...(values.secret.trim() ? { secret: values.secret.trim() } : {}),
  };
}

/** The members that are not as in `base`; empty when nothing has changed. */
export function patchOf(base: WebhookValues, values: WebhookValues): WebhookPatch {
  const [before, after] = [sent(base), sent(values)];
  return Object.fromEntries(
    CHANGEABLE.filter((field) => !same(before[field], after[field])).map((field) => [field, after[field]]),
  );
}

/** Whether two values of a field mean the same; a list has no order. */
export function same(a: unknown, b: unknown): boolean {
  const text = (value: unknown) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
  return text(a) === text(b);
}

export function isSame(a: WebhookValues, b: WebhookValues): boolean {
  return (Object.keys(a) as Field[]).every((field) => same(a[field], b[field]));
}

const STAND_IN = { name: "-", url: "https://receiver.invalid/", events: ["*"] };

/**
 * What a dry run is asked while the form is filled in: something right stands in for what is still missing, so that
 * the service gets as far as what is there.
 */
export function draftBody({ events, filter }: WebhookValues): WebhookNew {
  return { ...STAND_IN, events: events.length > 0 ? events : STAND_IN.events, filter: filter.trim() || null };
}

/** A refusal by field, and what belongs to none. */
export function readErrors(
  { errors, detail }: Pick<ApiError, "errors" | "detail">,
  values: Pick<WebhookValues, "events">,
): { fields: FieldErrors; rest: string[] } {
  const fields: FieldErrors = {};
  const rest: string[] = [];
  for (const error of errors) {
    const [, field = "", index] = error.pointer.split("/");
    const event = field === "events" && index !== undefined ? values.events[Number(index)] : undefined;
    const words = event ? `${event}: ${error.detail}` : error.detail;
    if (field in NEW_WEBHOOK) {
      const before = fields[field as Field];
      fields[field as Field] = before ? `${before} ${words}` : words;
    } else rest.push(`${error.pointer}: ${words}`);
  }
  return { fields, rest: errors.length > 0 ? rest : [detail] };
}

/** Of a dry run's refusal, what is about something that the person has filled in. */
export function draftErrors(
  error: Pick<ApiError, "errors" | "detail">,
  values: Pick<WebhookValues, "events">,
): FieldErrors {
  const { filter, events } = readErrors(error, values).fields;
  return { ...(filter ? { filter } : {}), ...(events && values.events.length > 0 ? { events } : {}) };
}

/** One member that somebody else has changed meanwhile. */
export interface Conflict {
  field: Changeable;
  before: WebhookValues[Changeable];
  theirs: WebhookValues[Changeable];
  /** What the person had written there instead; null: nothing. */
  mine: WebhookValues[Changeable] | null;
}

/**
 * Puts what somebody else has saved and what is in the form together: each keeps what only he has changed, and of what
 * both have, the form's stays until the person decides.
 */
export function mergeValues(
  base: WebhookValues,
  values: WebhookValues,
  current: WebhookValues,
): { values: WebhookValues; conflicts: Conflict[] } {
  const theirs = CHANGEABLE.filter((field) => !same(base[field], current[field]));
  const isMine = (field: Changeable) => !same(base[field], values[field]);
  const taken = theirs.filter((field) => !isMine(field));
  return {
    values: { ...values, ...Object.fromEntries(taken.map((field) => [field, current[field]])) },
    conflicts: theirs
      .filter((field) => !same(values[field], current[field]))
      .map((field) => ({
        field,
        before: base[field],
        theirs: current[field],
        mine: isMine(field) ? values[field] : null,
      })),
  };
}
