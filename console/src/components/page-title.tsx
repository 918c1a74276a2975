import Link from "next/link";
import type { ReactNode } from "react";

/** A page's heading with a line on what it is for, and the page above it where there is one. */
export function PageTitle({
  title,
  above,
  actions,
  children,
}: {
  title: string;
  above?: { name: string; path: string };
  actions?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
      <h1 className="text-lg font-semibold">
        {above ? (
          <>
            <Link
              href={above.path}
              className="rounded-sm font-normal text-muted-foreground underline-offset-4 hover:underline"
            >
              {above.name}
            </Link>
            <span aria-hidden className="px-1.5 font-normal text-muted-foreground">
              ›
            </span>
          </>
        ) : null}
        {title}
      </h1>
      {children ? <p className="text-muted-foreground">{children}</p> : null}
      {actions ? <div className="ml-auto flex gap-2">{actions}</div> : null}
    </div>
  );
}
