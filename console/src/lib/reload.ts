const MARK = "em-reloaded-at";
const AGAIN_AFTER_MS = 60_000;

/** Whether an error means that a part of the program is gone from the server, as after an update. */
function isChunkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.name === "ChunkLoadError" ||
    /loading chunk|failed to load chunk|dynamically imported module/i.test(error.message)
  );
}

/** Loads the page anew after a chunk error, but not twice within a minute. */
export function reloadOnce(error: unknown): void {
  if (!isChunkError(error)) return;
  try {
    const last = Number(sessionStorage.getItem(MARK) ?? 0);
    if (Date.now() - last < AGAIN_AFTER_MS) return;
    sessionStorage.setItem(MARK, String(Date.now()));
  } catch {
    return; // Without storage there is no guard against a loop.
  }
  location.reload();
}
