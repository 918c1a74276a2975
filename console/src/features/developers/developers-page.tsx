"use client";

import { Braces } from "lucide-react";
import dynamic from "next/dynamic";
import { useQueryStates } from "nuqs";
import { useCallback, useMemo, useState } from "react";
import { ErrorBoundary } from "@/components/error-boundary";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView, Notice } from "@/components/views";
import { paths } from "@/lib/paths";
import { operationKeys } from "@/lib/url";
import { cn } from "@/lib/utils";
import { groupOperations, readOperations, type ApiDocument } from "./document";
import { OperationList } from "./operation-list";
import { useApiDocument } from "./queries";
import type { Draft } from "./request";

const OperationView = dynamic(() => import("./operation-view").then((module) => module.OperationView), {
  ssr: false,
});

/** The API, read from the service's own document, to be tried as the person who is signed in. */
export function DevelopersPage() {
  const document = useApiDocument();
  if (document.data) return <Explorer document={document.data} />;
  return (
    <div className="p-4">
      <h1 className="sr-only">API explorer</h1>
      {document.isError ? (
        <ErrorView error={document.error} what="The API's document" onRetry={() => void document.refetch()} />
      ) : (
        <Delayed>
          <div role="status" aria-label="Loading the API's document" className="flex gap-4">
            <Skeleton className="h-120 w-72 max-md:w-full" />
            <Skeleton className="h-120 flex-1 max-md:hidden" />
          </div>
        </Delayed>
      )}
    </div>
  );
}

function Explorer({ document }: { document: ApiDocument }) {
  const [{ op }, setOperation] = useQueryStates(operationKeys, { history: "push" });
  const [query, setQuery] = useState("");
  const [drafts, setDrafts] = useState<Record<string, Draft>>({});
  const operations = useMemo(() => readOperations(document), [document]);
  const groups = useMemo(() => groupOperations(operations, query), [operations, query]);
  const operation = operations.find(({ id }) => id === op);
  const open = useCallback((id: string | null) => void setOperation({ op: id }), [setOperation]);

  return (
    <div className="flex h-full">
      <nav
        aria-label="Operations"
        className={cn(
          "flex w-72 shrink-0 flex-col border-r bg-card max-md:w-full max-md:border-r-0",
          op && "max-md:hidden",
        )}
      >
        <div className="flex items-baseline gap-2 px-3 pt-3">
          <h1 className="text-lg font-semibold">API explorer</h1>
          <a
            href={paths.apiDocument}
            className="ml-auto text-xs text-primary underline-offset-4 hover:underline"
          >
            OpenAPI 3.1
          </a>
        </div>
        <OperationList groups={groups} query={query} setQuery={setQuery} selected={op} onOpen={open} />
      </nav>
      <div className={cn("min-w-0 flex-1 overflow-auto", op ? undefined : "max-md:hidden")}>
        {operation ? (
          <ErrorBoundary key={operation.id} what="The operation">
            <OperationView
              document={document}
              operations={operations}
              operation={operation}
              draft={drafts[operation.id]}
              setDraft={(draft) => setDrafts((all) => ({ ...all, [operation.id]: draft }))}
              onBack={() => open(null)}
            />
          </ErrorBoundary>
        ) : op ? (
          <Notice icon={Braces} title="There is no such operation" className="py-20">
            The document of this service has none that is called <code className="font-mono">{op}</code>.
          </Notice>
        ) : (
          <Notice icon={Braces} title={`${operations.length} operations`} className="py-20">
            Choose one to see what it takes and answers, and to send it as yourself. Writes are tried without
            keeping anything until you say otherwise.
          </Notice>
        )}
      </div>
    </div>
  );
}
