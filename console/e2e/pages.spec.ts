import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { post } from "./estate";
import { expect, live, test } from "./test";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`),
  ).toEqual([]);
}

test.describe("every page under the strict policy, without complaints, accessible", () => {
  const pages: [string, (ids: { organisation: string; sit: string; component: string }) => string][] = [
    ["overview", ({ organisation }) => `/?scope=${organisation}`],
    ["overview as a list", ({ organisation }) => `/?scope=${organisation}&view=list`],
    ["overview without a match", () => "/?q=no+such+thing&state=down"],
    ["instance sheet", ({ sit }) => `/?env=${sit}`],
    ["component sheet on its instance", ({ sit, component }) => `/?env=${sit}&ci=${component}`],
    ["component as a page", ({ component }) => `/?ci=${component}&full=1`],
    ["health", () => "/health/"],
    ["admin", () => "/admin/"],
    ["audit", ({ organisation }) => `/admin/audit/?org=${organisation}`],
    ["history of an instance", ({ sit }) => `/admin/audit/?entity=${sit}&from=now-1h`],
    ["rate limits", () => "/admin/rate-limits/"],
    ["API explorer", () => "/developers/"],
    ["an operation", () => "/developers/?op=list_instances"],
    ["an operation with a body", () => "/developers/?op=create_check"],
    ["an operation that there is not", () => "/developers/?op=no_such"],
    ["audit without a match", () => "/admin/audit/?q=no+such+thing"],
    ["webhooks", () => "/admin/webhooks/"],
  ];

  // These differ from another by what they list: by day on a desk is enough.
  const alike = new Set([
    "overview without a match",
    "history of an instance",
    "an operation that there is not",
    "audit without a match",
  ]);

  for (const [name, address] of pages) {
    test(name, async ({ page, estate, complaints }, { project }) => {
      test.skip(alike.has(name) && project.name === "dark phone");
      const answer = await page.goto(address(estate));
      expect(answer?.status()).toBe(200);
      const policy = answer?.headers()["content-security-policy"] ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain("unsafe");
      await live(page);
      await page.waitForLoadState("networkidle");
      await expectAccessible(page);
      expect(complaints).toEqual([]);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0);
    });
  }

  test("an entry of the journal, field by field and whole", async ({ page, estate, complaints }) => {
    await page.goto(`/admin/audit/?entity=${estate.component}`);
    await page.locator("[data-row]").last().click();
    const sheet = page.getByRole("dialog", { name: "Entry" });
    await expect(sheet.getByRole("heading", { name: `Shop API ${estate.name}` })).toBeVisible();
    await expectAccessible(page);
    await sheet.getByRole("button", { name: "Whole objects" }).click();
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });

  test("a webhook with its log and its forms", async ({ page, estate, complaints }) => {
    const url = "http://127.0.0.1:9/"; // nothing listens there
    const { id } = await post("webhooks", { name: `Lost ${estate.name}`, url, events: ["api_key.*"] });
    await page.goto(`/admin/webhooks/?webhook=${id}`);
    await page.getByRole("button", { name: "Send test event" }).click();
    await page.getByRole("button", { name: "webhook.test" }).click();
    const sheet = page.getByRole("dialog", { name: "Delivery" });
    await expect(sheet.getByText("No reply").first()).toBeVisible();
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    for (const [button, title] of [
      ["Edit", `Edit Lost ${estate.name}`],
      ["Replay…", `Replay to Lost ${estate.name}`],
    ] as const) {
      await page.getByRole("button", { name: button, exact: true }).click();
      await expect(page.getByRole("dialog", { name: title })).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog", { name: title })).toBeHidden();
    }
    await expect(page.getByText(/Nothing has arrived for/)).toBeVisible();
    await expectAccessible(page);
    expect(complaints).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
  });

  test("palette and dialogs", async ({ page, estate, complaints }) => {
    await page.goto(`/?env=${estate.sit}`);
    await live(page);
    await page.keyboard.press("Control+k");
    await expect(page.getByPlaceholder("Search or type a command…")).toBeFocused();
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Maintenance…" }).click();
    await expect(page.getByLabel("Reason")).toBeVisible();
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });

  test("an address that leads nowhere", async ({ page }) => {
    const answer = await page.goto("/no/such/page/");
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole("heading", { name: "There is nothing at this address" })).toBeVisible();
    await expectAccessible(page);
  });

  test("sign-in page", async ({ browser, baseURL }) => {
    const context = await browser.newContext({ baseURL });
    const page = await context.newPage();
    await page.goto("/login/");
    await expect(page.getByLabel("One-time link or API key")).toBeFocused();
    await expectAccessible(page);
    await context.close();
  });
});
