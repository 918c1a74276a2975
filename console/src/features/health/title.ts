import type { EntityHealth } from "@/lib/types";

/** What an entity is called where it stands alone: an instance's name says little without its system's. */
export function titleOf({ kind, name, path }: EntityHealth): string {
  const system = path.at(-1);
  return kind === "instance" && system ? `${system.name} ${name}` : name;
}
