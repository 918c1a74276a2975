"""What others feel of one key that asks for far more than its limit: their latencies beside it, and without it, in turns."""

import json
import subprocess
import tempfile
from pathlib import Path

from mixed import make_estate
from tools import MEASURED_CORE, ROOT, Row, median, pin, service

PER_S = 300        # of the others, four reads to one write
GREEDY_PER_S = 5000
LIMIT_PER_S = 500  # of each key
WINDOW_S = 10
CONNECTIONS = 10   # of the greedy one


def limit_reads(client):
    [row] = [row for row in client.read("rate-limits")["items"] if row["class"] == "browse" and row["subject"] == "key"]
    reply = client.patch(f"/api/v1/rate-limits/{row['id']}", json={"quota": LIMIT_PER_S * WINDOW_S, "window_s": WINDOW_S})
    assert reply.status_code == 200, reply.text


def greedy(control, key, seconds):
    """h2load with HTTP/1.1: by the clock, whatever is answered; behind the others where the core of the clients is short."""
    return subprocess.Popen(["nice", "-n", "10", "h2load", "--h1", f"--clients={CONNECTIONS}", f"--duration={seconds}",
                             f"--rps={GREEDY_PER_S // CONNECTIONS}", f"--header=authorization: Bearer {key}",
                             f"{control.url}/api/v1/organisations"], stdout=subprocess.PIPE, text=True)


def others(control, file, seconds):
    ended = subprocess.run(["node", ROOT / "bench" / "mixed" / "load.mjs", control.url, control.admin_key, str(PER_S), str(seconds), file],
                           capture_output=True, text=True, timeout=seconds + 60, check=True)
    return json.loads(ended.stdout)


def measure(quick):
    seconds, rounds = (5, 3) if quick else (15, 5)
    alone, beside, refused = [], [], []
    with service() as control, tempfile.TemporaryDirectory() as folder:
        client = control.client()
        file = Path(folder, "estate.json")
        file.write_text(json.dumps(make_estate(client)))
        limit_reads(client)
        key = client.create("api-keys", name="greedy", scopes=["inventory.read"])["key"]
        pin(control.pid, MEASURED_CORE)
        others(control, file, 2)  # warm
        for _ in range(rounds):
            alone.append(others(control, file, seconds))
            flood = greedy(control, key, seconds + 2)
            beside.append(others(control, file, seconds))
            said = flood.communicate(timeout=seconds + 30)[0]
            refused.append(int(said.split(" 4xx")[0].rsplit(" ", 1)[1]) / (seconds + 2))
    failed = sum(result["failed"] for result in alone + beside)
    p99 = {name: median([result["all"]["p99"] for result in results]) for name, results in (("alone", alone), ("beside", beside))}
    ratio = p99["beside"] / p99["alone"]
    return [Row(f"{PER_S} requests/s of others beside {GREEDY_PER_S:,}/s of one key, of which {median(refused):,.0f}/s are refused",
                f"p99 {p99['beside']:.2f} ms, {ratio:.2f} times that without it; {failed} errors", "≤ 1.2 times, 0 errors",
                ratio <= 1.2 and failed == 0)]
