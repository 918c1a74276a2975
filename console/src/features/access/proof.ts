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
  switch (error.code) {
    case "token_unknown":
      return "This link was used already, is more than an hour old, or belongs to another service. Ask for a fresh one.";
    case "key_unknown":
      return "This key is not known here: it may have been revoked, or belong to another service.";
    case "rate_limited":
      return "Too many attempts. Wait a minute and try again.";
    default:
      return error.detail;
  }
}
