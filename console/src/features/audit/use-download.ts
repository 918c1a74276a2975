import { useEffect, useRef, useState } from "react";
import { TooLarge } from "./too-large";

type Work = (onProgress: (count: number) => void, signal: AbortSignal) => Promise<void>;

/** Runs one download at a time and says how far it is; leaving the page ends it. */
export function useDownload(tooLarge: string) {
  const [progress, setProgress] = useState<number | null>(null);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);

  const run = (work: Work) => {
    const own = new AbortController();
    controller.current = own;
    setProgress(0);
    void work(setProgress, own.signal)
      .catch(async (error: unknown) => {
        if (own.signal.aborted) return;
        const { toast } = await import("@/components/ui/toast"); // not in the first load of the page
        const description =
          error instanceof TooLarge ? tooLarge : error instanceof Error ? error.message : String(error);
        toast({ title: "Nothing was exported", description });
      })
      .finally(() => setProgress(null));
  };
  return { progress, run };
}
