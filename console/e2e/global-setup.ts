// Gives the tests a service: the one that EM_URL and EM_ADMIN_KEY name, or, with EM_BUILD (a CMake build folder), an
// em-control and em-prober of their own on a fresh data folder, stopped and removed at the end.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const READY_MS = 60_000;
const STOP_MS = 20_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function start(home: string, name: string, program: string, args: string[]): ChildProcess {
  const log = createWriteStream(join(home, `${name}.log`));
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

async function ready(url: string, control: ChildProcess): Promise<boolean> {
  const until = Date.now() + READY_MS;
  while (Date.now() < until && control.exitCode === null) {
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}

export default async function globalSetup(): Promise<(() => Promise<void>) | void> {
  if (process.env.EM_URL) {
    if (!process.env.EM_ADMIN_KEY) throw new Error("EM_URL is set: set EM_ADMIN_KEY to an API key too");
    return;
  }
  if (!process.env.EM_BUILD) {
    throw new Error(
      "set EM_URL and EM_ADMIN_KEY, or EM_BUILD to a build folder with em-control and em-prober",
    );
  }

  const build = resolve(process.env.EM_BUILD);
  const home = mkdtempSync(join(tmpdir(), "em-e2e-"));
  const data = join(home, "data");
  chmodSync(home, 0o755); // root hands the folder on to the service's own user, who must be able to reach it
  const listen = `127.0.0.1:${await freePort()}`;
  const url = `http://${listen}`;
  const program = join(build, "control", "em-control");
  const control = start(home, "em-control", program, [
    "--data",
    data,
    "--listen",
    listen,
    "--console",
    resolve("out"),
  ]);
  const children = [control];
  const tearDown = async () => {
    for (const child of children.reverse()) await stop(child);
    rmSync(home, { recursive: true, force: true });
  };

  if (!(await ready(url, control))) {
    const log = readFileSync(join(home, "em-control.log"), "utf8");
    await tearDown();
    throw new Error(`em-control is not ready:\n${log.slice(-4_000)}`);
  }
  children.push(
    start(home, "em-prober", join(build, "prober", "em-prober"), ["--bus", `ipc://${data}/bus.sock`]),
  );

  process.env.EM_URL = url;
  process.env.EM_ADMIN_KEY = readFileSync(join(data, "admin.key"), "utf8").trim();
  process.env.EM_SIGN_IN_LINK = execFileSync(program, ["sign-in-link", "--data", data], {
    encoding: "utf8",
  }).trim();
  return tearDown;
}
