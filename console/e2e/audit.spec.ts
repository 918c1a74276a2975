import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { patch } from "./estate";
import { expect, live, test } from "./test";

const emctl = join(process.env.EM_BUILD ?? "", "cli", "emctl");

test("an entry is found, read field by field and leads on, from the keyboard alone", async ({
  page,
  estate,
}) => {
  const request = `audit-${estate.name}`;
  await patch(`components/${estate.component}`, { host: "app-1.test", tags: ["one", "two"] }, request);
  await patch(`instances/${estate.prod}`, { url: "https://shop.test/" }, request);

  await page.goto(`/admin/audit/?org=${estate.organisation}`);
  const entries = page.locator("[data-row]");
  await expect(entries.first()).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type(`Shop API ${estate.name}`);
  await expect(page).toHaveURL(/q=Shop\+API/);
  await expect(page.getByText("2 entries")).toBeVisible();

  await page.keyboard.press("Escape");
  await expect(page.getByLabel("Find entries")).toHaveValue("");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await expect(entries.nth(0)).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(entries.nth(1)).toBeFocused();
  await page.keyboard.press("Enter");
  const sheet = page.getByRole("dialog", { name: "Entry" });
  await expect(sheet.getByRole("heading", { name: `Shop API ${estate.name}` })).toBeVisible();
  const fields = sheet.getByRole("region", { name: "Fields that changed" });
  await expect(fields.getByRole("listitem").filter({ hasText: "host" })).toContainText("app-1.test");
  await expect(fields.getByRole("listitem").filter({ hasText: "tags" })).toContainText('["one","two"]');
  await expect(page).toHaveURL(/entry=/);

  await page.keyboard.press("k");
  await expect(sheet.getByRole("heading", { name: "PROD" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(sheet).toBeHidden();
  await page.goBack();
  await expect(sheet).toBeVisible();

  await sheet.getByRole("button", { name: request }).click();
  await expect(page).toHaveURL(new RegExp(`request=${request}`));
  await expect(page.getByText("2 entries")).toBeVisible();
  await page.getByRole("button", { name: `Remove filter request ${request}` }).click();
  await expect(page).not.toHaveURL(/request=/);
});

test("menus narrow the journal, and the address keeps it", async ({ page, estate }) => {
  await page.goto(`/admin/audit/?org=${estate.organisation}`);
  await page.getByRole("button", { name: "Filter by kind" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Environment group" }).click();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/kind=environment_group/);
  await expect(page.getByText("2 entries")).toBeVisible();
  await page.getByRole("button", { name: /^Filter by time/ }).click();
  await page.getByRole("menuitem", { name: "From … to …" }).click();
  await page.getByLabel("To, not included").fill("2020-01-01T00:00");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.getByText("No entries match")).toBeVisible();
  await page.reload();
  await expect(page.getByText("No entries match")).toBeVisible();
  await page.getByRole("button", { name: "Clear all filters" }).click();
  await expect(page.locator("[data-row]").first()).toBeVisible();
});

test("a secret is named and never shown", async ({ page, estate }) => {
  const request = `secret-${estate.name}`;
  const spec = { auth: { basic: { user: "probe", password: "hunter-2" } } };
  await patch(`checks/${estate.check}`, { spec }, request);
  await page.goto(`/admin/audit/?request=${request}`);
  await page.locator("[data-row]").click();
  const sheet = page.getByRole("dialog", { name: "Entry" });
  await expect(sheet.getByRole("listitem").filter({ hasText: "spec.auth.basic.password" })).toContainText(
    "Secret set",
  );
  await sheet.getByRole("button", { name: "Whole objects" }).click();
  await expect(sheet.getByLabel("Whole objects")).toContainText("probe");
  const text = await sheet.innerText();
  expect(text).not.toContain("hmac-sha256");
  expect(text).not.toContain("hunter-2");
  await patch(`checks/${estate.check}`, { spec: { auth: null } }, `${request}-again`);
});

test("what was written meanwhile is offered, and shown when asked", async ({ page, estate }) => {
  await page.goto(`/admin/audit/?entity=${estate.prod}`);
  await expect(page.locator("[data-row]").first()).toBeVisible();
  await live(page);
  const before = await page.locator("[data-row]").count();
  await patch(`instances/${estate.prod}`, { description: "Newer" }, `newer-${estate.name}`);
  const offer = page.getByRole("button", { name: /Newer entries/ });
  await expect(offer).toBeVisible({ timeout: 10_000 });
  await expect(page.locator("[data-row]")).toHaveCount(before);
  await page.keyboard.press("u");
  await expect(page.locator("[data-row]")).toHaveCount(before + 1);
  await expect(offer).toBeHidden();
});

test("a chain is exported as a file that verifies offline", async ({ page, estate }) => {
  await page.goto(`/admin/audit/?org=${estate.organisation}`);
  const chains = page.getByRole("region", { name: "Chains" });
  await expect(chains).toContainText(/\d+ records sealed/);
  const download = page.waitForEvent("download");
  await chains.getByRole("button", { name: `Export the chain of ${estate.name}` }).click();
  const file = await (await download).path();
  expect((await download).suggestedFilename()).toMatch(new RegExp(`^journal-${estate.name}-.*\\.ndjson$`));
  test.skip(!existsSync(emctl), "emctl is not built");
  expect(execFileSync(emctl, ["audit", "verify", file], { encoding: "utf8" })).toMatch(
    /^whole: 1 chain, \d+ records, .* 0 findings/,
  );
});

test("a file is verified here, and what was altered in it is named", async ({ page, estate }) => {
  await page.goto(`/admin/audit/?org=${estate.organisation}`);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: `Export the chain of ${estate.name}` }).click();
  const text = readFileSync(await (await download).path(), "utf8");
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Verify the journal" });
  const choose = async (name: string, content: string) => {
    const chooser = page.waitForEvent("filechooser");
    await dialog.getByRole("button", { name: "Choose a file" }).click();
    await (await chooser).setFiles({ name, mimeType: "application/x-ndjson", buffer: Buffer.from(content) });
  };
  await choose("kept.ndjson", text);
  await expect(dialog).toContainText(/kept\.ndjson is whole, and the journal here: \d+ records in \d+ batch/);
  await choose("altered.ndjson", text.replace(/("actor" ?: ?)"[^"]*"/, '$1"nobody"'));
  await expect(dialog).toContainText("altered.ndjson is not whole: 1 finding.");
  await expect(dialog.getByRole("list", { name: "Findings" })).toContainText(
    /record altered · .* · record 1 · line 2/,
  );
});

test("what is found is exported as a table", async ({ page, estate }) => {
  await page.goto(`/admin/audit/?org=${estate.organisation}&kind=system`);
  await expect(page.getByText("2 entries")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await page.getByRole("menuitem", { name: "Table (CSV)" }).click();
  const stream = await (await download).createReadStream();
  const text = Buffer.concat(await stream.toArray()).toString("utf8");
  expect(text.trim().split("\r\n")).toHaveLength(3);
  expect(text).toContain(",create,system,");
});
