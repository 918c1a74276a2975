import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { Operation } from "./document";
import { buildRequest, isWrite, pythonValue, snippet, type Draft } from "./request";

const operation: Operation = {
  id: "update_thing",
  method: "PATCH",
  path: "/api/v1/things/{id}",
  tag: "things",
  summary: "Change a thing",
  permission: "thing.write",
  parameters: [
    { name: "id", in: "path", required: true, schema: { type: "string" } },
    {
      name: "kind",
      in: "query",
      schema: { type: "array", items: { type: "string" } },
      "x-filter-operators": ["ne"],
    },
    { name: "attributes", in: "query", schema: { type: "object" } },
    { name: "If-Match", in: "header", schema: { type: "string" } },
    { name: "X-EM-Reason", in: "header", schema: { type: "string" } },
  ],
  dryRun: true,
  body: { type: "application/json", schema: {}, required: true },
  answers: [],
};

const draft: Draft = {
  values: {
    "path:id": [{ operator: "", value: "a/b" }],
    "query:kind": [
      { operator: "", value: "x y" },
      { operator: "ne", value: "z" },
      { operator: "", value: "" },
    ],
    "query:attributes": [{ operator: "", value: "owner=team=1" }],
    "header:If-Match": [{ operator: "", value: '"3"' }],
  },
  body: '{"name": "It\'s", "on": true, "none": null}',
  dryRun: true,
};

describe("a request", () => {
  it("is made of what was filled in", () => {
    expect(buildRequest(operation, draft)).toEqual({
      method: "PATCH",
      url: "/api/v1/things/a%2Fb?kind=x+y&kind__ne=z&attributes.owner=team%3D1&dry_run=true",
      headers: { "If-Match": '"3"', "Content-Type": "application/json" },
      body: draft.body,
      missing: [],
    });
  });

  it("writes a reason of any language as a header can have it", () => {
    const values = { ...draft.values, "header:X-EM-Reason": [{ operator: "", value: "100 % für Zoë" }] };
    expect(buildRequest(operation, { ...draft, values }).headers["X-EM-Reason"]).toBe(
      "100 %25 f%C3%BCr Zo%C3%AB",
    );
  });

  it("names what is missing, and leaves out an empty body", () => {
    const built = buildRequest(operation, { values: {}, body: " \n", dryRun: false });
    expect(built).toMatchObject({ url: "/api/v1/things/{id}", headers: {}, body: null, missing: ["id"] });
  });

  it("is a write unless it is tried only", () => {
    expect(isWrite(operation, draft)).toBe(false);
    expect(isWrite(operation, { ...draft, dryRun: false })).toBe(true);
    expect(isWrite({ ...operation, dryRun: false }, draft)).toBe(true);
    expect(isWrite({ ...operation, method: "GET", dryRun: false }, draft)).toBe(false);
  });
});

describe("snippets", () => {
  const built = buildRequest(operation, draft);

  it("are quoted for a shell, which gives back every word", () => {
    const text = snippet("curl", built, "https://em.test").replace(/^curl/, 'printf "%s\\n"');
    const words = execFileSync("sh", ["-c", text], {
      env: { ...process.env, EM_KEY: "k" },
      encoding: "utf8",
    });
    expect(words.trimEnd().split("\n")).toEqual([
      "-X",
      "PATCH",
      `https://em.test${built.url}`,
      "-H",
      "Authorization: Bearer k",
      "-H",
      'If-Match: "3"',
      "-H",
      "Content-Type: application/json",
      "--data-binary",
      draft.body,
    ]);
  });

  it("are JavaScript that sends the same", async () => {
    const calls: unknown[] = [];
    const run = new Function(
      "fetch",
      "process",
      "console",
      `return (async () => {${snippet("fetch", built, "https://em.test")}})()`,
    ) as (...values: unknown[]) => Promise<void>;
    const fake = async (...call: unknown[]) => (calls.push(call), { status: 200, text: async () => "" });
    await run(fake, { env: { EM_KEY: "k" } }, { log: () => undefined });
    expect(calls).toEqual([
      [
        `https://em.test${built.url}`,
        {
          method: "PATCH",
          headers: { Authorization: "Bearer k", "If-Match": '"3"', "Content-Type": "application/json" },
          body: '{"name":"It\'s","on":true,"none":null}',
        },
      ],
    ]);
  });

  it("are Python with Python's own words", () => {
    expect(pythonValue({ on: true, off: false, none: null, list: [1, "x"], empty: {} })).toBe(
      '{\n    "on": True,\n    "off": False,\n    "none": None,\n    "list": [\n        1,\n        "x",\n    ],\n    "empty": {},\n}',
    );
    const text = snippet("Python", built, "https://em.test");
    expect(text).toContain("requests.patch(");
    expect(text).toContain('"none": None,');
    expect(text).not.toContain("Content-Type");
  });

  it("keep a body that is not JSON as it is", () => {
    const odd = { ...built, body: "not json" };
    expect(snippet("Python", odd, "")).toContain('data="not json",');
    expect(snippet("fetch", odd, "")).toContain('body: "not json",');
  });
});
