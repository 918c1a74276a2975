"""Many at once, and all at the same moment: every probe has exactly one result, in time."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from probe_runs import Running
from probe_tables import LATE_MS
from processes import wait_until

GOOD, HANGING = 3500, 1500
GOOD_SERVER = """
import asyncio, sys
class Reply(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello")
        self.transport.close()
async def main():
    server = await asyncio.get_running_loop().create_server(Reply, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


@contextmanager
def good_server():
    child = subprocess.Popen([sys.executable, "-c", GOOD_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield int(child.stdout.readline())
    finally:
        child.kill()
        child.communicate()


def http(port, id, timeout_ms):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms, "spec": {"url": f"http://127.0.0.1:{port}/"}}


def test_thousands_start_at_once_and_a_third_hangs(prober_once):
    with good_server() as good, socket.create_server(("127.0.0.1", 0), backlog=4096) as silent:
        hanging_port = silent.getsockname()[1]
        checks = [http(good, f"good {n}", 5000) for n in range(GOOD)] + \
                 [http(hanging_port, f"hanging {n}", 2500) for n in range(HANGING)]
        checks = [checks[n * 7 % len(checks)] for n in range(len(checks))]  # one among the others
        run = prober_once(checks)
    assert len(run.order) == len(run.results) == len(checks)
    seen = Counter((result["check"].split()[0], result["outcome"], result["phase"]) for result in run.order)
    assert seen == {("good", "ok", "assert"): GOOD, ("hanging", "timeout", "first_byte"): HANGING}
    late_us = sorted(result["timings_us"]["queue"] for result in run.order)
    assert late_us[len(late_us) * 99 // 100] < 1_000_000, late_us[-1]
    longest_us = max(result["timings_us"]["total"] for result in run.order if result["outcome"] == "timeout")
    assert longest_us < (2500 + LATE_MS) * 1000


class FullListener:
    """A listener whose queue is full, so that SYNs get lost; open() lets those in that are sent again."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = [socket.socket() for _ in range(4)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(self.listener.getsockname())

    def open(self):
        self.listener.listen(4096)
        self.listener.accept()[0].close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (self.listener, *self.fillers):
            one.close()


def tcp(port, id, timeout_ms, **check):
    return {"id": id, "kind": "tcp", "timeout_ms": timeout_ms, "spec": {"address": "127.0.0.1", "port": port}, **check}


def connecting(port):
    """How many connections to that port of loopback wait for the answer to their SYN."""
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return sum(line.split()[2:4] == [f"0100007F:{port:04X}", "02"] for line in lines)


def test_connections_that_stand_at_the_moment_of_the_timer(prober_once):
    """The kernel sends a lost SYN again after about a second: there the timeouts lie, a millisecond from each other."""
    timeouts_ms = range(950, 1150)
    with FullListener() as full:
        def open_in_time():
            wait_until(lambda: connecting(full.port) >= len(timeouts_ms) // 2, 5, 0.01)
            full.open()

        opener = threading.Thread(target=open_in_time)
        opener.start()
        run = prober_once([tcp(full.port, str(ms), ms) for ms in timeouts_ms])
        opener.join()
    assert len(run.order) == len(run.results) == len(timeouts_ms)
    seen = Counter((result["outcome"], result["phase"]) for result in run.order)
    assert set(seen) == {("ok", "connect"), ("connect_timeout", "connect")}, seen
    assert all(result["timings_us"]["total"] < (int(result["check"]) + LATE_MS) * 1000 for result in run.order)


def test_cancelled_while_connecting():
    """The end of the program is no result of a target."""
    with FullListener() as full:
        checks = [tcp(full.port, str(n), 20000, interval_s=20) for n in range(50)]
        with Running(checks, "--flood", 50, "--in-flight", 50) as running:
            wait_until(lambda: running.descriptors() > 50, what="connections under way")
            began = time.monotonic()
            running.child.send_signal(signal.SIGTERM)
            running.child.wait(timeout=10)
            assert time.monotonic() - began < 5
        assert not running.taken()
