"use client";

import { Search } from "lucide-react";
import { useId, useMemo, useState } from "react";
import { Choice } from "@/components/ui/choice";
import { FieldError } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { formatWord } from "@/lib/format";
import {
  EVERYTHING,
  findEvents,
  groupEvents,
  isCovered,
  kindName,
  toggleEvent,
  type EventGroup,
} from "./events";
import { useEventTypes } from "./queries";

interface PickerProps {
  value: readonly string[];
  onChange: (events: string[]) => void;
}

/** Chooses events: everything, all of a kind, or single types. */
export function EventPicker({ value, onChange, error }: PickerProps & { error: string | undefined }) {
  const types = useEventTypes();
  const [words, setWords] = useState("");
  const groups = useMemo(() => groupEvents(types.data ?? []), [types.data]);
  const shown = useMemo(() => findEvents(groups, words), [groups, words]);
  const ids = useId();
  const everything = value.includes(EVERYTHING);

  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5" aria-describedby={error ? `${ids}-error` : undefined}>
      <legend className="mb-1.5 font-medium">
        Events <span className="ml-1 text-xs font-normal text-muted-foreground">{summaryOf(value)}</span>
      </legend>
      <div className="overflow-hidden rounded-md border border-input">
        <div className="flex flex-wrap items-center gap-2 border-b bg-muted p-1.5">
          <div className="relative min-w-40 flex-1">
            <Search aria-hidden className="absolute top-2 left-2 size-3.5 text-muted-foreground" />
            <Input
              type="search"
              aria-label="Find events"
              aria-invalid={Boolean(error)}
              placeholder="Find events…"
              value={words}
              onChange={(event) => setWords(event.target.value)}
              onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
              className="h-7 pl-7 text-xs coarse:h-8"
            />
          </div>
          <Choice
            type="checkbox"
            size="sm"
            className="h-7 bg-card"
            checked={everything}
            onChange={() => onChange(toggleEvent(value, EVERYTHING))}
          >
            Everything
          </Choice>
        </div>
        <div className="max-h-64 overflow-auto">
          {types.isError ? (
            <p className="p-2.5 text-down">The events could not be loaded: {types.error.message}</p>
          ) : shown.length === 0 && types.isSuccess ? (
            <p className="p-2.5 text-muted-foreground">No event has “{words.trim()}”.</p>
          ) : (
            shown.map((group) => (
              <GroupRow key={group.kind} group={group} value={value} onChange={onChange} />
            ))
          )}
        </div>
      </div>
      <FieldError id={`${ids}-error`} error={error} />
    </fieldset>
  );
}

function summaryOf(events: readonly string[]): string {
  if (events.includes(EVERYTHING)) return "everything";
  return events.length === 0 ? "none yet" : `${events.length} chosen`;
}

/** One kind: all of it, or single types of it. What is chosen by a wider pattern stands checked. */
function GroupRow({ group, value, onChange }: PickerProps & { group: EventGroup }) {
  const { kind, pattern, types } = group;
  const name = kindName(kind);
  const isAll = isCovered(value, pattern);
  return (
    <div
      role="group"
      aria-label={name}
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-2.5 py-1.5 last:border-b-0"
    >
      <span className="w-40 shrink-0 truncate max-md:w-full" title={kind}>
        {name}
      </span>
      <span className="flex min-w-0 flex-1 flex-wrap gap-1">
        {types.length > 1 ? (
          <Choice
            type="checkbox"
            size="sm"
            aria-label={`All of ${name.toLowerCase()}`}
            title={pattern}
            checked={isAll}
            disabled={value.includes(EVERYTHING)}
            onChange={() => onChange(toggleEvent(value, pattern))}
          >
            all
          </Choice>
        ) : null}
        {types.map(({ type, action, description }) => (
          <Choice
            key={type}
            type="checkbox"
            size="sm"
            aria-label={type}
            title={description}
            checked={isCovered(value, type)}
            disabled={isAll}
            onChange={() => onChange(toggleEvent(value, type))}
          >
            {formatWord(action)}
          </Choice>
        ))}
      </span>
    </div>
  );
}
