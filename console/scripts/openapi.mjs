// Writes openapi/types.d.ts from the API's own document. The first line keeps the document's hash, by which
// src/lib/openapi.test.ts tells whether the types are current. Needs the npm registry: openapi-typescript wants a
// TypeScript that this project does not install.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const DOCUMENT = "../control/api/openapi.json";
const TYPES = "openapi/types.d.ts";
const GENERATOR = ["-p", "openapi-typescript@7.13.0", "-p", "typescript@5.9", "openapi-typescript"];

execFileSync("npx", ["--yes", ...GENERATOR, DOCUMENT, "--empty-objects-unknown", "-o", TYPES], {
  stdio: "inherit",
});
const hash = createHash("sha256").update(readFileSync(DOCUMENT)).digest("hex");
writeFileSync(TYPES, `// control/api/openapi.json sha256 ${hash}\n${readFileSync(TYPES, "utf8")}`);
