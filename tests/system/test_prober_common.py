"""What goes for every check, whatever its target does: in time, nobody else late, and nothing held on to."""

import gzip
import time
from types import SimpleNamespace

import pytest

from probe_runs import Running
from probe_tables import LATE_MS
from processes import short_dir
from servers import hostile
from servers.certificates import Authority
from servers.dns import NXDOMAIN, DnsServer
from servers.hostile import OK, Server, answer, redirect
from servers.websocket import PING, TEXT, echo, frame
from servers.websocket import talk as talk_websocket

TIMEOUT_MS = 600
BOMB = gzip.compress(bytes(50_000_000))


def flood(data):
    def send(connection):
        while True:
            connection.sendall(data)

    return send


def compressed(body):
    return answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

# name, kind, scheme and further fields of the spec, the good target, the hostile one
TARGETS = [
    ("hangs", "http", {}, answer(OK), hostile.hang),
    ("drips", "http", {}, answer(OK), hostile.byte_by_byte(OK, 0.1)),
    ("resets", "http", {}, answer(OK), hostile.reset),
    ("closes", "http", {}, answer(OK), hostile.close_at_once),
    ("garbage", "http", {}, answer(OK), answer(b"\xff" * 1000)),
    ("header", "http", {}, answer(OK), hostile.endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 50)),
    ("body", "http", {"expect": {"body_contains": "e"}}, answer(OK), hostile.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)),
    ("chunks", "http", {}, answer(OK), answer(CHUNKED + b"zz\r\n")),
    ("trailers", "http", {}, answer(OK), hostile.endless(CHUNKED + b"0\r\n", b"X: y\r\n" * 100)),
    ("loop", "http", {}, answer(OK), answer(redirect("/"))),
    ("bomb", "http", {"compression": True}, compressed(gzip.compress(b"x")), compressed(BOMB)),
    ("expression", "http", {"expect": {"body_regex": "^h|(a|a?)+(a|b?)+$(?<!a)"}}, answer(OK),
     answer(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 50_000)),
    ("jq", "http", {"expect": {"json": "if .n then true else [range(1e18)] | length > 0 end"}},
     answer(b'HTTP/1.1 200 OK\r\n\r\n{"n":1}'), answer(b"HTTP/1.1 200 OK\r\n\r\n{}")),
    ("nested", "http", {"expect": {"json": ".n == 1"}}, answer(b'HTTP/1.1 200 OK\r\n\r\n{"n":1}'),
     answer(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000)),
    ("frames", "websocket", {"send": "x", "expect_regex": "x"}, talk_websocket(then=echo),
     talk_websocket(then=flood(frame(PING, b"x" * 100) * 50))),
    ("messages", "websocket", {"send": "x", "expect_regex": "x"}, talk_websocket(then=echo),
     talk_websocket(frame(TEXT, length=1 << 30))),
    ("lines", "tcp", {"send": "x", "expect_regex": "x"}, hostile.echo, flood(b"y" * 65536)),
    ("silence", "tcp", {"send": "x", "expect_regex": "x"}, hostile.echo, hostile.hang),
]
SCRIPTS = {"slow": "exec sleep 30", "flood": "yes & yes >&2 & wait", "daemon": "sleep 30 & setsid sleep 30 & exit 2", "segv": "kill -SEGV $$",
           "stubborn": "trap '' TERM; while :; do sleep 0.05; done"}
NAMES = {"silent.test": "silent", "garbage.test": "garbage", "nx.test": {"rcode": NXDOMAIN}, "late.test": {"A": ["127.0.0.1"], "delay_s": 2}}


def spec_of(kind, port, fields):
    if kind == "tcp":
        return {"address": "127.0.0.1", "port": port, **fields}
    return {"url": f"{'ws' if kind == 'websocket' else 'http'}://127.0.0.1:{port}/", **fields}


class World:
    """All targets: at first they are good; they can be made hostile, and good again."""

    def __init__(self, authority):
        self.scripts = short_dir() / "scripts"
        self.scripts.mkdir()
        self.dns = DnsServer({}).__enter__()
        self.servers = {name: Server(good).__enter__() for name, _, _, good, _ in TARGETS}
        self.secure = {name: Server(good, authority.issue(name)).__enter__() for name, kind, _, good, _ in TARGETS if kind == "http"}
        self.ca = authority.ca
        self.be_good()

    def set_scripts(self, texts):
        for name, text in texts.items():
            new = self.scripts / f".{name}"
            new.write_text(f"#!/bin/sh\n{text}\n")
            new.chmod(0o755)
            new.rename(self.scripts / name)

    def be_good(self):
        for name, _, _, good, _ in TARGETS:
            for servers in (self.servers, self.secure):
                if name in servers:
                    servers[name].handle = good
        self.set_scripts({name: "echo fine" for name in SCRIPTS})
        self.dns.zone = {name: {"A": ["127.0.0.1"]} for name in NAMES}

    def be_hostile(self):
        for name, _, _, _, bad in TARGETS:
            for servers in (self.servers, self.secure):
                if name in servers:
                    servers[name].handle = bad
        self.set_scripts(SCRIPTS)
        self.dns.zone = NAMES

    def checks(self):
        timing = {"interval_s": 1, "timeout_ms": TIMEOUT_MS}
        for name, kind, fields, *_ in TARGETS:
            yield {"id": name, "kind": kind, "spec": spec_of(kind, self.servers[name].port, fields), **timing}
        for name, kind, fields, *_ in TARGETS:
            if name in self.secure:
                spec = {"url": f"https://127.0.0.1:{self.secure[name].port}/", "tls": {"ca": self.ca}, **fields}
                yield {"id": f"{name} over TLS", "kind": kind, "spec": spec, **timing}
        for name in SCRIPTS:
            yield {"id": f"script {name}", "kind": "script", "spec": {"command": name}, **timing}
        for name in NAMES:
            yield {"id": f"dns {name}", "kind": "dns", "spec": {"name": name}, **timing}
            yield {"id": f"name {name}", "kind": "http", "spec": {"url": f"http://{name}:{self.servers['hangs'].port}/"}, **timing}

    def close(self):
        self.dns.__exit__()
        for server in (*self.servers.values(), *self.secure.values()):
            server.__exit__()


@pytest.fixture
def world(tmp_path):
    world = World(Authority(tmp_path))
    yield world
    world.close()


def held(running, seconds):
    """The least of what is held during some seconds: that while few probes are under way."""
    end, seen = time.monotonic() + seconds, []
    while time.monotonic() < end:
        seen.append((running.descriptors(), len(running.children()), running.resident_kib()))
        time.sleep(0.01)
    files, children, kib = map(min, zip(*seen))
    return SimpleNamespace(files=files, children=children, kib=kib)


@pytest.mark.slow
def test_hostile_targets_leave_nothing_and_delay_nobody(world):
    """Good, hostile for some seconds, good again; and once more, because the first time buffers grow to their size."""
    checks = list(world.checks())
    names = {check["id"] for check in checks}
    with Server(answer(OK)) as punctual, Running(
            [*checks, {"id": "punctual", "kind": "http", "interval_s": 1, "timeout_ms": 900,
                       "spec": {"url": f"http://127.0.0.1:{punctual.port}/"}}],
            "--scripts", world.scripts, "--dns-servers", f"127.0.0.1:{world.dns.port}",
            ASAN_OPTIONS="quarantine_size_mb=1:allocator_release_to_os_interval_ms=100") as running:
        def until_all(are_ok):
            """Waits until each check's latest result is as wanted; returns all results of that time."""
            latest, results, deadline = {}, [], time.monotonic() + 20
            while others := [latest.get(name, name) for name in names if name not in latest or (latest[name]["verdict"] == "ok") != are_ok]:
                assert time.monotonic() < deadline, others
                time.sleep(0.05)
                new = running.taken()
                results += new
                latest |= {result["check"]: result for result in new}
            return results

        until_all(True)
        phases, results = [held(running, 1.5)], []
        for _ in range(2):
            world.be_hostile()
            results += until_all(False)
            time.sleep(1)
            world.be_good()
            results += until_all(True)
            time.sleep(2)  # the grace of scripts that ignore TERM
            phases.append(held(running, 1.5))
        results += running.taken()
    first, second, third = phases
    assert second.files == third.files == first.files and second.children == third.children == first.children, phases
    assert third.kib < second.kib + 4096, phases
    late = [result for result in results if result["timings_us"]["queue"] > 1_000_000
            or result["timings_us"]["total"] > (TIMEOUT_MS + LATE_MS) * 1000]
    assert not late, late[:3]
    assert {result["verdict"] for result in results if result["check"] == "punctual"} == {"ok"}
