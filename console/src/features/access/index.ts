"use client";

export { LoginPage } from "./login-page";
export { useSession, useSignOut } from "./queries";
export { SessionGuard } from "./session-guard";
