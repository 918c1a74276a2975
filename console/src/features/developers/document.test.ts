import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  groupOperations,
  limitsOf,
  readOperations,
  resolve,
  typeWords,
  type ApiDocument,
  type Schema,
} from "./document";
import { initialBody, skeletonOf } from "./skeleton";

// The real document: what the explorer cannot read, people could not try.
const real = JSON.parse(readFileSync("../control/api/openapi.json", "utf8")) as ApiDocument;
const operations = readOperations(real);

const document: ApiDocument = {
  paths: {},
  components: {
    schemas: {
      key: { type: "string", format: "key", description: "Its own words" },
      node: {
        type: "object",
        required: ["key"],
        properties: {
          child: { $ref: "#/components/schemas/node" },
          key: { $ref: "#/components/schemas/key" },
        },
      },
      loop: { $ref: "#/components/schemas/loop" },
    },
  },
};

describe("the service's document", () => {
  it("has operations with a name of their own each", () => {
    expect(operations.length).toBeGreaterThan(100);
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
  });

  it("is found by words of method, path, name and summary", () => {
    const found = groupOperations(operations, "PATCH rate").flatMap((group) => group.operations);
    expect(found.map(({ id }) => id)).toEqual(["update_rate_limit"]);
    expect(groupOperations(operations, "no such thing")).toEqual([]);
    expect(groupOperations(operations, "").flatMap((group) => group.operations)).toHaveLength(
      operations.length,
    );
  });

  it("keeps the dry run apart from the other parameters", () => {
    const create = operations.find(({ id }) => id === "create_system");
    expect(create).toMatchObject({ method: "POST", permission: "inventory.write", dryRun: true });
    expect(create?.parameters.map(({ name }) => name)).toEqual(["Idempotency-Key", "X-EM-Reason"]);
    expect(operations.find(({ id }) => id === "delete_session")?.dryRun).toBe(false);
  });

  it.each(
    operations
      .filter(({ body }) => body?.type === "application/json")
      .map((each) => [each.id, each] as const),
  )("gives %s a body that is JSON and has every required member", (_, { body }) => {
    const value = JSON.parse(initialBody(real, body!.schema)) as Record<string, unknown>;
    const { required = [] } = resolve(real, body!.schema);
    expect(Object.keys(value)).toEqual(expect.arrayContaining(required));
  });
});

describe("schemas", () => {
  it("are what they name, with what stands beside the reference", () => {
    const found = resolve(document, { $ref: "#/components/schemas/key", description: "Nearer" });
    expect(found).toEqual({ type: "string", format: "key", description: "Nearer" });
    expect(resolve(document, { $ref: "#/components/schemas/gone" })).toEqual({});
    expect(resolve(document, { $ref: "#/components/schemas/loop" }).$ref).toBeDefined();
  });

  it("of several parts are one", () => {
    const parts: Schema = {
      allOf: [
        { required: ["a"], properties: { a: {} } },
        { required: ["b"], properties: { b: {} } },
      ],
    };
    expect(resolve(document, parts)).toMatchObject({ properties: { a: {}, b: {} }, required: ["a", "b"] });
  });

  it.each<[Schema, string]>([
    [{ type: ["string", "null"], format: "uuid" }, "uuid | null"],
    [{ type: "array", items: { $ref: "#/components/schemas/key" } }, "[key]"],
    [{ enum: ["a", null] }, '"a" | null'],
    [{ anyOf: [{ type: "string" }, { type: "integer" }] }, "string | integer"],
    [{}, "any"],
  ])("%j reads %s", (schema, words) => expect(typeWords(document, schema)).toBe(words));

  it("say their limits", () => {
    expect(limitsOf({ minimum: 1, maximum: 20, default: 3 })).toEqual(["1…20", "default 3"]);
    expect(limitsOf({ minLength: 1 })).toEqual(["1 or more characters"]);
    expect(limitsOf({ maxItems: 5, writeOnly: true })).toEqual(["at most 5 items", "write only"]);
  });
});

describe("a body to begin with", () => {
  it("has the required members first, and all of them on demand", () => {
    const schema: Schema = {
      type: "object",
      required: ["name", "kind"],
      properties: {
        note: { type: ["string", "null"], default: null },
        name: { type: "string" },
        kind: { enum: ["a", "b"] },
        on: { type: "boolean" },
      },
    };
    expect(skeletonOf(document, schema, "required")).toEqual({ name: "", kind: "a" });
    expect(Object.keys(skeletonOf(document, schema, "all") as object)).toEqual([
      "name",
      "kind",
      "note",
      "on",
    ]);
  });

  it("is the schema's own example where it has one", () => {
    expect(initialBody(document, { type: "object", examples: [{ a: 1 }] })).toBe('{\n  "a": 1\n}');
  });

  it("ends where a schema holds itself", () => {
    expect(
      JSON.stringify(skeletonOf(document, { $ref: "#/components/schemas/node" }, "all")).length,
    ).toBeLessThan(400);
  });
});
