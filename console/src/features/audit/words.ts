// What entries of the journal are called: kinds, actions, and the name of what was changed. Pure.

import { formatWord } from "@/lib/format";
import type { JournalEntry } from "@/lib/types";

/** What the service writes today; a list shows besides what it has met itself. */
export const KINDS = [
  "organisation",
  "business_unit",
  "system",
  "environment_group",
  "instance",
  "component_definition",
  "component",
  "check",
  "maintenance_window",
  "api_key",
  "settings",
  "webhook",
] as const;

export const ACTIONS = ["create", "update", "delete", "restore", "revoke", "rotate", "end"] as const;

const PAST: Record<string, string> = {
  create: "Created",
  update: "Changed",
  delete: "Deleted",
  restore: "Restored",
  revoke: "Revoked",
  rotate: "Rotated",
  end: "Ended",
};

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** `business_unit` as people read it: `Business unit`. */
export function kindWord(kind: string): string {
  return kind === "api_key" ? "API key" : capital(formatWord(kind));
}

/** `update` as what has happened: `Changed`. */
export function actionWord(action: string): string {
  return PAST[action] ?? capital(formatWord(action));
}

/** The name of what was changed, as it was called then; null where the kind says it all. */
export function entityName({ kind, before, after }: Pick<JournalEntry, "kind" | "before" | "after">) {
  const object = after ?? before ?? {};
  const text = (member: string) => (typeof object[member] === "string" ? (object[member] as string) : null);
  if (kind === "settings" && text("class"))
    return `rate limit, ${formatWord(text("class")!)} by ${text("subject")}`;
  return text("name") ?? text("key") ?? text("reason");
}
