import { Suspense, type ReactNode } from "react";
import { Shell, ShellSkeleton } from "@/features/shell";

export default function ConsoleLayout({ children }: { children: ReactNode }) {
  return (
    <Suspense fallback={<ShellSkeleton />}>
      <Shell>{children}</Shell>
    </Suspense>
  );
}
