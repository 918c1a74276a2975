"use client";

import { Boxes } from "lucide-react";
import { CopyButton } from "@/components/copy-button";
import { Notice } from "@/components/views";
import { paths } from "@/lib/paths";

/** Lines short enough for a phone; only the data folder is left to fill in. */
const commandFor = (origin: string) => `curl ${origin}/api/v1/organisations \\
  -H "Authorization: Bearer $(cat DIR/admin.key)" \\
  -H "Content-Type: application/json" \\
  -d '{"key": "acme", "name": "Acme"}'`;

/** What a fresh installation shows: the one next step. */
export function FirstUse() {
  const command = commandFor(location.origin); // only ever drawn in a browser, once the API has answered
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
        here at once. DIR is the data folder of the service.
      </p>
      <div className="mt-3 flex items-start gap-1 rounded-md border bg-muted py-1 pr-1 pl-3 text-left">
        <pre className="min-w-0 flex-1 overflow-auto py-1.5 font-mono text-xs text-foreground">{command}</pre>
        <CopyButton text={command} label="Copy the command" />
      </div>
    </Notice>
  );
}
