"use client";

export { useCan, useSession, useSignOut } from "./queries";
export { SessionGuard } from "./session-guard";
