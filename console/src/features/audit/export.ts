// The journal as files: a chain with its hashes, to be verified, or what the filters find, to be worked with. Pages are
// fetched one after the other; what is too large for a browser is left to `emctl audit export`.

import type { JournalChain, JournalEntry, Page } from "@/lib/types";
import { MOST_ENTRIES, TooLarge } from "./too-large";

const PAGE = 1_000;

/** Characters of a chain that a browser is asked to hold. */
export const MOST_CHAIN_CHARS = 200_000_000;

export type FetchLines = (chain: string, after: number, limit: number) => Promise<string>;

interface Line {
  record?: { sequence: number };
  missing?: { sequence: number };
  batch?: { chain: string; last: number; hash: string };
}

/** A chain from its beginning as a whole export of format 2: the first line, its lines, its head. */
export async function exportChain(
  chain: Pick<JournalChain, "chain">,
  fetchLines: FetchLines,
  onProgress: (records: number) => void,
): Promise<string[]> {
  const parts = [`${JSON.stringify({ journal: 2 })}\n`];
  let head = { chain: chain.chain, sequence: 0, hash: null as string | null };
  let [after, chars] = [0, 0];
  for (;;) {
    const text = await fetchLines(chain.chain, after, PAGE);
    const lines = text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
    const last = lines.reduce(
      (most, line) => Math.max(most, (line.record ?? line.missing)?.sequence ?? 0),
      after,
    );
    const batch = lines.findLast((line) => line.batch)?.batch;
    if (batch) head = { chain: chain.chain, sequence: batch.last, hash: batch.hash };
    if (last === after) break;
    parts.push(text);
    chars += text.length;
    if (chars > MOST_CHAIN_CHARS) throw new TooLarge();
    after = last;
    onProgress(after);
  }
  parts.push(`${JSON.stringify({ heads: [head] })}\n`);
  return parts;
}

export type FetchPage = (limit: number, cursor: string) => Promise<Page<JournalEntry>>;

/** All that the filters find, newest first. */
export async function collect(fetchPage: FetchPage, onProgress: (entries: number) => void) {
  const entries: JournalEntry[] = [];
  let cursor = "";
  do {
    const page = await fetchPage(PAGE, cursor);
    entries.push(...page.items);
    if (entries.length > MOST_ENTRIES) throw new TooLarge();
    onProgress(entries.length);
    cursor = page.next ?? "";
  } while (cursor);
  return entries;
}

const COLUMNS = [
  "sequence",
  "at",
  "actor",
  "address",
  "action",
  "kind",
  "entity",
  "organisation",
  "request_id",
  "credential_id",
  "reason",
  "changes",
] as const;

/** A cell of a table: quoted where it must be, and never a formula to a spreadsheet. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(entries: readonly JournalEntry[]): string {
  const rows = entries.map((entry) => COLUMNS.map((column) => cell(entry[column])).join(","));
  return [COLUMNS.join(","), ...rows, ""].join("\r\n");
}

export function toJsonLines(entries: readonly JournalEntry[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
}

/** `journal-acme-2026-11-22`, without its ending. */
export function fileName(part: string | null, now: number): string {
  return ["journal", part, new Date(now).toISOString().slice(0, 10)].filter(Boolean).join("-");
}
