// A body to begin with: the schema's own example, or one made of its members. Pure.

import { resolve, typesOf, type ApiDocument, type Schema } from "./document";

export type Extent = "required" | "all";

const DEEPEST = 6;

const BY_FORMAT: Record<string, string> = {
  uuid: "00000000-0000-0000-0000-000000000000",
  "date-time": "2026-01-01T00:00:00.000Z",
  "http-url": "https://example.test/",
  key: "key",
};

/** The body as text: the first example where the schema has one, else its required members. */
export function initialBody(document: ApiDocument, schema: Schema): string {
  const [example] = resolve(document, schema).examples ?? [];
  return write(example === undefined ? skeletonOf(document, schema, "required") : example);
}

export function write(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** A value that the schema describes; of objects the required members come first, then, if wanted, the others. */
export function skeletonOf(document: ApiDocument, schema: Schema, extent: Extent, depth = 0): unknown {
  const found = resolve(document, schema);
  if (depth > 0 && found.examples?.length) return found.examples[0];
  if (found.const !== undefined) return found.const;
  if (found.default !== undefined && depth > 0) return found.default;
  if (found.enum) return found.enum.find((value) => value !== null) ?? null;
  const [option] = found.oneOf ?? found.anyOf ?? [];
  if (option && !found.properties) return skeletonOf(document, option, extent, depth + 1);
  return ofType(document, found, extent, depth);
}

function ofType(document: ApiDocument, schema: Schema, extent: Extent, depth: number): unknown {
  switch (typesOf(schema).find((type) => type !== "null")) {
    case "object":
      return depth < DEEPEST ? objectOf(document, schema, extent, depth) : {};
    case "array":
      return schema.minItems && schema.items && depth < DEEPEST
        ? [skeletonOf(document, schema.items, extent, depth + 1)]
        : [];
    case "integer":
    case "number":
      return schema.minimum ?? 0;
    case "boolean":
      return false;
    case "string":
      return BY_FORMAT[schema.format ?? ""] ?? "";
    default:
      return null;
  }
}

function objectOf(document: ApiDocument, schema: Schema, extent: Extent, depth: number) {
  const properties = schema.properties ?? {};
  const required = (schema.required ?? []).filter((name) => name in properties);
  const names =
    extent === "required"
      ? required
      : [...required, ...Object.keys(properties).filter((name) => !required.includes(name))];
  return Object.fromEntries(
    names.map((name) => [name, skeletonOf(document, properties[name]!, extent, depth + 1)]),
  );
}
