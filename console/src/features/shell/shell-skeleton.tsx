import { Logo } from "@/components/logo";

/** The shell's frame: what the prerendered page shows until the session is known. */
export function ShellSkeleton() {
  return (
    <div role="status" aria-label="Loading the console" className="flex h-dvh flex-col">
      <div className="flex h-12 shrink-0 items-center border-b bg-card px-3">
        <Logo className="size-6" />
      </div>
      <div className="flex min-h-0 flex-1">
        <div className="w-12 shrink-0 border-r bg-card max-md:hidden lg:w-52" />
      </div>
    </div>
  );
}
