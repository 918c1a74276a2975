// Changes of state as lists show them: in the order of time, and each with its place. Pure.

import { formatWord } from "@/lib/format";
import { fullName } from "@/lib/names";
import type { EntityRef, HealthEvent } from "@/lib/types";

/**
 * The newest first. The server counts changes in the order in which they became certain; a run of bad results is
 * dated back to its first, so that order is not quite that of the times that people read.
 */
export function byTime(events: readonly HealthEvent[]): HealthEvent[] {
  return [...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.seq - a.seq);
}

export interface Described {
  name: string;
  /** Where it is, or what it is when it is a place itself. */
  place: string;
  /** What to open for more. */
  sheet: { kind: "instance" | "component"; id: string } | null;
}

/** What has changed, and where that is: a check is called `health` in a hundred places. */
export function describeChange({ kind, id, name, path }: HealthEvent): Described {
  const above = (wanted: EntityRef["kind"]) => path.find((step) => step.kind === wanted);
  const system = above("system")?.name;
  if (kind === "instance") return { name: fullName(name, system), place: "", sheet: { kind, id } };

  const instance = above("instance");
  const component = above("component");
  const place = instance ? fullName(instance.name, system) : "";
  if (kind === "component") return { name, place, sheet: { kind, id } };
  if (kind === "check") {
    return {
      name,
      place: [component?.name, place].filter(Boolean).join(" · "),
      sheet: component ? { kind: "component", id: component.id } : null,
    };
  }
  const parent = path.at(-1)?.name;
  return { name, place: [formatWord(kind), parent].filter(Boolean).join(" of "), sheet: null };
}
