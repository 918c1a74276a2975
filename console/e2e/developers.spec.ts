import type { Page } from "@playwright/test";
import { expect, test } from "./test";

const answer = (page: Page) => page.getByRole("region", { name: "Answer" });

test("a write is tried without keeping anything, then done, from the keyboard alone", async ({
  page,
  estate,
  complaints,
}) => {
  await page.goto("/docs");
  await expect(page).toHaveURL(/\/developers\/$/);
  await expect(page.getByLabel("Find an operation")).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type("post /api/v1/systems create a");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/op=create_system$/);
  await expect(page.getByText("inventory.write, which you have")).toBeVisible();

  const body = page.getByRole("textbox", { name: /^Body/ });
  await expect(body).toHaveValue(/"business_unit": "acme\/retail"/);
  const key = `tried-${estate.name}`;
  await body.fill(JSON.stringify({ business_unit: `${estate.name}/retail`, key, name: "Tried" }));
  await page.getByRole("button", { name: "Format" }).click();
  await expect(body).toHaveValue(/\n {2}"key"/);
  await expect(page.getByRole("switch", { name: "Dry run: keep nothing" })).toBeChecked();
  await body.press("Control+Enter");
  await expect(answer(page).getByRole("status")).toContainText(/201 Created.*ms.*Dry run: nothing was kept/);
  await expect(answer(page)).toContainText(`"${key}"`);
  const list = await page.request.get(`/api/v1/systems?key=${key}`);
  expect(((await list.json()) as { items: unknown[] }).items).toHaveLength(0);

  await page.getByRole("switch", { name: "Dry run: keep nothing" }).click();
  await expect(page.getByText("This is done for real")).toBeVisible();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(answer(page).getByRole("status")).not.toContainText("Dry run");
  const made = (await (await page.request.get(`/api/v1/systems?key=${key}`)).json()) as {
    items: { id: string }[];
  };
  expect(made.items).toHaveLength(1);

  await page.goto("/developers/?op=delete_system");
  await page.getByRole("combobox", { name: /^id/ }).fill(made.items[0]!.id);
  await page.getByRole("switch", { name: "Dry run: keep nothing" }).click();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const confirm = page.getByRole("dialog", { name: "Delete for real?" });
  await expect(confirm.getByRole("button", { name: "Delete" })).toBeDisabled();
  await confirm.getByRole("textbox").fill("delete");
  await page.keyboard.press("Enter");
  await expect(answer(page).getByRole("status")).toContainText("204");
  expect(complaints).toEqual([]);
});

test("what is wrong stands where it is wrong", async ({ page, estate }) => {
  await page.goto("/developers/?op=create_system");
  const body = page.getByRole("textbox", { name: /^Body/ });
  const send = page.getByRole("button", { name: "Try it" });
  await body.fill('{\n  "key": "x",\n}');
  await expect(page.getByRole("button", { name: "Line 3: No comma may stand before }." })).toBeVisible();
  await expect(send).toBeDisabled();
  await body.fill(
    `{\n  "business_unit": "${estate.name}/retail",\n  "key": "NOT A KEY",\n  "nome": "x",\n  "name": "x"\n}`,
  );
  await expect(page.getByText("Valid JSON")).toBeVisible();
  await send.click();
  await expect(answer(page).getByRole("status")).toContainText("422");
  const fault = page.getByRole("button", { name: /^Line 3: \/key/ });
  await expect(fault).toBeVisible();
  await expect(page.getByRole("button", { name: /^Line 4: \/nome/ })).toBeVisible();
  await fault.click();
  await expect(body).toBeFocused();
  expect(
    await body.evaluate((area: HTMLTextAreaElement) =>
      area.value.slice(area.selectionStart, area.selectionEnd),
    ),
  ).toContain("NOT A KEY");

  await page.goto("/developers/?op=list_journal");
  await page.getByRole("textbox", { name: "limit" }).fill("5000");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByRole("group", { name: "Query" }).getByRole("alert")).toContainText("1000");
});

test("filters, choices and copies", async ({ page, estate, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("/developers/?op=list_instances");
  await page.getByLabel("Operator of name").selectOption("startswith");
  await page.getByRole("textbox", { name: "name", exact: true }).fill("PRO");
  await page.getByRole("textbox", { name: "fields" }).fill("name");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(answer(page)).toContainText('"PROD"');
  await expect(answer(page)).not.toContainText('"SIT"');
  await expect(page.getByLabel("The request as curl")).toContainText("name__startswith=PRO");
  await page.getByRole("button", { name: "Python" }).click();
  await page.getByRole("button", { name: "Copy as Python" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("requests.get(");

  await page.goto("/developers/?op=get_instance");
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  await expect(page.locator(`datalist option[value="${estate.sit}"]`)).toHaveText("SIT");
});

test("on a phone the list leads to an operation and back", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/developers/");
  await page.getByLabel("Find an operation").fill("readiness");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Whether everything it needs works" })).toBeVisible();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(answer(page)).toContainText('"ready"');
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  await page.getByRole("button", { name: "All operations" }).click();
  await expect(page.getByLabel("Find an operation")).toHaveValue("readiness");
});
