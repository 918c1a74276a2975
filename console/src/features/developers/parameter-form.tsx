"use client";

import { Plus, X } from "lucide-react";
import { useId } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import type { Problem } from "@/lib/types";
import type { Operation, Parameter, Schema } from "./document";
import { useChoices, type Choice } from "./queries";
import { parameterKey, type Entry } from "./request";

type Values = Record<string, Entry[]>;

const PLACES = [
  { place: "path", title: "Path" },
  { place: "query", title: "Query" },
  { place: "header", title: "Headers" },
] as const;

const EMPTY: Entry = { operator: "", value: "" };
const SELECT = "h-7 min-w-0 rounded-md border border-input bg-card px-1.5 text-xs coarse:h-8";

/** The parameters of an operation, each by its schema. */
export function ParameterForm({
  operation,
  operations,
  values,
  onChange,
  problem,
}: {
  operation: Operation;
  operations: readonly Operation[];
  values: Values;
  onChange: (values: Values) => void;
  problem: Problem | null;
}) {
  const choices = useChoices(operation, operations).data ?? [];
  return PLACES.map(({ place, title }) => {
    const own = operation.parameters.filter((parameter) => parameter.in === place);
    if (own.length === 0) return null;
    return (
      <fieldset key={place} className="min-w-0">
        <legend className="mb-1.5 font-medium">{title}</legend>
        <div className="flex flex-col divide-y rounded-md border bg-card">
          {own.map((parameter) => (
            <ParameterRow
              key={parameter.name}
              parameter={parameter}
              entries={values[parameterKey(parameter)] ?? [EMPTY]}
              onChange={(entries) => onChange({ ...values, [parameterKey(parameter)]: entries })}
              choices={place === "path" && parameter.name === "id" ? choices : []}
              errors={errorsOf(parameter, problem)}
            />
          ))}
        </div>
      </fieldset>
    );
  });
}

/** What the service found wrong with a parameter: `?name`, also with an operator behind it. */
function errorsOf({ name }: Parameter, problem: Problem | null): string[] {
  return (problem?.errors ?? [])
    .filter(({ pointer }) => pointer === `?${name}` || pointer.startsWith(`?${name}__`))
    .map(({ detail }) => detail);
}

function ParameterRow({
  parameter,
  entries,
  onChange,
  choices,
  errors,
}: {
  parameter: Parameter;
  entries: Entry[];
  onChange: (entries: Entry[]) => void;
  choices: Choice[];
  errors: string[];
}) {
  const ids = useId();
  const { name, required, description } = parameter;
  const operators = parameter["x-filter-operators"] ?? [];
  const change = (index: number, entry: Entry) =>
    onChange(entries.map((each, at) => (at === index ? entry : each)));
  const several = operators.length > 0 || parameter.schema.type === "object";
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-x-3 gap-y-1 px-2.5 py-1.5 md:grid-cols-[132px_minmax(0,1fr)]">
      <label
        htmlFor={`${ids}-0`}
        className="flex min-h-7 flex-wrap items-center gap-x-1.5 text-xs"
        title={description}
      >
        <code className="font-mono break-all">{name}</code>
        {required ? <span className="text-2xs text-down">required</span> : null}
      </label>
      <div className="flex min-w-0 flex-col gap-1">
        {entries.map((entry, index) => (
          <div key={index} className="flex min-w-0 items-center gap-1">
            {operators.length > 0 ? (
              <select
                aria-label={`Operator of ${name}`}
                value={entry.operator}
                onChange={(event) => change(index, { ...entry, operator: event.target.value })}
                className={`${SELECT} w-24 shrink-0`}
              >
                <option value="">is</option>
                {operators.map((operator) => (
                  <option key={operator} value={operator}>
                    {operator}
                  </option>
                ))}
              </select>
            ) : null}
            <ValueField
              id={`${ids}-${index}`}
              parameter={parameter}
              value={entry.value}
              onChange={(value) => change(index, { ...entry, value })}
              choices={choices}
              invalid={errors.length > 0}
              describedBy={errors.length > 0 ? `${ids}-errors` : undefined}
            />
            {index > 0 ? (
              <Button
                variant="ghost"
                size="icon"
                aria-label={`Remove this ${name}`}
                onClick={() => onChange(entries.filter((_, at) => at !== index))}
              >
                <X aria-hidden />
              </Button>
            ) : several ? (
              <Button
                variant="ghost"
                size="icon"
                aria-label={`Another ${name}`}
                onClick={() => onChange([...entries, EMPTY])}
              >
                <Plus aria-hidden />
              </Button>
            ) : null}
          </div>
        ))}
        {errors.length > 0 ? (
          <p id={`${ids}-errors`} role="alert" className="text-xs text-down">
            {errors.join(" ")}
          </p>
        ) : null}
      </div>
    </div>
  );
}

function ValueField({
  id,
  parameter,
  value,
  onChange,
  choices,
  invalid,
  describedBy,
}: {
  id: string;
  parameter: Parameter;
  value: string;
  onChange: (value: string) => void;
  choices: Choice[];
  invalid: boolean;
  describedBy: string | undefined;
}) {
  const { schema } = parameter;
  const item = schema.type === "array" ? (schema.items ?? {}) : schema;
  const options =
    item.type === "boolean" ? ["true", "false"] : item.enum?.filter((each) => each !== null).map(String);
  const shared = {
    id,
    value,
    "aria-invalid": invalid,
    "aria-describedby": describedBy,
  };
  if (options) {
    return (
      <select {...shared} onChange={(event) => onChange(event.target.value)} className={`${SELECT} flex-1`}>
        <option value="">not sent</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    );
  }
  const list = choices.length > 0 ? `${id}-choices` : undefined;
  return (
    <>
      <Input
        {...shared}
        list={list}
        inputMode={item.type === "integer" ? "numeric" : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholderOf(parameter, item)}
        onChange={(event) => onChange(event.target.value)}
        className="h-7 flex-1 font-mono text-xs placeholder:font-sans coarse:h-8"
      />
      {list ? (
        <datalist id={list}>
          {choices.map((choice) => (
            <option key={choice.id} value={choice.id}>
              {choice.name}
            </option>
          ))}
        </datalist>
      ) : null}
    </>
  );
}

/** What may stand there: the default, a model, the type of a filter, or the words of the document. */
function placeholderOf({ name, schema, description, ...parameter }: Parameter, item: Schema): string {
  if (schema.default !== undefined) return `${String(schema.default)} when not sent`;
  if (item.format === "date-time") return "2026-01-31T12:00:00Z";
  if (schema.type === "object") return name === "attributes" ? "owner=team" : "name=value";
  if (parameter["x-filter-operators"])
    return item.format ?? (item.type === "string" ? "text" : String(item.type));
  return description?.replaceAll("`", "") ?? "";
}
