"use client";

import { Download, Link } from "lucide-react";
import { CopyButton } from "@/components/copy-button";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView } from "@/components/views";
import { download } from "@/lib/download";
import { formatCount } from "@/lib/format";
import type { JournalChain } from "@/lib/types";
import { chainName } from "./filters";
import { fetchChainLines, useChains } from "./queries";
import { useDownload } from "./use-download";

/** How far each chain is sealed, its head, and the file by which it can be verified without believing this service. */
export function ChainCard({ org }: { org: string | null }) {
  const chains = useChains();
  const shown = chains.data?.filter(({ chain }) => !org || chain === org) ?? [];
  return (
    <Card aria-label="Chains" className="shrink-0 py-1 pr-2 pl-3 max-md:order-last">
      {chains.isError && !chains.data ? (
        <ErrorView
          error={chains.error}
          what="The chains"
          onRetry={() => void chains.refetch()}
          className="py-3"
        />
      ) : chains.isPending ? (
        <Delayed>
          <Skeleton className="my-2 h-5" />
        </Delayed>
      ) : shown.length === 0 ? (
        <p className="py-1.5 text-muted-foreground">
          Nothing is sealed yet: the first change begins a chain.
        </p>
      ) : (
        <ul className="overflow-auto md:max-h-28">
          {shown.map((chain) => (
            <ChainRow key={chain.chain} chain={chain} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function ChainRow({ chain }: { chain: JournalChain }) {
  const { sequence, hash, sealed_at } = chain;
  const name = chainName(chain);
  const { progress, run } = useDownload("It is too large for a browser: use emctl audit export.");
  const save = () =>
    run(async (onProgress, signal) => {
      const { exportChain, fileName } = await import("./export");
      const parts = await exportChain(
        chain,
        (id, after, limit) => fetchChainLines(id, after, limit, signal),
        onProgress,
      );
      download(`${fileName(chain.key ?? "installation", Date.now())}.ndjson`, "application/x-ndjson", parts);
    });
  return (
    <li className="flex min-h-8 flex-wrap items-center gap-x-4 gap-y-0.5 max-md:py-1">
      <span className="flex w-40 min-w-0 items-center gap-2 font-medium">
        <Link aria-hidden className="size-3.5 shrink-0 text-muted-foreground" />
        <span className="truncate">{name}</span>
      </span>
      <span className="numeric w-32 shrink-0">{formatCount(sequence, "record")} sealed</span>
      <span className="numeric w-36 shrink-0 text-muted-foreground max-md:w-auto">
        {sealed_at ? (
          <>
            last <Time at={sealed_at} />
          </>
        ) : (
          "not sealed yet"
        )}
      </span>
      {hash ? (
        <span className="flex min-w-0 items-center gap-1 text-muted-foreground">
          head
          <code className="min-w-0 truncate font-mono text-xs text-foreground" title={hash}>
            {hash.slice(0, 16)}…
          </code>
          <CopyButton text={hash} label={`Copy the head of ${name}`} />
        </span>
      ) : null}
      <Button
        variant="ghost"
        disabled={progress !== null || sequence === 0}
        onClick={save}
        aria-label={`Export the chain of ${name}`}
        className="md:ml-auto"
      >
        <Download aria-hidden />
        {progress === null ? "Export chain" : `${progress.toLocaleString("en")} records…`}
      </Button>
    </li>
  );
}
