import Link from "next/link";
import { Logo } from "@/components/logo";
import { buttonVariants } from "@/components/ui/button";
import { paths } from "@/lib/paths";

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="flex flex-col items-center gap-3 text-center">
        <Logo className="size-8" />
        <h1 className="text-xl font-semibold">There is nothing at this address</h1>
        <p className="text-muted-foreground">It may have been moved, or the link may be incomplete.</p>
        <Link href={paths.overview} className={buttonVariants({ variant: "primary", size: "md" })}>
          Go to the overview
        </Link>
      </div>
    </main>
  );
}
