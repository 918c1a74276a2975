import { ApiError } from "@/lib/api";
import type { Proof } from "./queries";

/**
 * Reads what a person pasted: an API key, a sign-in link, or the bare token of one; null when it is none of them.
 */
export function readProof(text: string): Proof | null {
  const pasted = text.trim();
  if (pasted.startsWith("em_key_")) return { api_key: pasted };
  const fragment = /#token=([^&\s]+)/.exec(pasted)?.[1];
  if (fragment) return { token: decodeURIComponent(fragment) };
  return /^[\w.-]{16,}$/.test(pasted) ? { token: pasted } : null;
}

/** Why signing in failed, in words that say what to do next. */
export function signInProblem(error: unknown): string {
  if (!(error instanceof ApiError)) return "Signing in failed. Try again.";
  if (error.code.includes("expired")) return "This link has expired. Ask for a fresh one.";
  if (error.code.includes("used")) return "This link was used already: each works once. Ask for a fresh one.";
  if (error.status === 401 || error.status === 403 || error.status === 422 || error.status === 404) {
    return `${error.detail.replace(/\.?$/, ".")} A link works once and for an hour; a key may have been revoked.`;
  }
  if (error.status === 429) return "Too many attempts. Wait a minute and try again.";
  return error.detail;
}
