// The shapes that the console reads and writes, by short names. They come from the API's document; where it leaves an
// object open or a word free, the shape named here is that of design and server.

import type { components } from "@openapi/types";

type Schemas = components["schemas"];

/** A shape of the document with some of its fields said more exactly. */
type Exact<Shape, Fields> = Omit<Shape, keyof Fields | "override"> & Fields;

export const HEALTH_STATES = ["down", "degraded", "unknown", "maintenance", "operational"] as const;

/** Listed by severity, worst first: the order of every list, never a rule that computes a state. */
export type HealthState = (typeof HEALTH_STATES)[number];

export type Session = Schemas["session"];
export type Health = Schemas["health_status"];
export type TreeNode = Schemas["tree.node"];
export type Kind = TreeNode["kind"];
export type MaintenanceWindow = Schemas["maintenance_window"];
export type MaintenanceWindowNew = Schemas["maintenance_window_new"];
export type Problem = Schemas["problem"];
export type Verdict = Schemas["result"]["verdict"];

/** What one probe found; a packed one (`compact`) has kept only verdict, outcome and total time. */
export type Result = Exact<Schemas["result"], { timings_us: Timings; http?: { status: number } | null }>;

export type Timings = {
  queue?: number;
  dns?: number;
  connect?: number;
  tls?: number;
  first_byte?: number;
  transfer?: number;
  total: number;
};

/** One page of a list; `next` asks for the one after it. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export interface EntityRef {
  kind: Kind;
  id: string;
  key: string;
  name: string;
}

export type Cause = EntityRef & { state: HealthState; since: string; reason: string };

export type CheckHealth = Exact<Schemas["health.check"], { state: HealthState; last: Result | null }>;

export type EntityHealth = Exact<
  Schemas["health"],
  { kind: Kind; path: EntityRef[]; because: Cause[]; checks?: CheckHealth[] }
>;

export type HealthEvent = Exact<Schemas["health_event"], { kind: Kind; path: EntityRef[] }>;

export type JsonObject = Record<string, unknown>;

/** One member that an update changed. */
export interface FieldChange {
  pointer: string;
  from: unknown;
  to: unknown;
}

/** Who changed what, from what to what. */
export type JournalEntry = Exact<
  Schemas["change"],
  { changes: FieldChange[]; before: JsonObject | null; after: JsonObject | null }
>;

export type RateLimit = Schemas["rate_limit"];
export type JournalChain = Schemas["journal_chains"]["items"][number];
export type JournalVerification = Schemas["journal_verification"];

/** What has become of what a webhook sends; with `include=status`. */
export interface WebhookStatus {
  waiting: number;
  failing_since: string | null;
  last_delivered_at: string | null;
  last_error: string | null;
  dropped: number;
}

export type Webhook = Exact<Schemas["webhook"], { included?: { status: WebhookStatus } }>;
export type WebhookNew = Partial<Schemas["webhook_new"]> &
  Pick<Schemas["webhook_new"], "name" | "url" | "events">;
export type WebhookPatch = Partial<Schemas["webhook_patch"]>;
export type WebhookSecret = Schemas["webhook_secret"];
export type WebhookReplay = Schemas["webhook_replay"];
export type EventType = Schemas["webhook_events"]["items"][number];

export const DELIVERY_STATES = ["waiting", "delivered", "failed"] as const;

export type DeliveryState = (typeof DELIVERY_STATES)[number];
export type Delivery = Schemas["webhook_delivery_item"];
export type DeliveryDetail = Exact<Schemas["webhook_delivery"], { payload: JsonObject }>;

export interface Spec {
  url?: string;
  address?: string;
  port?: number;
  command?: string;
  interval_s?: number | null;
  grace_s?: number | null;
  expect?: { warn_ms?: number | null; fail_ms?: number | null } | null;
}

export type Check = Exact<Schemas["check"], { spec: Spec }>;

/** A live message; which part of `changed` is there tells what happened. */
export interface Change {
  seq: number;
  kind: Kind;
  id: string;
  version: number;
  component?: string;
  changed: {
    health?: Health;
    entity?: "created" | "updated" | "deleted";
    result?: Result;
    journal?: { id: string; action: string; sequence: number };
  };
}
