import { Activity, Braces, LayoutDashboard, Settings2, type LucideIcon } from "lucide-react";
import { paths } from "@/lib/paths";
import { can, type Permission } from "@/lib/permissions";
import type { Session } from "@/lib/types";

export interface Section {
  name: string;
  path: string;
  icon: LucideIcon;
  /** The second key after `g`. */
  letter: string;
  /** Any one of them gives something to see there; without it everybody has. */
  needs?: Permission[];
  /** Stands at the foot of the navigation: a tool rather than a place. */
  apart?: boolean;
  /** Pages below it, for the palette. */
  pages?: { name: string; path: string }[];
}

/** The sections of the console, in the order of the navigation. */
export const sections: Section[] = [
  { name: "Overview", path: paths.overview, icon: LayoutDashboard, letter: "o" },
  { name: "Health", path: paths.health, icon: Activity, letter: "h" },
  {
    name: "Admin",
    path: paths.admin,
    icon: Settings2,
    letter: "a",
    needs: ["journal.read", "settings.read", "webhook.read"],
    pages: [
      { name: "Audit", path: paths.audit },
      { name: "Webhooks", path: paths.webhooks },
      { name: "Rate limits", path: paths.rateLimits },
    ],
  },
  { name: "API explorer", path: paths.developers, icon: Braces, letter: "e", apart: true },
];

/** Those in which the person may see anything. */
export function sectionsFor(session: Session | undefined): Section[] {
  return sections.filter(({ needs }) => !needs || needs.some((permission) => can(session, permission)));
}
