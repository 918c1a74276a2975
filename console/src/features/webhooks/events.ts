// Types of events and patterns of them, as a webhook asks for them. Pure.

import { formatWord } from "@/lib/format";
import type { EventType } from "@/lib/types";

export const EVERYTHING = "*";

/** All that is told of one kind of thing. */
export interface EventGroup {
  kind: string;
  /** The pattern that means all of it. */
  pattern: string;
  types: (EventType & { action: string })[];
}

/** By kind, in the order in which the service lists them. */
export function groupEvents(types: readonly EventType[]): EventGroup[] {
  const groups = new Map<string, EventGroup>();
  for (const each of types) {
    const [kind = "", action = ""] = each.type.split(".");
    const group = groups.get(kind) ?? { kind, pattern: `${kind}.*`, types: [] };
    group.types.push({ ...each, action });
    groups.set(kind, group);
  }
  return [...groups.values()];
}

const NAMES: Record<string, string> = { health: "Health", settings: "Settings", api_key: "API keys" };

/** `business_unit` as the things that it means: `Business units`. */
export function kindName(kind: string): string {
  const words = `${formatWord(kind)}s`;
  return NAMES[kind] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whether a pattern means a type, or all that another pattern means. */
export function covers(pattern: string, type: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

export function isCovered(events: readonly string[], type: string): boolean {
  return events.some((pattern) => covers(pattern, type));
}

/** Chooses a pattern, which takes the place of all that it covers, or takes it away. */
export function toggleEvent(events: readonly string[], pattern: string): string[] {
  if (events.includes(pattern)) return events.filter((each) => each !== pattern);
  return [...events.filter((each) => !covers(pattern, each)), pattern];
}

/** The groups, and of each the types, whose names or descriptions have the words. */
export function findEvents(groups: readonly EventGroup[], words: string): EventGroup[] {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return [...groups];
  const has = (text: string) => text.toLowerCase().includes(wanted);
  return groups.flatMap((group) => {
    if (has(kindName(group.kind)) || has(group.kind)) return [group];
    const types = group.types.filter(({ type, description }) => has(type) || has(description));
    return types.length > 0 ? [{ ...group, types }] : [];
  });
}
