import { patch } from "./estate";
import { expect, test } from "./test";

interface Limit {
  id: string;
  class: string;
  subject: string;
}

test("a limit is tried while it is typed, saved, and lost to nobody", async ({ page, complaints }) => {
  const answer = await page.request.get("/api/v1/rate-limits");
  const { items } = (await answer.json()) as { items: Limit[] };
  const limit = items.find((each) => each.class === "expensive" && each.subject === "user")!;
  const restore = () => patch(`rate-limits/${limit.id}`, { quota: null, window_s: 60 }, "restore");
  await restore();

  try {
    await page.goto("/admin/rate-limits/");
    await page.getByRole("button", { name: "Expensive by person: no limit. Change" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Expensive by person" });
    await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
    await dialog.getByRole("checkbox").check();
    await dialog.getByRole("textbox", { name: "Requests" }).fill("0");
    await expect(dialog.getByText("must be between 1 and 1000000000, is 0")).toBeVisible();
    await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
    await dialog.getByRole("textbox", { name: "Requests" }).fill("90000");
    await expect(dialog.getByRole("status")).toHaveText("90,000 at once, then 1,500 per second");
    await expect(
      page.getByRole("button", { name: /^Expensive by person: no limit/, includeHidden: true }),
    ).toBeAttached();

    await patch(`rate-limits/${limit.id}`, { quota: 70_000 }, "meanwhile");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog.getByRole("alert")).toContainText("Somebody has changed it");
    await expect(dialog.getByRole("row", { name: /Requests/ })).toContainText("90,000");
    await expect(dialog.getByRole("row", { name: /Requests/ })).toContainText("70,000");
    await dialog.getByRole("button", { name: "Keep mine" }).click();
    await expect(dialog).toBeHidden();
    await expect(
      page.getByRole("button", { name: "Expensive by person: 90,000 per 1 min. Change" }),
    ).toBeVisible();

    await page.getByRole("link", { name: "History of Expensive by person" }).click();
    await expect(page).toHaveURL(new RegExp(`/admin/audit/\\?entity=${limit.id}`));
    await expect(page.locator("[data-row]").first()).toContainText("rate limit, expensive by user");
    expect(complaints.filter((text) => !/\b(412|422)\b/.test(text))).toEqual([]); // refusals are what this is about
  } finally {
    await restore();
  }
});
