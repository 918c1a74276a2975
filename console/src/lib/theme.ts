import { signal } from "@/lib/signal";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORAGE_KEY = "em-theme"; // public/theme.js reads it before the first paint

function stored(): Theme {
  try {
    const value = localStorage.getItem(STORAGE_KEY);
    return THEMES.find((theme) => theme === value) ?? "system";
  } catch {
    return "system";
  }
}

export const theme = signal<Theme>("system");

function apply(): void {
  const choice = theme.get();
  const dark =
    choice === "dark" || (choice === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
}

/** Chooses a theme and remembers it. */
export function setTheme(next: Theme): void {
  try {
    localStorage.setItem(STORAGE_KEY, next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  theme.set(next);
  apply();
}

/** Switches between light and dark, whichever is not shown now. */
export function toggleTheme(): void {
  setTheme(document.documentElement.classList.contains("dark") ? "light" : "dark");
}

/** Follows the system's setting while the theme is `system`; returns how to stop. */
export function watchTheme(): () => void {
  theme.set(stored());
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", apply);
  return () => media.removeEventListener("change", apply);
}
