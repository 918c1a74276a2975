"use client";

import { useState } from "react";
import { ErrorBoundary } from "@/components/error-boundary";
import { SheetSection } from "@/components/sheet-parts";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView } from "@/components/views";
import type { CheckHealth } from "@/lib/types";
import { useSheets } from "@/lib/url";
import { BecauseList } from "./because-list";
import { CheckList } from "./check-list";
import { isHeartbeat } from "./entity";
import { EventTimeline } from "./event-timeline";
import { HeartbeatAddress } from "./heartbeat-address";
import { LatencyChart } from "./latency-chart";
import { MaintenanceButton, OpenMaintenance } from "./maintenance-actions";
import { useCheck, useResults } from "./queries";
import { ResultList } from "./result-list";
import { SheetFrame } from "./sheet-frame";
import { SheetHeader } from "./sheet-header";

const NO_CHECKS: CheckHealth[] = [];

/** A component: its state and why, its checks with their results, and what happened to it. */
export function ComponentSheet({ id }: { id: string }) {
  const { closeComponent } = useSheets();
  const [chosen, setChosen] = useState<string | null>(null);

  return (
    <SheetFrame kind="component" id={id} onClose={closeComponent}>
      {(health) => {
        const checks = health.checks ?? NO_CHECKS;
        const selected = checks.find((check) => check.id === (chosen ?? health.because[0]?.id)) ?? checks[0];
        return (
          <>
            <SheetHeader
              health={health}
              onClose={closeComponent}
              actions={<MaintenanceButton kind="component" health={health} />}
              details={<OpenMaintenance health={health} />}
            />
            <div className="min-h-0 flex-1 overflow-auto">
              {health.because.length > 0 && health.state !== "operational" ? (
                <SheetSection title="Because">
                  <BecauseList causes={health.because} onOpen={({ id: check }) => setChosen(check)} />
                </SheetSection>
              ) : null}
              <SheetSection title="Checks">
                {checks.length === 0 ? (
                  <p className="text-muted-foreground">
                    No checks yet, so its state is unknown. Add one through the API.
                  </p>
                ) : (
                  <CheckList checks={checks} selected={selected?.id} onSelect={setChosen} />
                )}
              </SheetSection>
              {selected ? <CheckResults check={selected} /> : null}
              <SheetSection title="Events">
                <ErrorBoundary what="Events">
                  <EventTimeline kind="component" id={id} />
                </ErrorBoundary>
              </SheetSection>
            </div>
          </>
        );
      }}
    </SheetFrame>
  );
}

/** The chart and the list of one check's results; where to call when it is a heartbeat. */
function CheckResults({ check }: { check: CheckHealth }) {
  const results = useResults(check.id);
  const definition = useCheck(check.id).data;
  const expect = definition?.spec.expect;
  const untimed = isHeartbeat(check) && results.data?.every(({ timings_us }) => timings_us.total === 0);
  return (
    <ErrorBoundary key={check.id} what="Results">
      {definition && isHeartbeat(check) ? (
        <SheetSection title="Calls">
          <HeartbeatAddress check={definition} />
        </SheetSection>
      ) : null}
      {untimed ? null : (
        <SheetSection
          title={isHeartbeat(check) ? "Durations" : "Response times"}
          aside={
            <span className="truncate font-mono text-2xs text-muted-foreground" title={targetOf(definition)}>
              {targetOf(definition)}
            </span>
          }
        >
          {results.isError ? (
            <ErrorView
              error={results.error}
              what="Results"
              onRetry={() => void results.refetch()}
              className="py-4"
            />
          ) : results.data ? (
            <LatencyChart
              results={results.data}
              intervalMs={check.interval_s * 1_000}
              warnMs={expect?.warn_ms}
              failMs={expect?.fail_ms}
            />
          ) : (
            <Delayed>
              <Skeleton className="h-42" />
            </Delayed>
          )}
        </SheetSection>
      )}
      {results.data?.length ? (
        <SheetSection title="Recent results">
          <ResultList results={results.data} />
        </SheetSection>
      ) : null}
    </ErrorBoundary>
  );
}

function targetOf(definition: ReturnType<typeof useCheck>["data"]): string {
  const spec = definition?.spec;
  if (!spec) return "";
  return spec.url ?? spec.command ?? [spec.address, spec.port].filter(Boolean).join(":");
}
