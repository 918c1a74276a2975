"""Requests per second of a MEMORY, a READ and a HANDLER route, beside the raw epoll server with a body of the same size; and of
HTTP/2 beside HTTP/1.1."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from tools import MEASURED_CORE, OTHER_CORE, Row, on_core, pin, service, target

CONNECTIONS = 32


def wrk(url, seconds, script=None, connections=CONNECTIONS):
    """Requests per second, and the 99th percentile as wrk writes it."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *(["-s", script] if script else []), url]
    output = subprocess.run(on_core(OTHER_CORE, argv), capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    assert not wrong, f"{url}: {wrong[1]} answers are no success"
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]), re.search(r"99%\s+(\S+)", output)[1]


def h2load(url, key, seconds, *options):
    """Requests per second of one URL; h2load's two ways of speaking cost it differently, so it is no peer of wrk."""
    argv = ["h2load", "--threads=1", f"--duration={seconds}", f"--header=authorization: Bearer {key}", *options, url]
    output = subprocess.run(on_core(OTHER_CORE, argv), capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    assert re.search(r"status codes: \d+ 2xx, 0 3xx, 0 4xx, 0 5xx", output), output
    return float(re.search(r"finished in .*, ([\d.]+) req/s", output)[1])


def script_of(folder, name, method, key, ids, route, body):
    """A wrk script that goes round the ids, sends the key, and for a write a body that differs each time."""
    lines = ["local ids = {" + ", ".join(f'"{one}"' for one in ids) + "}", "local count = 0",
             "local headers = {", f'  ["Authorization"] = "Bearer {key}", ["Content-Type"] = "application/json" }}',
             "request = function()", "  count = count + 1",
             f'  local path = string.format("{route}", ids[count % #ids + 1])',
             "  local body = " + ("nil" if body is None else f"string.format([[{json.dumps(body)}]], count)"),
             f'  return wrk.format("{method}", path, headers, body)', "end"]
    path = Path(folder, name + ".lua")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def make_components(client):
    """As many components as there are connections, so that writers do not wait for the same row."""
    client.create("organisations", key="bench", name="Bench")
    client.create("business-units", organisation="bench", key="unit", name="Unit")
    client.create("systems", business_unit="bench/unit", key="system", name="System")
    client.create("environment-groups", business_unit="bench/unit", key="group", name="Group", kind="test")
    client.create("component-definitions", system="bench/unit/system", key="web", name="Web", kind="web")
    client.create("instances", system="bench/unit/system", environment_group="bench/unit/group", key="one", name="One")
    return [client.create("components", instance="bench/unit/system/one", definition="bench/unit/system/web",
                          key=f"web-{number}", name=f"Web {number}")["id"] for number in range(CONNECTIONS)]


def measure(quick):
    seconds = 3 if quick else 8
    rows = []
    with service() as control, tempfile.TemporaryDirectory() as folder:
        ids = make_components(control.client())
        body_bytes = len(control.client().get(f"/api/v1/components/{ids[0]}/health").content)
        pin(control.pid, MEASURED_CORE)
        with target(body_bytes, MEASURED_CORE) as ports:
            raw, slowest = wrk(f"http://127.0.0.1:{ports['http']}/", seconds)
        rows.append(Row("raw epoll server, one core", f"{raw:.0f}/s, p99 {slowest}"))

        cases = [("MEMORY", "GET", "/api/v1/components/%s/health", None), ("READ", "GET", "/api/v1/components/%s", None),
                 ("HANDLER", "PATCH", "/api/v1/components/%s", {"description": "change %d"})]
        for runs, method, route, body in cases:
            rate, slowest = wrk(control.url, seconds, script_of(folder, runs, method, control.admin_key, ids, route, body))
            rows.append(Row(f"{runs} route: {method} {route.replace('%s', '{id}')}",
                            f"{rate:.0f}/s, p99 {slowest}, {rate / raw:.3f} of the raw server"))

        url = f"{control.url}/api/v1/components/{ids[0]}/health"
        old = h2load(url, control.admin_key, seconds, "--h1", "--clients=64")
        new = h2load(url, control.admin_key, seconds, "--clients=4", "--max-concurrent-streams=16")
        rows.append(Row("MEMORY route by HTTP/2: 4 connections of 16 streams", f"{new:.0f}/s, {new / old:.2f} times 64 connections of HTTP/1.1"))
    return rows
