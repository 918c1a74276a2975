import { Skeleton } from "@/components/ui/skeleton";

/** The overview's own size and shape, so that nothing jumps when the data comes. */
export function OverviewSkeleton() {
  return (
    <div role="status" aria-label="Loading the overview" className="flex flex-col gap-4">
      <Skeleton className="h-15 rounded-lg" />
      <div className="grid gap-4 lg:grid-cols-[3fr_2fr]">
        <Skeleton className="h-54 rounded-lg" />
        <Skeleton className="h-54 rounded-lg" />
      </div>
      <Skeleton className="h-96 rounded-lg" />
    </div>
  );
}
