import { describe, expect, it, vi } from "vitest";
import type { JournalEntry } from "@/lib/types";
import { collect, exportChain, toCsv } from "./export";

const record = (sequence: number) => `{"record":{"sequence":${sequence}}}\n`;
const batch = (last: number) => `{"batch":{"chain":"c","last":${last},"hash":"h${last}"}}\n`;

describe("a chain", () => {
  it("is fetched to its end and closed with its head", async () => {
    const pages: Record<number, string> = {
      0: record(1) + record(2) + batch(2),
      2: `{"missing":{"sequence":3}}\n${batch(3)}`,
      3: "",
    };
    const onProgress = vi.fn();
    const parts = await exportChain({ chain: "c" }, async (_, after) => pages[after] ?? "", onProgress);
    expect(parts.join("")).toBe(
      `{"journal":2}\n${pages[0]}${pages[2]}{"heads":[{"chain":"c","sequence":3,"hash":"h3"}]}\n`,
    );
    expect(onProgress.mock.calls).toEqual([[2], [3]]);
  });

  it("takes the head of a batch that comes alone on the last page", async () => {
    const pages: Record<number, string> = { 0: record(1), 1: record(2) + batch(2) };
    const parts = await exportChain(
      { chain: "c" },
      async (_, after) => pages[after] ?? "",
      () => undefined,
    );
    expect(parts.at(-1)).toContain('"sequence":2,"hash":"h2"');
  });
});

it("collects what the filters find, page by page", async () => {
  const fetchPage = vi
    .fn()
    .mockResolvedValueOnce({ items: [{ id: "1" }], next: "n" })
    .mockResolvedValueOnce({ items: [{ id: "2" }], next: null });
  expect(await collect(fetchPage, () => undefined)).toEqual([{ id: "1" }, { id: "2" }]);
  expect(fetchPage.mock.calls.map(([, cursor]) => cursor)).toEqual(["", "n"]);
});

it("writes a table that no spreadsheet takes for formulas", () => {
  const entry = {
    sequence: 7,
    at: "2026-11-22T00:00:00.000Z",
    actor: '=cmd("x")',
    address: "192.0.2.10",
    action: "update",
    kind: "check",
    entity: "e",
    organisation: null,
    request_id: "r,1",
    credential_id: null,
    reason: 'he said "so"\nand went',
    changes: [{ pointer: "/a", from: -1, to: 2 }],
  } as unknown as JournalEntry; // what a table does not show is left out
  const [head, row] = toCsv([entry]).split("\r\n");
  expect(head).toMatch(/^sequence,at,actor,/);
  expect(row).toBe(
    '7,2026-11-22T00:00:00.000Z,"\'=cmd(""x"")",192.0.2.10,update,check,e,,"r,1",,"he said ""so""\nand went",' +
      '"[{""pointer"":""/a"",""from"":-1,""to"":2}]"',
  );
});
