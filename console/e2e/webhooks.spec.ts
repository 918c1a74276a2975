import type { Page } from "@playwright/test";
import { patch, post } from "./estate";
import { isSigned, Receiver } from "./receiver";
import { expect, test as base } from "./test";

const test = base.extend<{ receiver: Receiver }>({
  receiver: async ({}, use) => {
    const receiver = await Receiver.open();
    await use(receiver);
    await receiver.close();
  },
});

const deliveries = (page: Page) => page.getByRole("region", { name: "Deliveries" });
const sheetOf = (page: Page) => page.getByRole("dialog", { name: "Delivery" });

/** A webhook by the API that hears of one thing alone. */
function hearOf(entity: string, receiver: Receiver, name: string) {
  return post("webhooks", { name, url: receiver.url, events: ["instance.*"], filter: `entity=${entity}` });
}

test("one is made, its secret shown once; a test is refused, comes again, arrives and is replayed", async ({
  page,
  estate,
  receiver,
}) => {
  const name = `Board ${estate.name}`;
  receiver.answers.push(500);
  const release = receiver.hold(2);
  receiver.reply = "<b>database is locked</b>";

  await page.goto("/admin/webhooks/");
  await page.getByRole("button", { name: "New webhook" }).click();
  const form = page.getByRole("dialog", { name: "New webhook" });
  await expect(form.getByLabel("Name")).toBeFocused();
  await page.keyboard.type(name);
  await form.getByLabel("Address").fill("ftp://127.0.0.1/");
  await form.getByLabel("Find events").fill("api key");
  await expect(form.getByRole("group", { name: "API keys" })).toBeVisible();
  await expect(form.getByRole("group", { name: "Systems" })).toHaveCount(0);
  await form.getByRole("checkbox", { name: "All of api keys" }).check();
  await expect(form.getByRole("checkbox", { name: "api_key.created" })).toBeChecked();

  const filter = form.getByRole("textbox", { name: "Filter" });
  await filter.fill("colour=red");
  await expect(form.getByText(/"colour" is no field/)).toBeVisible();
  await expect(filter).toHaveAttribute("aria-invalid", "true");
  await filter.fill("actor=nobody");
  await expect(form.getByText("The service understands it.")).toBeVisible();

  await form.getByRole("button", { name: "Create webhook" }).click();
  await expect(form.getByLabel("Address")).toBeFocused();
  await expect(form.getByLabel("Address")).toHaveAttribute("aria-invalid", "true");
  await form.getByLabel("Address").fill(receiver.url);
  await page.keyboard.press("Enter");

  const once = page.getByRole("dialog", { name: `The secret of ${name}` });
  const secret = (await once.getByLabel("The secret", { exact: true }).innerText()).trim();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32,}=*$/);
  await once.getByText("Python", { exact: true }).click();
  await expect(once.getByLabel("The code", { exact: true })).toContainText("pip install standardwebhooks");
  await page.keyboard.press("Escape");
  await expect(once).toBeVisible();
  await once.getByRole("button", { name: "I have kept it" }).click();
  await expect(once).toBeHidden();
  await expect(page).toHaveURL(/webhook=/);

  await page.getByRole("button", { name: "Send test event" }).click();
  const row = deliveries(page).locator("tbody tr");
  await expect(row).toHaveCount(1);
  await expect(row).toContainText("Trying again");
  await expect(row).toContainText("The receiver answered 500.");
  release();
  await expect(row).toContainText("Delivered"); // by itself
  await receiver.wait(2);
  expect(receiver.attempts.map((attempt) => isSigned(attempt, secret))).toEqual([true, true]);

  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const sheet = sheetOf(page);
  await expect(sheet.getByRole("heading", { name: "webhook.test" })).toBeVisible();
  await expect(sheet.locator("[data-attempt]")).toHaveCount(2);
  await expect(sheet.locator("[data-attempt='1']")).toContainText("HTTP 500");
  await expect(sheet.getByLabel("Reply to attempt 1")).toHaveText("<b>database is locked</b>");
  await expect(sheet.getByLabel("Payload as JSON")).toContainText(`"name": "${name}"`);
  await sheet.getByRole("button", { name: "Send again" }).click();
  await receiver.wait(3);
  await expect(sheet.locator("[data-attempt]")).toHaveCount(3);
  expect(new Set(receiver.attempts.map(({ id }) => id)).size).toBe(1);

  await page.reload();
  await expect(sheet.locator("[data-attempt]")).toHaveCount(3);
  await expect(page.getByText(secret)).toHaveCount(0);
});

test("what happened while one was off is counted, then replayed", async ({ page, estate, receiver }) => {
  const { id } = await hearOf(estate.prod, receiver, `Replayed ${estate.name}`);
  await page.goto(`/admin/webhooks/?webhook=${id}`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Switch off…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Switch off" }).click();
  await expect(page.locator("[data-webhook-state=off]")).toBeVisible();
  await patch(`instances/${estate.prod}`, { description: "While it was off" }, `off-${estate.name}`);
  await page.getByRole("button", { name: "Switch on" }).click();
  await expect(page.locator("[data-webhook-state=on]")).toBeVisible();
  expect(receiver.attempts).toEqual([]);

  await page.getByRole("button", { name: "Replay…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("From … to …").click();
  await dialog.getByLabel("To, not included").fill("2020-01-01T00:00");
  await expect(dialog.getByText("The time must end after it begins.")).toBeVisible();
  await dialog.getByText("Last hour").click();
  const send = dialog.getByRole("button", { name: /^Send \d+ events?$/ });
  const words = await send.innerText();
  await send.click();
  await receiver.wait(Number(/\d+/.exec(words)?.[0]));
  expect(receiver.attempts.at(-1)?.body).toContain("While it was off");
  await expect(deliveries(page).locator("[data-delivery-state=delivered]").first()).toBeVisible();

  await deliveries(page).getByRole("button", { name: "Filter by state" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Failed" }).click();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/state=failed/);
  await expect(page.getByText("No deliveries match")).toBeVisible();
});

test("who loses a race sees what the other has saved and decides", async ({ page, estate, receiver }) => {
  const { id } = await hearOf(estate.prod, receiver, `Raced ${estate.name}`);
  await page.goto(`/admin/webhooks/?webhook=${id}`);
  await page.getByRole("button", { name: "Edit" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("Mine");
  await form.getByLabel("Description").fill("Mine alone");
  await patch(`webhooks/${id}`, { name: "Theirs", filter: "tag=theirs" }, `race-${estate.name}`);
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByRole("alert")).toContainText("Somebody has changed this webhook meanwhile");
  await expect(form.getByRole("textbox", { name: "Filter" })).toHaveValue("tag=theirs");
  await expect(form.getByLabel("Description")).toHaveValue("Mine alone");
  await expect(form.getByRole("textbox", { name: "Name" })).toHaveValue("Mine");
  await form.getByText("Take theirs").click();
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form).toBeHidden();
  await expect(page.getByRole("heading", { name: "Theirs" })).toBeVisible();
  await expect(page.getByText("Mine alone")).toBeVisible();
});

test("one is deleted, and taken back", async ({ page, estate, receiver }) => {
  const name = `Deleted ${estate.name}`;
  const { id } = await hearOf(estate.prod, receiver, name);
  await page.goto(`/admin/webhooks/?webhook=${id}`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/admin\/webhooks\/$/);
  const row = page.locator("[data-row]").filter({ hasText: name });
  await expect(page.getByText(`${name} is deleted`)).toBeVisible();
  await expect(row).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await row.click();
  await page.getByRole("link", { name: "History" }).click();
  await expect(page).toHaveURL(new RegExp(`/admin/audit/.*entity=${id}`));
  await expect(page.locator("[data-row]")).toHaveCount(3);
});

test("the first one is offered, and who may not read them is told what it takes", async ({
  page,
  estate,
  browser,
  baseURL,
}) => {
  await page.route("**/api/v1/webhooks?*", (route) => route.fulfill({ json: { items: [], next: null } }));
  await page.goto("/admin/webhooks/");
  await expect(page.getByText("No webhooks yet")).toBeVisible();
  await page.keyboard.press("n");
  await expect(page.getByRole("dialog", { name: "New webhook" })).toBeVisible();

  const { key } = await post<{ key: string }>("api-keys", {
    name: `reader ${estate.name}`,
    scopes: ["journal.read"],
  });
  const context = await browser.newContext({ baseURL: baseURL! });
  const other = await context.newPage();
  await other.request.post("/api/v1/session", { data: { api_key: key } });
  await other.goto("/admin/webhooks/");
  await expect(other.getByText("You may not see the webhooks")).toBeVisible();
  await expect(other.getByText(/webhook\.read/)).toBeVisible();
  await context.close();
});
