"use client";

import { useState } from "react";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { VerdictMark } from "@/components/verdict";
import { formatMicros, formatWord } from "@/lib/format";
import type { Result } from "@/lib/types";
import { hasPhases, PhaseBar, PhaseLegend } from "./phases";

const FIRST = 12;

/** A check's results, newest first, each with where its time went. */
export function ResultList({ results }: { results: Result[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? results : results.slice(0, FIRST);
  const scaleUs = Math.max(1, ...shown.map(({ timings_us }) => timings_us.total));
  const phased = results.some(hasPhases);
  return (
    <>
      {phased ? <PhaseLegend className="max-md:hidden" /> : null}
      <div className="mt-1 overflow-x-auto">
        <table className="w-full border-collapse text-left">
          <caption className="sr-only">Recent results, newest first</caption>
          <thead className="sr-only">
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Verdict</th>
              <th scope="col">What happened</th>
              <th scope="col" className="max-md:hidden">
                {phased ? "Phases" : "Share"}
              </th>
              <th scope="col">Total</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((result) => (
              <tr
                key={`${result.at} ${result.location ?? ""}`}
                className="border-t max-md:align-baseline [&>td]:h-7 max-md:[&>td]:py-1"
              >
                <td className="w-15">
                  <Time at={result.at} as="clock" className="numeric text-xs text-muted-foreground" />
                </td>
                <td className="w-16">
                  <VerdictMark verdict={result.verdict} />
                </td>
                <td className="max-w-0 pr-2 text-xs break-words md:truncate" title={result.message}>
                  {describe(result)}
                </td>
                <td className="w-24 max-md:hidden">
                  <PhaseBar result={result} scaleUs={scaleUs} className="w-full" />
                </td>
                <td className="numeric w-18 text-right font-mono text-xs">
                  {formatMicros(result.timings_us.total)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {results.length > FIRST ? (
        <Button className="mt-2" onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${results.length}`}
        </Button>
      ) : null}
    </>
  );
}

function describe(result: Result): string {
  const status = result.http?.status ? `HTTP ${result.http.status}` : null;
  const where = [status, result.address].filter(Boolean).join(" · ");
  return result.message || (result.verdict === "ok" ? where : formatWord(result.outcome));
}
