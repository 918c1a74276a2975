"""What the machine lacks is never held against the target: descriptors, ports, memory, and clocks that jump."""

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import processes
from probe_runs import Running, verdicts
from servers.certificates import Authority
from servers.dns import DnsServer
from servers.hostile import OK, Server, answer
from servers.network import HERE, THERE, Network

RELEASE = processes.ROOT / "build" / "release" / "prober" / "em-prober"  # without sanitizers
HOUR_US = 3600 * 1_000_000
SUSPEND_US = 600 * 1_000_000


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """The library of shims/faults.c."""
    library = tmp_path_factory.mktemp("shim") / "faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).parent / "shims" / "faults.c", "-ldl"],
                   check=True, timeout=60)
    return library


@pytest.mark.slow
def test_no_descriptors_left(authority):
    """Probes that hang hold all there are; when they do not any more, everything is well again by itself."""
    released = threading.Event()

    def hang(connection):
        released.wait(20)
        answer(OK)(connection)

    with Server(hang) as hanging, Server(answer(OK)) as server, Server(answer(OK), authority.issue("files")) as secure, \
            DnsServer({"name.test": {"A": ["127.0.0.1"]}}) as dns:
        def every(id, **check):
            return {"id": id, "interval_s": 2, "timeout_ms": 2000, **check}

        checks = [every(f"hang {n}", kind="http", spec={"url": f"http://127.0.0.1:{hanging.port}/"}) for n in range(60)]
        checks += [every(f"http {n}", kind="http", spec={"url": f"http://127.0.0.1:{server.port}/"}) for n in range(20)]
        checks += [every(f"https {n}", kind="http", spec={"url": f"https://127.0.0.1:{secure.port}/", "tls": {"ca": authority.ca}})
                   for n in range(5)]
        checks += [every(f"name {n}", kind="http", spec={"url": f"http://name.test:{server.port}/"}) for n in range(10)]
        checks += [every(f"dns {n}", kind="dns", spec={"name": "name.test"}) for n in range(5)]
        with Running(checks, "--in-flight", "1000", "--dns-servers", f"127.0.0.1:{dns.port}", files=30) as prober:
            time.sleep(7)
            begin_s = prober.cpu_s()
            starved = prober.taken()
            time.sleep(4)
            starved += prober.taken()
            assert prober.cpu_s() - begin_s < 1.2, "it spins"
            released.set()
            time.sleep(3)
            prober.taken()
            time.sleep(5)
            after = prober.taken()
    seen = verdicts(result for result in starved if not result["check"].startswith("hang"))
    assert seen <= {("ok", "ok"), ("error", "prober_error")}, seen
    assert ("error", "prober_error") in verdicts(starved), "nothing was starved: the test says nothing"
    assert verdicts(after) == {("ok", "ok")}
    assert len({result["check"] for result in after}) == 100


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.mark.skipif("os.geteuid() != 0", reason="needs network namespaces")
def test_no_ports_left():
    """In a network of its own with ten ephemeral ports, all of them taken."""
    server = ("import socket, time\n"
              f"listener = socket.create_server(('{HERE}', 9000), backlog=64)\n"
              "print('ready', flush=True)\nkept = []\n"
              "while True:\n    kept.append(listener.accept())\n")
    with Network() as network:
        network.sysctl("net.ipv4.ip_local_port_range", "50000 50009", host="here")
        listening = subprocess.Popen([*network.here, "python3", "-c", server], stdout=subprocess.PIPE)
        try:
            assert listening.stdout.readline() == b"ready\n"
            checks = [{"id": str(n), "kind": "tcp", "timeout_ms": 800,
                       "spec": {"address": HERE, "port": 9000, "expect_regex": "never"}} for n in range(40)]
            ended = subprocess.run([*network.here, processes.EM_PROBER, "once", "--loops", "1", "--per-host", "100"],
                                   input="".join(json.dumps(check) + "\n" for check in checks), capture_output=True, text=True,
                                   timeout=30, check=False)
        finally:
            listening.kill()
            listening.wait()
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(results) == 40
    assert verdicts(results) == {("fail", "timeout"), ("error", "prober_error")}
    assert sum(result["outcome"] == "timeout" for result in results) == 10
    assert any("Cannot assign requested address" in result["message"] for result in results)


SLOW_SERVER = f"""
import asyncio, collections, json, sys
at_once, most = collections.Counter(), collections.Counter()
async def serve(reader, writer):
    host = writer.get_extra_info("sockname")[0]
    at_once[host] += 1
    most[host] = max(most[host], at_once[host])
    await reader.read(1)
    await asyncio.sleep(0.1)
    at_once[host] -= 1
    writer.write(b"ready")
    writer.close()
async def main():
    await asyncio.start_server(serve, "0.0.0.0", 9000, backlog=2000)
    print("listening", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(most), flush=True)
asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif("os.geteuid() != 0", reason="needs network namespaces")
def test_no_host_sees_more_than_its_cap():
    """A thousand checks of one slow host and a hundred of another, all due at once."""
    other = "10.77.0.3"
    with Network() as network:
        network.address(other)
        server = subprocess.Popen([*network.there, "python3", "-c", SLOW_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert server.stdout.readline() == b"listening\n"
            checks = [{"id": f"{host}-{n}", "kind": "tcp", "timeout_ms": 5000,
                       "spec": {"address": host, "port": 9000, "send": "x", "expect_regex": "ready"}}
                      for host, count in ((THERE, 1000), (other, 100)) for n in range(count)]
            ended = subprocess.run([*network.here, processes.EM_PROBER, "once", "--loops", "2"],
                                   input="".join(json.dumps(check) + "\n" for check in checks), capture_output=True, text=True,
                                   timeout=60, check=False)
            most, _ = server.communicate(timeout=30)
        finally:
            server.kill()
            server.wait()
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(results) == 1100 and verdicts(results) == {("ok", "ok")}
    assert json.loads(most) == {THERE: 20, other: 20}
    queued_ms = {host: max(result["timings_us"]["queue"] / 1000 for result in results if result["check"].startswith(host))
                 for host in (THERE, other)}
    assert queued_ms[THERE] > 4000, "twenty at a time, 0.1 s each: the last waits for 49 others"
    assert queued_ms[other] < 2500, "the other host's wait for one another only"


def allocation_checks(server, secure, dns, authority):
    rows = [("http", {"url": f"http://127.0.0.1:{server.port}/", "expect": {"body_regex": "h.llo", "body_contains": "ell"}}),
            ("http", {"url": f"https://127.0.0.1:{secure.port}/", "tls": {"ca": authority.ca}}),
            ("http", {"url": f"http://name.test:{server.port}/"}),
            ("tcp", {"address": "127.0.0.1", "port": server.port, "send": "GET / HTTP/1.0\r\n\r\n", "expect_regex": "200"}),
            ("tcp", {"address": "two.test", "port": server.port, "address_family": "all"}),
            ("dns", {"name": "name.test"})]
    return "".join(json.dumps({"id": str(number), "kind": kind, "spec": spec}) + "\n" for number, (kind, spec) in enumerate(rows))


def check_allocation(number, shim, checks, dns):
    """One run whose N-th allocation fails: what is wrong with how it ended, or None."""
    ended = subprocess.run([RELEASE, "once", "--loops", "1", "--dns-servers", f"127.0.0.1:{dns.port}"], input=checks,
                           capture_output=True, text=True, timeout=30, check=False,
                           env={**os.environ, "LD_PRELOAD": str(shim), "EM_FAIL_ALLOCATION": str(number)})
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    bad = [result for result in results if result["verdict"] not in ("ok", "error")]
    if bad:
        return number, bad
    if ended.returncode == -signal.SIGABRT:
        return None if re.search("memory.exhausted|cannot allocate", ended.stderr) else (number, ended.stderr)
    if ended.returncode not in (0, 1) or len(results) != checks.count("\n"):
        return number, ended.returncode, ended.stderr, len(results)
    return None


def run_allocations(numbers, shim, authority):
    assert RELEASE.exists(), "build/release is needed: cmake --build --preset release"
    with Server(answer(OK)) as server, Server(answer(OK), authority.issue("memory")) as secure, \
            DnsServer({"name.test": {"A": ["127.0.0.1"]}, "two.test": {"A": ["127.0.0.1", "127.0.0.1"]}}) as dns:
        checks = allocation_checks(server, secure, dns, authority)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = list(filter(None, pool.map(lambda number: check_allocation(number, shim, checks, dns), numbers)))
    assert not wrong, wrong[:5]


@pytest.mark.slow
def test_an_allocation_fails(shim, authority):
    run_allocations(range(1, 200), shim, authority)


@pytest.mark.long
def test_each_of_2000_allocations_fails(shim, authority):
    run_allocations(range(1, 2001), shim, authority)


@pytest.mark.slow
def test_wall_clock_jumps(shim, tmp_path):
    """An hour back, ten minutes ahead as after a suspend, and a day ahead: the interval stays, nothing is told twice or
    never, and durations are true."""
    assert RELEASE.exists(), "build/release is needed: cmake --build --preset release"
    offset = tmp_path / "offset"
    offset.write_bytes(struct.pack("q", 0))
    seen = []

    def handle(connection):
        seen.append(time.monotonic())
        answer(OK)(connection)

    with Server(handle) as server, Running(
            [{"id": "a", "kind": "http", "interval_s": 1, "timeout_ms": 1000, "spec": {"url": f"http://127.0.0.1:{server.port}/"}}],
            program=RELEASE, LD_PRELOAD=str(shim), EM_CLOCK_FILE=str(offset)) as prober:
        for jump_us in (0, -HOUR_US, -HOUR_US + SUSPEND_US, 23 * HOUR_US):
            with offset.open("r+b") as file:
                file.write(struct.pack("q", jump_us))
            time.sleep(2.4)
        results = prober.taken()
    assert 8 <= len(seen) <= 11 and len(results) <= len(seen)
    assert max(later - earlier for earlier, later in zip(seen, seen[1:])) < 1.5
    assert all(0 < result["timings_us"]["total"] < 900_000 and result["timings_us"]["queue"] < 900_000 for result in results)
    assert verdicts(results) == {("ok", "ok")}
    days = {result["at"][:10] for result in results}
    assert len(days) == 2, "the jump never reached the program: the test says nothing"


@pytest.mark.slow
def test_a_pause_is_skipped_and_not_caught_up():
    """Stopped for a while, as in a suspend: one probe a slot afterwards, no burst."""
    seen = []

    ended = threading.Event()  # the prober has closed: a probe that is under way when it stops would be late

    def handle(connection):
        seen.append(time.monotonic())
        answer(OK)(connection)
        with contextlib.suppress(OSError):
            while connection.recv(4096):
                pass
        ended.set()

    with Server(handle) as server, Running(
            [{"id": "a", "kind": "http", "interval_s": 1, "timeout_ms": 1000, "spec": {"url": f"http://127.0.0.1:{server.port}/"}}],
            "--summary") as prober:
        assert ended.wait(10)
        prober.child.send_signal(signal.SIGSTOP)
        time.sleep(4)
        resumed = time.monotonic()
        before = len(seen)
        prober.child.send_signal(signal.SIGCONT)
        time.sleep(2.3)
        after = [at - resumed for at in seen[before:]]
    assert 2 <= len(after) <= 4, after
    assert sum(at < 0.2 for at in after) <= 1, after
    summary, = prober.taken()
    assert summary["by_verdict"]["ok"] == summary["probes"]
    assert 3 <= summary["skipped"] <= 5, "slots that nobody could keep are counted"
