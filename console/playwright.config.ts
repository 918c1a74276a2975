import { defineConfig, devices } from "@playwright/test";

// Debian's Chromium: Playwright's own browsers come from a host that a build machine need not reach.
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// How each page looks: always by day on a desk and by night on a phone; the other two with EM_LONG.
const desk = { ...devices["Desktop Chrome"], viewport: { width: 1440, height: 900 } };
const phone = { ...desk, viewport: { width: 390, height: 844 }, hasTouch: true };
const dark = { colorScheme: "dark" } as const;

export default defineConfig({
  testDir: "e2e",
  globalSetup: "./e2e/global-setup.ts",
  workers: 2, // each file has its own targets; the service is shared
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    timezoneId: "Asia/Kolkata",
    locale: "en-GB",
    trace: "retain-on-failure",
    launchOptions: { executablePath, args },
  },
  projects: [
    { name: "light", use: desk },
    { name: "dark phone", testMatch: "pages.spec.ts", use: { ...phone, ...dark } },
    ...(process.env.EM_LONG
      ? [
          { name: "dark", testMatch: "pages.spec.ts", use: { ...desk, ...dark } },
          { name: "phone", testMatch: "pages.spec.ts", use: phone },
        ]
      : []),
  ],
});
