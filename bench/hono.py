"""The same two answers by em-control and by Hono with pg on Node, in one run: JSON from memory, and one row by its id with the
caller's rights. What counts is the CPU time of an answer: the server's, and for a row PostgreSQL's beside it. nginx, which only
sends the same text and asks nobody, shows what the kernel leaves."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from routes import make_components, script_of, wrk
from tools import Row, node_folder, service, wait_until

from instance import as_service, processes_in

CONNECTIONS = 64
MANY = 500
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pids):
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue  # it has ended
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


@contextmanager
def hono(data, key, remembered):
    """Hono's process, below the user who may ask the embedded PostgreSQL."""
    folder = node_folder("hono")
    program = as_service("node", folder / "server.mjs", data, key, remembered)
    child = subprocess.Popen(program, cwd="/", stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_ENV": "production"})
    try:
        yield SimpleNamespace(pid=child.pid, url=f"http://127.0.0.1:{int(child.stdout.readline())}")
    finally:
        child.terminate()
        child.wait(timeout=10)


@contextmanager
def nginx(folder, text):
    """One worker that answers everything with the text; it is started once it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = Path(folder, "nginx.conf")
    config.write_text(f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit; events {{}}\n"
                      f"http {{ access_log off; keepalive_requests 100000000; default_type application/json;\n"
                      f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{text}'; }} }} }}\n")
    child = subprocess.Popen([shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"), "-p", folder, "-c", config])
    try:
        wait_until(lambda: connects(port), 10, what="nginx")
        workers = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        yield SimpleNamespace(pids=[child.pid, *map(int, workers)], url=f"http://127.0.0.1:{port}/")
    finally:
        child.terminate()
        child.wait(timeout=10)


def connects(port):
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


def measure_one(name, url, script, pids, seconds, connections=CONNECTIONS):
    before = cpu_s(pids())
    rate, slowest = wrk(url, seconds, script, connections)
    spent = cpu_s(pids()) - before
    return SimpleNamespace(name=name, rate=rate, slowest=slowest, per_cpu_s=rate * seconds / spent)


def said(what, one, wanted="", met=None):
    return Row(f"{what}: {one.name}", f"{one.per_cpu_s:,.0f} per CPU second, {one.rate:,.0f}/s, p99 {one.slowest}", wanted, met)


def milliseconds(text):
    """What wrk writes of a time."""
    return next(float(text.removesuffix(unit)) * factor for unit, factor in (("ms", 1), ("us", 0.001), ("s", 1000)) if text.endswith(unit))


def rows_of(what, mine, peer, wanted, met):
    ratio = mine.per_cpu_s / peer.per_cpu_s
    return [said(what, mine, wanted, met), said(what, peer), Row(f"{what}: per CPU second beside Hono", f"{ratio:.1f} times", "≥ 4", ratio >= 4)]


def measure(quick):
    seconds = 4 if quick else 10
    rows = []
    with service() as control, tempfile.TemporaryDirectory() as folder:
        ids = make_components(control.client())
        remembered = control.client().get(f"/api/v1/components/{ids[0]}/health").text
        Path(folder).chmod(0o755)
        cases = [("JSON from memory", "/api/v1/components/%s/health", "/memory/%s", "≥ 80,000 per CPU second",
                  lambda one: one.per_cpu_s >= 80000),
                 ("a row by its id", "/api/v1/components/%s", "/components/%s", "≥ 15,000/s", lambda one: one.rate >= 15000)]
        with hono(control.data, control.admin_key, json.dumps(json.loads(remembered))) as peer:
            for what, our_route, their_route, wanted, met in cases:
                # PostgreSQL's share is in both: all that works in the folder of the data, but for the other server.
                everything = lambda: {control.pid, peer.pid, *processes_in(control.data)}
                mine = measure_one("em-control", control.url, script_of(folder, "ours", "GET", control.admin_key, ids, our_route, None),
                                   lambda: everything() - {peer.pid}, seconds)
                theirs = measure_one("Hono and pg", peer.url, script_of(folder, "theirs", "GET", control.admin_key, ids, their_route, None),
                                     lambda: everything() - {control.pid}, seconds)
                rows += rows_of(what, mine, theirs, wanted, met(mine))
                if what == "JSON from memory":
                    with nginx(folder, remembered) as limit:
                        bare = measure_one("nginx", limit.url, None, lambda: limit.pids, seconds)  # noqa: B023
                    rows.append(said(f"{what}, {mine.per_cpu_s / bare.per_cpu_s:.2f} of what nginx sends", bare))
            many = measure_one(f"em-control, {MANY} connections", control.url, str(Path(folder, "ours.lua")),
                               lambda: everything() - {peer.pid}, seconds, MANY)
            rows.append(said("a row by its id", many, "p99 < 50 ms", milliseconds(many.slowest) < 50))
    return rows
