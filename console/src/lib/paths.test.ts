import { describe, expect, it } from "vitest";
import { loginPath, safeNext } from "./paths";

describe("coming back after signing in", () => {
  it("keeps where the person was", () => {
    expect(loginPath("/?state=down")).toBe("/login/?next=%2F%3Fstate%3Ddown");
    expect(loginPath("/")).toBe("/login/");
    expect(safeNext("/?state=down")).toBe("/?state=down");
  });

  it.each([
    "//evil.test/",
    "/\\evil.test",
    "https://evil.test/",
    "javascript:alert(1)",
    "/login/?next=/",
    null,
    "",
  ])("never leaves the console for %j", (next) => expect(safeNext(next)).toBe("/"));
});
