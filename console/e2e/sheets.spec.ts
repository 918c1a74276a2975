import { addJob, removeComponent } from "./estate";
import { expect, live, test, waitForState } from "./test";

test("a component's sheet shows its checks, results and events, and runs a check", async ({
  page,
  estate,
}) => {
  await page.goto(`/?env=${estate.sit}`);
  await live(page);
  const instance = page.getByRole("dialog", { name: "Instance" });
  await instance
    .getByRole("button", { name: /Shop API/ })
    .first()
    .click();
  await expect(page).toHaveURL(new RegExp(`env=${estate.sit}.*ci=${estate.component}`));

  const component = page.getByRole("dialog", { name: "Component" });
  await expect(component.getByRole("region", { name: "Checks" })).toContainText("health page");
  await expect(component.getByRole("img", { name: /^Response times: \d+ results?/ })).toBeVisible();
  const results = component.getByRole("table", { name: "Recent results, newest first" });
  await expect(results.getByRole("row").nth(1)).toContainText("status 200, ");
  await expect(component.getByRole("region", { name: "Events" })).toContainText("Operational");

  await component.getByRole("button", { name: "Run health page now" }).click();
  await expect(page.getByText("health page runs now")).toBeVisible();

  await component.getByRole("button", { name: "Show as a page" }).click();
  await expect(page).toHaveURL(/full=1/);
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByRole("button", { name: "Show as a sheet" }).click();
  await expect(component).toBeVisible();

  await page.keyboard.press("Escape");
  await expect(component).toBeHidden();
  await expect(instance).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(instance).toBeHidden();
});

test("a heartbeat shows where to call, and that it was called", async ({ page, estate }) => {
  const { component, address } = await addJob(estate.name);
  try {
    await page.goto(`/?ci=${component}`);
    await live(page);
    const sheet = page.getByRole("dialog", { name: "Component" });
    const calls = sheet.getByRole("region", { name: "Calls" });
    await expect(calls).toContainText(address);
    await expect(calls).toContainText("every 1 d, with 90 min of grace");
    await expect(calls.getByRole("button", { name: "Copy the address to call" })).toBeVisible();
    const checks = sheet.getByRole("region", { name: "Checks" });
    await expect(checks).toContainText("Never called.");
    await expect(checks.getByRole("button", { name: /^Run / })).toHaveCount(0);

    await expect(sheet.getByRole("region", { name: "Durations" })).toHaveCount(0);
    expect((await fetch(`${address}?message=all+saved&duration_ms=1500`)).status).toBe(200);
    await expect(checks).toContainText("just now");
    await expect(sheet.getByRole("region", { name: "Durations" })).toContainText("1.50 s");
    const results = sheet.getByRole("table", { name: "Recent results, newest first" });
    await expect(results.getByRole("row").nth(1)).toContainText("all saved");
    await expect(sheet.getByRole("region", { name: "Events" })).toContainText("Operational");
  } finally {
    await removeComponent(component);
  }
});

test("new results arrive while the sheet is open", async ({ page, estate }) => {
  await page.goto(`/?ci=${estate.component}`);
  await live(page);
  const first = page.getByRole("table", { name: "Recent results, newest first" }).getByRole("row").nth(1);
  const before = await first.locator("time").getAttribute("datetime");
  await expect(first.locator("time")).not.toHaveAttribute("datetime", before ?? "");
});

test("maintenance is set with a reason and ended early", async ({ page, estate }) => {
  await page.goto(`/?scope=${estate.organisation}&env=${estate.sit}`);
  await live(page);
  const sheet = page.getByRole("dialog", { name: "Instance" });
  await sheet.getByRole("button", { name: "Maintenance…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Maintenance of/ });
  await dialog.getByText("1 h", { exact: true }).click();
  await expect(dialog.getByRole("button", { name: "Start maintenance" })).toBeDisabled();
  await dialog.getByLabel("Reason").fill("Database upgrade");
  await dialog.getByRole("button", { name: "Start maintenance" }).click();
  await expect(dialog).toBeHidden();
  const cell = page.locator(`[role=grid] [data-instance="${estate.sit}"]`);
  await expect(cell).toHaveAttribute("data-state", "maintenance");
  await expect(
    sheet.locator("header").getByRole("listitem").filter({ hasText: "Database upgrade" }),
  ).toContainText("ends in");

  await sheet.getByRole("button", { name: "End now" }).click();
  await expect(cell).toHaveAttribute("data-state", "operational");
  await waitForState(estate.sit, "operational");
});
