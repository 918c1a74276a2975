"use client";

import { useId } from "react";
import { Choice } from "@/components/ui/choice";
import { same, type Conflict, type WebhookValues } from "./form";

const NAMES: Record<Conflict["field"], string> = {
  name: "Name",
  description: "Description",
  url: "Address",
  events: "Events",
  filter: "Filter",
  concurrency: "Requests at once",
  enabled: "On",
};

function textOf(value: WebhookValues[Conflict["field"]]): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  const text = Array.isArray(value) ? value.join(", ") : value;
  return text === "" ? "none" : text;
}

/** What somebody else has saved meanwhile, and of what both have changed, whose is to stay. */
export function ConflictList({
  conflicts,
  values,
  onChoose,
}: {
  conflicts: readonly Conflict[];
  values: WebhookValues;
  onChoose: (values: Partial<WebhookValues>) => void;
}) {
  const ids = useId();
  return (
    <div role="alert" className="rounded-md border border-degraded bg-degraded-bg px-3 py-2">
      <p className="font-medium">Somebody has changed this webhook meanwhile. Nothing of yours is lost.</p>
      <ul className="mt-1.5 flex flex-col gap-2">
        {conflicts.map(({ field, before, theirs, mine }) => (
          <li key={field} className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className="min-w-0 flex-1 basis-64 break-words">
              {NAMES[field]}: <del className="font-mono text-xs">{textOf(before)}</del>{" "}
              <span aria-hidden>→</span>{" "}
              <ins className="font-mono text-xs no-underline">{textOf(theirs)}</ins>
              {mine === null ? null : (
                <>
                  , yours is <span className="font-mono text-xs">{textOf(mine)}</span>
                </>
              )}
            </span>
            {mine === null ? (
              <span className="text-xs text-muted-foreground">taken over</span>
            ) : (
              <span
                role="radiogroup"
                aria-label={`Whose ${NAMES[field].toLowerCase()}`}
                className="flex gap-1"
              >
                {[
                  { label: "Keep mine", value: mine },
                  { label: "Take theirs", value: theirs },
                ].map((side) => (
                  <Choice
                    key={side.label}
                    type="radio"
                    size="sm"
                    className="bg-card"
                    name={`${ids}-${field}`}
                    checked={same(values[field], side.value)}
                    onChange={() => onChoose({ [field]: side.value })}
                  >
                    {side.label}
                  </Choice>
                ))}
              </span>
            )}
          </li>
        ))}
      </ul>
      <p className="mt-1.5 text-xs text-muted-foreground">Save again to write it.</p>
    </div>
  );
}
