// An organisation of the tests' own, made through the API, whose one real target they switch between well and ill.

import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";

/** A web server on a free port that answers 200 or 503. */
export class Target {
  private well = true;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<Target> {
    const server = createServer((_, reply) => {
      reply.statusCode = target.well ? 200 : 503;
      reply.end("x");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const target = new Target(server, `http://127.0.0.1:${address.port}/health`);
    return target;
  }

  set(well: boolean): void {
    this.well = well;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

interface Created {
  id: string;
}

/** Creates something with the administrator's key. */
export async function post<T = Created>(path: string, body: object): Promise<T> {
  const answer = await fetch(`${process.env.EM_URL}/api/v1/${path}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env.EM_ADMIN_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${process.env.EM_URL}/api/v1/${path}`, {
    headers: { Authorization: `Bearer ${process.env.EM_ADMIN_KEY}` },
  });
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Changes something under a request id of the test's own. */
export async function patch(path: string, body: object, requestId: string): Promise<void> {
  const answer = await fetch(`${process.env.EM_URL}/api/v1/${path}`, {
    method: "PATCH",
    headers: {
      Authorization: `Bearer ${process.env.EM_ADMIN_KEY}`,
      "Content-Type": "application/json",
      "X-Request-Id": requestId,
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`PATCH ${path}: ${answer.status} ${await answer.text()}`);
}

export interface Estate {
  name: string;
  organisation: string;
  /** Shop in SIT: its API is checked against the target once a second. */
  sit: string;
  /** Shop in PROD: no components, so its state is unknown. */
  prod: string;
  component: string;
  check: string;
}

/** Two groups, two systems, three instances, one component with one check. */
export async function makeEstate(target: Target): Promise<Estate> {
  const key = `e2e-${randomBytes(4).toString("hex")}`;
  const organisation = await post("organisations", { key, name: `Acme ${key}` });
  await post("business-units", { organisation: key, key: "retail", name: "Retail" });
  for (const [order, group] of ["sit", "prod"].entries()) {
    const fields = {
      business_unit: `${key}/retail`,
      key: group,
      name: group.toUpperCase(),
      kind: group,
      order,
    };
    await post("environment-groups", fields);
  }
  for (const system of ["shop", "ledger"]) {
    const name = system === "shop" ? "Shop" : "Ledger";
    await post("systems", { business_unit: `${key}/retail`, key: system, name, tags: [`${system}-tag`] });
  }
  const instance = (system: string, group: string) =>
    post("instances", {
      system: `${key}/retail/${system}`,
      environment_group: `${key}/retail/${group}`,
      key: group,
      name: group.toUpperCase(),
    });
  const sit = await instance("shop", "sit");
  const prod = await instance("shop", "prod");
  await instance("ledger", "sit");
  await post("component-definitions", {
    system: `${key}/retail/shop`,
    key: "api",
    name: "API",
    kind: "service",
  });
  const component = await post("components", {
    instance: `${key}/retail/shop/sit`,
    definition: `${key}/retail/shop/api`,
    key: "api",
    name: `Shop API ${key}`,
  });
  const check = await post("checks", {
    component: component.id,
    name: "health page",
    kind: "http",
    interval_s: 1,
    timeout_ms: 900,
    fall: 1,
    rise: 1,
    spec: { url: target.url },
  });
  return {
    name: key,
    organisation: organisation.id,
    sit: sit.id,
    prod: prod.id,
    component: component.id,
    check: check.id,
  };
}

/** Adds a job to Ledger in SIT that calls us. */
export async function addJob(name: string) {
  const ledger = `${name}/retail/ledger`;
  await post("component-definitions", { system: ledger, key: "job", name: "Job", kind: "batch" });
  const component = await post("components", {
    instance: `${ledger}/sit`,
    definition: `${ledger}/job`,
    key: "job",
    name: "Nightly job",
  });
  const check = await post<Created & { heartbeat_path: string }>("checks", {
    component: component.id,
    name: "calls",
    kind: "heartbeat",
    spec: { interval_s: 86_400, grace_s: 5_400 },
  });
  return { component: component.id, address: process.env.EM_URL + check.heartbeat_path };
}

/** Deletes a component with its checks. */
export async function removeComponent(id: string): Promise<void> {
  const answer = await fetch(`${process.env.EM_URL}/api/v1/components/${id}?cascade=true`, {
    method: "DELETE",
    headers: { Authorization: `Bearer ${process.env.EM_ADMIN_KEY}` },
  });
  if (!answer.ok) throw new Error(`DELETE components/${id}: ${answer.status}`);
}

/** Waits until the service itself says that the instance is in this state. */
export async function waitForState(instance: string, state: string, deadlineMs = 20_000): Promise<void> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const health = await get<{ state: string }>(`instances/${instance}/health`);
    if (health.state === state) return;
    if (Date.now() > until) throw new Error(`${instance} is ${health.state}, not ${state}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
