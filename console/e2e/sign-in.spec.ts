import { test as anonymous } from "@playwright/test";
import { expect, test } from "./test";

const FIELD = "One-time link or API key";

anonymous.describe("signing in", () => {
  anonymous.use({ baseURL: async ({}, use) => use(process.env.EM_URL) });

  anonymous("leads to the sign-in page and back to where the person was", async ({ page }) => {
    await page.goto("/?state=down");
    await expect(page).toHaveURL(/\/login\/\?next=/);
    await page.getByLabel(FIELD).fill(process.env.EM_ADMIN_KEY ?? "");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(/\/\?state=down$/);
    await expect(page.getByRole("navigation", { name: "Sections" })).toBeVisible();
  });

  anonymous("says what is wrong with a key, and what is neither key nor link", async ({ page }) => {
    await page.goto("/login/");
    await page.getByLabel(FIELD).fill("em_key_0000000000000000000000000000000000000000000");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("main").getByRole("alert")).toContainText("key is not known");
    await page.getByLabel(FIELD).fill("hello there");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("main").getByRole("alert")).toContainText(
      "neither a sign-in link nor an API key",
    );
  });

  anonymous("uses a one-time link once, and only when the button is pressed", async ({ page, browser }) => {
    const link = process.env.EM_SIGN_IN_LINK;
    anonymous.skip(!link, "only a service that the tests have started themselves prints a link");
    await page.goto(link ?? "");
    const button = page.getByRole("button", { name: "Sign in" });
    await expect(button).toBeEnabled();
    expect(page.url()).not.toContain("token");
    await page.goto(link ?? "");
    await button.click();
    await expect(page).toHaveURL(/\/$/);
    await expect(page.getByRole("navigation", { name: "Sections" })).toBeVisible();

    const other = await browser.newPage();
    await other.goto(link ?? "");
    await other.getByRole("button", { name: "Sign in" }).click();
    await expect(other.getByRole("main").getByRole("alert")).toContainText("used already");
    await expect(other.getByLabel(FIELD)).toBeVisible();
    await other.close();
  });
});

test("signing out, and in again in place when a session ends", async ({ page, estate }) => {
  await page.goto(`/?scope=${estate.organisation}`);
  await expect(page.getByRole("grid")).toBeVisible();
  await page.waitForLoadState("networkidle"); // so that nothing but the click finds out
  await page.context().clearCookies();
  await page.locator(`[data-instance="${estate.sit}"]`).first().click();
  const dialog = page.getByRole("dialog", { name: "Your session has ended" });
  await dialog.getByLabel(FIELD).fill(process.env.EM_ADMIN_KEY ?? "");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("heading", { name: "Shop SIT" })).toBeVisible();

  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login\/$/);
  await page.goto("/");
  await expect(page).toHaveURL(/\/login\//);
});
