import { expect, instanceOn, live, test, waitForState } from "./test";

test("shows a change of state as it happens, in matrix, counters, lists and sheet", async ({
  page,
  estate,
  target,
}) => {
  await page.goto(`/?scope=${estate.organisation}&env=${estate.sit}`);
  await live(page);
  const cell = page.locator(`[role=grid] [data-instance="${estate.sit}"]`);
  const sheet = page.locator("[data-slot=sheet]");
  await expect(cell).toHaveAttribute("data-state", "operational");

  target.set(false);
  try {
    await expect(cell).toHaveAttribute("data-state", "down");
    await expect(page.getByRole("button", { name: /^1\s*Down$/ })).toBeVisible();
    await expect(page.getByRole("region", { name: "Needs attention" })).toContainText("Shop SIT");
    await expect(page.getByRole("region", { name: "Recent changes" })).toContainText("Down");
    await expect(sheet.locator("header")).toContainText("Down");
    await expect(sheet.getByRole("region", { name: "Because" })).toContainText("Shop API");
    await expect(sheet.getByRole("region", { name: "Events" })).toContainText("Down");
  } finally {
    target.set(true);
  }
  await expect(cell).toHaveAttribute("data-state", "operational");
  await waitForState(estate.sit, "operational");
});

test("keeps filters in the address through reload and Back", async ({ page, estate }) => {
  await page.goto(`/?scope=${estate.organisation}`);
  await expect(page.getByRole("status").filter({ hasText: "3 instances" })).toBeVisible();

  await page.getByRole("button", { name: /Unknown$/ }).click();
  await expect(page).toHaveURL(/state=unknown/);
  await expect(page.getByText("2 of 3 instances")).toBeVisible();

  await page.keyboard.press("/");
  await page.keyboard.type("shop");
  await expect(page).toHaveURL(/q=shop/);
  await expect(page.getByText("1 of 3 instances")).toBeVisible();

  await page.reload();
  await expect(page.getByText("1 of 3 instances")).toBeVisible();
  await expect(page.getByLabel("Filter instances")).toHaveValue("shop");

  await instanceOn(page, estate.prod).first().click();
  await expect(page.getByRole("heading", { name: "Shop PROD" })).toBeVisible();
  await page.goBack();
  await expect(page.locator("[data-slot=sheet]")).toBeHidden();
  await expect(page).toHaveURL(/q=shop/);

  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByRole("button", { name: "Filter by tag" }).click();
  await page.getByRole("menuitemcheckbox", { name: "ledger-tag" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByText("1 of 3 instances")).toBeVisible();
  await expect(page).toHaveURL(/tag=ledger-tag/);
});

test("names where a check has changed, and leads there", async ({ page, estate }) => {
  await page.goto(`/health/?kind=check&scope=${estate.organisation}`);
  const row = page.getByRole("row", { name: /health page/ }).first();
  await expect(row).toContainText(`Shop API ${estate.name} · Shop SIT`);
  await row.getByRole("button").click();
  await expect(page).toHaveURL(new RegExp(`ci=${estate.component}`));
  await expect(page.getByRole("heading", { name: `Shop API ${estate.name}` })).toBeVisible();
});

test("can be used from the keyboard", async ({ page, estate }) => {
  await page.goto(`/?scope=${estate.organisation}`);
  await live(page);
  await page.locator('[role=grid] [tabindex="0"]').focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("ArrowDown");
  await expect(instanceOn(page, estate.sit)).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(page.locator(`[role=grid] [data-instance="${estate.prod}"]`)).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Shop SIT" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator("[data-slot=sheet]")).toBeHidden();

  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(help).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await expect(page).toHaveURL(/\/health\/$/);
  await expect(page.getByRole("heading", { name: "Changes of state" })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await expect(page.getByRole("group", { name: "Instances by state" })).toBeVisible();
});

test("finds things and does things from the palette", async ({ page, estate }) => {
  await page.goto(`/?scope=${estate.organisation}`);
  await live(page);
  const field = page.getByPlaceholder("Search or type a command…");
  await page.keyboard.press("Control+k");
  await expect(field).toBeFocused();
  await page.keyboard.type(`Shop API ${estate.name}`);
  await page.getByRole("option", { name: new RegExp(`Shop API ${estate.name}`) }).click();
  await expect(page).toHaveURL(new RegExp(`ci=${estate.component}`));
  await expect(page.getByRole("heading", { name: `Shop API ${estate.name}` })).toBeVisible();
  await page.keyboard.press("Escape");

  const root = page.locator("html");
  await expect(root).not.toHaveClass(/dark/);
  await page.keyboard.press("Control+k");
  await expect(field).toBeFocused();
  await page.keyboard.type("theme");
  await page.keyboard.press("Enter");
  await expect(root).toHaveClass(/dark/);
  await page.reload();
  await expect(root).toHaveClass(/dark/);
});

test("goes on without the socket, and says so", async ({ page, estate, target }) => {
  await page.routeWebSocket(/socket\.io/, (socket) => void socket.close());
  await page.goto(`/?scope=${estate.organisation}`);
  const cell = instanceOn(page, estate.sit).first();
  await expect(cell).toHaveAttribute("data-state", "operational");
  await expect(page.locator("[data-slot=live-chip]")).toHaveText("Polling 15 s");
  target.set(false);
  try {
    await expect(cell).toHaveAttribute("data-state", "down", { timeout: 25_000 });
  } finally {
    target.set(true);
  }
  await waitForState(estate.sit, "operational");
});

test.describe("when the service cannot give what is asked", () => {
  const problem = (status: number, code: string, detail: string) => ({
    status,
    contentType: "application/problem+json",
    body: JSON.stringify({ title: code, status, code, detail, request_id: "req-42" }),
  });

  test("a fault names its request and can be tried again", async ({ page, estate }) => {
    let faulty = true;
    await page.route("**/api/v1/tree?*", (route) =>
      faulty ? route.fulfill(problem(500, "internal", "Something broke.")) : route.continue(),
    );
    await page.goto(`/?scope=${estate.organisation}`);
    await expect(page.getByText("The overview could not be loaded")).toBeVisible();
    await expect(page.getByText("req-42")).toBeVisible();
    faulty = false;
    await page.getByRole("button", { name: "Retry" }).first().click();
    await expect(page.getByRole("group", { name: "Instances by state" })).toBeVisible();
  });

  test("a refusal says what is lacking", async ({ page }) => {
    await page.route("**/api/v1/tree?*", (route) =>
      route.fulfill(problem(403, "denied", "It needs the permission health.read.")),
    );
    await page.goto("/");
    await expect(page.getByText("It needs the permission health.read.")).toBeVisible();
  });

  test("a fresh installation offers the first step", async ({ page }) => {
    await page.route("**/api/v1/tree?*", (route) => route.fulfill({ json: { items: [] } }));
    await page.goto("/");
    await expect(page.getByText("No environments yet")).toBeVisible();
    await expect(page.getByText(`curl ${process.env.EM_URL}/api/v1/organisations`)).toBeVisible();
  });

  test("what is gone says so, and leaves the page alone", async ({ page, estate }) => {
    await page.goto(`/?scope=${estate.organisation}&env=01939f2c-7c1e-7aaa-8aaa-0123456789ab`);
    await expect(page.getByText("No such item")).toBeVisible();
    await expect(page.getByRole("group", { name: "Instances by state" })).toBeVisible();
  });

  test("a new version of the service offers to reload", async ({ page }) => {
    await page.goto("/");
    await live(page);
    await page.route("**/api/v1/**", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, headers: { ...answer.headers(), "x-em-build": "another" } });
    });
    await page.getByRole("link", { name: "Health" }).click();
    await expect(page.getByRole("button", { name: "Reload" })).toBeVisible();
  });
});
