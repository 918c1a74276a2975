// A receiver of webhooks on a free port, which keeps what it is sent and answers as told.

import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";

const WAIT_MS = 30_000;

export interface Attempt {
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
  status: number;
}

export class Receiver {
  readonly attempts: Attempt[] = [];
  /** The statuses of the next answers; after them all are 204. */
  readonly answers: number[] = [];
  /** The body of answers that refuse. */
  reply = "";

  private held = { from: Infinity, until: Promise.resolve() };

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<Receiver> {
    const server = createServer((request, answer) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const status = receiver.answers.shift() ?? 204;
        const { headers } = request;
        receiver.attempts.push({
          id: String(headers["webhook-id"]),
          headers,
          body: Buffer.concat(parts).toString("utf8"),
          status,
        });
        const { from, until } = receiver.held;
        const finish = () => {
          answer.statusCode = status;
          answer.end(status === 204 ? undefined : receiver.reply);
        };
        if (receiver.attempts.length < from) finish();
        else void until.then(finish);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const receiver = new Receiver(server, `http://127.0.0.1:${address.port}/hook`);
    return receiver;
  }

  /** Requests from this one on, counted from 1, get no answer before the function that is given back is called. */
  hold(from: number): () => void {
    let release = () => {};
    this.held = { from, until: new Promise((done) => (release = done)) };
    return release;
  }

  /** Waits until so many requests have come. */
  async wait(count: number): Promise<void> {
    const until = Date.now() + WAIT_MS;
    while (this.attempts.length < count) {
      if (Date.now() > until) throw new Error(`${this.attempts.length} requests came, not ${count}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** Whether a request is signed with the secret, as Standard Webhooks says. */
export function isSigned({ id, headers, body }: Attempt, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = createHmac("sha256", key).update(`${id}.${String(headers["webhook-timestamp"])}.${body}`);
  return String(headers["webhook-signature"])
    .split(" ")
    .includes(`v1,${signed.digest("base64")}`);
}
