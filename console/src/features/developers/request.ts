// From what a person has filled in to a request, and that request as a line of other programs. Pure.

import type { Method, Operation, Parameter } from "./document";
import { readJson } from "./json-text";

/** One value of a parameter; `operator` is empty for plain equality. */
export interface Entry {
  operator: string;
  value: string;
}

export interface Draft {
  /** By `parameterKey`; a filter may have several. */
  values: Record<string, Entry[]>;
  body: string;
  dryRun: boolean;
}

export interface Built {
  method: Method;
  /** Path and query, with no origin. */
  url: string;
  headers: Record<string, string>;
  body: string | null;
  /** Names of parameters that are required and empty. */
  missing: string[];
}

export function parameterKey({ in: place, name }: Pick<Parameter, "in" | "name">): string {
  return `${place}:${name}`;
}

function filled(draft: Draft, parameter: Parameter): Entry[] {
  return (draft.values[parameterKey(parameter)] ?? []).filter(({ value }) => value !== "");
}

function queryPairs(parameter: Parameter, entries: Entry[]): [string, string][] {
  if (parameter.schema.type === "object") {
    // `attributes`: each has a name of its own behind the dot
    return entries.map(({ value }): [string, string] => {
      const [member, ...rest] = value.split("=");
      return [`${parameter.name}.${member}`, rest.join("=")];
    });
  }
  return entries.map(({ operator, value }) => [
    operator ? `${parameter.name}__${operator}` : parameter.name,
    value,
  ]);
}

/** A reason is a text of any language: in a header it is percent-encoded, as far as that is needed. */
function headerValue(name: string, value: string): string {
  return name === "X-EM-Reason" ? value.replace(/[^ -$&-~]+/g, encodeURIComponent) : value;
}

export function buildRequest(operation: Operation, draft: Draft): Built {
  const missing: string[] = [];
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let path = operation.path;
  for (const parameter of operation.parameters) {
    const entries = filled(draft, parameter);
    if (parameter.required && entries.length === 0) missing.push(parameter.name);
    if (entries.length === 0) continue;
    if (parameter.in === "path")
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(entries[0]!.value));
    else if (parameter.in === "header")
      headers[parameter.name] = headerValue(parameter.name, entries[0]!.value);
    else for (const [name, value] of queryPairs(parameter, entries)) query.append(name, value);
  }
  if (operation.dryRun && draft.dryRun) query.append("dry_run", "true");
  const body = operation.body && draft.body.trim() !== "" ? draft.body : null;
  if (operation.body && body !== null) headers["Content-Type"] = operation.body.type;
  const search = query.toString();
  return { method: operation.method, url: search ? `${path}?${search}` : path, headers, body, missing };
}

/** Whether sending would change something that is kept. */
export function isWrite(operation: Operation, draft: Draft): boolean {
  return operation.method !== "GET" && !(operation.dryRun && draft.dryRun);
}

export const LANGUAGES = ["curl", "fetch", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The request in another program's words. The key comes from the environment and never stands in the text. */
export function snippet(language: Language, built: Built, origin: string): string {
  switch (language) {
    case "curl":
      return curl(built, origin);
    case "fetch":
      return fetchCall(built, origin);
    case "Python":
      return python(built, origin);
  }
}

function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function curl({ method, url, headers, body }: Built, origin: string): string {
  const lines = [
    `curl ${method === "GET" ? "" : `-X ${method} `}${shellQuote(origin + url)}`,
    `-H "Authorization: Bearer $EM_KEY"`,
    ...Object.entries(headers).map(([name, value]) => `-H ${shellQuote(`${name}: ${value}`)}`),
    ...(body === null ? [] : [`--data-binary ${shellQuote(body)}`]),
  ];
  return lines.join(" \\\n  ");
}

function compact(body: string): unknown {
  const { value, error } = readJson(body);
  return error ? undefined : value;
}

function fetchCall({ method, url, headers, body }: Built, origin: string): string {
  const all = Object.entries(headers).map(
    ([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`,
  );
  const json = body === null ? undefined : compact(body);
  const bodyText =
    json === undefined
      ? JSON.stringify(body)
      : `JSON.stringify(${JSON.stringify(json, null, 2).replaceAll("\n", "\n  ")})`;
  return [
    `const answer = await fetch(${JSON.stringify(origin + url)}, {`,
    ...(method === "GET" ? [] : [`  method: ${JSON.stringify(method)},`]),
    "  headers: {",
    "    Authorization: `Bearer ${process.env.EM_KEY}`,",
    ...all,
    "  },",
    ...(body === null ? [] : [`  body: ${bodyText},`]),
    "});",
    "console.log(answer.status, await answer.text());",
  ].join("\n");
}

/** A value as Python writes it. */
export function pythonValue(value: unknown, indent = ""): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const items = Array.isArray(value)
    ? value.map((item) => `${inner}${pythonValue(item, inner)},`)
    : Object.entries(value).map(
        ([name, item]) => `${inner}${JSON.stringify(name)}: ${pythonValue(item, inner)},`,
      );
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return items.length === 0 ? open + close : `${open}\n${items.join("\n")}\n${indent}${close}`;
}

function python({ method, url, headers, body }: Built, origin: string): string {
  const json = body === null ? undefined : compact(body);
  const own = Object.entries(headers).filter(([name]) => json === undefined || name !== "Content-Type");
  return [
    "import os",
    "",
    "import requests",
    "",
    `answer = requests.${method.toLowerCase()}(`,
    `    ${JSON.stringify(origin + url)},`,
    "    headers={",
    `        "Authorization": f"Bearer {os.environ['EM_KEY']}",`,
    ...own.map(([name, value]) => `        ${JSON.stringify(name)}: ${JSON.stringify(value)},`),
    "    },",
    ...(body === null
      ? []
      : [
          json === undefined ? `    data=${JSON.stringify(body)},` : `    json=${pythonValue(json, "    ")},`,
        ]),
    "    timeout=15,",
    ")",
    "print(answer.status_code, answer.text)",
  ].join("\n");
}
