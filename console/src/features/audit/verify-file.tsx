"use client";

import { FileSearch, ShieldAlert, ShieldCheck } from "lucide-react";
import { useEffect, useId, useRef, useState, type DragEvent } from "react";
import { Button } from "@/components/ui/button";
import { formatCount } from "@/lib/format";
import type { JournalVerification } from "@/lib/types";
import { upload } from "@/lib/upload";
import { cn } from "@/lib/utils";
import { chainName } from "./filters";
import { useChains } from "./queries";

const MOST_BYTES = 50 * 1024 * 1024;
const SHOWN = 20;

type Outcome = { file: string } & ({ result: JournalVerification } | { refusal: string });

/** Takes the file of an export, dropped or chosen, and says whether it is whole and what the journal here is. */
export function VerifyFile() {
  const { progress, outcome, verify } = useVerification();
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) verify(file);
  };
  return (
    <div className="flex flex-col gap-2">
      <div
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
        className={cn(
          "flex min-h-16 flex-wrap items-center gap-x-3 gap-y-2 rounded-md border border-dashed px-3 py-2",
          over && "border-primary bg-accent",
        )}
      >
        <label htmlFor={id} className="min-w-40 flex-1 text-muted-foreground">
          An export of a chain, as .ndjson of at most 50 MiB. Drop it here, or choose it.
        </label>
        <input
          ref={input}
          id={id}
          type="file"
          accept=".ndjson,.jsonl,application/x-ndjson"
          className="sr-only"
          tabIndex={-1}
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = ""; // the same file may be chosen again
            if (file) verify(file);
          }}
        />
        <Button disabled={progress !== null} onClick={() => input.current?.click()}>
          <FileSearch aria-hidden />
          Choose a file
        </Button>
      </div>
      <div aria-live="polite">
        {progress !== null ? <Progress part={progress} /> : outcome ? <Answer outcome={outcome} /> : null}
      </div>
    </div>
  );
}

/** One verification at a time; leaving ends it. */
function useVerification() {
  const [progress, setProgress] = useState<number | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);

  const verify = (file: File) => {
    const own = new AbortController();
    controller.current?.abort();
    controller.current = own;
    if (file.size > MOST_BYTES) {
      setOutcome({ file: file.name, refusal: "It is larger than 50 MiB: use emctl audit verify." });
      return;
    }
    setOutcome(null);
    setProgress(0);
    void upload<JournalVerification>(
      "/api/v1/journal/verify",
      "application/x-ndjson",
      file,
      setProgress,
      own.signal,
    )
      .then((result) => setOutcome({ file: file.name, result }))
      .catch((error: unknown) => {
        if (own.signal.aborted) return;
        setOutcome({ file: file.name, refusal: error instanceof Error ? error.message : String(error) });
      })
      .finally(() => {
        if (controller.current === own) setProgress(null);
      });
  };
  return { progress, outcome, verify };
}

function Progress({ part }: { part: number }) {
  const sent = part >= 1;
  return (
    <div className="flex items-center gap-3 text-muted-foreground">
      <progress aria-label="Sent" value={part} max={1} className="h-1.5 flex-1 accent-primary" />
      <span className="numeric w-24 shrink-0 text-right">
        {sent ? "Verifying…" : `${Math.floor(part * 100)} % sent`}
      </span>
    </div>
  );
}

function Answer({ outcome }: { outcome: Outcome }) {
  const whole = "result" in outcome && outcome.result.whole;
  const Icon = whole ? ShieldCheck : ShieldAlert;
  return (
    <div className="flex flex-col gap-2">
      <p className={cn("flex items-start gap-2 font-medium", whole ? "text-operational" : "text-down")}>
        <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
        <span className="min-w-0 break-words">{verdictOf(outcome)}</span>
      </p>
      {"result" in outcome ? <Findings result={outcome.result} /> : null}
    </div>
  );
}

function verdictOf(outcome: Outcome): string {
  if ("refusal" in outcome) return `${outcome.file} was not verified. ${outcome.refusal}`;
  const { whole, records, batches, finding_count } = outcome.result;
  if (!whole) return `${outcome.file} is not whole: ${formatCount(finding_count, "finding")}.`;
  const size = `${formatCount(records, "record")} in ${formatCount(batches, "batch", "batches")}`;
  return `${outcome.file} is whole, and the journal here: ${size}.`;
}

function Findings({ result: { findings, finding_count } }: { result: JournalVerification }) {
  const chains = useChains().data;
  const nameOf = (id: string) => {
    const chain = chains?.find((one) => one.chain === id);
    return chain ? chainName(chain) : id;
  };
  if (findings.length === 0) return null;
  return (
    <>
      <ul aria-label="Findings" className="max-h-48 overflow-auto rounded-md border">
        {findings.slice(0, SHOWN).map((finding, index) => (
          <li key={index} className="border-b px-3 py-1.5 last:border-b-0">
            <span className="font-medium">{finding.code.replaceAll("_", " ")}</span>
            <span className="numeric text-muted-foreground">
              {finding.chain ? ` · ${nameOf(finding.chain)}` : ""}
              {finding.sequence ? ` · record ${finding.sequence.toLocaleString("en")}` : ""}
              {finding.line ? ` · line ${finding.line.toLocaleString("en")}` : ""}
            </span>
            <p className="break-words text-muted-foreground">{finding.detail}</p>
          </li>
        ))}
      </ul>
      {finding_count > Math.min(findings.length, SHOWN) ? (
        <p className="text-xs text-muted-foreground">
          The first {Math.min(findings.length, SHOWN)} of {finding_count.toLocaleString("en")}; emctl audit
          verify shows more.
        </p>
      ) : null}
    </>
  );
}
