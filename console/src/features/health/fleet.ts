// The hierarchy as the console holds it: flat, so that a live change touches one entry and leaves every other
// object as it was. Pure; the query cache keeps the result.

import type { Change, Health, TreeNode } from "@/lib/types";

export interface FleetNode extends Omit<TreeNode, "children" | "health"> {
  parent: string | null;
  health: Health;
}

/** Nodes by id, in the order of the server's answer. */
export interface Fleet {
  nodes: ReadonlyMap<string, FleetNode>;
}

const NO_HEALTH: Health = {
  state: "unknown",
  since: "",
  reason: "",
  version: 0,
  partial_maintenance: false,
  under_maintenance: false,
};

export function buildFleet(items: TreeNode[]): Fleet {
  const nodes = new Map<string, FleetNode>();
  const visit = (node: TreeNode, parent: string | null) => {
    const { children, health, ...own } = node;
    nodes.set(node.id, { ...own, parent, health: health ?? NO_HEALTH });
    children.forEach((child) => visit(child, node.id));
  };
  items.forEach((item) => visit(item, null));
  return { nodes };
}

/**
 * The depth to ask for so that instances are in the answer and their components are not: units may be nested, and
 * a system hangs one level below its unit. Levels count from 0 at the organisation.
 */
export function depthToInstances(items: TreeNode[]): number {
  const deepestUnit = (node: TreeNode, level: number): number =>
    Math.max(
      node.kind === "business_unit" ? level : 0,
      ...node.children.map((child) => deepestUnit(child, level + 1)),
    );
  return Math.max(1, ...items.map((item) => deepestUnit(item, 0))) + 2;
}

/** Applies status changes that are newer than what is held; the same fleet when none was. */
export function patchFleet(fleet: Fleet, changes: readonly Change[]): Fleet {
  let nodes: Map<string, FleetNode> | null = null;
  for (const { id, changed } of changes) {
    const node = (nodes ?? fleet.nodes).get(id);
    if (!node || !changed.health || changed.health.version <= node.health.version) continue;
    nodes ??= new Map(fleet.nodes);
    nodes.set(id, { ...node, health: changed.health });
  }
  return nodes ? { nodes } : fleet;
}

/** A freshly fetched fleet, but with what is held where a live change overtook the answer on its way. */
export function keepNewer(fresh: Fleet, held: Fleet | undefined): Fleet {
  if (!held) return fresh;
  const nodes = new Map(fresh.nodes);
  for (const [id, node] of nodes) {
    const known = held.nodes.get(id);
    if (known && known.health.version > node.health.version) nodes.set(id, { ...node, health: known.health });
  }
  return { nodes };
}

/** The entity's ancestors, root first. */
export function pathOf(fleet: Fleet, id: string): FleetNode[] {
  const path: FleetNode[] = [];
  let parent = fleet.nodes.get(id)?.parent ?? null;
  while (parent !== null) {
    const node = fleet.nodes.get(parent);
    if (!node) break;
    path.unshift(node);
    parent = node.parent;
  }
  return path;
}

/** The rooms in which every change of state is told. */
export function organisationRooms(fleet: Fleet | undefined): string[] {
  const nodes = [...(fleet?.nodes.values() ?? [])];
  return nodes.filter((node) => node.kind === "organisation").map((node) => `health:${node.id}`);
}
