import { fullName } from "@/lib/names";
import type { CheckHealth, EntityHealth } from "@/lib/types";

/** What an entity is called where it stands alone. */
export function titleOf({ kind, name, path }: EntityHealth): string {
  return kind === "instance" ? fullName(name, path.at(-1)?.name) : name;
}

/** Whether nobody probes the check, because its target calls. */
export function isHeartbeat(check: CheckHealth): boolean {
  return check.check_kind === "heartbeat";
}
