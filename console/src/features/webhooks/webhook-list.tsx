"use client";

import { Plus, Search, Webhook as WebhookIcon } from "lucide-react";
import { memo, useMemo, useRef, useState } from "react";
import { PageTitle } from "@/components/page-title";
import { Time } from "@/components/time";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Input } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { Delayed, ErrorView, Notice } from "@/components/views";
import { useCan } from "@/features/access";
import { formatCount } from "@/lib/format";
import { paths } from "@/lib/paths";
import { useRowKeys } from "@/lib/row-keys";
import { useShortcuts } from "@/lib/shortcuts";
import type { Webhook } from "@/lib/types";
import { EventNames } from "./event-names";
import { WebhookBadge } from "./marks";
import { useWebhooks } from "./queries";
import { stateOf } from "./webhook-state";

const FIND_FROM = 8;

/** Every webhook, with whether it works. */
export function WebhookList({ onOpen, onNew }: { onOpen: (id: string) => void; onNew: () => void }) {
  const webhooks = useWebhooks();
  const mayWrite = useCan("webhook.write");
  const [words, setWords] = useState("");
  const all = webhooks.data;
  const shown = useMemo(() => findWebhooks(all ?? [], words), [all, words]);
  useShortcuts(useMemo((): Record<string, () => void> => (mayWrite ? { n: onNew } : {}), [mayWrite, onNew]));

  return (
    <div className="flex min-h-full flex-col gap-3 p-4 md:h-full">
      <PageTitle
        title="Webhooks"
        above={{ name: "Admin", path: paths.admin }}
        actions={
          mayWrite && all?.length ? (
            <Button variant="primary" onClick={onNew}>
              <Plus aria-hidden />
              New webhook
            </Button>
          ) : null
        }
      >
        Servers of yours that are told of events as they happen.
      </PageTitle>
      <Card aria-label="All webhooks" className="min-h-0 overflow-hidden">
        {webhooks.isError && !all ? (
          <ErrorView error={webhooks.error} what="The webhooks" onRetry={() => void webhooks.refetch()} />
        ) : !all ? (
          <Delayed>
            <div role="status" aria-label="Loading the webhooks" className="flex flex-col gap-2 p-3">
              {Array.from({ length: 4 }, (_, row) => (
                <Skeleton key={row} className="h-10" />
              ))}
            </div>
          </Delayed>
        ) : all.length === 0 ? (
          <FirstWebhook onNew={mayWrite ? onNew : null} />
        ) : (
          <>
            {all.length >= FIND_FROM ? (
              <div role="search" className="flex items-center gap-3 border-b p-2">
                <FindField value={words} onChange={setWords} />
                <span role="status" className="numeric ml-auto text-xs text-muted-foreground">
                  {formatCount(shown.length, "webhook")}
                </span>
              </div>
            ) : null}
            {shown.length === 0 ? (
              <Notice title="No webhooks match" actions={<Button onClick={() => setWords("")}>Clear</Button>}>
                Neither name, address nor event has “{words.trim()}”.
              </Notice>
            ) : (
              <div className="min-h-0 overflow-auto">
                <WebhookTable webhooks={shown} onOpen={onOpen} />
              </div>
            )}
          </>
        )}
      </Card>
    </div>
  );
}

function findWebhooks(webhooks: readonly Webhook[], words: string): Webhook[] {
  const wanted = words.trim().toLowerCase();
  return webhooks.filter(({ name, url, events }) =>
    [name, url, ...events].some((text) => text.toLowerCase().includes(wanted)),
  );
}

function FindField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useShortcuts(useMemo(() => ({ "/": () => field.current?.focus() }), []));
  return (
    <div className="relative w-full md:w-64">
      <Search aria-hidden className="absolute top-2 left-2 size-3.5 text-muted-foreground" />
      <Input
        ref={field}
        type="search"
        aria-label="Find webhooks"
        placeholder="Find a name, address, event…"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className="h-7 pl-7 text-xs coarse:h-8"
      />
    </div>
  );
}

function FirstWebhook({ onNew }: { onNew: (() => void) | null }) {
  return (
    <Notice
      icon={WebhookIcon}
      title="No webhooks yet"
      className="py-16"
      actions={
        onNew ? (
          <Button variant="primary" size="md" onClick={onNew}>
            <Plus aria-hidden />
            New webhook
          </Button>
        ) : null
      }
    >
      <p>
        A webhook tells a server of yours, by a signed request, that an environment went down, that something
        was changed, or that a maintenance began: for a chat room, a dashboard or a pipeline. What does not
        arrive is tried again for 75 hours.
      </p>
      {onNew ? null : <p className="mt-2">Making one takes webhook.write. An administrator can grant it.</p>}
    </Notice>
  );
}

function WebhookTable({ webhooks, onOpen }: { webhooks: readonly Webhook[]; onOpen: (id: string) => void }) {
  const body = useRef<HTMLTableSectionElement>(null);
  const onKeyDown = useRowKeys(body, null);
  return (
    <table className="w-full table-fixed border-collapse text-left">
      <caption className="sr-only">Webhooks by name</caption>
      <thead className="sticky top-0 z-10 bg-muted text-xs text-muted-foreground max-md:sr-only">
        <tr className="[&>th]:h-8 [&>th]:px-3 [&>th]:font-normal">
          <th scope="col">Webhook</th>
          <th scope="col" className="w-[27%] max-lg:hidden">
            Events
          </th>
          <th scope="col" className="w-[27%] max-lg:w-[40%]">
            State
          </th>
          <th scope="col" className="w-20 text-right">
            Waiting
          </th>
          <th scope="col" className="w-32">
            Last delivered
          </th>
        </tr>
      </thead>
      <tbody ref={body} onKeyDown={onKeyDown}>
        {webhooks.map((webhook, index) => (
          <WebhookRow key={webhook.id} webhook={webhook} tabStop={index === 0} onOpen={onOpen} />
        ))}
      </tbody>
    </table>
  );
}

const WebhookRow = memo(function WebhookRow({
  webhook,
  tabStop,
  onOpen,
}: {
  webhook: Webhook;
  tabStop: boolean;
  onOpen: (id: string) => void;
}) {
  const { id, name, url, events, included } = webhook;
  const status = included?.status;
  return (
    <tr className="relative border-b last:border-b-0 hover:bg-accent max-md:grid max-md:grid-cols-[1fr_auto] max-md:gap-x-3 max-md:py-2 md:[&>td]:h-12 [&>td]:px-3 [&>td]:align-middle">
      <td className="min-w-0 max-md:order-1">
        <button
          type="button"
          data-row={id}
          tabIndex={tabStop ? 0 : -1}
          onClick={() => onOpen(id)}
          className="focus-inset block max-w-full truncate text-left font-medium after:absolute after:inset-0"
        >
          {name}
        </button>
        <p className="truncate font-mono text-xs text-muted-foreground">{url}</p>
      </td>
      <td className="max-lg:hidden">
        <EventNames events={events} most={2} />
      </td>
      <td className="max-md:order-3 max-md:col-span-2 max-md:mt-1">
        <div className="flex min-w-0 items-center gap-2">
          <WebhookBadge state={stateOf(webhook)} />
          <span className="min-w-0 text-xs text-muted-foreground md:truncate">
            <StateReason webhook={webhook} />
          </span>
        </div>
      </td>
      <td className="numeric text-right max-md:order-2 max-md:text-xs max-md:text-muted-foreground">
        {status?.waiting ? (
          <>
            {status.waiting.toLocaleString("en")}
            <span className="md:hidden"> waiting</span>
          </>
        ) : (
          <span className="text-muted-foreground max-md:hidden">–</span>
        )}
      </td>
      <td className="numeric text-xs text-muted-foreground max-md:hidden">
        {status?.last_delivered_at ? <Time at={status.last_delivered_at} /> : "never"}
      </td>
    </tr>
  );
});

/** Why it is in its state, and since when. */
function StateReason({ webhook }: { webhook: Webhook }) {
  const { disabled_at, included } = webhook;
  const status = included?.status;
  const dropped = status?.dropped ? `${formatCount(status.dropped, "event")} dropped` : null;
  switch (stateOf(webhook)) {
    case "failing":
      return (
        <>
          nothing arrives for <Time at={status?.failing_since} as="for" />
          {dropped ? ` · ${dropped}` : null}
        </>
      );
    case "gone":
      return (
        <>
          it answered 410, <Time at={disabled_at} />
        </>
      );
    case "given_up":
      return (
        <>
          nothing arrived in 75 h, <Time at={disabled_at} />
        </>
      );
    case "off":
      return (
        <>
          switched off <Time at={disabled_at} />
        </>
      );
    default:
      return dropped;
  }
}
