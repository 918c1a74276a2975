// Runs after `next build`. Refuses anything that the content security policy would block, hashes the inline scripts
// that Next puts into each page, compresses what compresses, and writes out/manifest.em.json, from which em-control
// serves: path → type, size, entity tag, cache class, encodings and script hashes. Exits 1 when a page or a size
// breaks a rule.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const OUT = "out";
const MANIFEST = "manifest.em.json";
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};
const COMPRESSED = new Set([".css", ".html", ".js", ".json", ".svg", ".txt"]);
const COMPRESS_FROM_BYTES = 512;

// Sizes that a person waits for, in KB of 1,024 bytes.
const BUDGET = { firstLoadGzip: 250, cssBrotli: 15 };

const FORBIDDEN = [
  [/<style[\s>]/i, "has a <style> element"],
  [/<[a-z][^>]*\sstyle=/i, "has a style attribute"],
  [/<[a-z][^>]*\son[a-z]+=/i, "has an inline event handler"],
  [/\b(?:src|href)="(?:https?:)?\/\//i, "loads something from another host"],
];

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);
const sha256 = (content) => createHash("sha256").update(content).digest("base64");

async function list(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => ![".br", ".gz"].includes(extname(file)) && !file.endsWith(MANIFEST))
    .sort();
}

/** The hashes of the scripts that stand in a page itself. */
function inlineScripts(html) {
  const bodies = html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g);
  return [...new Set([...bodies].map(([, body]) => `sha256-${sha256(body)}`))];
}

/** What is wrong with a page under the policy. Text inside scripts is no markup and does not count. */
function problemsOf(url, html) {
  const markup = html.replace(/<script(?![^>]*\ssrc=)[^>]*>[\s\S]*?<\/script>/g, "");
  return FORBIDDEN.filter(([pattern]) => pattern.test(markup)).map(([, words]) => `${url} ${words}`);
}

async function describe(file, problems) {
  const content = await readFile(file);
  const url = `/${relative(OUT, file).split(sep).join("/")}`;
  const extension = extname(file);
  const record = {
    type: TYPES[extension] ?? "application/octet-stream",
    bytes: content.length,
    etag: `"${sha256(content).slice(0, 22)}"`,
    immutable: url.startsWith("/_next/static/"),
  };
  if (extension === ".html") {
    const html = content.toString("utf8");
    record.scripts = inlineScripts(html);
    problems.push(...problemsOf(url, html));
  }
  if (COMPRESSED.has(extension) && content.length >= COMPRESS_FROM_BYTES) {
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    const [br, gz] = await Promise.all([brotli(content, { params }), deflate(content, { level: 9 })]);
    await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gz)]);
    record.br = br.length;
    record.gz = gz.length;
  }
  return [url, record];
}

/** The gzipped bytes of the scripts that a page names; modern browsers leave out the `nomodule` ones. */
function firstLoad(html, files) {
  const tags = [...html.matchAll(/<script[^>]*\ssrc="(\/[^"?]+)[^>]*>/gi)].filter(
    ([tag]) => !/nomodule/i.test(tag),
  );
  return [...new Set(tags.map(([, url]) => url))].reduce(
    (sum, url) => sum + (files[url]?.gz ?? files[url]?.bytes ?? 0),
    0,
  );
}

async function checkSizes(files, problems) {
  const lines = [];
  for (const url of Object.keys(files).filter((name) => name.endsWith(".html"))) {
    const kb = firstLoad(await readFile(join(OUT, url), "utf8"), files) / 1024;
    lines.push(`  ${url}: ${kb.toFixed(0)} KB of script, gzipped`);
    if (kb > BUDGET.firstLoadGzip)
      problems.push(`${url} loads ${kb.toFixed(0)} KB, limit ${BUDGET.firstLoadGzip}`);
  }
  const css = Object.entries(files)
    .filter(([url]) => url.endsWith(".css"))
    .reduce((sum, [, record]) => sum + (record.br ?? record.bytes), 0);
  if (css / 1024 > BUDGET.cssBrotli)
    problems.push(`style sheets weigh ${css} bytes, limit ${BUDGET.cssBrotli} KB`);
  return lines;
}

const problems = [];
const files = Object.fromEntries(
  await Promise.all((await list(OUT)).map((file) => describe(file, problems))),
);
const sizes = await checkSizes(files, problems);
const build = sha256(
  Object.entries(files)
    .map(([url, { etag }]) => `${url} ${etag}`)
    .join("\n"),
)
  .replace(/[^A-Za-z0-9]/g, "")
  .slice(0, 12);
await writeFile(join(OUT, MANIFEST), `${JSON.stringify({ version: 1, build, files }, null, 1)}\n`);

console.log(`console ${build}: ${Object.keys(files).length} files\n${sizes.join("\n")}`);
if (problems.length > 0) {
  console.error(problems.map((problem) => `harden: ${problem}`).join("\n"));
  process.exitCode = 1;
}
