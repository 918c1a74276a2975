"use client";

import { RefreshCw } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView } from "@/components/views";
import { useShortcuts } from "@/lib/shortcuts";

interface Pages {
  isError: boolean;
  isPending: boolean;
  error: Error | null;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  refetch: () => unknown;
  fetchNextPage: () => unknown;
}

/** What pages have brought so far, newest first, with a button for more; or why there is nothing to see. */
export function PagedList({
  pages,
  count,
  what,
  empty,
  end,
  children,
}: {
  pages: Pages;
  count: number;
  /** With its article, as "The journal". */
  what: string;
  empty: ReactNode;
  /** Stands below the last page. */
  end: string;
  children: ReactNode;
}) {
  if (pages.isError && count === 0) {
    return <ErrorView error={pages.error} what={what} onRetry={() => void pages.refetch()} />;
  }
  if (pages.isPending) return <Loading label={`Loading ${what.toLowerCase()}`} />;
  if (count === 0) return empty;
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      {children}
      {pages.hasNextPage ? (
        <div className="flex items-center gap-3 p-3">
          <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            Earlier
          </Button>
          {pages.error ? <p role="alert">{pages.error.message}</p> : null}
        </div>
      ) : (
        <p className="p-3 text-xs text-muted-foreground">{end}</p>
      )}
    </div>
  );
}

function Loading({ label }: { label: string }) {
  return (
    <Delayed>
      <div role="status" aria-label={label} className="flex flex-col gap-2 p-3">
        {Array.from({ length: 8 }, (_, row) => (
          <Skeleton key={row} className="h-7" />
        ))}
      </div>
    </Delayed>
  );
}

/** Says that there is something newer than the list shows, and fetches it when asked. */
export function NewerBar({ what, waiting, onShow }: { what: string; waiting: boolean; onShow: () => void }) {
  useShortcuts(useMemo((): Record<string, () => void> => (waiting ? { u: onShow } : {}), [waiting, onShow]));
  if (!waiting) return null;
  return (
    <div role="status" className="flex justify-center border-b bg-accent p-1">
      <Button variant="ghost" onClick={onShow}>
        <RefreshCw aria-hidden />
        Newer {what} · show
        <Kbd aria-hidden>u</Kbd>
      </Button>
    </div>
  );
}
