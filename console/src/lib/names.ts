/**
 * An instance's name without its system's, which stands beside it: people call them both `SIT-1` and `Payments SIT-1`.
 */
export function shortName(instance: string, system: string | undefined): string {
  if (!system || !instance.toLowerCase().startsWith(`${system.toLowerCase()} `)) return instance;
  return instance.slice(system.length).trim() || instance;
}

/** An instance's name where it stands alone: the system's and its own. */
export function fullName(instance: string, system: string | undefined): string {
  return system ? `${system} ${shortName(instance, system)}` : instance;
}
