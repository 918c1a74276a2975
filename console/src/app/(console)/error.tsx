"use client";

import { useEffect } from "react";
import { ErrorView } from "@/components/views";
import { reloadOnce } from "@/lib/reload";

export default function PageError({ error, reset }: { error: Error; reset: () => void }) {
  useEffect(() => reloadOnce(error), [error]);
  return <ErrorView error={error} what="This page" onRetry={reset} />;
}
