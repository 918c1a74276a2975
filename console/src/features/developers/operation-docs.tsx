"use client";

import { useState } from "react";
import type { ApiDocument, Operation } from "./document";
import { SchemaTree } from "./schema-tree";
import { Words } from "./words";

/** What an operation takes and answers, to be read beside it. */
export function OperationDocs({ document, operation }: { document: ApiDocument; operation: Operation }) {
  const { body, answers, parameters } = operation;
  const good = answers.filter(({ status }) => status.startsWith("2"));
  const bad = answers.filter(({ status }) => /^[45]/.test(status));
  const described = parameters.filter(({ description }) => description);
  return (
    <aside
      aria-label="Documentation"
      className="flex min-w-0 flex-col gap-5 max-xl:mt-6 max-xl:border-t max-xl:pt-4"
    >
      {body ? (
        <section>
          <h3 className="mb-1.5 font-medium">Body</h3>
          <SchemaTree document={document} schema={body.schema} />
        </section>
      ) : null}
      {good.map(({ status, schema }) => (
        <section key={status}>
          <h3 className="mb-1.5 font-medium">
            Answer <span className="numeric font-mono text-xs text-operational">{status}</span>
          </h3>
          {schema ? (
            <SchemaTree document={document} schema={schema} />
          ) : (
            <p className="text-muted-foreground">It has no body.</p>
          )}
        </section>
      ))}
      <section>
        <h3 className="mb-1.5 font-medium">Refusals</h3>
        <p className="text-xs text-muted-foreground">
          A problem document (RFC 9457) with{" "}
          <span className="numeric font-mono">{bad.map(({ status }) => status).join(", ")}</span>.
        </p>
      </section>
      {described.length > 0 ? <Parameters parameters={described} /> : null}
    </aside>
  );
}

const FEW = 6;

function Parameters({ parameters }: { parameters: Operation["parameters"] }) {
  const [all, setAll] = useState(parameters.length <= FEW);
  return (
    <section>
      <h3 className="mb-1.5 font-medium">Parameters</h3>
      <dl className="flex flex-col gap-1.5 text-xs">
        {(all ? parameters : parameters.slice(0, FEW)).map(({ name, description }) => (
          <div key={name}>
            <dt className="font-mono">{name}</dt>
            <dd className="text-muted-foreground">
              <Words text={description ?? ""} />
            </dd>
          </div>
        ))}
      </dl>
      {all ? null : (
        <button
          type="button"
          onClick={() => setAll(true)}
          className="mt-1 min-h-6 rounded-sm text-xs text-primary underline-offset-4 hover:underline"
        >
          {parameters.length - FEW} more
        </button>
      )}
    </section>
  );
}
