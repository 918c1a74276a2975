"use client";

import { RefreshCw } from "lucide-react";
import { Button } from "@/components/ui/button";
import { buildChanged } from "@/lib/api";
import { useSignal } from "@/lib/signal";

/** Offers to reload once the service has been updated under the page. */
export function BuildNotice() {
  const changed = useSignal(buildChanged);
  if (!changed) return null;
  return (
    <div role="status" className="flex items-center justify-center gap-3 border-b bg-accent px-3 py-1">
      A new version is installed.
      <Button onClick={() => location.reload()}>
        <RefreshCw aria-hidden />
        Reload
      </Button>
    </div>
  );
}
