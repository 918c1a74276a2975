import { Activity, LayoutDashboard, type LucideIcon } from "lucide-react";
import { paths } from "@/lib/paths";

export interface Section {
  name: string;
  path: string;
  icon: LucideIcon;
  /** The second key after `g`. */
  letter: string;
}

/** The sections of the console, in the order of the navigation. */
export const sections: Section[] = [
  { name: "Overview", path: paths.overview, icon: LayoutDashboard, letter: "o" },
  { name: "Health", path: paths.health, icon: Activity, letter: "h" },
];
