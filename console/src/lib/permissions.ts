import type { Session } from "@/lib/types";

/** The permissions that decide whether the console offers something. */
export type Permission =
  | "access.read"
  | "check.run"
  | "journal.read"
  | "maintenance.write"
  | "settings.read"
  | "settings.write"
  | "webhook.read"
  | "webhook.write";

/** Whether the session may do something. What may never be done is not offered; the server decides on each call. */
export function can(session: Session | undefined, permission: Permission): boolean {
  return holds(session, permission);
}

/** The same for a permission that the API's document names. */
export function holds(session: Session | undefined, permission: string): boolean {
  if (!session) return false;
  const [resource] = permission.split(".");
  return session.permissions.some((held) => held === "*" || held === permission || held === `${resource}.*`);
}
