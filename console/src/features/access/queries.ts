import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, data, sessionLost, setCsrfToken } from "@/lib/api";
import { live } from "@/lib/live";
import { can, type Permission } from "@/lib/permissions";
import type { Session } from "@/lib/types";

export const sessionKey = ["session"] as const;

/** How the person proves who they are: a one-time token from a link, or an API key. */
export type Proof = { token: string } | { api_key: string };

function adopt(session: Session): Session {
  setCsrfToken(session.csrf_token ?? "");
  return session;
}

/** The session; its error has status 401 when nobody is signed in. */
export function useSession() {
  return useQuery({
    queryKey: sessionKey,
    queryFn: async ({ signal }) => adopt(await data(api.GET("/api/v1/session", { signal }))),
    staleTime: Infinity,
  });
}

/** Whether the person who is signed in may do something. */
export function useCan(permission: Permission): boolean {
  return can(useSession().data, permission);
}

/** Signs in. Whatever was on the screen when a session ended is fetched again. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (proof: Proof) => adopt(await data(api.POST("/api/v1/session", { body: proof }))),
    onSuccess: (session) => {
      client.setQueryData(sessionKey, session);
      sessionLost.set(false);
      live.reconnect();
      void client.invalidateQueries({ predicate: (query) => query.queryKey !== sessionKey });
    },
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => data(api.DELETE("/api/v1/session")),
    onSuccess: () => {
      live.stop();
      client.clear();
    },
  });
}
