"use client";

import { Boxes } from "lucide-react";
import { CopyButton } from "@/components/copy-button";
import { Notice } from "@/components/views";
import { paths } from "@/lib/paths";

const COMMAND = `curl -H "Authorization: Bearer $(cat DATA/admin.key)" -H "Content-Type: application/json" \\
     -d '{"key": "acme", "name": "Acme"}' $URL/api/v1/organisations`;

/** What a fresh installation shows: the one next step. */
export function FirstUse() {
  return (
    <Notice
      icon={Boxes}
      title="No environments yet"
      className="rounded-lg border bg-card py-16"
      actions={
        <a href={paths.apiDocument} className="font-medium text-primary underline-offset-4 hover:underline">
          API document
        </a>
      }
    >
      <p>
        Create an organisation, then its business units, systems and instances through the API. Each appears
        here at once.
      </p>
      <div className="mt-3 flex items-start gap-1 rounded-md border bg-muted py-1 pr-1 pl-3 text-left">
        <pre className="min-w-0 flex-1 overflow-auto py-1.5 font-mono text-xs whitespace-pre-wrap text-foreground">
          {COMMAND}
        </pre>
        <CopyButton text={COMMAND} label="Copy the command" />
      </div>
    </Notice>
  );
}
