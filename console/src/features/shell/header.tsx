"use client";

import { CircleHelp, LogOut, Menu as MenuIcon, Moon, Search, Sun, SunMoon } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import {
  Menu,
  MenuItem,
  MenuRadioGroup,
  MenuRadioItem,
  MenuSection,
  MenuSeparator,
} from "@/components/ui/menu";
import { useSession, useSignOut } from "@/features/access";
import { paths } from "@/lib/paths";
import { useSignal } from "@/lib/signal";
import { setTheme, theme, THEMES, type Theme } from "@/lib/theme";
import { LiveChip } from "./live-chip";
import { ScopeMenu } from "./scope-menu";

const THEME_ICON = { system: SunMoon, light: Sun, dark: Moon };
const THEME_WORD: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };

export function Header({
  onMenu,
  onSearch,
  onHelp,
}: {
  onMenu: () => void;
  onSearch: () => void;
  onHelp: () => void;
}) {
  return (
    <header className="z-20 flex h-12 shrink-0 items-center gap-2 border-b bg-card px-3">
      <Button variant="ghost" size="icon" aria-label="Open navigation" onClick={onMenu} className="md:hidden">
        <MenuIcon aria-hidden />
      </Button>
      <Link href={paths.overview} aria-label="Environment Manager" className="rounded-md max-md:hidden">
        <Logo className="size-6" />
      </Link>
      <ScopeMenu />
      <button
        type="button"
        onClick={onSearch}
        aria-label="Search or jump to"
        className="mx-auto flex h-8 w-full max-w-100 min-w-8 items-center gap-2 rounded-md border border-input/60 bg-background px-2 text-muted-foreground hover:bg-accent max-md:ml-auto max-md:mr-0 max-md:w-8"
      >
        <Search aria-hidden className="size-3.5 shrink-0" />
        <span className="flex-1 truncate text-left max-md:hidden">Search or jump to…</span>
        <Kbd className="max-md:hidden">Ctrl K</Kbd>
      </button>
      <LiveChip />
      <ThemeMenu />
      <Button
        variant="ghost"
        size="icon"
        aria-label="Keyboard shortcuts"
        onClick={onHelp}
        className="max-md:hidden"
      >
        <CircleHelp aria-hidden />
      </Button>
      <UserMenu />
    </header>
  );
}

function ThemeMenu() {
  const current = useSignal(theme);
  const Icon = THEME_ICON[current];
  return (
    <Menu
      trigger={
        <Button variant="ghost" size="icon" aria-label={`Theme: ${THEME_WORD[current]}`}>
          <Icon aria-hidden />
        </Button>
      }
      className="min-w-36"
    >
      <MenuRadioGroup value={current} onValueChange={(value: Theme) => setTheme(value)}>
        {THEMES.map((each) => (
          <MenuRadioItem key={each} value={each}>
            {THEME_WORD[each]}
          </MenuRadioItem>
        ))}
      </MenuRadioGroup>
    </Menu>
  );
}

function UserMenu() {
  const router = useRouter();
  const session = useSession().data;
  const signOut = useSignOut();
  if (!session) return null;
  const { user, service } = session;
  const initials = user.name
    .split(/\s+/)
    .map((word) => word[0])
    .join("")
    .slice(0, 2)
    .toUpperCase();
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={`Account: ${user.name}`}
          className="grid size-7 shrink-0 place-items-center rounded-full bg-accent text-2xs font-semibold hover:ring-2 hover:ring-ring/40"
        >
          {initials}
        </button>
      }
    >
      <MenuSection label={`Signed in as ${user.name}`}>
        <MenuItem
          onClick={() => signOut.mutate(undefined, { onSuccess: () => router.replace(paths.login) })}
          disabled={signOut.isPending}
        >
          <LogOut aria-hidden />
          Sign out
        </MenuItem>
      </MenuSection>
      <MenuSeparator />
      <p className="px-2 py-1 text-2xs text-muted-foreground">
        {service.name} {service.version}
      </p>
    </Menu>
  );
}
