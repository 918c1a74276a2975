"use client";

import { Gauge, Lock, ScrollText, Webhook, type LucideIcon } from "lucide-react";
import Link from "next/link";
import { PageTitle } from "@/components/page-title";
import { Card } from "@/components/ui/card";
import { Notice } from "@/components/views";
import { useSession } from "@/features/access";
import { paths } from "@/lib/paths";
import { can, type Permission } from "@/lib/permissions";

interface Entry {
  name: string;
  path: string;
  icon: LucideIcon;
  text: string;
  needs: Permission;
}

const PAGES: Entry[] = [
  {
    name: "Audit",
    path: paths.audit,
    icon: ScrollText,
    text: "Every change, who made it, and from what to what; sealed in chains that can be verified elsewhere.",
    needs: "journal.read",
  },
  {
    name: "Webhooks",
    path: paths.webhooks,
    icon: Webhook,
    text: "Servers of yours that are told of events: what goes where, what has arrived, and what is sent again.",
    needs: "webhook.read",
  },
  {
    name: "Rate limits",
    path: paths.rateLimits,
    icon: Gauge,
    text: "How much one caller may ask of each class of routes, by key, person and address.",
    needs: "settings.read",
  },
];

/** What administrators and auditors find here; of it, what the person may see. */
export function AdminPage() {
  const session = useSession().data;
  const pages = PAGES.filter(({ needs }) => can(session, needs));
  return (
    <div className="flex flex-col gap-3 p-4">
      <PageTitle title="Admin" />
      {pages.length === 0 ? (
        <Card>
          <Notice icon={Lock} title="Nothing here is yours to see">
            It takes one of: {PAGES.map(({ needs }) => needs).join(", ")}. An administrator can grant it.
          </Notice>
        </Card>
      ) : (
        <ul className="grid max-w-280 gap-3 md:grid-cols-2 xl:grid-cols-3">
          {pages.map(({ name, path, icon: Icon, text }) => (
            <li key={path}>
              <Link
                href={path}
                className="flex h-full gap-3 rounded-lg border bg-card p-3 hover:border-input hover:bg-accent"
              >
                <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted-foreground" />
                <span>
                  <span className="block font-medium">{name}</span>
                  <span className="text-muted-foreground">{text}</span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
