import type { Session } from "@/lib/types";

/** Whether the session may do `permission`, such as `"maintenance.write"`; the server decides again on each call. */
export function can(session: Session | undefined, permission: string): boolean {
  if (!session) return false;
  const [resource] = permission.split(".");
  return session.permissions.some((held) => held === "*" || held === permission || held === `${resource}.*`);
}
