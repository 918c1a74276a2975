// What every flow starts from: an estate, a page that is signed in, and a list of what the console complained about.

import { test as base, expect, type Page } from "@playwright/test";
import { makeEstate, Target, waitForState, type Estate } from "./estate";

interface Fixtures {
  /** Signed in with the administrator's key. */
  page: Page;
  /** Errors and warnings of the browser's console; a test that expects none compares it with []. */
  complaints: string[];
}

interface Shared {
  target: Target;
  estate: Estate;
}

function baseUrl(): string {
  const url = process.env.EM_URL;
  if (!url) throw new Error("EM_URL is not set");
  return url;
}

export const test = base.extend<Fixtures, Shared>({
  baseURL: async ({}, use) => use(baseUrl()),

  target: [
    async ({}, use) => {
      const target = await Target.open();
      await use(target);
      await target.close();
    },
    { scope: "worker" },
  ],

  estate: [
    async ({ target }, use) => {
      const estate = await makeEstate(target);
      await waitForState(estate.sit, "operational");
      await use(estate);
    },
    { scope: "worker" },
  ],

  complaints: async ({}, use) => use([]),

  page: async ({ page, complaints }, use) => {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    const answer = await page.request.post("/api/v1/session", {
      data: { api_key: process.env.EM_ADMIN_KEY },
    });
    expect(answer.status()).toBe(200);
    await use(page);
  },
});

/** The instance's cell in the matrix or its row in the list. */
export function instanceOn(page: Page, id: string) {
  return page.locator(`main [data-instance="${id}"]`);
}

/** Waits until the live connection stands. */
export async function live(page: Page): Promise<void> {
  await expect(page.locator("[data-slot=live-chip]")).toHaveText("Live");
}

export { expect, waitForState };
