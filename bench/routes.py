"""Requests per second of a MEMORY, a READ and a HANDLER route, beside the raw epoll server with a body of the same size."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from tools import MEASURED_CORE, OTHER_CORE, Row, on_core, pin, service, target

CONNECTIONS = 32


def wrk(url, seconds, script=None):
    """Requests per second, and the 99th percentile as wrk writes it."""
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *(["-s", script] if script else []), url]
    output = subprocess.run(on_core(OTHER_CORE, argv), capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    assert not wrong, f"{url}: {wrong[1]} answers are no success"
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]), re.search(r"99%\s+(\S+)", output)[1]


def script_of(folder, name, method, key, body=None):
    """A wrk script that sends the key, and for a write a body that differs each time."""
    lines = [f'wrk.method = "{method}"', f'wrk.headers["Authorization"] = "Bearer {key}"']
    if body is not None:
        lines += ['wrk.headers["Content-Type"] = "application/json"', "local count = 0",
                  "request = function()", "  count = count + 1",
                  f"  return wrk.format(nil, nil, nil, string.format([[{json.dumps(body)}]], count))", "end"]
    path = Path(folder, name + ".lua")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def make_component(client):
    client.create("organisations", key="bench", name="Bench")
    client.create("business-units", organisation="bench", key="unit", name="Unit")
    client.create("systems", business_unit="bench/unit", key="system", name="System")
    client.create("environment-groups", business_unit="bench/unit", key="group", name="Group", kind="test")
    client.create("component-definitions", system="bench/unit/system", key="web", name="Web", kind="web")
    client.create("instances", system="bench/unit/system", environment_group="bench/unit/group", key="one", name="One")
    return client.create("components", instance="bench/unit/system/one", definition="bench/unit/system/web",
                         key="web", name="Web")["id"]


def measure(quick):
    seconds = 3 if quick else 8
    rows = []
    with service() as control, tempfile.TemporaryDirectory() as folder:
        component = make_component(control.client())
        path = f"/api/v1/components/{component}"
        body_bytes = len(control.client().get(f"{path}/health").content)
        pin(control.pid, MEASURED_CORE)
        with target(body_bytes, MEASURED_CORE) as ports:
            raw, slowest = wrk(f"http://127.0.0.1:{ports['http']}/", seconds)
        rows.append(Row("raw epoll server, one core", f"{raw:.0f}/s, p99 {slowest}"))

        cases = [("MEMORY", "GET", f"{path}/health", None), ("READ", "GET", path, None),
                 ("HANDLER", "PATCH", path, {"description": "change %d"})]
        for runs, method, route, body in cases:
            script = script_of(folder, runs, method, control.admin_key, body)
            rate, slowest = wrk(control.url + route, seconds, script)
            rows.append(Row(f"{runs} route: {method} {route.replace(component, '{id}')}",
                            f"{rate:.0f}/s, p99 {slowest}, {rate / raw:.2f} of the raw server"))
    return rows
