"use client";

import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { reloadOnce } from "@/lib/reload";
import "./globals.css";

export default function GlobalError({ error }: { error: Error }) {
  useEffect(() => reloadOnce(error), [error]);
  return (
    <html lang="en">
      <body>
        <main className="grid min-h-dvh place-items-center p-4">
          <div className="flex flex-col items-center gap-3 text-center">
            <h1 className="text-xl font-semibold">The console has failed</h1>
            <p className="text-muted-foreground">{error.message}</p>
            <Button variant="primary" size="md" onClick={() => location.reload()}>
              Reload
            </Button>
          </div>
        </main>
      </body>
    </html>
  );
}
