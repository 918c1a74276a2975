"use client";

import Link from "next/link";
import type { ReactNode } from "react";
import { CopyButton } from "@/components/copy-button";
import { Time } from "@/components/time";
import { Card } from "@/components/ui/card";
import { useCan } from "@/features/access";
import { useFleet } from "@/features/health";
import { useNow } from "@/lib/clock";
import { paths } from "@/lib/paths";
import type { Webhook } from "@/lib/types";
import { EventNames } from "./event-names";

/** What it tells whom, and how that goes. */
export function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { id, url, events, filter, organisation, concurrency, description, earlier_secret_until } = webhook;
  const status = webhook.included?.status;
  const fleet = useFleet().data;
  const readsJournal = useCan("journal.read");
  const now = useNow();
  const overlaps = earlier_secret_until !== null && Date.parse(earlier_secret_until) > now;
  return (
    <Card aria-label="Facts" className="shrink-0 px-3 py-2">
      {description ? <p className="mb-1.5 max-w-[80ch] break-words">{description}</p> : null}
      <div className="grid gap-x-8 lg:grid-cols-[minmax(0,1fr)_minmax(0,22rem)]">
        <Facts>
          <Fact name="Address">
            <span className="flex min-w-0 items-center gap-1">
              <code className="min-w-0 truncate font-mono text-xs" title={url}>
                {url}
              </code>
              <CopyButton text={url} label="Copy the address" />
            </span>
          </Fact>
          <Fact name="Events">
            <EventNames events={events} most={12} className="min-h-7 flex-wrap py-1" />
          </Fact>
          <Fact name="Filter">
            {filter ? (
              <code className="font-mono text-xs leading-6 break-all">{filter}</code>
            ) : (
              <span className="text-muted-foreground">none: all of these events</span>
            )}
          </Fact>
          <Fact name="Organisation">
            {organisation
              ? (fleet?.nodes.get(organisation)?.name ?? organisation)
              : "all, and what belongs to none"}
          </Fact>
        </Facts>
        <Facts>
          <Fact name="Last delivered">
            {status?.last_delivered_at ? (
              <Time at={status.last_delivered_at} className="numeric" />
            ) : (
              <span className="text-muted-foreground">never</span>
            )}
          </Fact>
          <Fact name="Waiting">
            <span className="numeric">{(status?.waiting ?? 0).toLocaleString("en")}</span>
            <span className="text-muted-foreground">
              {concurrency === 1 ? ", one by one in their order" : `, at most ${concurrency} at once`}
            </span>
          </Fact>
          <Fact name="Secret">
            {overlaps ? (
              <>
                new; the one before stops signing{" "}
                <Time at={earlier_secret_until} as="until" className="numeric" />
              </>
            ) : (
              <span className="text-muted-foreground">one, never shown again</span>
            )}
          </Fact>
          <Fact name="Made">
            <Time at={webhook.created_at} className="numeric" />
            {readsJournal ? (
              <>
                {" · "}
                <Link
                  href={`${paths.audit}?entity=${id}`}
                  className="rounded-sm text-primary underline underline-offset-4"
                >
                  History
                </Link>
              </>
            ) : null}
          </Fact>
        </Facts>
      </div>
    </Card>
  );
}

function Facts({ children }: { children: ReactNode }) {
  return (
    <dl className="grid min-w-0 grid-cols-[96px_minmax(0,1fr)] content-start items-center gap-x-3 [&>dd]:min-h-7 [&>dd]:leading-7 [&>dt]:self-start [&>dt]:leading-7 [&>dt]:text-muted-foreground">
      {children}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}
