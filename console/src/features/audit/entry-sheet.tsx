"use client";

import Link from "next/link";
import type { ReactNode } from "react";
import { CopyButton } from "@/components/copy-button";
import { ErrorBoundary } from "@/components/error-boundary";
import { CloseButton, CopyLinkButton, SheetContent, SheetFacts, StepButtons } from "@/components/sheet-parts";
import { Sheet } from "@/components/ui/sheet";
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
  return (
    <SheetContent query={useEntry(id)} what="The entry" onClose={onClose}>
      {(entry) => (
        <>
          <Header entry={entry} onClose={onClose} onStep={onStep} />
          <div className="min-h-0 flex-1 overflow-auto">
            <Facts entry={entry} onFilter={onFilter} />
            <EntryChanges entry={entry} />
          </div>
        </>
      )}
    </SheetContent>
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
  return (
    <header className="shrink-0 border-b px-4 py-3">
      <div className="flex items-center gap-1">
        <ActionMark action={entry.action} className="mr-auto text-muted-foreground" />
        <StepButtons what="entry" onStep={onStep} />
        <CopyLinkButton />
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
  const { credential_id: credential, request_id: request, address } = entry;
  return (
    <SheetFacts>
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
      {address ? (
        <>
          <dt>From</dt>
          <dd>
            <Narrowing label="Everything from this address" onClick={() => onFilter({ address })}>
              <code className="font-mono text-xs">{address}</code>
            </Narrowing>
          </dd>
        </>
      ) : null}
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
    </SheetFacts>
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
