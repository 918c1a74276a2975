"use client";

import { ChevronDown, ChevronUp, Link2, X } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { CopyButton } from "@/components/copy-button";
import { ErrorBoundary } from "@/components/error-boundary";
import { Button } from "@/components/ui/button";
import { Sheet } from "@/components/ui/sheet";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { Delayed, ErrorView } from "@/components/views";
import { useFleet } from "@/features/health";
import { formatInstant } from "@/lib/format";
import { paths } from "@/lib/paths";
import type { JournalEntry } from "@/lib/types";
import { ActionMark } from "./action-mark";
import { EntryChanges } from "./entry-changes";
import type { JournalFilters } from "./filters";
import { componentOf, placeOf } from "./place";
import { useChains, useComponents, useEntry, useKeyNames } from "./queries";
import { entityName, kindWord } from "./words";

type Narrow = (only: Partial<JournalFilters>) => void;

/** The sheet of the entry that the address names. */
export function OpenEntry({
  open,
  id,
  onClose,
  onFilter,
  onStep,
}: {
  open: boolean;
  id: string | null;
  onClose: () => void;
  onFilter: Narrow;
  onStep: (by: number) => void;
}) {
  return (
    <Sheet open={open} onClose={onClose} label="Entry">
      <ErrorBoundary key={id} what="The entry">
        {id ? <EntrySheet id={id} onClose={onClose} onFilter={onFilter} onStep={onStep} /> : null}
      </ErrorBoundary>
    </Sheet>
  );
}

/** One entry: who did what to what and why, every field that changed, and what else belongs to it. */
function EntrySheet({
  id,
  onClose,
  onFilter,
  onStep,
}: {
  id: string;
  onClose: () => void;
  onFilter: Narrow;
  onStep: (by: number) => void;
}) {
  const entry = useEntry(id);

  if (entry.data) {
    return (
      <>
        <Header entry={entry.data} onClose={onClose} onStep={onStep} />
        <div className="min-h-0 flex-1 overflow-auto">
          <Facts entry={entry.data} onFilter={onFilter} />
          <EntryChanges entry={entry.data} />
        </div>
      </>
    );
  }
  return (
    <div className="flex-1 p-4">
      <div className="flex justify-end">
        <CloseButton onClose={onClose} />
      </div>
      {entry.isError ? (
        <ErrorView error={entry.error} what="The entry" onRetry={() => void entry.refetch()} />
      ) : (
        <Delayed>
          <div role="status" aria-label="Loading" className="flex flex-col gap-3">
            <Skeleton className="h-6 w-1/2" />
            <Skeleton className="h-28" />
            <Skeleton className="h-48" />
          </div>
        </Delayed>
      )}
    </div>
  );
}

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <Button variant="ghost" size="icon" aria-label="Close" onClick={onClose}>
      <X aria-hidden />
    </Button>
  );
}

function Header({
  entry,
  onClose,
  onStep,
}: {
  entry: JournalEntry;
  onClose: () => void;
  onStep: (by: number) => void;
}) {
  const fleet = useFleet().data;
  const component = componentOf(entry);
  const components = useComponents(component ? [component] : []).data;
  const place = placeOf(entry, fleet, components);
  const name = entityName(entry);
  const copy = async () => {
    await navigator.clipboard.writeText(location.href);
    toast({ title: "Link copied" });
  };
  return (
    <header className="shrink-0 border-b px-4 py-3">
      <div className="flex items-center gap-1">
        <ActionMark action={entry.action} className="mr-auto text-muted-foreground" />
        <Button variant="ghost" size="icon" aria-label="Newer entry" onClick={() => onStep(-1)}>
          <ChevronUp aria-hidden />
        </Button>
        <Button variant="ghost" size="icon" aria-label="Earlier entry" onClick={() => onStep(1)}>
          <ChevronDown aria-hidden />
        </Button>
        <Button variant="ghost" size="icon" aria-label="Copy link" onClick={() => void copy()}>
          <Link2 aria-hidden />
        </Button>
        <CloseButton onClose={onClose} />
      </div>
      <h2 className="text-lg font-semibold break-words">{name ?? kindWord(entry.kind)}</h2>
      <p className="text-muted-foreground">
        {[name ? kindWord(entry.kind) : null, place].filter(Boolean).join(" · ")}
      </p>
    </header>
  );
}

function Facts({ entry, onFilter }: { entry: JournalEntry; onFilter: Narrow }) {
  const names = useKeyNames().data;
  const chains = useChains().data;
  const organisation = chains?.find((chain) => chain.organisation === entry.organisation)?.key;
  const { credential_id: credential, request_id: request } = entry;
  return (
    <dl className="grid grid-cols-[104px_minmax(0,1fr)] items-center gap-x-3 border-b px-4 py-2.5 [&>dd]:min-h-6 [&>dd]:leading-6 [&>dt]:self-start [&>dt]:leading-6 [&>dt]:text-muted-foreground">
      <dt>When</dt>
      <dd className="numeric">{formatInstant(Date.parse(entry.at))}</dd>
      <dt>Who</dt>
      <dd className="flex flex-wrap gap-x-1.5">
        <Narrowing label={`Everything by ${entry.actor}`} onClick={() => onFilter({ actor: [entry.actor] })}>
          {entry.actor}
        </Narrowing>
        {credential ? (
          <span className="flex min-w-0 gap-1.5 text-muted-foreground">
            with
            <Narrowing
              label="Everything by this key or session"
              onClick={() => onFilter({ credential: [credential] })}
            >
              {names?.get(credential) ? `key ${names.get(credential)}` : "a key or session"}
            </Narrowing>
          </span>
        ) : null}
      </dd>
      {entry.reason ? (
        <>
          <dt>Reason</dt>
          <dd className="break-words">{entry.reason}</dd>
        </>
      ) : null}
      {request ? (
        <>
          <dt>Request</dt>
          <dd className="flex min-w-0 items-center gap-1">
            <Narrowing label="Everything of this request" onClick={() => onFilter({ request })}>
              <code className="font-mono text-xs">{request}</code>
            </Narrowing>
            <CopyButton text={request} label="Copy the request id" />
          </dd>
        </>
      ) : null}
      <dt>Chain</dt>
      <dd className="numeric">
        {entry.organisation ? (organisation ?? entry.organisation) : "Installation"}
        {", "}
        {entry.sequence ? `record ${entry.sequence.toLocaleString("en")}` : "not sealed yet"}
      </dd>
      <dt>See also</dt>
      <dd className="flex flex-wrap gap-x-4">
        <Narrowing label="" onClick={() => onFilter({ entity: entry.entity })}>
          Its whole history
        </Narrowing>
        <EntityLink entry={entry} />
      </dd>
    </dl>
  );
}

/** A fact that the list can be narrowed to. */
function Narrowing({
  label,
  onClick,
  children,
}: {
  label: string;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      title={label || undefined}
      onClick={onClick}
      className="min-h-6 min-w-0 truncate rounded-sm text-primary underline-offset-4 hover:underline"
    >
      {children}
    </button>
  );
}

/** To the thing itself, where the console has a view of it. */
function EntityLink({ entry: { kind, entity, action, after } }: { entry: JournalEntry }) {
  const target: Record<string, string> = {
    instance: `${paths.overview}?env=${entity}`,
    component: `${paths.overview}?ci=${entity}`,
    check: typeof after?.component === "string" ? `${paths.overview}?ci=${after.component}` : "",
  };
  if (!target[kind] || action === "delete") return null;
  return (
    <Link
      href={target[kind]}
      className="flex min-h-6 items-center rounded-sm text-primary underline-offset-4 hover:underline"
    >
      {kind === "check" ? "Open its component" : `Open the ${kind}`}
    </Link>
  );
}
