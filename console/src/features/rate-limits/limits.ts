// Rate limits in words and as a form. Pure.

import { formatSeconds } from "@/lib/format";
import type { RateLimit } from "@/lib/types";

export const CLASSES = [
  { value: "browse", word: "Browse", text: "Lists, objects, health: whatever only reads." },
  { value: "change", word: "Change", text: "Whatever writes, dry runs included." },
  { value: "expensive", word: "Expensive", text: "What costs much: trying out a check, replaying events." },
  { value: "sign_in", word: "Sign in", text: "Attempts to sign in, with a key or a link." },
] as const;

export const SUBJECTS = [
  { value: "key", word: "API key or session" },
  { value: "user", word: "Person" },
  { value: "address", word: "Address" },
] as const;

export type Subject = RateLimit["subject"];

/** What a form holds: texts, as they are typed. */
export interface LimitForm {
  limited: boolean;
  quota: string;
  window: string;
}

export interface LimitPatch {
  quota: number | null;
  window_s: number;
}

type Values = Pick<RateLimit, "quota" | "window_s">;

/** How callers are told apart: `by person`. */
export function byWords(subject: Subject): string {
  const word = SUBJECTS.find((each) => each.value === subject)?.word ?? subject;
  return `by ${word.startsWith("API") ? word : word.toLowerCase()}`;
}

/** A limit where it stands alone: `Change by person`. */
export function limitName({ class: kind, subject }: Pick<RateLimit, "class" | "subject">): string {
  return `${CLASSES.find((each) => each.value === kind)?.word ?? kind} ${byWords(subject)}`;
}

/** `1,200 per 1 min`, or that there is none. */
export function limitWords({ quota, window_s }: Values): string {
  return quota === null ? "no limit" : `${quota.toLocaleString("en")} per ${formatSeconds(window_s)}`;
}

/** What a limit means over time: `20 per second`, `1 every 30 s`. */
export function paceWords({ quota, window_s }: LimitPatch): string | null {
  if (quota === null) return null;
  const perSecond = quota / window_s;
  const pace =
    perSecond >= 1
      ? `${perSecond.toLocaleString("en", { maximumFractionDigits: 1 })} per second`
      : `1 every ${(window_s / quota).toLocaleString("en", { maximumFractionDigits: 1 })} s`;
  return `${quota.toLocaleString("en")} at once, then ${pace}`;
}

export function formOf({ quota, window_s }: Values): LimitForm {
  return { limited: quota !== null, quota: quota === null ? "" : String(quota), window: String(window_s) };
}

/** The change that a form asks for; null while a number in it is none. The service judges the rest. */
export function patchOf({ limited, quota, window }: LimitForm): LimitPatch | null {
  const whole = (text: string) => (/^-?\d{1,15}$/.test(text.trim()) ? Number(text) : null);
  const [count, seconds] = [limited ? whole(quota) : null, whole(window)];
  if (seconds === null || (limited && count === null)) return null;
  return { quota: count, window_s: seconds };
}

export function isSame(patch: LimitPatch, limit: Values): boolean {
  return patch.quota === limit.quota && patch.window_s === limit.window_s;
}

export interface Clash {
  field: string;
  mine: string;
  theirs: string;
}

/** Where somebody's change since then and one's own say different things. */
export function clashesOf(mine: LimitPatch, theirs: Values): Clash[] {
  const count = (quota: number | null) => (quota === null ? "no limit" : quota.toLocaleString("en"));
  const all = [
    { field: "Requests", mine: count(mine.quota), theirs: count(theirs.quota) },
    { field: "Window", mine: formatSeconds(mine.window_s), theirs: formatSeconds(theirs.window_s) },
  ];
  return all.filter((each) => each.mine !== each.theirs);
}
