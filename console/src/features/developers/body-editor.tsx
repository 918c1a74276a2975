"use client";

import { CircleAlert, CircleCheck } from "lucide-react";
import { useId, useRef } from "react";
import { Button } from "@/components/ui/button";
import type { Problem } from "@/lib/types";
import { cn } from "@/lib/utils";
import type { ApiDocument, Operation } from "./document";
import type { Reading } from "./json-text";
import { JsonText } from "./json-view";
import { initialBody, skeletonOf, write } from "./skeleton";

type Fault = { pointer: string; detail: string; line: number | null };

/** The line that a pointer means: its own, or that of the nearest value around it. */
function lineOf(pointer: string, lines: Reading["lines"]): number | null {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const line = lines.get(at);
    if (line !== undefined) return line;
    if (at === "") return null;
  }
}

/** The body as text: coloured, checked while it is typed, with what the service found wrong at its line. */
export function BodyEditor({
  document,
  body,
  text,
  onChange,
  reading,
  problem,
}: {
  document: ApiDocument;
  body: NonNullable<Operation["body"]>;
  text: string;
  onChange: (text: string) => void;
  reading: Reading;
  problem: Problem | null;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const ids = useId();
  const json = body.type.includes("json");
  const lines = text.split("\n").length;
  const faults: Fault[] = (problem?.errors ?? [])
    .filter(({ pointer }) => !pointer.startsWith("?"))
    .map(({ pointer, detail }) => ({ pointer, detail, line: lineOf(pointer, reading.lines) }));
  const wrong = new Set(faults.map(({ line }) => line));
  const error = json && text.trim() !== "" ? reading.error : null;
  if (error) wrong.add(error.line);

  const goTo = (line: number) => {
    const start =
      text
        .split("\n")
        .slice(0, line - 1)
        .join("\n").length + (line > 1 ? 1 : 0);
    const end = text.indexOf("\n", start);
    area.current?.focus();
    area.current?.setSelectionRange(start, end < 0 ? text.length : end);
  };

  return (
    <section aria-label="Body" className="min-w-0">
      <div className="mb-1.5 flex flex-wrap items-center gap-1.5">
        <label htmlFor={ids} className="mr-auto font-medium">
          Body{" "}
          <span className="font-mono text-2xs font-normal text-muted-foreground max-md:sr-only">
            {body.type}
            {body.required ? "" : ", may be left out"}
          </span>
        </label>
        {json ? (
          <>
            <Button variant="ghost" onClick={() => onChange(initialBody(document, body.schema))}>
              Example
            </Button>
            <Button variant="ghost" onClick={() => onChange(write(skeletonOf(document, body.schema, "all")))}>
              All members
            </Button>
            <Button
              variant="ghost"
              disabled={reading.error !== null}
              onClick={() => onChange(write(reading.value))}
            >
              Format
            </Button>
          </>
        ) : null}
      </div>
      <div className="max-h-[50vh] overflow-auto rounded-md border border-input bg-card font-mono text-xs leading-5 has-focus-visible:outline-2 has-focus-visible:outline-ring">
        <div className="flex w-max min-w-full">
          <div
            aria-hidden
            className="numeric sticky left-0 z-10 border-r bg-muted py-2 text-right text-muted-foreground select-none"
          >
            {Array.from({ length: lines }, (_, index) => (
              <div
                key={index}
                className={cn("min-w-8 px-1.5", wrong.has(index + 1) && "bg-down-bg font-semibold text-down")}
              >
                {index + 1}
              </div>
            ))}
          </div>
          <div className="relative flex-1">
            <pre aria-hidden className="pointer-events-none min-h-full py-2 pr-4 pl-2.5 whitespace-pre">
              {json ? <JsonText text={text} /> : text}
              {"\n"}
            </pre>
            <textarea
              ref={area}
              id={ids}
              value={text}
              onChange={(event) => onChange(event.target.value)}
              spellCheck={false}
              autoComplete="off"
              wrap="off"
              aria-invalid={error !== null || faults.length > 0}
              aria-describedby={`${ids}-verdict`}
              className="absolute inset-0 resize-none overflow-hidden bg-transparent py-2 pr-4 pl-2.5 leading-5 whitespace-pre text-transparent caret-foreground outline-none selection:bg-ring/30"
            />
          </div>
        </div>
      </div>
      <div id={`${ids}-verdict`} className="mt-1 flex flex-col gap-0.5 text-xs">
        {error ? (
          <FaultButton line={error.line} onClick={goTo}>
            {error.message}
          </FaultButton>
        ) : json && text.trim() !== "" && faults.length === 0 ? (
          <p className="flex items-center gap-1.5 text-muted-foreground">
            <CircleCheck aria-hidden className="size-3.5 text-operational" />
            Valid JSON
          </p>
        ) : null}
        {faults.map(({ pointer, detail, line }) => (
          <FaultButton key={pointer + detail} line={line} onClick={goTo}>
            <code className="font-mono">{pointer || "the body"}</code> {detail}
          </FaultButton>
        ))}
      </div>
    </section>
  );
}

function FaultButton({
  line,
  onClick,
  children,
}: {
  line: number | null;
  onClick: (line: number) => void;
  children: React.ReactNode;
}) {
  return (
    <button
      type="button"
      onClick={() => (line === null ? undefined : onClick(line))}
      className="flex min-h-6 items-start gap-1.5 rounded-sm py-0.5 text-left text-down underline-offset-4 hover:underline"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
      <span>
        {line === null ? null : <span className="numeric font-medium">Line {line}: </span>}
        {children}
      </span>
    </button>
  );
}
