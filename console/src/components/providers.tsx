"use client";

import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import { useEffect, useState, type ReactNode } from "react";
import { ApiError } from "@/lib/api";
import { reloadOnce } from "@/lib/reload";
import { restoreLetterKeys } from "@/lib/shortcuts";
import { watchTheme } from "@/lib/theme";

const Toaster = dynamic(() => import("@/components/ui/toast").then((module) => module.Toaster), {
  ssr: false,
});

const RETRIES = 2;

function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // The service may be on this very machine: whether it answers is for it to say, not for the browser.
        networkMode: "always",
        // What the server refused it will refuse again; only faults and silence are worth another try.
        retry: (count, error) =>
          count < RETRIES && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      },
      mutations: { networkMode: "always" },
    },
  });
}

/** What every page stands on. */
export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(newQueryClient);

  useEffect(() => {
    restoreLetterKeys();
    const onError = (event: ErrorEvent) => reloadOnce(event.error);
    const onRejection = (event: PromiseRejectionEvent) => reloadOnce(event.reason);
    window.addEventListener("error", onError);
    window.addEventListener("unhandledrejection", onRejection);
    const unwatch = watchTheme();
    return () => {
      window.removeEventListener("error", onError);
      window.removeEventListener("unhandledrejection", onRejection);
      unwatch();
    };
  }, []);

  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <NuqsAdapter>{children}</NuqsAdapter>
        <Toaster />
      </QueryClientProvider>
    </CSPProvider>
  );
}
