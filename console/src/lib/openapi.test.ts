import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("has types of the API's present document (else: npm run openapi)", () => {
  const document = readFileSync("../control/api/openapi.json");
  const [firstLine] = readFileSync("openapi/types.d.ts", "utf8").split("\n");
  const hash = createHash("sha256").update(document).digest("hex");
  expect(firstLine).toBe(`// control/api/openapi.json sha256 ${hash}`);
});
