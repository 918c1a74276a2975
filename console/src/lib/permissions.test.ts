import { describe, expect, it } from "vitest";
import { can } from "./permissions";
import type { Session } from "./types";

const session = (...permissions: string[]): Session => ({
  user: { id: "u", name: "Ada" },
  organisation: null,
  permissions,
  csrf_token: "",
  expires_at: "",
  service: { name: "Environment Manager", version: "0", build: "b" },
});

describe("can", () => {
  it("knows exact permissions, whole resources and everything", () => {
    expect(can(session("check.run"), "check.run")).toBe(true);
    expect(can(session("check.*"), "check.run")).toBe(true);
    expect(can(session("*"), "check.run")).toBe(true);
    expect(can(session("check.read"), "check.run")).toBe(false);
    expect(can(undefined, "check.run")).toBe(false);
  });
});
