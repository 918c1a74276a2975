"use client";

import { CopyButton } from "@/components/copy-button";
import { Dialog } from "@/components/ui/dialog";
import { VerifyFile } from "./verify-file";

const STEPS = [
  {
    text: "Verify the file of a chain that was exported here. It needs nothing but the file.",
    command: "emctl audit verify journal-acme.ndjson",
  },
  {
    text: "Keep the heads elsewhere from time to time: a few lines, or one hash on paper.",
    command: "emctl audit heads --output json > heads.json",
  },
  {
    text: "Compare with what was kept. Only this shows an end that was cut off, or a chain written anew.",
    command: "emctl audit verify --heads heads.json",
  },
];

/** Verifies a file here, and says how to do it with a program of one's own machine. */
export function VerifyDialog({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Verify the journal"
      description="Each record has a hash, and each sealed batch takes in the one before: what is altered, moved or removed shows, by chain, sequence and line."
      className="max-w-[560px]"
    >
      <h3 className="mb-1.5 font-medium">Here</h3>
      <VerifyFile />
      <h3 className="mt-5 mb-1.5 font-medium">Without believing this service</h3>
      <ol className="flex flex-col gap-4">
        {STEPS.map(({ text, command }, index) => (
          <li key={command}>
            <p>
              {index + 1}. {text}
            </p>
            <div className="mt-1.5 flex items-start gap-1 rounded-md border bg-muted py-0.5 pr-0.5 pl-3">
              <pre className="min-w-0 flex-1 overflow-auto py-1.5 font-mono text-xs">{command}</pre>
              <CopyButton text={command} label={`Copy ${command}`} />
            </div>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}
