"use client";

import dynamic from "next/dynamic";
import type { ReactNode } from "react";
import { ErrorBoundary } from "@/components/error-boundary";
import { lazyDialog } from "@/components/lazy-dialog";
import { useRooms } from "@/lib/live";
import { useSheets } from "@/lib/url";

const OpenSheets = lazyDialog(() => import("./open-sheets").then((module) => module.OpenSheets));
const EntityPage = dynamic(() => import("./open-sheets").then((module) => module.EntityPage), { ssr: false });

/** The page, and over it the entities that the address names. With `full` the top one takes the page's place. */
export function EntitySheets({ children }: { children: ReactNode }) {
  const { env, ci, full } = useSheets();
  useRooms([env, ci].flatMap((id) => (id ? [`entity:${id}`] : [])));
  const open = env !== null || ci !== null;

  if (full && open) {
    return (
      <ErrorBoundary key={ci ?? env} what="This page">
        <EntityPage />
      </ErrorBoundary>
    );
  }
  return (
    <>
      {children}
      <OpenSheets open={open} />
    </>
  );
}
