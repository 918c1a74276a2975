"""What servers can do to an HTTP check, beyond the table of test_prober_http.py: splits, ends, hops, endless parts."""

import json
import os
import socket
import subprocess
import time

import processes
import pytest

from processes import wait_until
from servers import hostile
from servers.certificates import Authority
from servers.hostile import OK, Server, answer, read_head, redirect, routes
from test_prober_http_auth import oauth

LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline


def http(port, path="/", *, id="check", timeout_ms=1500, scheme="http", **spec):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms, "spec": {"url": f"{scheme}://127.0.0.1:{port}{path}", **spec}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


TRICKY = (b"HTTP/1.1 100 Continue\r\n\r\n\nHTTP/1.1 103 Early Hints\nLink: </a>\n\n\r\nHTTP/1.1 200\r\nX-A:\r\nX-B: \t b \t\r\n"
          b"Transfer-Encoding: chunked\r\nConnection: a, close\r\n\r\n2;x=\"y\"\r\nhe\r\n0003\r\nllo\r\n1\n\xff\n0;z\r\nTrailer: t\r\n\r\n")


def in_two(connection):
    """Sends the tricky reply in two parts, cut where the path says, and leaves the connection open."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    cut = int(read_head(connection).split(b" ")[1][1:])
    connection.sendall(TRICKY[:cut])
    time.sleep(0.02)
    connection.sendall(TRICKY[cut:])
    connection.recv(1)


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
def test_every_split_of_a_tricky_reply(prober_once, authority, over_tls):
    expect = {"body_regex": "^hello", "header": [{"name": "x-a", "regex": "^$"}, {"name": "x-b", "regex": "^b$"}]}
    with Server(in_two, authority.issue("split") if over_tls else None) as server:
        run = prober_once([http(server.port, f"/{cut}", id=str(cut), timeout_ms=20000, scheme="https" if over_tls else "http",
                                tls={"ca": authority.ca}, expect=expect)
                           for cut in range(1, len(TRICKY), 4 if over_tls else 1)])
    wrong = [result for result in run.order if result["outcome"] != "ok" or result["http"]["body_bytes"] != 6]
    assert not wrong and run.status == 0, json.dumps(wrong[:3])


def test_what_comes_after_the_end(prober_once):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    def half_close(connection):
        read_head(connection)
        connection.sendall(OK.replace(b"Content-Length: 5\r\n", b""))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    def keep_open(connection):
        read_head(connection)
        connection.sendall(OK)
        connection.recv(65536)

    with Server(answer(OK + b"again")) as more, Server(answer(chunked + OK)) as second, Server(half_close) as half, \
            Server(keep_open) as kept, Server(answer(OK)) as fine:
        run = prober_once([http(more.port, id="extra"), http(second.port, id="second reply"), http(half.port, id="half closed"),
                           http(kept.port, id="kept open"), http(fine.port, id="fine"),
                           http(fine.port, id="HEAD", method="HEAD")])
    messages = {name: result["message"] for name, result in run.results.items()}
    assert run.status == 0, run.order
    assert messages["extra"] == "status 200, 5 bytes, extra_bytes: 5 or more came after the reply"
    assert f"extra_bytes: {len(OK)} or more" in messages["second reply"]
    assert messages["half closed"] == messages["kept open"] == messages["fine"] == "status 200, 5 bytes"
    assert messages["HEAD"].startswith("status 200, 0 bytes, extra_bytes: 5")


def test_both_lengths_may_be_a_warning(prober_once):
    both = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with Server(answer(both)) as server:
        run = prober_once([http(server.port, id="fail"),
                           http(server.port, id="warn", ambiguous_length="warn", expect={"body_contains": "hello"}),
                           http(server.port, id="worse", ambiguous_length="warn", expect={"body_contains": "absent"})])
    assert {name: (result["verdict"], result["outcome"]) for name, result in run.results.items()} == {
        "fail": ("fail", "proto_error"), "warn": ("warn", "proto_error"), "worse": ("fail", "assert_failed")}


ENDLESS = [
    ("1xx", b"", b"HTTP/1.1 100 Continue\r\n\r\n", "limit_exceeded", "informational"),
    ("1xx with headers", b"", b"HTTP/1.1 103 Early Hints\r\n" + b"Link: x\r\n" * 150 + b"\r\n", "limit_exceeded", "informational"),
    ("reason", b"HTTP/1.1 200 ", b"OK" * 5000, "limit_exceeded", "too long"),
    ("blank lines", b"", b"\r\n", "proto_error", "is no HTTP"),
    ("header name", b"HTTP/1.1 200 OK\r\n", b"x" * 5000, "limit_exceeded", "too large"),
    ("chunk size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 5000, "proto_error", "chunk size"),
    ("chunk extension", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 5000, "limit_exceeded", "extensions"),
    ("small chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000, "ok", "of a longer body"),
    ("trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 1000, "limit_exceeded", "trailers"),
    ("body", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, "ok", "of a longer body"),
    ("body of a redirect", b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b"x" * 65536, "redirect_limit", "more than 5"),
    ("body of a failure", b"HTTP/1.1 500 Oops\r\n\r\n", b"x" * 65536, "status_mismatch", "status 500"),
]


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
def test_endless_parts_are_bounded(prober_once, authority, over_tls):
    context = authority.issue("endless") if over_tls else None
    servers = {name: Server(hostile.endless(head, piece), context).__enter__() for name, head, piece, *_ in ENDLESS}
    try:
        run = prober_once([http(server.port, id=name, timeout_ms=15000, max_body_bytes=100000, tls={"ca": authority.ca},
                                scheme="https" if over_tls else "http") for name, server in servers.items()])
    finally:
        for server in servers.values():
            server.__exit__()
    wrong = [(name, run.results[name]["outcome"], run.results[name]["message"]) for name, _, _, outcome, message in ENDLESS
             if run.results[name]["outcome"] != outcome or message not in run.results[name]["message"]]
    assert not wrong, wrong


def test_deadline_holds_over_all_hops(prober_once):
    def slow_hop(connection):
        head = read_head(connection)
        time.sleep(0.3)
        connection.sendall(redirect("/" + "x" * len(head)))

    with Server(slow_hop) as server:
        run = prober_once([http(server.port, follow_redirects=20, timeout_ms=1000)])
    result = run.results["check"]
    assert (result["outcome"], result["phase"]) == ("timeout", "first_byte")
    assert result["http"]["redirects"] in (1, 2, 3)
    assert 1_000_000 <= result["timings_us"]["total"] < 1_000_000 + LATE_MS * 1000


def test_long_locations(prober_once):
    long = "/end?" + "x" * (8192 - 5)
    with Server(routes({"/": redirect(long), long: OK, "/over": redirect(long + "x")})) as server:
        run = prober_once([http(server.port), http(server.port, "/over", id="over")])
    assert run.results["check"]["outcome"] == "ok"
    assert run.results["over"]["outcome"] == "proto_error" and "is too long" in run.results["over"]["message"]


def test_servers_of_http2_alone(prober_once, authority):
    settings = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
    context = authority.issue("h2")
    context.set_alpn_protocols(["h2"])
    with Server(lambda connection: (connection.sendall(settings), hostile.hang(connection)), context) as server, \
            Server(lambda connection: (connection.sendall(settings), hostile.hang(connection))) as plain:
        run = prober_once([http(server.port, id="TLS", scheme="https", tls={"ca": authority.ca}), http(plain.port, id="plain")])
    assert {result["outcome"] for result in run.order} == {"proto_error"}, run.order
    assert all("looks like HTTP/2" in result["message"] for result in run.order)


def test_ends_of_tls_sessions(prober_once, authority):
    """TLS may end by an alert, or by the end of the connection: what counts is the length that was told."""
    context = authority.issue("ends")
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"

    def abrupt(data):
        def handle(connection):
            read_head(connection)
            connection.sendall(data)
            raw = connection.detach()
            socket.socket(fileno=raw).close()
        return handle

    with Server(answer(cut), context) as told, Server(abrupt(cut), context) as untold, Server(abrupt(b""), context) as nothing, \
            Server(abrupt(OK), context) as whole, Server(hostile.reset_after(cut), context) as resetting:
        run = prober_once([http(server.port, id=name, scheme="https", tls={"ca": authority.ca}) for name, server in (
            ("told", told), ("untold", untold), ("nothing", nothing), ("whole", whole), ("reset", resetting))])
    assert {name: result["outcome"] for name, result in run.results.items()} == {
        "told": "eof_early", "untold": "eof_early", "nothing": "eof_early", "whole": "ok", "reset": "reset"}


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def start_run(checks, lines):
    lines.write_text("\n".join(json.dumps({**check, "interval_s": 1}) for check in checks))
    return subprocess.Popen([processes.EM_PROBER, "run", "--checks", lines, "--loops", "1"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def test_nothing_is_left_behind(tmp_path):
    """Hostile targets, proxies and token endpoints: once they are gone, the prober is as one that never met them."""
    handlers = [hostile.hang, hostile.reset, hostile.close_at_once, answer(b"garbage"), answer(redirect("/")),
                hostile.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), hostile.byte_by_byte(OK, 0.2)]
    servers = [Server(handle).__enter__() for handle in handlers]
    checks = []
    for n, server in enumerate(servers):
        checks += [http(server.port, id=f"target {n}", timeout_ms=400),
                   http(server.port, id=f"TLS {n}", timeout_ms=400, scheme="https"),
                   http(servers[0].port, id=f"proxy {n}", timeout_ms=400, proxy={"url": f"http://127.0.0.1:{server.port}"}),
                   http(servers[0].port, id=f"token {n}", timeout_ms=400, auth=oauth(server.port))]
    fresh = start_run([http(processes.free_port(), timeout_ms=400)], tmp_path / "fresh.jsonl")
    process = start_run(checks, tmp_path / "checks.jsonl")
    try:
        wait_until(lambda: all(server.seen > 10 for server in servers), deadline_s=30)
        busy = descriptors(process)
        for server in servers:
            server.__exit__()
        wait_until(lambda: descriptors(process) == descriptors(fresh) < busy, deadline_s=20)
        for one in (fresh, process):
            one.terminate()
        fresh.communicate(timeout=20)
        out, err = process.communicate(timeout=20)
    finally:
        fresh.kill()
        process.kill()
    assert process.returncode == 0 and "Sanitizer" not in err, err[-2000:]
    results = [json.loads(line) for line in out.splitlines()]
    assert {result["check"] for result in results} == {check["id"] for check in checks}
    late = [result for result in results if result["timings_us"]["total"] > (400 + LATE_MS) * 1000]
    assert not late, late[:3]
