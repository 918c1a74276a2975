// Sends a file, and says how far it is: fetch() cannot tell that of what it sends.

import { ApiError, csrfHeaders, problemError } from "@/lib/api";

const UPLOAD_MS = 15 * 60_000; // the service's own bound

/** The answer as JSON. @param onProgress gets the part that is sent, 0 to 1. */
export function upload<Answer>(
  url: string,
  type: string,
  file: Blob,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (code: string, detail: string) => () => reject(new ApiError(0, code, detail));
    request.open("POST", url);
    request.timeout = UPLOAD_MS;
    request.setRequestHeader("Content-Type", type);
    for (const [name, value] of Object.entries(csrfHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const answer = new Response(null, { status: request.status, headers: headersOf(request) });
      const body = jsonOf(request.responseText);
      if (answer.ok) resolve(body as Answer);
      else reject(problemError(answer, body));
    };
    request.onerror = fail("network", "The service could not be reached, or it ended the upload.");
    request.ontimeout = fail("timeout", "The upload took longer than 15 minutes.");
    request.onabort = fail("aborted", "The upload was ended.");
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function headersOf(request: XMLHttpRequest): HeadersInit {
  const id = request.getResponseHeader("X-Request-Id");
  return id ? { "X-Request-Id": id } : {};
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
