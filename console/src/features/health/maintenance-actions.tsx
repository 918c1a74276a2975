"use client";

import { Wrench } from "lucide-react";
import { useId, useState, type FormEvent } from "react";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { toast } from "@/components/ui/toast";
import { useCan } from "@/features/access";
import { ApiError } from "@/lib/api";
import { TICK_MS, useNow } from "@/lib/clock";
import type { EntityHealth } from "@/lib/types";
import { titleOf } from "./entity";
import { openWindows } from "./maintenance";

import { useCreateMaintenance, useEndMaintenance, useMaintenanceWindows, type SheetKind } from "./queries";

const LENGTHS = [
  { minutes: 30, label: "30 min" },
  { minutes: 60, label: "1 h" },
  { minutes: 120, label: "2 h" },
] as const;
const CUSTOM = 0;
const MOST_MINUTES = 30 * 24 * 60;

/** Opens the dialog that takes an instance or component out of service for a while. */
export function MaintenanceButton({ kind, health }: { kind: SheetKind; health: EntityHealth }) {
  const [open, setOpen] = useState(false);
  if (!useCan("maintenance.write")) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Wrench aria-hidden />
        Maintenance…
      </Button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={`Maintenance of ${titleOf(health)}`}
        description="While it lasts, checks go on but nobody is alerted, and the time does not count as outage."
      >
        <MaintenanceForm kind={kind} health={health} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function MaintenanceForm({
  kind,
  health,
  onDone,
}: {
  kind: SheetKind;
  health: EntityHealth;
  onDone: () => void;
}) {
  const [length, setLength] = useState<number>(LENGTHS[0].minutes);
  const [custom, setCustom] = useState("240");
  const [reason, setReason] = useState("");
  const create = useCreateMaintenance();
  const ids = useId();
  const minutes = length === CUSTOM ? Number(custom) : length;
  const valid = Number.isInteger(minutes) && minutes > 0 && minutes <= MOST_MINUTES;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!valid) return;
    const starts = Date.now();
    create.mutate(
      {
        scope: { [kind]: health.id },
        starts_at: new Date(starts).toISOString(),
        ends_at: new Date(starts + minutes * 60_000).toISOString(),
        reason: reason.trim(),
      },
      {
        onSuccess: () => {
          toast({ title: `${titleOf(health)} is in maintenance`, description: reason.trim() });
          onDone();
        },
      },
    );
  };

  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1.5 font-medium">For how long, from now</legend>
        <div className="flex flex-wrap gap-1.5">
          {[...LENGTHS, { minutes: CUSTOM, label: "Custom" }].map((each) => (
            <label
              key={each.minutes}
              className="flex h-8 items-center rounded-md border border-input/60 px-3 has-checked:border-primary has-checked:bg-accent has-checked:font-medium has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-ring"
            >
              <input
                type="radio"
                name={`${ids}-length`}
                className="sr-only"
                checked={length === each.minutes}
                onChange={() => setLength(each.minutes)}
              />
              {each.label}
            </label>
          ))}
        </div>
        {length === CUSTOM ? (
          <label className="flex items-center gap-2">
            <Input
              type="number"
              min={1}
              max={MOST_MINUTES}
              step={1}
              value={custom}
              onChange={(event) => setCustom(event.target.value)}
              aria-invalid={!valid}
              className="w-28"
            />
            minutes
          </label>
        ) : null}
      </fieldset>
      <label className="flex flex-col gap-1.5 font-medium">
        Reason
        <Input
          required
          maxLength={250}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          placeholder="What is being done"
          className="font-normal"
        />
      </label>
      {create.isError ? (
        <p role="alert" className="rounded-md bg-down-bg px-2.5 py-2 text-down">
          {create.error instanceof ApiError ? create.error.detail : "It could not be set."}
        </p>
      ) : null}
      <div className="flex justify-end">
        <Button
          type="submit"
          variant="primary"
          size="md"
          disabled={!valid || reason.trim() === "" || create.isPending}
        >
          Start maintenance
        </Button>
      </div>
    </form>
  );
}

/** Which windows hold the entity in maintenance, until when and why, with a way to end its own. */
export function OpenMaintenance({ health }: { health: EntityHealth }) {
  const windows = useMaintenanceWindows();
  const end = useEndMaintenance();
  const now = useNow();
  const mayEnd = useCan("maintenance.write");
  const open = openWindows(windows.data ?? [], health, now + TICK_MS);
  if (open.length === 0) return null;
  return (
    <ul className="mt-2 flex flex-col gap-1.5">
      {open.map((window) => (
        <li key={window.id} className="hatch-maintenance flex items-center gap-2 rounded-md py-1 pr-1 pl-2.5">
          <Wrench aria-hidden className="size-3.5 shrink-0 text-maintenance" />
          <span className="min-w-0 flex-1 text-xs">
            <span className="font-medium">{window.reason}</span>{" "}
            <span className="text-muted-foreground">
              ends <Time at={window.ends_at} as="until" className="numeric" />
              {Object.values(window.scope).includes(health.id) ? null : ", set further up"}
            </span>
          </span>
          {mayEnd ? (
            <Button
              disabled={end.isPending}
              onClick={() =>
                end.mutate(window.id, {
                  onSuccess: () => toast({ title: "Maintenance ended" }),
                  onError: (error) => toast({ title: "It could not be ended", description: error.message }),
                })
              }
            >
              End now
            </Button>
          ) : null}
        </li>
      ))}
    </ul>
  );
}
