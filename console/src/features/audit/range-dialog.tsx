"use client";

import { useId, useState, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { localFieldInstant, localFieldValue } from "@/lib/local-time";
import { instantOf, type JournalFilters } from "./filters";

type Range = Pick<JournalFilters, "from" | "to">;

/** Asks for a range of time by its ends. */
export function RangeDialog({
  open,
  onOpenChange,
  from,
  to,
  onChange,
}: Range & {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onChange: (range: Range) => void;
}) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Range of time"
      description="In your own time zone. Either end may stay open."
    >
      <RangeForm
        from={from}
        to={to}
        onDone={(range) => {
          onChange(range);
          onOpenChange(false);
        }}
      />
    </Dialog>
  );
}

function fieldValue(moment: string | null): string {
  const instant = moment ? instantOf(moment, Date.now()) : null;
  return instant ? localFieldValue(Date.parse(instant)) : "";
}

function RangeForm({ from, to, onDone }: Range & { onDone: (range: Range) => void }) {
  const [start, setStart] = useState(() => fieldValue(from));
  const [end, setEnd] = useState(() => fieldValue(to));
  const ids = useId();
  const backwards = start !== "" && end !== "" && start >= end;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (backwards) return;
    onDone({ from: localFieldInstant(start), to: localFieldInstant(end) });
  };

  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <div className="grid gap-3 md:grid-cols-2">
        {[
          { label: "From", value: start, set: setStart },
          { label: "To, not included", value: end, set: setEnd },
        ].map(({ label, value, set }) => (
          <label key={label} className="flex flex-col gap-1.5 font-medium">
            {label}
            <Input
              type="datetime-local"
              value={value}
              onChange={(event) => set(event.target.value)}
              aria-invalid={backwards}
              aria-describedby={backwards ? `${ids}-order` : undefined}
              className="font-normal"
            />
          </label>
        ))}
      </div>
      {backwards ? (
        <p id={`${ids}-order`} role="alert" className="text-down">
          The range must end after it begins.
        </p>
      ) : null}
      <div className="flex justify-end">
        <Button type="submit" variant="primary" size="md" disabled={backwards}>
          Show
        </Button>
      </div>
    </form>
  );
}
