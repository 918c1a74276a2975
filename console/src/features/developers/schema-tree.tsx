"use client";

import { ChevronRight } from "lucide-react";
import { useState, type ReactNode } from "react";
import { limitsOf, resolve, typeWords, type ApiDocument, type Schema } from "./document";
import { Words } from "./words";

/** The schema whose members are worth showing below a value: its own, or of the items of a list. */
function inner(document: ApiDocument, schema: Schema): Schema | null {
  const found = resolve(document, schema);
  if (found.properties && Object.keys(found.properties).length > 0) return found;
  if (found.items) return inner(document, found.items);
  const options = (found.oneOf ?? found.anyOf ?? [])
    .map((each) => inner(document, each))
    .filter((each) => each !== null);
  return options.length === 1 ? options[0]! : null;
}

/** A schema as its members; what is inside them opens on demand. */
export function SchemaTree({ document, schema }: { document: ApiDocument; schema: Schema }) {
  const found = resolve(document, schema);
  const members = inner(document, found);
  return (
    <div className="text-xs">
      {found.description ? (
        <p className="mb-1.5 text-muted-foreground">
          <Words text={found.description} />
        </p>
      ) : null}
      {members ? (
        <Members document={document} schema={members} />
      ) : (
        <p className="font-mono">{typeWords(document, found)}</p>
      )}
    </div>
  );
}

function Members({ document, schema }: { document: ApiDocument; schema: Schema }) {
  const required = new Set(schema.required);
  const names = Object.keys(schema.properties ?? {});
  const ordered = [
    ...names.filter((name) => required.has(name)),
    ...names.filter((name) => !required.has(name)),
  ];
  return (
    <ul className="divide-y rounded-md border bg-card">
      {ordered.map((name) => (
        <Member
          key={name}
          document={document}
          name={name}
          schema={schema.properties![name]!}
          required={required.has(name)}
        />
      ))}
    </ul>
  );
}

function Member({
  document,
  name,
  schema,
  required,
}: {
  document: ApiDocument;
  name: string;
  schema: Schema;
  required: boolean;
}) {
  const found = resolve(document, schema);
  const members = inner(document, found);
  const limits = limitsOf(found);
  return (
    <li className="px-2.5 py-1.5">
      <p className="flex flex-wrap items-baseline gap-x-2">
        <code className="font-mono font-medium">{name}</code>
        <span className="font-mono text-2xs break-words text-muted-foreground">
          {typeWords(document, found)}
        </span>
        {required ? <span className="text-2xs text-down">required</span> : null}
      </p>
      {found.description ? (
        <p className="text-muted-foreground">
          <Words text={found.description} />
        </p>
      ) : null}
      {limits.length > 0 ? <p className="text-2xs text-muted-foreground">{limits.join(" · ")}</p> : null}
      {members ? (
        <Fold label={`Members of ${name}`}>
          <Members document={document} schema={members} />
        </Fold>
      ) : null}
    </li>
  );
}

/** Draws its children only once it is open: schemas may hold themselves. */
function Fold({ label, children }: { label: string; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex min-h-6 items-center gap-1 rounded-sm text-2xs text-primary underline-offset-4 hover:underline [&>svg]:size-3 aria-expanded:[&>svg]:rotate-90"
      >
        <ChevronRight aria-hidden />
        {label}
      </button>
      {open ? <div className="mt-1">{children}</div> : null}
    </>
  );
}
