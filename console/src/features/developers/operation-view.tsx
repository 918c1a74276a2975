"use client";

import { ArrowLeft, FlaskConical, Lock, Send, ShieldCheck, TriangleAlert } from "lucide-react";
import { lazy, Suspense, useMemo, useState, type FormEvent } from "react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import { useSession } from "@/features/access";
import { holds } from "@/lib/permissions";
import { useShortcuts } from "@/lib/shortcuts";
import { cn } from "@/lib/utils";
import { BodyEditor } from "./body-editor";
import type { ApiDocument, Operation } from "./document";
import { readJson } from "./json-text";
import { MethodMark } from "./method-mark";
import { OperationDocs } from "./operation-docs";
import { ParameterForm } from "./parameter-form";
import { useSend } from "./queries";
import { buildRequest, isWrite, type Draft } from "./request";
import { ResponseView } from "./response-view";
import { initialBody } from "./skeleton";
import { SnippetPanel } from "./snippet-panel";

const ConfirmDelete = lazy(() =>
  import("./confirm-delete").then((module) => ({ default: module.ConfirmDelete })),
);

function newDraft(document: ApiDocument, { body }: Operation): Draft {
  return { values: {}, body: body?.required ? initialBody(document, body.schema) : "", dryRun: true };
}

/** One operation: what it takes as a form, what it answers, and how to call it from elsewhere. */
export function OperationView({
  document,
  operations,
  operation,
  draft: given,
  setDraft,
  onBack,
}: {
  document: ApiDocument;
  operations: readonly Operation[];
  operation: Operation;
  draft: Draft | undefined;
  setDraft: (draft: Draft) => void;
  onBack: () => void;
}) {
  const fresh = useMemo(() => newDraft(document, operation), [document, operation]);
  const draft = given ?? fresh;
  const built = useMemo(() => buildRequest(operation, draft), [operation, draft]);
  const reading = useMemo(() => readJson(draft.body), [draft.body]);
  const call = useSend();
  const [confirming, setConfirming] = useState(false);
  const problem = call.data?.problem ?? null;
  const json = operation.body?.type.includes("json") ?? false;
  const unreadable = json && built.body !== null && reading.error !== null;

  const go = () => {
    setConfirming(false);
    call.mutate(built);
  };
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (built.missing.length > 0 || unreadable || call.isPending) return;
    if (operation.method === "DELETE" && isWrite(operation, draft)) setConfirming(true);
    else go();
  };
  useShortcuts({ "Ctrl ENTER": submit });

  return (
    <div className="grid gap-x-6 p-4 xl:grid-cols-[minmax(0,1fr)_minmax(0,400px)]">
      <div className="flex min-w-0 flex-col gap-4">
        <Title operation={operation} onBack={onBack} />
        <form onSubmit={submit} className="flex flex-col gap-4">
          <ParameterForm
            operation={operation}
            operations={operations}
            values={draft.values}
            onChange={(values) => setDraft({ ...draft, values })}
            problem={problem}
          />
          {operation.body ? (
            <BodyEditor
              document={document}
              body={operation.body}
              text={draft.body}
              onChange={(body) => setDraft({ ...draft, body })}
              reading={reading}
              problem={problem}
            />
          ) : null}
          <SendBar
            operation={operation}
            draft={draft}
            onDryRun={(dryRun) => setDraft({ ...draft, dryRun })}
            missing={built.missing}
            unreadable={unreadable}
            pending={call.isPending}
          />
        </form>
        <ResponseView outcome={call.data} error={call.error} pending={call.isPending} />
        <SnippetPanel built={built} />
      </div>
      <OperationDocs document={document} operation={operation} />
      {confirming ? (
        <Suspense>
          <ConfirmDelete url={built.url} onConfirm={go} onClose={() => setConfirming(false)} />
        </Suspense>
      ) : null}
    </div>
  );
}

function Title({ operation, onBack }: { operation: Operation; onBack: () => void }) {
  const { method, path, summary, permission } = operation;
  const session = useSession().data;
  const held = permission === null || holds(session, permission);
  const Mark = held ? ShieldCheck : Lock;
  return (
    <header className="flex flex-col gap-1.5">
      <Button variant="ghost" onClick={onBack} className="-ml-2 self-start md:hidden">
        <ArrowLeft aria-hidden />
        All operations
      </Button>
      <h2 className="text-lg font-semibold">{summary}</h2>
      <div className="flex min-w-0 items-center gap-1">
        <MethodMark method={method} className="w-auto pr-1.5 text-xs" />
        <code className="min-w-0 font-mono text-xs break-all">{path}</code>
        <CopyButton text={path} label="Copy the path" />
      </div>
      <p className={cn("flex items-center gap-1.5 text-xs", held ? "text-muted-foreground" : "text-down")}>
        <Mark aria-hidden className="size-3.5 shrink-0" />
        {permission === null ? (
          "Needs no permission of its own"
        ) : (
          <span>
            Needs <code className="font-mono">{permission}</code>, which you {held ? "have" : "do not have"}
          </span>
        )}
      </p>
    </header>
  );
}

function SendBar({
  operation,
  draft,
  onDryRun,
  missing,
  unreadable,
  pending,
}: {
  operation: Operation;
  draft: Draft;
  onDryRun: (dryRun: boolean) => void;
  missing: string[];
  unreadable: boolean;
  pending: boolean;
}) {
  const forReal = isWrite(operation, draft);
  const why =
    missing.length > 0
      ? `${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} still empty`
      : unreadable
        ? "The body is not JSON yet"
        : null;
  return (
    <div className="sticky bottom-0 z-20 -mx-4 flex flex-wrap items-center gap-x-4 gap-y-2 bg-background px-4 py-2">
      <Button type="submit" variant="primary" size="md" disabled={why !== null || pending}>
        {operation.dryRun && draft.dryRun ? <FlaskConical aria-hidden /> : <Send aria-hidden />}
        {pending ? "Sending…" : operation.dryRun && draft.dryRun ? "Try it" : "Send"}
      </Button>
      {operation.dryRun ? (
        <label className="flex min-h-6 items-center gap-2">
          <input
            type="checkbox"
            role="switch"
            checked={draft.dryRun}
            onChange={(event) => onDryRun(event.target.checked)}
            className="size-4 accent-primary"
          />
          Dry run: keep nothing
        </label>
      ) : null}
      {why ? (
        <span className="text-xs text-muted-foreground">{why}</span>
      ) : forReal ? (
        <span className="flex items-center gap-1.5 text-xs text-degraded">
          <TriangleAlert aria-hidden className="size-3.5 shrink-0" />
          {operation.dryRun ? "This is done for real" : "This has no dry run: it is done for real"}
        </span>
      ) : null}
      <span aria-hidden className="ml-auto flex gap-1 max-md:hidden">
        <Kbd>Ctrl</Kbd>
        <Kbd>Enter</Kbd>
      </span>
    </div>
  );
}
