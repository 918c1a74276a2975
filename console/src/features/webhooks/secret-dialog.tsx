"use client";

import { useId, useState } from "react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Dialog } from "@/components/ui/dialog";
import type { WebhookSecret } from "@/lib/types";
import { cn } from "@/lib/utils";
import { SNIPPETS } from "./snippets";

/** A secret, this once, and how a receiver checks signatures with it. Only the button closes it. */
export function SecretDialog({
  open,
  secret,
  onClose,
}: {
  open: boolean;
  secret: WebhookSecret | null;
  onClose: () => void;
}) {
  return (
    <Dialog
      open={open}
      dismissible={false}
      title={`The secret of ${secret?.name ?? "the webhook"}`}
      description="It is shown this once. Keep it where the receiver reads it: with it, the receiver knows that a request is ours."
      className="max-w-[600px]"
    >
      {secret ? <Secret secret={secret.secret} onClose={onClose} /> : null}
    </Dialog>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const [language, setLanguage] = useState(SNIPPETS[0]!.language);
  const name = useId();
  const code = SNIPPETS.find((snippet) => snippet.language === language)?.code ?? "";
  return (
    <div className="flex flex-col gap-4">
      <Copied text={secret} label="Copy the secret" wrap />
      <div className="flex flex-col gap-2">
        <div role="radiogroup" aria-label="Language" className="flex flex-wrap items-center gap-1.5">
          <span className="mr-auto font-medium max-md:w-full">How the receiver checks a request</span>
          {SNIPPETS.map((snippet) => (
            <Choice
              key={snippet.language}
              type="radio"
              size="sm"
              name={name}
              checked={snippet.language === language}
              onChange={() => setLanguage(snippet.language)}
            >
              {snippet.language}
            </Choice>
          ))}
        </div>
        <Copied text={code} label="Copy the code" />
      </div>
      <div className="flex justify-end">
        <Button variant="primary" size="md" onClick={onClose}>
          I have kept it
        </Button>
      </div>
    </div>
  );
}

function Copied({ text, label, wrap = false }: { text: string; label: string; wrap?: boolean }) {
  return (
    <div className="flex min-w-0 items-start gap-1 rounded-md border bg-muted py-0.5 pr-0.5 pl-3">
      <pre
        tabIndex={0}
        aria-label={label.replace("Copy t", "T")}
        className={cn(
          "focus-inset min-w-0 flex-1 overflow-auto py-1.5 font-mono text-xs leading-5",
          wrap && "break-all whitespace-pre-wrap",
        )}
      >
        {text}
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
