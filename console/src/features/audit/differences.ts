// What an entry changed, field by field. Secrets stand in the journal as keyed hashes: they say that a secret changed,
// and nothing else, so they are never shown as values. Pure.

import type { JournalEntry, JsonObject } from "@/lib/types";

export interface Difference {
  /** A JSON pointer into `before` and `after`. */
  pointer: string;
  change: "added" | "removed" | "changed";
  /** True when the value itself is a secret. */
  secret: boolean;
  from: unknown;
  to: unknown;
}

const SECRET = /^hmac-sha256:([0-9a-f]{6})[0-9a-f]{58}$/;

/** Members that every write changes, or that say only what the entry says anyhow. */
const BOOKKEEPING = new Set(["id", "version", "created_at", "updated_at"]);

export function isSecret(value: unknown): value is string {
  return typeof value === "string" && SECRET.test(value);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === null || value === undefined;
}

function isEmpty(value: unknown): boolean {
  return isAbsent(value) || (Array.isArray(value) && value.length === 0);
}

export function pointerStep(member: string): string {
  return `/${member.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** A pointer as people write it: `spec.headers`; a member with a dot or a space in it is quoted. */
export function pointerWords(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^[\w-]+$/.test(step) ? step : `"${step}"`))
    .join(".");
}

/** One difference for each member that is no object: what came or went as a whole is shown by its members. */
function expand(pointer: string, from: unknown, to: unknown): Difference[] {
  const inside = isObject(from) ? from : isObject(to) ? to : null;
  const whole = (isObject(from) || isAbsent(from)) && (isObject(to) || isAbsent(to));
  if (inside && whole && Object.keys(inside).length > 0) {
    const [before, after] = [isObject(from) ? from : {}, isObject(to) ? to : {}];
    const members = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return members.flatMap((member) => expand(pointer + pointerStep(member), before[member], after[member]));
  }
  if (isAbsent(from) && isAbsent(to)) return [];
  const change = isAbsent(from) ? "added" : isAbsent(to) ? "removed" : "changed";
  return [{ pointer, change, secret: isSecret(from) || isSecret(to), from, to }];
}

/** What an update changed; of what came or went, every member that says something. */
export function differencesOf(entry: Pick<JournalEntry, "changes" | "before" | "after">): Difference[] {
  const { changes, before, after } = entry;
  if (before && after) return changes.flatMap(({ pointer, from, to }) => expand(pointer, from, to));
  const whole = after ?? before ?? {};
  return Object.entries(whole)
    .filter(([member, value]) => !BOOKKEEPING.has(member) && !isEmpty(value))
    .flatMap(([member, value]) =>
      after ? expand(pointerStep(member), null, value) : expand(pointerStep(member), value, null),
    );
}

/** The changed members in a few words, for a row of a list. */
export function summaryOf(entry: Pick<JournalEntry, "changes" | "before" | "after">): string {
  if (!entry.before || !entry.after) return "";
  return entry.changes.length === 0
    ? "nothing"
    : entry.changes.map(({ pointer }) => pointerWords(pointer)).join(", ");
}

/** A value without its secrets: of each only enough to see that two are not the same. */
export function masked(value: unknown): unknown {
  if (typeof value === "string") return value.replace(SECRET, "secret $1…");
  if (Array.isArray(value)) return value.map(masked);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, masked(inner)]));
}

/** A value as text: words as they are, everything else as JSON, on several lines when it is long. */
export function valueText(value: unknown): string {
  const shown = masked(value);
  if (typeof shown === "string") return shown === "" ? '""' : shown;
  const line = JSON.stringify(shown) ?? "null";
  return line.length <= 60 ? line : JSON.stringify(shown, null, 2);
}
