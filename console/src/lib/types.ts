// The shapes of the API that the console reads and writes.

export const HEALTH_STATES = ["down", "degraded", "unknown", "maintenance", "operational"] as const;

/** Listed by severity, worst first: the order of every list, never a rule that computes a state. */
export type HealthState = (typeof HEALTH_STATES)[number];

export type Kind =
  "organisation" | "business_unit" | "system" | "environment_group" | "instance" | "component" | "check";

export type Verdict = "ok" | "warn" | "fail" | "error";

export interface Session {
  user: { id: string; name: string };
  permissions: string[];
  csrf_token: string | null;
  expires_at: string | null;
  service: { name: string; version: string; build: string };
}

export interface Health {
  state: HealthState;
  since: string | null;
  reason: string | null;
  version: number;
  partial_maintenance: boolean;
  under_maintenance: boolean;
}

/** One node of `GET /tree`; which of the optional fields are there depends on its kind. */
export interface TreeNode {
  kind: Kind | "component_definition";
  id: string;
  key: string;
  name: string;
  version: number;
  criticality?: string;
  health?: Health;
  children?: TreeNode[];
  group_kind?: string;
  tier?: string | null;
  order?: number | null;
  environment_group?: string;
  url?: string | null;
  definition?: string;
  component_kind?: string;
  host?: string | null;
  slice?: string | null;
  check_kind?: string;
  enabled?: boolean;
  interval_s?: number;
}

export interface EntityRef {
  kind: Kind;
  id: string;
  key: string;
  name: string;
}

export interface Cause extends EntityRef {
  state: HealthState;
  since: string | null;
  reason: string | null;
}

export interface Timings {
  queue?: number;
  dns?: number;
  connect?: number;
  tls?: number;
  first_byte?: number;
  transfer?: number;
  total: number;
}

/** A probe's result; a packed one (`compact`) has kept only verdict, outcome and total time. */
export interface Result {
  check: string;
  at: string;
  verdict: Verdict;
  outcome: string;
  timings_us: Timings;
  compact?: boolean;
  location?: string;
  phase?: string;
  message?: string;
  address?: string;
  http?: { status: number; redirects: number; body_bytes: number; truncated: boolean };
  tls?: { version: string; not_after: string; chain_not_after?: string } | null;
}

export interface CheckHealth extends EntityRef {
  check_kind: string;
  enabled: boolean;
  state: HealthState;
  since: string | null;
  reason: string | null;
  soft: boolean;
  flapping: boolean;
  interval_s: number;
  last: Result | null;
}

export interface EntityHealth extends EntityRef {
  path: EntityRef[];
  state: HealthState;
  since: string | null;
  reason: string | null;
  version: number;
  measured: HealthState;
  partial_maintenance: boolean;
  under_maintenance: boolean;
  because: Cause[];
  checks?: CheckHealth[];
}

export interface HealthEvent {
  seq: number;
  at: string;
  kind: Kind;
  id: string;
  key: string;
  name: string;
  from: HealthState;
  to: HealthState;
  version: number;
  reason: string | null;
}

/** What the console needs of a check's definition. */
export interface Check {
  id: string;
  name: string;
  kind: string;
  interval_s: number;
  timeout_ms: number;
  spec: {
    url?: string;
    address?: string;
    port?: number;
    name?: string;
    expect?: { warn_ms?: number | null; fail_ms?: number | null } | null;
  };
}

export interface MaintenanceWindow {
  id: string;
  scope: Partial<Record<"component" | "instance" | "environment_group" | "system", string>>;
  starts_at: string;
  ends_at: string;
  reason: string;
  ended_at: string | null;
  version: number;
}

export interface MaintenanceWindowNew {
  scope: MaintenanceWindow["scope"];
  starts_at: string;
  ends_at: string;
  reason: string;
}

export interface TaggedEntity {
  id: string;
  tags: string[];
}

export interface ComponentSummary {
  id: string;
  key: string;
  name: string;
  instance: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail?: string;
  request_id?: string;
  errors?: { pointer: string; code: string; detail: string }[];
}

/** A live message; which part of `changed` is there tells what happened. */
export interface Change {
  seq: number;
  kind: Kind;
  id: string;
  version: number;
  component?: string;
  changed: { health?: Health; entity?: "created" | "updated" | "deleted"; result?: Result };
}
