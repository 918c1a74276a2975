// Where what was changed belongs: its name alone occurs in a hundred places. Pure.

import { pathOf, type Fleet } from "@/features/health";
import { fullName } from "@/lib/names";
import type { JournalEntry } from "@/lib/types";

/** The members that name what an object hangs below, the nearest first. */
const PARENTS = ["instance", "system", "environment_group", "business_unit", "organisation"];

export type Components = ReadonlyMap<string, { name: string; instance: string }>;
type Objects = Pick<JournalEntry, "before" | "after">;

/** The component that a check belongs to, by its id. */
export function componentOf({ kind, before, after }: Objects & Pick<JournalEntry, "kind">): string | null {
  const id = kind === "check" ? (after ?? before)?.component : null;
  return typeof id === "string" ? id : null;
}

/** The place as people say it, `Web shop · Storefront SIT-1`; null when the present hierarchy does not have it. */
export function placeOf(
  entry: Objects & Pick<JournalEntry, "kind">,
  fleet: Fleet | undefined,
  components: Components | undefined,
): string | null {
  const component = components?.get(componentOf(entry) ?? "");
  const object = component ?? entry.after ?? entry.before ?? {};
  const above = PARENTS.map((member) => placeName(object[member as keyof typeof object], fleet)).find(
    Boolean,
  );
  return [component?.name, above].filter(Boolean).join(" · ") || null;
}

function placeName(id: unknown, fleet: Fleet | undefined): string | null {
  const node = typeof id === "string" ? fleet?.nodes.get(id) : undefined;
  if (!fleet || !node) return null;
  return node.kind === "instance" ? fullName(node.name, pathOf(fleet, node.id).at(-1)?.name) : node.name;
}
