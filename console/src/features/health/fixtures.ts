// A small estate for the tests of this folder.

import type { Change, Health, HealthState, Kind, TreeNode } from "@/lib/types";

export function health(state: HealthState, version = 1, since = "2026-11-20T10:00:00.000Z"): Health {
  return { state, since, reason: "", version, partial_maintenance: false, under_maintenance: false };
}

function node(kind: Kind, id: string, more: Partial<TreeNode> = {}): TreeNode {
  return {
    kind,
    id,
    key: id,
    name: id.toUpperCase(),
    version: 1,
    health: health("operational"),
    children: [],
    ...more,
  };
}

const group = (id: string, key: string, kind: string, order: number) =>
  node("environment_group", id, { key, name: key.toUpperCase(), group_kind: kind, order });

const instance = (id: string, key: string, groupId: string, state: HealthState, since?: string) =>
  node("instance", id, {
    key,
    name: key.toUpperCase(),
    environment_group: groupId,
    health: health(state, 1, since),
  });

/** Acme: two units with a SIT and a PROD group each, three systems, six instances. */
export const estate: TreeNode[] = [
  node("organisation", "acme", {
    children: [
      node("business_unit", "retail", {
        children: [
          group("retail-prod", "prod", "prod", 6),
          group("retail-sit", "sit", "sit", 2),
          node("system", "payments", {
            children: [
              instance("payments-prod", "prod", "retail-prod", "operational"),
              instance("payments-sit-10", "sit-10", "retail-sit", "down", "2026-11-20T09:00:00.000Z"),
              instance("payments-sit-2", "sit-2", "retail-sit", "down", "2026-11-20T11:00:00.000Z"),
            ],
          }),
          node("system", "basket", {
            children: [instance("basket-sit", "sit", "retail-sit", "maintenance")],
          }),
        ],
      }),
      node("business_unit", "finance", {
        children: [
          group("finance-sit", "sit", "sit", 2),
          group("finance-prod", "prod", "prod", 6),
          node("system", "ledger", {
            children: [
              instance("ledger-sit", "sit", "finance-sit", "unknown"),
              instance("ledger-prod", "prod", "finance-prod", "degraded"),
            ],
          }),
        ],
      }),
    ],
  }),
];

export function statusChange(id: string, state: HealthState, version: number): Change {
  return { seq: version, kind: "instance", id, version, changed: { health: health(state, version) } };
}
