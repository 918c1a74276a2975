"use client";

import { KeyRound } from "lucide-react";
import { useMemo, useState } from "react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import type { JournalEntry } from "@/lib/types";
import { cn } from "@/lib/utils";
import { differencesOf, masked, pointerWords, valueText, type Difference } from "./differences";
import { compareLines, type Line } from "./lines";

const SIGN = {
  "-": { text: "text-down", row: "bg-down-bg text-down", word: "before" },
  "+": { text: "text-operational", row: "bg-operational-bg text-operational", word: "after" },
};

/** What an entry changed: field by field, or the whole objects line by line. */
export function EntryChanges({ entry }: { entry: JournalEntry }) {
  const [whole, setWhole] = useState(false);
  const differences = useMemo(() => differencesOf(entry), [entry]);
  const title =
    entry.before && entry.after ? "Fields that changed" : entry.after ? "As it was made" : "As it was";
  return (
    <section aria-label={title} className="px-4 py-3">
      <div className="mb-2 flex min-h-7 items-center gap-2">
        <h3 className="font-medium">{title}</h3>
        {entry.before && entry.after ? (
          <span className="numeric text-xs text-muted-foreground">{differences.length}</span>
        ) : null}
        <Button className="ml-auto" aria-pressed={whole} onClick={() => setWhole(!whole)}>
          {whole ? "Field by field" : "Whole objects"}
        </Button>
      </div>
      {whole ? (
        <WholeObjects entry={entry} />
      ) : differences.length === 0 ? (
        <p className="text-muted-foreground">No field has another value than before.</p>
      ) : (
        <ul className="overflow-hidden rounded-md border">
          {differences.map((difference) => (
            <DifferenceRow key={difference.pointer} difference={difference} />
          ))}
        </ul>
      )}
    </section>
  );
}

function DifferenceRow({ difference }: { difference: Difference }) {
  const { pointer, change, secret, from, to } = difference;
  return (
    <li className="border-b last:border-b-0">
      <p className="bg-muted px-2.5 py-0.5 font-mono text-xs break-all text-muted-foreground">
        {pointerWords(pointer)}
      </p>
      {secret ? (
        <p className="flex items-center gap-1.5 px-2.5 py-1">
          <KeyRound aria-hidden className="size-3.5 text-muted-foreground" />
          {change === "added" ? "Secret set" : change === "removed" ? "Secret removed" : "Secret changed"}
          <span className="text-xs text-muted-foreground">its value is never kept in the journal</span>
        </p>
      ) : (
        <>
          {change === "added" ? null : <Value sign="-" text={valueText(from)} />}
          {change === "removed" ? null : <Value sign="+" text={valueText(to)} />}
        </>
      )}
    </li>
  );
}

function Value({ sign, text }: { sign: "-" | "+"; text: string }) {
  return (
    <div className="flex gap-2 px-2.5 py-0.5">
      <Sign sign={sign} />
      <pre className="min-w-0 flex-1 font-mono text-xs leading-5 break-words whitespace-pre-wrap">{text}</pre>
    </div>
  );
}

function Sign({ sign }: { sign: "-" | "+" }) {
  return (
    <span className={cn("w-2 shrink-0 font-mono text-xs leading-5 select-none", SIGN[sign].text)}>
      <span aria-hidden>{sign === "-" ? "−" : "+"}</span>
      <span className="sr-only">{SIGN[sign].word}</span>
    </span>
  );
}

function objectText(object: JournalEntry["before"]): string {
  return object ? JSON.stringify(masked(object), Object.keys(flatten(object)).sort(), 2) : "";
}

/** Every member name that occurs anywhere, for a printing in one order. */
function flatten(value: unknown, names: Record<string, true> = {}): Record<string, true> {
  if (Array.isArray(value)) value.forEach((inner) => flatten(inner, names));
  else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      names[name] = true;
      flatten(inner, names);
    }
  }
  return names;
}

function WholeObjects({ entry }: { entry: JournalEntry }) {
  const { before, after } = entry;
  const [old, now] = useMemo(() => [objectText(before), objectText(after)], [before, after]);
  const lines = useMemo(() => compareLines(old, now), [old, now]);
  return (
    <div className="relative rounded-md border">
      <div className="absolute top-1 right-1 bg-card">
        <CopyButton text={now || old} label={`Copy the object ${after ? "after" : "before"}`} />
      </div>
      <pre
        className="overflow-auto py-1.5 font-mono text-xs leading-5"
        tabIndex={0}
        aria-label="Whole objects"
      >
        {lines ? lines.map((line, index) => <DiffLine key={index} line={line} />) : now || old}
      </pre>
    </div>
  );
}

function DiffLine({ line: { sign, text } }: { line: Line }) {
  return (
    <span className={cn("flex w-max min-w-full gap-2 px-2.5", sign === " " ? undefined : SIGN[sign].row)}>
      {sign === " " ? <span className="w-2 shrink-0" /> : <Sign sign={sign} />}
      <span className="whitespace-pre">{text}</span>
    </span>
  );
}
