"use client";

import { ChevronRight, Maximize2, Minimize2, Wrench } from "lucide-react";
import { Fragment, type ReactNode } from "react";
import { CloseButton, CopyLinkButton } from "@/components/sheet-parts";
import { StateBadge } from "@/components/state";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import type { EntityHealth } from "@/lib/types";
import { useScope, useSheets } from "@/lib/url";
import { titleOf } from "./entity";

/** Name, place, state with its reason, and the actions of a sheet. */
export function SheetHeader({
  health,
  details,
  actions,
  onClose,
}: {
  health: EntityHealth;
  details?: ReactNode;
  actions: ReactNode;
  onClose: () => void;
}) {
  return (
    <header className="shrink-0 border-b px-4 pt-3 pb-3">
      <div className="flex items-start gap-1">
        <Path path={health.path} />
        <HeaderButtons onClose={onClose} />
      </div>
      <div className="mt-0.5 flex flex-wrap items-center gap-x-2.5 gap-y-2">
        <h2 className="min-w-0 text-lg font-semibold break-words">{titleOf(health)}</h2>
        <StateBadge state={health.state} />
        {health.partial_maintenance ? (
          <span className="flex items-center gap-1 text-xs text-maintenance">
            <Wrench aria-hidden className="size-3" />
            partly in maintenance
          </span>
        ) : null}
        <span className="ml-auto flex gap-1.5">{actions}</span>
      </div>
      <p className="mt-1.5 text-muted-foreground">
        {health.since ? (
          <>
            For <Time at={health.since} as="for" className="numeric font-medium text-foreground" />
          </>
        ) : (
          "Never seen"
        )}
        {health.reason ? <> · {health.reason}</> : null}
        {health.state === "maintenance" && health.measured !== "maintenance" ? (
          <> · measured {health.measured}</>
        ) : null}
      </p>
      {details}
    </header>
  );
}

function Path({ path }: { path: EntityHealth["path"] }) {
  const { openInstance } = useSheets();
  const [, setScope] = useScope();
  return (
    <nav aria-label="Path" className="min-w-0 flex-1 pt-1">
      <ol className="flex flex-wrap items-center gap-x-1 text-xs text-muted-foreground">
        {path.map(({ kind, id, name }, index) => (
          <Fragment key={id}>
            {index > 0 ? <ChevronRight aria-hidden className="size-3" /> : null}
            <li>
              {kind === "instance" ? (
                <PathButton name={name} onClick={() => openInstance(id)} />
              ) : kind === "organisation" || kind === "business_unit" ? (
                <PathButton name={name} onClick={() => void setScope({ scope: id })} />
              ) : (
                name
              )}
            </li>
          </Fragment>
        ))}
      </ol>
    </nav>
  );
}

function PathButton({ name, onClick }: { name: string; onClick: () => void }) {
  return (
    <button
      type="button"
      onClick={onClick}
      className="min-h-6 rounded-sm underline-offset-4 hover:text-foreground hover:underline"
    >
      {name}
    </button>
  );
}

function HeaderButtons({ onClose }: { onClose: () => void }) {
  const { full, setFull } = useSheets();
  return (
    <>
      <CopyLinkButton />
      <Button
        variant="ghost"
        size="icon"
        aria-label={full ? "Show as a sheet" : "Show as a page"}
        onClick={() => setFull(!full)}
        className="max-md:hidden"
      >
        {full ? <Minimize2 aria-hidden /> : <Maximize2 aria-hidden />}
      </Button>
      <CloseButton onClose={onClose} />
    </>
  );
}
