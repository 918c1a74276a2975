// The typed client of the API. Every answer passes here: problems become ApiError, a lost session and a new
// build of the service are told to whoever watches.

import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "@openapi/types";
import { signal } from "@/lib/signal";
import type { Problem } from "@/lib/types";

const DEADLINE_MS = 15_000;
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** A refused or failed call; `code` is `network` when no answer came and `timeout` when it came too late. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly requestId: string | null = null,
    readonly errors: NonNullable<Problem["errors"]> = [],
    /** The object as it stands, when a write has lost the race. */
    readonly current: unknown = null,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

/** True once the server has refused a call because the session is gone; false again after signing in. */
export const sessionLost = signal(false);

/** True when the service runs another build than the one that answered first. */
export const buildChanged = signal(false);

/** Whether the last call reached the service at all. */
export const reachable = signal(true);

let csrfToken = "";
let firstBuild: string | null = null;

/** Sets the token that goes with every write; it comes with the session. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** What every write carries beside the cookie. */
export function csrfHeaders(): Record<string, string> {
  return csrfToken ? { "X-CSRF-Token": csrfToken } : {};
}

function prepare(request: Request): Request {
  if (!SAFE.has(request.method)) {
    for (const [name, value] of Object.entries(csrfHeaders())) request.headers.set(name, value);
  }
  return new Request(request, {
    signal: AbortSignal.any([request.signal, AbortSignal.timeout(DEADLINE_MS)]),
  });
}

function observe(request: Request, response: Response): void {
  reachable.set(true);
  const build = response.headers.get("X-EM-Build");
  if (build) {
    firstBuild ??= build;
    if (build !== firstBuild) buildChanged.set(true);
  }
  // The session call itself answers 401 to somebody who has not signed in yet: that is no loss.
  if (response.status === 401 && !new URL(request.url).pathname.endsWith("/session")) sessionLost.set(true);
}

function failureOf(error: unknown): ApiError | undefined {
  if (error instanceof DOMException && error.name === "AbortError") return undefined;
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new ApiError(0, "timeout", `The service did not answer within ${DEADLINE_MS / 1000} s.`);
  }
  reachable.set(false);
  return new ApiError(0, "network", "The service could not be reached.");
}

const middleware: Middleware = {
  onRequest: ({ request }) => prepare(request),
  onResponse: ({ request, response }) => observe(request, response),
  onError: ({ error }) => failureOf(error),
};

/** The client itself: `api.GET("/api/v1/tree", …)`. Pass its answer through `data()`. */
export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });
api.use(middleware);

/** Any request of the person's own making, as it stands: its answer is given back whatever its status. */
export async function send(url: string, init: RequestInit): Promise<Response> {
  const request = prepare(new Request(url, { ...init, credentials: "same-origin" }));
  try {
    const response = await fetch(request);
    observe(request, response);
    return response;
  } catch (error) {
    throw failureOf(error) ?? error;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; throws ApiError otherwise. */
export async function data<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data: body, error, response } = await call;
  if (response.ok) return body as T; // openapi-fetch gives the success type exactly when the status is 2xx
  throw problemError(response, error);
}

/** The body of a good answer, where the API's document leaves open a shape of lib/types.ts says more exactly. */
export async function exactly<Shape>(call: Promise<Answer<unknown>>): Promise<Shape> {
  return (await data(call)) as Shape;
}

/** Turns a refused answer into an ApiError, whether or not its body is a problem document. */
export function problemError(response: Response, body: unknown): ApiError {
  const requestId = response.headers.get("X-Request-Id");
  const problem = isProblem(body) ? body : null;
  return new ApiError(
    response.status,
    problem?.code ?? `http_${response.status}`,
    problem?.detail || problem?.title || `The service answered ${response.status}.`,
    problem?.request_id ?? requestId,
    problem?.errors ?? [],
    problem?.current ?? null,
  );
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "title" in body && "code" in body;
}
