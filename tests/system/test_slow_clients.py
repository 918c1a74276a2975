"""slowhttptest, which holds connections open as attackers do: others are served meanwhile, and its own end by our deadlines."""

import re
import shutil
import subprocess
import time

import pytest
import requests

CONNECTIONS = 300
SECONDS = 60  # longer than the deadlines of heads, bodies and readers

pytestmark = pytest.mark.skipif(not shutil.which("slowhttptest"), reason="slowhttptest is not installed")

HEADS = ["-H", "-i", "5", "-t", "GET"]
BODIES = ["-B", "-i", "5", "-s", "8192", "-f", "application/json"]
RANGES = ["-R", "-a", "1", "-b", "3000", "-t", "GET"]
READERS = ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "5", "-k", "3"]


@pytest.mark.parametrize("attack, path", [
    pytest.param(HEADS, "/api/v1/session", marks=pytest.mark.slow, id="heads"),
    pytest.param(BODIES, "/api/v1/session", marks=pytest.mark.long, id="bodies"),
    pytest.param(RANGES, "/login/", marks=pytest.mark.long, id="ranges"),
    pytest.param(READERS, "/api/v1/openapi.json", marks=pytest.mark.long, id="readers"),
])
def test_slow_clients_keep_nobody_waiting_and_are_ended(start_control, attack, path):
    control = start_control()
    argv = ["slowhttptest", "-c", CONNECTIONS, "-r", CONNECTIONS, "-l", SECONDS, "-p", 3, "-u", control.url + path, "-v", "1",
            *attack]
    child = subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True)
    slowest = answered = 0
    try:
        while child.poll() is None:
            started = time.monotonic()
            assert requests.get(f"{control.url}/healthz", timeout=5).status_code == 200
            slowest = max(slowest, time.monotonic() - started)
            answered += 1
            time.sleep(0.05)
        said = re.sub(r"\x1b\[[0-9;]*m", "", child.stdout.read())
    finally:
        child.kill()
        child.wait(timeout=10)
    assert answered > 20 and slowest < 5, f"an answer took {slowest:.1f} s"
    assert "service available:   NO" not in said, said[-2000:]
    if attack is READERS:  # what is reset while it does not read, it goes on to call connected
        assert control.metric("em_http_timed_out_total") >= CONNECTIONS and control.metric("em_http_connections") <= 2
    else:  # it ends early, with all of its connections closed by us
        assert "No open connections left" in said, said[-2000:]
    assert control.client().get("/api/v1/organisations").status_code == 200
