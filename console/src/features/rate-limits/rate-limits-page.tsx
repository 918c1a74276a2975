"use client";

import { ScrollText } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { lazyDialog } from "@/components/lazy-dialog";
import { PageTitle } from "@/components/page-title";
import { Time } from "@/components/time";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView } from "@/components/views";
import { useCan } from "@/features/access";
import { paths } from "@/lib/paths";
import type { RateLimit } from "@/lib/types";
import { cn } from "@/lib/utils";
import { byWords, CLASSES, limitName, limitWords, SUBJECTS } from "./limits";
import { useRateLimits } from "./queries";

const EditDialog = lazyDialog(() => import("./edit-dialog").then((module) => module.EditDialog));

/** How much one caller may ask: a limit for each class of routes and each way to tell callers apart. */
export function RateLimitsPage() {
  const limits = useRateLimits();
  const [editing, setEditing] = useState<RateLimit | null>(null);
  const [open, setOpen] = useState(false);
  const edit = (limit: RateLimit) => {
    setEditing(limit);
    setOpen(true);
  };
  return (
    <div className="flex flex-col gap-3 p-4">
      <PageTitle title="Rate limits" above={{ name: "Admin", path: paths.admin }}>
        How much one caller may ask. Every limit that applies must have room; a change holds at once.
      </PageTitle>
      <Card className="max-w-280 overflow-hidden">
        {limits.data ? (
          <LimitTable limits={limits.data} onEdit={edit} />
        ) : limits.isError ? (
          <ErrorView error={limits.error} what="The rate limits" onRetry={() => void limits.refetch()} />
        ) : (
          <Delayed>
            <Skeleton className="m-3 h-52" />
          </Delayed>
        )}
      </Card>
      {editing ? (
        <EditDialog
          open={open}
          limit={limits.data?.find(({ id }) => id === editing.id) ?? editing}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </div>
  );
}

function LimitTable({ limits, onEdit }: { limits: RateLimit[]; onEdit: (limit: RateLimit) => void }) {
  return (
    <table className="w-full border-collapse text-left md:table-fixed">
      <caption className="sr-only">Rate limits by class of routes and by caller</caption>
      <thead className="bg-muted text-xs text-muted-foreground max-md:sr-only">
        <tr className="[&>th]:h-8 [&>th]:px-3 [&>th]:font-normal">
          <th scope="col">Class of routes</th>
          {SUBJECTS.map(({ value }) => (
            <th key={value} scope="col" className="w-52 max-lg:w-40">
              <span className="inline-block first-letter:uppercase">{byWords(value)}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {CLASSES.map(({ value: kind, word, text }) => (
          <tr key={kind} className="border-t max-md:block max-md:py-2">
            <th scope="row" className="px-3 py-2 align-top font-normal max-md:block max-md:py-1">
              <span className="block font-medium">{word}</span>
              <span className="text-xs text-muted-foreground">{text}</span>
            </th>
            {SUBJECTS.map(({ value: subject }) => {
              const limit = limits.find((each) => each.class === kind && each.subject === subject);
              return (
                <td
                  key={subject}
                  className="p-1 align-top max-md:flex max-md:items-center max-md:px-3 max-md:py-0"
                >
                  <span aria-hidden className="text-xs text-muted-foreground md:hidden max-md:mr-auto">
                    {byWords(subject)}
                  </span>
                  {limit ? <LimitCell limit={limit} onEdit={onEdit} /> : "–"}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function LimitCell({ limit, onEdit }: { limit: RateLimit; onEdit: (limit: RateLimit) => void }) {
  const mayEdit = useCan("settings.write");
  const mayRead = useCan("journal.read");
  const words = limitWords(limit);
  const look = cn("numeric", limit.quota === null ? "text-muted-foreground" : "font-medium");
  const changed = limit.version > 1;
  return (
    <div className="group flex min-h-8 items-start gap-1">
      <div className="min-w-0 flex-1">
        {mayEdit ? (
          <button
            type="button"
            onClick={() => onEdit(limit)}
            aria-label={`${limitName(limit)}: ${words}. Change`}
            className={cn(
              "flex min-h-8 w-full items-center rounded-md px-2 text-left underline decoration-dotted decoration-input underline-offset-4 hover:bg-accent",
              look,
            )}
          >
            {words}
          </button>
        ) : (
          <span className={cn("flex min-h-8 items-center px-2", look)}>{words}</span>
        )}
        {changed ? (
          <p className="px-2 text-2xs text-muted-foreground max-md:hidden">
            changed <Time at={limit.updated_at} />
          </p>
        ) : null}
      </div>
      {changed && mayRead ? (
        <Link
          href={`${paths.audit}?entity=${limit.id}`}
          title="Its history"
          aria-label={`History of ${limitName(limit)}`}
          className="grid size-8 shrink-0 place-items-center rounded-md text-muted-foreground hover:bg-accent hover:text-foreground"
        >
          <ScrollText aria-hidden className="size-3.5" />
        </Link>
      ) : null}
    </div>
  );
}
