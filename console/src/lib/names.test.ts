import { describe, expect, it } from "vitest";
import { fullName, shortName } from "./names";

describe("names of instances", () => {
  it.each([
    ["SIT-1", "Payments", "SIT-1", "Payments SIT-1"],
    ["Payments SIT-1", "Payments", "SIT-1", "Payments SIT-1"],
    ["payments sit-1", "Payments", "sit-1", "Payments sit-1"],
    ["Payments", "Payments", "Payments", "Payments Payments"],
    ["Paymentservice", "Payments", "Paymentservice", "Payments Paymentservice"],
    ["SIT-1", undefined, "SIT-1", "SIT-1"],
  ])("%s of %s", (instance, system, short, full) => {
    expect(shortName(instance, system)).toBe(short);
    expect(fullName(instance, system)).toBe(full);
  });
});
