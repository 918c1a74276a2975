import type { EntityHealth, MaintenanceWindow } from "@/lib/types";

/** The ids that a window may name to cover this entity: its own and its ancestors'. */
function coveringIds(health: EntityHealth): Set<string> {
  return new Set([health.id, ...health.path.map(({ id }) => id)]);
}

/** The open windows that put this entity into maintenance, the ones set on itself first. */
export function openWindows(
  windows: readonly MaintenanceWindow[],
  health: EntityHealth,
  now: number,
): MaintenanceWindow[] {
  const covering = coveringIds(health);
  const own = (window: MaintenanceWindow) => Object.values(window.scope).includes(health.id);
  return windows
    .filter(
      (window) =>
        Object.values(window.scope).some((id) => covering.has(id)) &&
        !window.ended_at &&
        Date.parse(window.starts_at) <= now &&
        now < Date.parse(window.ends_at),
    )
    .sort((a, b) => Number(own(b)) - Number(own(a)));
}
