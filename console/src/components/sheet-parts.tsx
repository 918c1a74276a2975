"use client";

import { ChevronDown, ChevronUp, Link2, X } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { Delayed, ErrorView } from "@/components/views";

interface Loaded<Data> {
  data: Data | undefined;
  isError: boolean;
  error: unknown;
  refetch: () => unknown;
}

/** What a sheet is about once it is there; until then its shape, or why it cannot be shown. */
export function SheetContent<Data>({
  query,
  what,
  onClose,
  children,
}: {
  query: Loaded<Data>;
  what: string;
  onClose: () => void;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  return (
    <div className="flex-1 p-4">
      <div className="flex justify-end">
        <CloseButton onClose={onClose} />
      </div>
      {query.isError ? (
        <ErrorView error={query.error} what={what} onRetry={() => void query.refetch()} />
      ) : (
        <Delayed>
          <div role="status" aria-label="Loading" className="flex flex-col gap-3">
            <Skeleton className="h-6 w-1/2" />
            <Skeleton className="h-28" />
            <Skeleton className="h-48" />
          </div>
        </Delayed>
      )}
    </div>
  );
}

export function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <Button variant="ghost" size="icon" aria-label="Close" onClick={onClose}>
      <X aria-hidden />
    </Button>
  );
}

/** The page's address names the open sheet: that is what is copied. */
export function CopyLinkButton() {
  const copy = async () => {
    await navigator.clipboard.writeText(location.href);
    toast({ title: "Link copied" });
  };
  return (
    <Button variant="ghost" size="icon" aria-label="Copy link" onClick={() => void copy()}>
      <Link2 aria-hidden />
    </Button>
  );
}

/** To the neighbours in the list beside the sheet, which has the newest first. */
export function StepButtons({ what, onStep }: { what: string; onStep: (by: number) => void }) {
  return (
    <>
      <Button variant="ghost" size="icon" aria-label={`Newer ${what}`} onClick={() => onStep(-1)}>
        <ChevronUp aria-hidden />
      </Button>
      <Button variant="ghost" size="icon" aria-label={`Earlier ${what}`} onClick={() => onStep(1)}>
        <ChevronDown aria-hidden />
      </Button>
    </>
  );
}

/** Names and values; children are `dt` and `dd` by turns. */
export function SheetFacts({ children }: { children: ReactNode }) {
  return (
    <dl className="grid grid-cols-[104px_minmax(0,1fr)] items-center gap-x-3 border-b px-4 py-2.5 [&>dd]:min-h-6 [&>dd]:leading-6 [&>dt]:self-start [&>dt]:leading-6 [&>dt]:text-muted-foreground">
      {children}
    </dl>
  );
}

/** One titled part of a sheet. */
export function SheetSection({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className="border-b px-4 py-3 last:border-b-0">
      <div className="mb-1.5 flex min-h-6 items-center gap-2">
        <h3 className="shrink-0 font-medium">{title}</h3>
        {aside ? <div className="ml-auto flex min-w-0 items-center gap-2">{aside}</div> : null}
      </div>
      {children}
    </section>
  );
}
