// The API's own document, as far as the explorer reads it: operations by tag, and schemas with their references
// resolved. Pure.

export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  prefixItems?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  writeOnly?: boolean;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: Schema;
  /** Of a filter: what may stand behind the name, as `__gte`. */
  "x-filter-operators"?: string[];
}

interface Content {
  content?: Record<string, { schema?: Schema }>;
}

interface DocumentOperation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: Content & { required?: boolean };
  responses: Record<string, Content & { description?: string; $ref?: string }>;
  "x-permission"?: string;
}

export interface ApiDocument {
  paths: Record<string, Record<string, DocumentOperation>>;
  components: { schemas: Record<string, Schema> };
}

export const METHODS = ["get", "post", "put", "patch", "delete"] as const;
export type Method = Uppercase<(typeof METHODS)[number]>;

export interface Operation {
  id: string;
  method: Method;
  path: string;
  tag: string;
  summary: string;
  /** What the caller needs; null for what anybody may call. */
  permission: string | null;
  parameters: Parameter[];
  /** Whether it can be tried without keeping anything. */
  dryRun: boolean;
  body: { type: string; schema: Schema; required: boolean } | null;
  answers: { status: string; schema: Schema | null; description: string }[];
}

/** All operations in the order of the document. */
export function readOperations(document: ApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const found = methods[method];
      return found ? [readOperation(method.toUpperCase() as Method, path, found)] : [];
    }),
  );
}

function readOperation(method: Method, path: string, operation: DocumentOperation): Operation {
  const parameters = operation.parameters ?? [];
  const [type, body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  return {
    id: operation.operationId,
    method,
    path,
    tag: operation.tags?.[0] ?? "other",
    summary: operation.summary ?? operation.operationId,
    permission: operation["x-permission"] ?? null,
    parameters: parameters.filter(({ name }) => name !== "dry_run"),
    dryRun: parameters.some(({ name }) => name === "dry_run"),
    body: type
      ? { type, schema: body?.schema ?? {}, required: operation.requestBody?.required ?? false }
      : null,
    answers: Object.entries(operation.responses).map(([status, answer]) => ({
      status,
      schema: Object.values(answer.content ?? {})[0]?.schema ?? null,
      description: answer.$ref ? "Problem" : (answer.description ?? ""),
    })),
  };
}

export interface Group {
  tag: string;
  operations: Operation[];
}

/** The operations that hold every word of the query, by tag, in their order. */
export function groupOperations(operations: readonly Operation[], query: string): Group[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const { id, method, path, summary, tag } = operation;
    const text = `${method} ${path} ${id} ${summary} ${tag}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const group = groups.get(tag);
    if (group) group.push(operation);
    else groups.set(tag, [operation]);
  }
  return [...groups].map(([tag, own]) => ({ tag, operations: own }));
}

/** The schema itself: a reference replaced by what it names, with what stands beside it put over that. */
export function resolve(document: ApiDocument, schema: Schema): Schema {
  let found = schema;
  for (let hops = 0; found.$ref && hops < 20; hops++) {
    const { $ref, ...beside } = found;
    const target = document.components.schemas[$ref.slice($ref.lastIndexOf("/") + 1)] ?? {};
    found = { ...target, ...beside };
  }
  if (!found.allOf) return found;
  const { allOf, ...own } = found;
  return allOf
    .map((part) => resolve(document, part))
    .reduce<Schema>(
      (whole, part) => ({
        ...part,
        ...whole,
        properties: { ...part.properties, ...whole.properties },
        required: [...new Set([...(whole.required ?? []), ...(part.required ?? [])])],
      }),
      own,
    );
}

export function typesOf(schema: Schema): string[] {
  if (schema.type) return [schema.type].flat();
  if (schema.properties) return ["object"];
  if (schema.items || schema.prefixItems) return ["array"];
  return [];
}

/** The type in words: `text or null`, `list of uuid`, `one of “a”, “b”`. */
export function typeWords(document: ApiDocument, schema: Schema): string {
  const found = resolve(document, schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((value) => JSON.stringify(value)).join(" | ");
  const options = found.oneOf ?? found.anyOf;
  if (options && !found.type)
    return [...new Set(options.map((each) => typeWords(document, each)))].join(" | ");
  const words = typesOf(found).map((type) => {
    if (type === "string") return found.format ?? "string";
    if (type === "array") return found.items ? `[${typeWords(document, found.items)}]` : "array";
    return type;
  });
  return words.join(" | ") || "any";
}

/** The limits of a value in words. */
export function limitsOf(schema: Schema): string[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern, default: fallback } = schema;
  const range = (low: number | undefined, high: number | undefined, unit: string) =>
    low === undefined && high === undefined
      ? []
      : [
          `${low === undefined ? "at most " : `${low}${high === undefined ? " or more" : "…"}`}${high ?? ""}${unit}`,
        ];
  return [
    ...range(minimum, maximum, ""),
    ...range(minLength, maxLength, " characters"),
    ...range(minItems, maxItems, " items"),
    ...(pattern ? [`matches ${pattern}`] : []),
    ...(fallback === undefined ? [] : [`default ${JSON.stringify(fallback)}`]),
    ...(schema.writeOnly ? ["write only"] : []),
  ];
}
