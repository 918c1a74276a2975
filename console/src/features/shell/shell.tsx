"use client";

import { usePathname, useRouter } from "next/navigation";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { ErrorView } from "@/components/views";
import { SessionGuard, useSession } from "@/features/access";
import { EntitySheets, LiveAnnouncer, LiveCache } from "@/features/health";
import { ApiError } from "@/lib/api";
import { live } from "@/lib/live";
import { loginPath } from "@/lib/paths";
import { useShortcuts } from "@/lib/shortcuts";
import { toggleTheme } from "@/lib/theme";
import { BuildNotice } from "./build-notice";
import { lazyDialog } from "@/components/lazy-dialog";
import { Header } from "./header";
import { Nav } from "./nav";
import { sections } from "./sections";
import { ShellSkeleton } from "./shell-skeleton";

// What opens on demand is not in the first load, but is fetched while the page is idle.
const loadPalette = () => import("./palette").then((module) => module.Palette);
const loadShortcuts = () => import("./shortcuts-dialog").then((module) => module.ShortcutsDialog);
const Palette = lazyDialog(loadPalette);
const ShortcutsDialog = lazyDialog(loadShortcuts);

/** Everything around a page: who is signed in, navigation, header, sheets, and the live connection. */
export function Shell({ children }: { children: ReactNode }) {
  const session = useSession();
  const router = useRouter();
  const signedOut = session.error instanceof ApiError && session.error.status === 401;

  useEffect(() => {
    if (signedOut) router.replace(loginPath(location.pathname + location.search));
  }, [signedOut, router]);

  if (session.data) return <SignedIn>{children}</SignedIn>;
  if (session.isError && !signedOut) {
    return (
      <main className="grid min-h-dvh place-items-center">
        <ErrorView error={session.error} what="The console" onRetry={() => void session.refetch()} />
      </main>
    );
  }
  return <ShellSkeleton />;
}

function SignedIn({ children }: { children: ReactNode }) {
  const router = useRouter();
  const pathname = usePathname();
  const [drawer, setDrawer] = useState<string | null>(null);
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);

  useEffect(() => {
    // After the first paint: the socket's code must not delay it.
    const frame = requestAnimationFrame(() => setTimeout(() => void live.start()));
    return () => {
      cancelAnimationFrame(frame);
      live.stop();
    };
  }, []);

  useShortcuts(
    useMemo(
      () => ({
        "Ctrl K": () => setPalette(true),
        "?": () => setHelp(true),
        "Shift D": toggleTheme,
        ...Object.fromEntries(sections.map(({ letter, path }) => [`g ${letter}`, () => router.push(path)])),
      }),
      [router],
    ),
  );

  return (
    <div className="flex h-dvh flex-col">
      <a
        href="#content"
        className="sr-only z-60 rounded-md bg-primary px-3 py-1.5 text-primary-foreground focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <Header
        onMenu={() => setDrawer(pathname)}
        onSearch={() => setPalette(true)}
        onHelp={() => setHelp(true)}
      />
      <BuildNotice />
      <div className="flex min-h-0 flex-1">
        {/* The drawer belongs to the page it was opened on, so that going elsewhere closes it. */}
        <Nav drawerOpen={drawer === pathname} onCloseDrawer={() => setDrawer(null)} />
        <main id="content" tabIndex={-1} className="relative min-w-0 flex-1 overflow-auto outline-none">
          <EntitySheets>{children}</EntitySheets>
        </main>
      </div>
      <LiveCache />
      <LiveAnnouncer />
      <SessionGuard />
      <Palette open={palette} onOpenChange={setPalette} onHelp={() => setHelp(true)} />
      <ShortcutsDialog open={help} onOpenChange={setHelp} />
    </div>
  );
}
