import { describe, expect, it } from "vitest";
import { localFieldInstant, localFieldValue } from "./local-time";

describe("a field of date and time", () => {
  it("gives back the minute that it was given", () => {
    const at = Date.parse("2026-11-22T10:04:00Z");
    expect(localFieldInstant(localFieldValue(at))).toBe("2026-11-22T10:04:00.000Z");
  });

  it("is in the reader's zone", () => {
    const at = new Date(2026, 10, 22, 9, 5, 30);
    expect(localFieldValue(at.getTime())).toBe("2026-11-22T09:05");
  });

  it.each(["", "soon"])("has no instant for %j", (value) => {
    expect(localFieldInstant(value)).toBeNull();
  });
});
