"use client";

import { CircleAlert, CircleCheck, FlaskConical } from "lucide-react";
import { useEffect, useMemo, useRef } from "react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import { ErrorView } from "@/components/views";
import { download } from "@/lib/download";
import { cn } from "@/lib/utils";
import { JsonText } from "./json-view";
import type { Outcome } from "./queries";

/** Beyond it a body is cut short on the page; the whole of it can be copied or saved. */
const MOST_CHARS = 200_000;

function formatBody(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function formatBytes(bytes: number): string {
  return bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(1)} KB`;
}

/** What came back: whether it went well, how long it took, and all of it. */
export function ResponseView({
  outcome,
  error,
  pending,
}: {
  outcome: Outcome | undefined;
  error: Error | null;
  pending: boolean;
}) {
  const body = useMemo(() => formatBody(outcome?.text ?? ""), [outcome]);
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    if (outcome) section.current?.scrollIntoView({ block: "nearest" });
  }, [outcome]);
  if (error && !pending) return <ErrorView error={error} what="The answer" className="rounded-md border" />;
  if (!outcome) return null;
  const good = outcome.status < 400;
  const Mark = good ? CircleCheck : CircleAlert;
  return (
    <section
      ref={section}
      aria-label="Answer"
      aria-busy={pending}
      className={cn("min-w-0 rounded-md border bg-card", pending && "opacity-60")}
    >
      <div className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1">
        <p role="status" className="flex flex-wrap items-center gap-x-3">
          <span
            className={cn("flex items-center gap-1.5 font-medium", good ? "text-operational" : "text-down")}
          >
            <Mark aria-hidden className="size-4" />
            {outcome.status} {outcome.statusText}
          </span>
          <span className="numeric text-xs text-muted-foreground">
            {Math.round(outcome.ms)} ms · {formatBytes(outcome.bytes)}
          </span>
          {outcome.dryRun ? (
            <span className="hatch-maintenance flex h-5 items-center gap-1 rounded-sm px-1.5 text-xs font-medium text-maintenance">
              <FlaskConical aria-hidden className="size-3" />
              Dry run: nothing was kept
            </span>
          ) : null}
        </p>
        {outcome.text ? (
          <span className="ml-auto flex items-center">
            <Button
              variant="ghost"
              onClick={() => download("answer.json", "application/octet-stream", [outcome.text])}
            >
              Save
            </Button>
            <CopyButton text={body} label="Copy the answer" />
          </span>
        ) : null}
      </div>
      {outcome.problem ? (
        <p role="alert" className="border-b px-3 py-2">
          {outcome.problem.detail} <code className="font-mono text-xs">{outcome.problem.code}</code>
        </p>
      ) : null}
      {body ? (
        <pre
          tabIndex={0}
          aria-label="Body of the answer"
          className="focus-inset max-h-[60vh] overflow-auto px-3 py-2 font-mono text-xs leading-5"
        >
          <JsonText text={body.slice(0, MOST_CHARS)} />
          {body.length > MOST_CHARS ? "\n… cut short here: copy or save the whole of it" : null}
        </pre>
      ) : (
        <p className="px-3 py-2 text-muted-foreground">The answer has no body.</p>
      )}
      <details className="border-t">
        <summary className="min-h-7 px-3 py-1.5 text-xs text-muted-foreground">
          {outcome.headers.length} headers
        </summary>
        <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 px-3 pb-2 font-mono text-2xs">
          {outcome.headers.map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-muted-foreground">{name}</dt>
              <dd className="break-all">{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}
