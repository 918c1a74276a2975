// Every address of the console. Entities have none of their own: they open as sheets over any page (lib/url.ts).

export const paths = {
  overview: "/",
  health: "/health/",
  admin: "/admin/",
  audit: "/admin/audit/",
  webhooks: "/admin/webhooks/",
  rateLimits: "/admin/rate-limits/",
  developers: "/developers/",
  login: "/login/",
  apiDocument: "/api/v1/openapi.json",
} as const;

/** The sign-in page, coming back to where the person was. */
export function loginPath(from: string): string {
  return from === paths.overview ? paths.login : `${paths.login}?next=${encodeURIComponent(from)}`;
}

/** A place inside the console that a `next` parameter may name; anything else becomes the overview. */
export function safeNext(next: string | null): string {
  if (!next || !next.startsWith("/") || /^\/[/\\]/.test(next)) return paths.overview;
  return next.startsWith(paths.login) ? paths.overview : next;
}
