// What the overview shows, worked out from the fleet and the filters. Pure, so that each rule has a test.

import { HEALTH_STATES, type HealthState } from "@/lib/types";
import { shortName } from "@/lib/names";
import { pathOf, type Fleet, type FleetNode } from "./fleet";

export interface Filters {
  q: string;
  state: HealthState[];
  system: string[];
  group: string[];
  tag: string[];
}

/** An instance with what the filters and lists need of its surroundings. */
export interface Instance {
  node: FleetNode;
  /** Its name beside its system's. */
  label: string;
  system: FleetNode;
  group: FleetNode | undefined;
  unit: FleetNode | undefined;
  tags: readonly string[];
}

/** A column of the matrix: groups of one key are one column, whichever business unit they belong to. */
export interface Column {
  key: string;
  name: string;
  /** Whether its instances are called something else than the column, so that their names must be shown. */
  named: boolean;
}

export interface Row {
  system: FleetNode;
  unit: FleetNode | undefined;
  /** Instances per column, in the order of the columns. */
  cells: FleetNode[][];
}

const GROUP_KINDS = ["dev", "test", "sit", "uat", "staging", "prod", "dr", "ephemeral", "other"];
const NO_GROUP: Column = { key: "", name: "No group", named: true };
const SEVERITY = new Map(HEALTH_STATES.map((state, rank) => [state, rank]));
const ATTENTION: readonly HealthState[] = ["down", "degraded", "unknown"];

/** Every instance below `scope` (or everywhere), with its own tags and its system's. */
export function instancesOf(
  fleet: Fleet,
  scope: string | null,
  tags: ReadonlyMap<string, readonly string[]>,
): Instance[] {
  const found: Instance[] = [];
  for (const node of fleet.nodes.values()) {
    if (node.kind !== "instance") continue;
    const path = pathOf(fleet, node.id);
    const system = path.at(-1);
    if (!system || (scope !== null && !path.some((ancestor) => ancestor.id === scope))) continue;
    found.push({
      node,
      label: shortName(node.name, system.name),
      system,
      group: node.environment_group ? fleet.nodes.get(node.environment_group) : undefined,
      unit: path.findLast((ancestor) => ancestor.kind === "business_unit"),
      tags: [...new Set([...(tags.get(node.id) ?? []), ...(tags.get(system.id) ?? [])])],
    });
  }
  return found;
}

/** The instances that pass every filter but the state's: the counters count them. */
export function filterInstances(instances: readonly Instance[], filters: Filters): Instance[] {
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
  return instances.filter((instance) => {
    const { node, system, group, tags } = instance;
    if (filters.system.length > 0 && !filters.system.includes(system.id)) return false;
    if (filters.group.length > 0 && !filters.group.includes(group?.key ?? "")) return false;
    if (filters.tag.length > 0 && !filters.tag.some((tag) => tags.includes(tag))) return false;
    if (words.length === 0) return true;
    const text = [node.name, node.key, system.name, system.key, group?.name, node.url, ...tags]
      .join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function countStates(instances: readonly Instance[]): Record<HealthState, number> {
  const counts = { down: 0, degraded: 0, unknown: 0, maintenance: 0, operational: 0 };
  for (const { node } of instances) counts[node.health.state] += 1;
  return counts;
}

/** Worst first, of one state the newest first, then by name. */
export function bySeverity(one: FleetNode, other: FleetNode): number {
  const a = one.health;
  const b = other.health;
  const severity = (SEVERITY.get(a.state) ?? 0) - (SEVERITY.get(b.state) ?? 0);
  if (severity !== 0) return severity;
  const newest = a.state === "operational" ? 0 : (b.since ?? "").localeCompare(a.since ?? "");
  return newest !== 0 ? newest : one.name.localeCompare(other.name, undefined, { numeric: true });
}

export const byUrgency = (one: Instance, other: Instance) => bySeverity(one.node, other.node);

/** What somebody should look at. Planned maintenance is not among it unless it was asked for. */
export function needsAttention(instances: readonly Instance[], states: readonly HealthState[]): Instance[] {
  const wanted = states.length > 0 ? states : ATTENTION;
  return instances.filter(({ node }) => wanted.includes(node.health.state)).sort(byUrgency);
}

/** The columns that the instances need, in the order of the path to production. */
export function columnsOf(instances: readonly Instance[]): Column[] {
  const groups = new Map<string, FleetNode | undefined>();
  const named = new Set<string>();
  for (const { node, label, group } of instances) {
    const key = group?.key ?? NO_GROUP.key;
    if (!groups.has(key)) groups.set(key, group);
    if (label.toLowerCase() !== group?.name.toLowerCase() && node.key !== key) named.add(key);
  }
  const rank = (group: FleetNode | undefined) => {
    if (!group) return GROUP_KINDS.length + 1;
    const kind = GROUP_KINDS.indexOf(group.group_kind ?? "other");
    return kind < 0 ? GROUP_KINDS.length : kind;
  };
  return [...groups.values()]
    .sort(
      (a, b) =>
        (a?.order ?? 0) - (b?.order ?? 0) ||
        rank(a) - rank(b) ||
        (a?.name ?? "").localeCompare(b?.name ?? ""),
    )
    .map((group) => (group ? { key: group.key, name: group.name, named: named.has(group.key) } : NO_GROUP));
}

/** Systems by unit and name, each with its instances under their columns. */
export function rowsOf(instances: readonly Instance[], columns: readonly Column[]): Row[] {
  const index = new Map(columns.map((column, i) => [column.key, i]));
  const rows = new Map<string, Row>();
  for (const { node, system, unit, group } of instances) {
    let row = rows.get(system.id);
    if (!row) {
      row = { system, unit, cells: columns.map(() => []) };
      rows.set(system.id, row);
    }
    row.cells[index.get(group?.key ?? NO_GROUP.key) ?? 0]?.push(node);
  }
  for (const row of rows.values()) {
    for (const cell of row.cells)
      cell.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  }
  return [...rows.values()].sort(
    (a, b) =>
      (a.unit?.name ?? "").localeCompare(b.unit?.name ?? "") || a.system.name.localeCompare(b.system.name),
  );
}

export function isFiltered(filters: Filters): boolean {
  return (
    filters.q !== "" ||
    filters.state.length + filters.system.length + filters.group.length + filters.tag.length > 0
  );
}
