"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";
import { useEffect } from "react";
import { cn } from "@/lib/utils";
import { useSession } from "@/features/access";
import { paths } from "@/lib/paths";
import { sectionsFor, type Section } from "./sections";

/** The sections: a column with names, icons alone below 1,100 px, a drawer below 760 px. */
export function Nav({ drawerOpen, onCloseDrawer }: { drawerOpen: boolean; onCloseDrawer: () => void }) {
  const session = useSession().data;
  useEffect(() => {
    if (!drawerOpen) return;
    const onKeyDown = (event: KeyboardEvent) => event.key === "Escape" && onCloseDrawer();
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [drawerOpen, onCloseDrawer]);

  return (
    <>
      {drawerOpen ? (
        <button
          type="button"
          aria-label="Close navigation"
          onClick={onCloseDrawer}
          className="fixed inset-0 top-12 z-40 bg-backdrop md:hidden"
        />
      ) : null}
      <nav
        aria-label="Sections"
        className={cn(
          "flex w-12 shrink-0 flex-col gap-0.5 border-r bg-card p-2 lg:w-52",
          drawerOpen
            ? "max-md:fixed max-md:top-12 max-md:bottom-0 max-md:left-0 max-md:z-50 max-md:w-64"
            : "max-md:hidden",
        )}
      >
        {sectionsFor(session).map((section) => (
          <NavLink key={section.path} {...section} wide={drawerOpen} onFollow={onCloseDrawer} />
        ))}
      </nav>
    </>
  );
}

function NavLink({
  name,
  path,
  icon: Icon,
  apart,
  wide,
  onFollow,
}: Section & { wide: boolean; onFollow: () => void }) {
  const pathname = usePathname();
  const current = pathname === path || (path !== paths.overview && pathname.startsWith(path));
  return (
    <Link
      href={path}
      aria-current={current ? "page" : undefined}
      onClick={onFollow}
      title={name}
      className={cn(
        "flex h-8 items-center gap-2.5 rounded-md px-2 text-muted-foreground hover:bg-accent hover:text-foreground aria-[current=page]:bg-accent aria-[current=page]:font-medium aria-[current=page]:text-foreground",
        apart && "mt-auto",
      )}
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      <span className={wide ? "" : "max-lg:sr-only"}>{name}</span>
    </Link>
  );
}
