"use client";

import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView } from "@/components/views";
import type { EntityHealth } from "@/lib/types";
import { useEntityHealth, type SheetKind } from "./queries";

/** Loads what a sheet is about and shows it, or why it cannot. */
export function SheetFrame({
  kind,
  id,
  onClose,
  children,
}: {
  kind: SheetKind;
  id: string;
  onClose: () => void;
  children: (health: EntityHealth) => ReactNode;
}) {
  const health = useEntityHealth(kind, id);
  if (health.data) return children(health.data);
  return (
    <div className="flex-1 p-4">
      <div className="flex justify-end">
        <Button variant="ghost" size="icon" aria-label="Close" onClick={onClose}>
          <X aria-hidden />
        </Button>
      </div>
      {health.isError ? (
        <ErrorView
          error={health.error}
          what={kind === "instance" ? "The instance" : "The component"}
          onRetry={() => void health.refetch()}
        />
      ) : (
        <Delayed>
          <div role="status" aria-label="Loading" className="flex flex-col gap-3">
            <Skeleton className="h-6 w-1/2" />
            <Skeleton className="h-4 w-3/4" />
            <Skeleton className="mt-4 h-24" />
            <Skeleton className="h-48" />
          </div>
        </Delayed>
      )}
    </div>
  );
}
