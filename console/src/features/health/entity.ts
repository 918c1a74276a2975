import { fullName } from "@/lib/names";
import type { EntityHealth } from "@/lib/types";

/** What an entity is called where it stands alone. */
export function titleOf({ kind, name, path }: EntityHealth): string {
  return kind === "instance" ? fullName(name, path.at(-1)?.name) : name;
}
