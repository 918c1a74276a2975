// The operations that the console calls, in the form that openapi-typescript generates.

import type {
  Check,
  ComponentSummary,
  EntityHealth,
  HealthEvent,
  Kind,
  MaintenanceWindow,
  MaintenanceWindowNew,
  Page,
  Problem,
  Result,
  Session,
  TaggedEntity,
  TreeNode,
} from "@/lib/types";

type PathParameters<Path> = [Path] extends [never] ? { path?: never } : { path: Path };
type Body<Sent> = [Sent] extends [never]
  ? { requestBody?: never }
  : { requestBody: { content: { "application/json": Sent } } };

interface Responses<Reply> {
  200: { headers: Record<string, unknown>; content: { "application/json": Reply } };
  default: { headers: Record<string, unknown>; content: { "application/problem+json": Problem } };
}

interface Get<Reply, Query = never, Path = never> {
  parameters: { query?: Query; header?: never; cookie?: never } & PathParameters<Path>;
  requestBody?: never;
  responses: Responses<Reply>;
}

type Post<Reply, Sent = never, Path = never> = {
  parameters: { query?: never; header?: never; cookie?: never } & PathParameters<Path>;
  responses: Responses<Reply>;
} & Body<Sent>;

interface ById {
  id: string;
}
interface Window {
  limit?: number;
  cursor?: string;
  from?: string;
  to?: string;
}
interface Search {
  q?: string;
  limit?: number;
  cursor?: string;
}

type HealthOf = { get: Get<EntityHealth, never, ById> };

export interface paths {
  "/api/v1/session": {
    get: Get<Session>;
    post: Post<Session, { token: string } | { api_key: string }>;
    delete: Post<undefined>;
  };
  "/api/v1/tree": { get: Get<{ items: TreeNode[] }, { root?: string; depth?: number; include?: "health" }> };
  "/api/v1/organisations/{id}/health": HealthOf;
  "/api/v1/business-units/{id}/health": HealthOf;
  "/api/v1/systems/{id}/health": HealthOf;
  "/api/v1/environment-groups/{id}/health": HealthOf;
  "/api/v1/instances/{id}/health": HealthOf;
  "/api/v1/components/{id}/health": HealthOf;
  "/api/v1/checks/{id}/health": HealthOf;
  "/api/v1/instances": { get: Get<Page<TaggedEntity>, Search> };
  "/api/v1/systems": { get: Get<Page<TaggedEntity>, Search> };
  "/api/v1/components": { get: Get<Page<ComponentSummary>, Search> };
  "/api/v1/checks/{id}": { get: Get<Check, never, ById> };
  "/api/v1/checks/{id}/results": { get: Get<Page<Result>, Window, ById> };
  "/api/v1/checks/{id}/run": { post: Post<undefined, never, ById> };
  "/api/v1/health/events": {
    get: Get<Page<HealthEvent>, Window & { kind?: Kind; id?: string; scope?: string; state?: string }>;
  };
  "/api/v1/maintenance-windows": {
    get: Get<Page<MaintenanceWindow>, Search>;
    post: Post<MaintenanceWindow, MaintenanceWindowNew>;
  };
  "/api/v1/maintenance-windows/{id}/end": { post: Post<MaintenanceWindow, never, ById> };
}
