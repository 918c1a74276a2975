"use client";

import { lazyDialog } from "@/components/lazy-dialog";
import { sessionLost } from "@/lib/api";
import { useSignal } from "@/lib/signal";

const SessionDialog = lazyDialog(() => import("./session-dialog").then((module) => module.SessionDialog));

/** Asks to sign in again when the server says that the session is gone. */
export function SessionGuard() {
  return <SessionDialog open={useSignal(sessionLost)} />;
}
