"use client";

import { CircleAlert, CircleCheck } from "lucide-react";
import { useEffect, useId, useState, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { toast } from "@/components/ui/toast";
import { ApiError } from "@/lib/api";
import type { RateLimit } from "@/lib/types";
import {
  clashesOf,
  formOf,
  isSame,
  limitName,
  limitWords,
  paceWords,
  patchOf,
  type LimitForm,
  type LimitPatch,
} from "./limits";
import { usePreview, useUpdateRateLimit } from "./queries";

const TYPING_MS = 300;

/** Changes one limit. The service is asked while the person types, and says before what it would refuse. */
export function EditDialog({
  open,
  limit,
  onClose,
}: {
  open: boolean;
  limit: RateLimit;
  onClose: () => void;
}) {
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => (next ? undefined : onClose())}
      title={limitName(limit)}
      description={`It is ${limitWords(limit)} now. A change holds at once, for everybody.`}
    >
      <EditForm key={limit.id} limit={limit} onClose={onClose} />
    </Dialog>
  );
}

function useDelayed<T>(value: T): T {
  const [delayed, setDelayed] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDelayed(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return delayed;
}

function isLimit(value: unknown): value is RateLimit {
  return typeof value === "object" && value !== null && "quota" in value && "version" in value;
}

function EditForm({ limit, onClose }: { limit: RateLimit; onClose: () => void }) {
  const [base, setBase] = useState(limit); // what the person has read, and means to change
  const [form, setForm] = useState<LimitForm>(() => formOf(limit));
  const update = useUpdateRateLimit();
  const patch = patchOf(form);
  const wanted = patch && !isSame(patch, base) ? patch : null;
  const preview = usePreview(base, useDelayed(wanted));
  const refusal = [update.error, preview.error].find((error) => error instanceof ApiError);
  const lost = refusal?.status === 412 && isLimit(refusal.current) ? refusal.current : null;
  const errorsAt = (pointer: string) =>
    wanted
      ? (refusal?.errors.filter((each) => each.pointer === pointer).map(({ detail }) => detail) ?? [])
      : [];

  const change = (next: Partial<LimitForm>) => {
    update.reset();
    setForm({ ...form, ...next });
  };
  const save = (against: RateLimit, body: LimitPatch) =>
    update.mutate(
      { limit: against, body },
      {
        onSuccess: (changed) => {
          toast({
            title: "Rate limit changed",
            description: `${limitName(changed)}: ${limitWords(changed)}`,
          });
          onClose();
        },
      },
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wanted) save(base, wanted);
  };

  if (lost && patch) {
    return (
      <Lost
        mine={patch}
        theirs={lost}
        pending={update.isPending}
        onMine={() => {
          setBase(lost);
          save(lost, patch);
        }}
        onTheirs={() => {
          update.reset();
          setBase(lost);
          setForm(formOf(lost));
        }}
      />
    );
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <label className="flex min-h-6 items-center gap-2">
        <input
          type="checkbox"
          checked={form.limited}
          onChange={(event) => change({ limited: event.target.checked })}
          className="size-4 accent-primary"
        />
        Limit how many requests one caller may make
      </label>
      {form.limited ? (
        <div className="grid gap-3 md:grid-cols-2">
          <NumberField
            label="Requests"
            help="at once, and in each window"
            value={form.quota}
            onChange={(quota) => change({ quota })}
            errors={errorsAt("/quota")}
          />
          <NumberField
            label="Window in seconds"
            help="after which all of them are there again"
            value={form.window}
            onChange={(window) => change({ window })}
            errors={errorsAt("/window_s")}
          />
        </div>
      ) : null}
      <p role="status" className="flex min-h-6 items-center gap-1.5 text-xs text-muted-foreground">
        {wanted === null ? (
          patch === null ? (
            "Both are whole numbers."
          ) : (
            "Nothing is changed yet."
          )
        ) : preview.isSuccess ? (
          <>
            <CircleCheck aria-hidden className="size-3.5 shrink-0 text-operational" />
            {paceWords(wanted) ?? "There would be no limit any more."}
          </>
        ) : null}
      </p>
      {refusal && wanted && refusal.errors.length === 0 ? (
        <p role="alert" className="rounded-md bg-down-bg px-2.5 py-2 text-down">
          {refusal.detail}
        </p>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button size="md" onClick={onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          variant="primary"
          size="md"
          disabled={wanted === null || preview.isError || update.isPending}
        >
          Save
        </Button>
      </div>
    </form>
  );
}

function NumberField({
  label,
  help,
  value,
  onChange,
  errors,
}: {
  label: string;
  help: string;
  value: string;
  onChange: (value: string) => void;
  errors: string[];
}) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <Input
        id={id}
        inputMode="numeric"
        autoComplete="off"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-invalid={errors.length > 0}
        aria-describedby={`${id}-help`}
        className="numeric"
      />
      <p
        id={`${id}-help`}
        className={errors.length > 0 ? "text-xs text-down" : "text-xs text-muted-foreground"}
      >
        {errors.length > 0 ? errors.join(" ") : help}
      </p>
    </div>
  );
}

/** Somebody else was quicker: what differs, and whose shall hold. */
function Lost({
  mine,
  theirs,
  pending,
  onMine,
  onTheirs,
}: {
  mine: LimitPatch;
  theirs: RateLimit;
  pending: boolean;
  onMine: () => void;
  onTheirs: () => void;
}) {
  const clashes = clashesOf(mine, theirs);
  return (
    <div className="flex flex-col gap-3">
      <p role="alert" className="flex gap-2 rounded-md bg-degraded-bg px-2.5 py-2 text-degraded">
        <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
        Somebody has changed it while you were at it.
        {clashes.length === 0 ? " It says now what you wanted." : null}
      </p>
      {clashes.length > 0 ? (
        <table className="w-full text-left">
          <thead className="text-xs text-muted-foreground">
            <tr className="[&>th]:pb-1 [&>th]:font-normal">
              <th scope="col">Field</th>
              <th scope="col">Yours</th>
              <th scope="col">As it is now</th>
            </tr>
          </thead>
          <tbody>
            {clashes.map((clash) => (
              <tr key={clash.field} className="numeric border-t [&>*]:h-8">
                <th scope="row" className="font-normal">
                  {clash.field}
                </th>
                <td className="font-medium">{clash.mine}</td>
                <td>{clash.theirs}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button size="md" onClick={onTheirs}>
          Take theirs
        </Button>
        {clashes.length > 0 ? (
          <Button variant="primary" size="md" disabled={pending} onClick={onMine}>
            Keep mine
          </Button>
        ) : null}
      </div>
    </div>
  );
}
