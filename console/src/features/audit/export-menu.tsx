"use client";

import { Download } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Menu, MenuItem, MenuSection } from "@/components/ui/menu";
import { download } from "@/lib/download";
import type { JournalFilters } from "./filters";
import { fetchEntries } from "./queries";
import { MOST_ENTRIES } from "./too-large";
import { useDownload } from "./use-download";

/** What the filters find, as a file. A chain that can be verified is exported in the card of the chains. */
export function ExportMenu({ filters }: { filters: JournalFilters }) {
  const { progress, run } = useDownload(
    `More than ${MOST_ENTRIES.toLocaleString("en")} entries match: narrow the filters.`,
  );
  const save = (ending: "csv" | "ndjson") =>
    run(async (onProgress, signal) => {
      const { collect, fileName, toCsv, toJsonLines } = await import("./export");
      const entries = await collect(
        (limit, cursor) => fetchEntries(filters, limit, cursor, signal),
        onProgress,
      );
      const [type, text] =
        ending === "csv" ? ["text/csv", toCsv(entries)] : ["application/x-ndjson", toJsonLines(entries)];
      download(`${fileName(null, Date.now())}.${ending}`, type, [text]);
    });
  return (
    <Menu
      trigger={
        <Button disabled={progress !== null}>
          <Download aria-hidden />
          {progress === null ? "Export" : `${progress.toLocaleString("en")}…`}
        </Button>
      }
    >
      <MenuSection label="What is found, newest first">
        <MenuItem onClick={() => save("csv")}>Table (CSV)</MenuItem>
        <MenuItem onClick={() => save("ndjson")}>Lines of JSON</MenuItem>
      </MenuSection>
    </Menu>
  );
}
