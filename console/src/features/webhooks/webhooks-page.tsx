"use client";

import dynamic from "next/dynamic";
import { useQueryStates } from "nuqs";
import { useCallback, useEffect, useState } from "react";
import { lazyDialog } from "@/components/lazy-dialog";
import type { WebhookSecret } from "@/lib/types";
import { webhookKeys } from "@/lib/url";
import { WebhookList } from "./webhook-list";

const loadDetail = () => import("./webhook-detail").then((module) => module.WebhookDetail);
const WebhookDetail = dynamic(loadDetail, { ssr: false });
const WebhookDialog = lazyDialog(() => import("./webhook-dialog").then((module) => module.WebhookDialog));
const SecretDialog = lazyDialog(() => import("./secret-dialog").then((module) => module.SecretDialog));

/** Servers that are told of events: all of them, or the one that the address names with its log. */
export function WebhooksPage() {
  const [{ webhook }, setPlace] = useQueryStates(webhookKeys, { history: "push" });
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<WebhookSecret | null>(null);
  useEffect(() => void loadDetail().catch(() => undefined), []); // while the list is read

  const open = useCallback((id: string) => void setPlace({ webhook: id }), [setPlace]);
  return (
    <>
      {webhook ? (
        <WebhookDetail
          key={webhook}
          id={webhook}
          onSecret={setSecret}
          onDeleted={() => void setPlace(null)}
        />
      ) : (
        <WebhookList onOpen={open} onNew={() => setCreating(true)} />
      )}
      <WebhookDialog
        open={creating}
        webhook={null}
        onOpenChange={setCreating}
        onCreated={(made) => {
          setCreating(false);
          setSecret(made);
          open(made.id);
        }}
      />
      <SecretDialog open={secret !== null} secret={secret} onClose={() => setSecret(null)} />
    </>
  );
}
