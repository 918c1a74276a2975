"""HTTP checks against servers that behave well and badly: one row per behaviour."""

import json
import time

import pytest

from servers import hostile
from servers.hostile import OK, Server, answer, redirect, routes

TIMEOUT_MS = 1500
LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline


def http(port, path="/", *, id="check", timeout_ms=TIMEOUT_MS, **spec):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms, "spec": {"url": f"http://127.0.0.1:{port}{path}", **spec}}


def reply(head, body=b""):
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


CHUNKED = reply(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked")

# name, handler, outcome, phase, and a part of the message
BEHAVIOURS = [
    ("plain", answer(OK), "ok", "assert", "status 200, 5 bytes"),
    ("never answers", hostile.hang, "timeout", "first_byte", "no reply within 1500 ms"),
    ("a header byte a second", hostile.byte_by_byte(OK, 1), "timeout", "transfer", "not complete within"),
    ("byte by byte", hostile.byte_by_byte(OK), "ok", "assert", ""),
    ("chunked byte by byte", hostile.byte_by_byte(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), "ok", "assert", "5 bytes"),
    ("endless header lines", hostile.endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 50), "limit_exceeded", "transfer", "limit"),
    ("endless header", hostile.endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4096), "limit_exceeded", "transfer", "limit"),
    ("too few bytes", answer(reply(b"HTTP/1.1 200 OK\nContent-Length: 10", b"hello")), "eof_early", "transfer", "5 bytes"),
    ("too many bytes", answer(OK + b"again"), "ok", "assert", "5 bytes"),
    ("length and chunked", answer(reply(b"HTTP/1.1 200 OK\nContent-Length: 5\nTransfer-Encoding: chunked")), "proto_error",
     "transfer", "exclude each other"),
    ("two lengths", answer(reply(b"HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6")), "proto_error", "transfer", ""),
    ("chunk size is no number", answer(CHUNKED + b"zz\r\n"), "proto_error", "transfer", "rules of HTTP"),
    ("chunk size of 17 digits", answer(CHUNKED + b"1" * 17 + b"\r\n"), "proto_error", "transfer", ""),
    ("chunk without its line break", answer(CHUNKED + b"5\r\nhello0\r\n\r\n"), "proto_error", "transfer", "rules of HTTP"),
    ("chunk extension of 1 MB", answer(CHUNKED + b"5;" + b"x" * 1000000), "limit_exceeded", "transfer", "limit"),
    ("closes in a chunk", answer(CHUNKED + b"5\r\nhel"), "eof_early", "transfer", ""),
    ("closes before the last chunk", answer(CHUNKED + b"5\r\nhello\r\n"), "eof_early", "transfer", ""),
    ("closes at once", hostile.close_at_once, "eof_early|reset", "first_byte|request", "closed|reset"),
    ("closes after the request", answer(), "eof_early", "first_byte", "closed the connection before it replied"),
    ("resets at once", hostile.reset, "reset", "first_byte|request|connect", "reset"),
    ("resets in the body", hostile.reset_after(reply(b"HTTP/1.1 200 OK\nContent-Length: 10", b"x")), "reset", "transfer", ""),
    ("until close", answer(reply(b"HTTP/1.1 200 OK", b"hello")), "ok", "assert", "5 bytes"),
    ("early hints", answer(reply(b"HTTP/1.1 100 Continue"), reply(b"HTTP/1.1 103 Early Hints\nLink: x"), OK), "ok", "assert",
     "status 200"),
    ("1,000 informational replies", answer(reply(b"HTTP/1.1 100 Continue") * 1000, OK), "limit_exceeded", "transfer", "100"),
    ("switches protocols", answer(reply(b"HTTP/1.1 101 Switching Protocols")), "proto_error", "transfer", "switched"),
    ("no reason phrase", answer(OK.replace(b" OK", b"")), "ok", "assert", ""),
    ("bare line feeds", answer(OK.replace(b"\r\n", b"\n")), "ok", "assert", ""),
    ("a blank line first", answer(b"\r\n" + OK), "ok", "assert", ""),
    ("an SSH banner", answer(b"SSH-2.0-OpenSSH_9.2\r\n"), "proto_error", "transfer", 'begins with "SSH-2.0-OpenSSH_9.2'),
    ("random bytes", answer(b"\x00\xff\x01garbage"), "proto_error", "transfer", "\\x00\\xff\\x01"),
    ("many random bytes", answer(bytes(range(128, 256)) * 100), "proto_error", "transfer", "\\x80\\x81"),
    ("HTTP/0.9", answer(b"<html>hello</html>"), "proto_error", "transfer", 'begins with "<html>hello</html>"'),
    ("looks like TLS", answer(b"\x15\x03\x01\x00\x02\x02\x46"), "proto_error", "transfer", "looks like TLS"),
    ("status 99", answer(b"HTTP/1.1 99 X\r\n\r\n"), "proto_error", "transfer", ""),
    ("status 1000", answer(b"HTTP/1.1 1000 X\r\n\r\n"), "proto_error", "transfer", ""),
    ("status 500", answer(reply(b"HTTP/1.1 500 Oops\nContent-Length: 0")), "status_mismatch", "assert",
     "status 500, expected 200-299"),
    ("no content", answer(reply(b"HTTP/1.1 204 No Content")), "ok", "assert", "status 204, 0 bytes"),
    ("folded header", answer(reply(b"HTTP/1.1 200 OK\nX: a\n b")), "proto_error", "transfer", ""),
]


def test_behaviours_have_their_outcome(prober_once):
    """All at once, in one prober: none may delay another, each ends by its timeout."""
    servers = [Server(handle) for _, handle, *_ in BEHAVIOURS]
    try:
        checks = [http(server.__enter__().port, id=name) for (name, *_), server in zip(BEHAVIOURS, servers)]
        run = prober_once(checks)
    finally:
        for server in servers:
            server.__exit__()

    wrong = []
    for name, _, outcome, phase, message in BEHAVIOURS:
        result = run.results[name]
        fits = (result["outcome"] in outcome.split("|") and result["phase"] in phase.split("|")
                and any(part in result["message"] for part in message.split("|"))
                and result["verdict"] == ("ok" if outcome == "ok" else "fail")
                and result["timings_us"]["total"] < (TIMEOUT_MS + LATE_MS) * 1000)
        if not fits:
            wrong.append((name, result["outcome"], result["phase"], result["message"], result["timings_us"]["total"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert len(run.order) == len(BEHAVIOURS)
    assert run.status == 1
    assert run.results["never answers"]["timings_us"]["connect"] > 0
    assert run.results["never answers"]["timings_us"]["first_byte"] > (TIMEOUT_MS - 100) * 1000
    shown = run.results["many random bytes"]["message"]
    assert "\\xbf" in shown and "\\xc0" not in shown, "64 bytes and no more"


def test_endless_body_is_cut_and_judged(prober_once):
    with Server(hostile.endless(reply(b"HTTP/1.1 200 OK"), b"needle " + b"x" * 65536)) as server:
        run = prober_once([
            http(server.port, id="found", max_body_bytes=100000, expect={"body_contains": "needle"}, timeout_ms=10000),
            http(server.port, id="missing", max_body_bytes=100000, expect={"body_contains": "absent"}, timeout_ms=10000),
            http(server.port, id="none", max_body_bytes=0),
        ])
    assert run.results["found"]["outcome"] == "ok"
    assert run.results["found"]["http"] == {"status": 200, "redirects": 0, "body_bytes": 100000, "truncated": True}
    assert run.results["missing"]["outcome"] == "assert_failed"
    assert "in the part that was read" in run.results["missing"]["message"]
    assert run.results["none"]["outcome"] == "ok"


def test_body_assertions_work_on_bytes(prober_once):
    body = b"a\x00b \xff\xfe line of " + b"x" * 100000 + b" end"
    with Server(answer(reply(b"HTTP/1.1 200 OK\nContent-Length: %d" % len(body), body))) as server:
        run = prober_once([
            http(server.port, id="contains", expect={"body_contains": "end"}),
            http(server.port, id="regex", expect={"body_regex": "x{100} end$"}),
            http(server.port, id="no match", expect={"body_regex": "^never$"}),
        ])
    assert [run.results[name]["outcome"] for name in ("contains", "regex", "no match")] == ["ok", "ok", "assert_failed"]


def test_costly_expression_is_bounded(prober_once):
    body = b"a" * 100000
    with Server(answer(reply(b"HTTP/1.1 200 OK\nContent-Length: %d" % len(body), body))) as server:
        began = time.monotonic()
        run = prober_once([http(server.port, expect={"body_regex": "(a+)+$b"})])
    assert run.results["check"]["outcome"] in ("limit_exceeded", "assert_failed")
    assert time.monotonic() - began < 10


def test_request_is_sent_as_specified(prober_once):
    requests = []
    with Server(routes({"/login?x=1": OK}, requests)) as server:
        run = prober_once([http(server.port, "/login?x=1#part", method="GET",
                                headers=[["X-One", "1"], ["X-One", "2"], ["Host", "shop.test"]])])
    assert run.status == 2, "a fragment is refused"

    with Server(routes({"/login?x=1": OK}, requests)) as server:
        run = prober_once([http(server.port, "/login?x=1", method="POST", body="user=ü",
                                headers=[["X-One", "1"], ["X-One", "2"], ["Host", "shop.test"]])])
    assert run.status == 0, run.order
    request = requests[-1]
    assert request.startswith("POST /login?x=1 HTTP/1.1\r\n")
    assert request.count("X-One: ") == 2
    assert "\r\nHost: shop.test\r\n" in request and request.lower().count("\r\nhost:") == 1
    assert "\r\nContent-Length: 7\r\n" in request
    assert "\r\nConnection: close\r\n" in request


def test_statuses_may_be_a_list(prober_once):
    with Server(routes({"/": reply(b"HTTP/1.1 401 No\nContent-Length: 0")})) as server:
        run = prober_once([http(server.port, id="in", expect={"status": "200-299,401"}),
                           http(server.port, id="out", expect={"status": "200-299, 403"})])
    assert run.results["in"]["outcome"] == "ok"
    assert run.results["out"]["outcome"] == "status_mismatch"


def test_slow_replies_warn_and_fail_by_threshold(prober_once):
    with Server(answer(OK[:20], OK[20:], pause_s=0.15)) as server:
        run = prober_once([http(server.port, id="warn", expect={"warn_ms": 100, "fail_ms": 1400}),
                           http(server.port, id="fail", expect={"warn_ms": 50, "fail_ms": 100}),
                           http(server.port, id="fast enough", expect={"warn_ms": 1400})])
    assert [(r["verdict"], r["outcome"]) for r in (run.results[n] for n in ("warn", "fail", "fast enough"))] == [
        ("warn", "slow"), ("fail", "slow"), ("ok", "ok")]


@pytest.fixture
def redirecting():
    """A server with redirects of all kinds, and one on another name to land on."""
    requests = []
    with Server(routes({"/": OK, "/deep/x": OK}, requests)) as other:
        table = {
            "/end": OK, "/dir/end": OK, "/q?a=b": OK,
            "/loop": redirect("/loop"), "/absolute": redirect(f"http://localhost:{other.port}/"),
            "/protocol-relative": redirect(f"//localhost:{other.port}/deep/x"),
            "/relative": redirect("end"), "/dir/up": redirect("../end"), "/fragment": redirect("/end#here"),
            "/query": redirect("/q?a=b"), "/empty": redirect(""), "/ftp": redirect("ftp://localhost/"),
            "/file": redirect("file:///etc/passwd"), "/long": redirect("/end?" + "x" * 9000),
            "/metadata": redirect("http://169.254.169.254/latest/"), "/303": redirect("/end", 303),
            "/307": redirect("/end", 307), "/none": reply(b"HTTP/1.1 302 Found\nContent-Length: 0"),
            **{f"/hop{n}": redirect(f"/hop{n - 1}") for n in range(1, 8)}, "/hop0": OK,
        }
        with Server(routes(table, requests)) as server:
            yield server, requests


def test_redirects_lead_where_they_say(prober_once, redirecting):
    server, _ = redirecting
    ok = ("ok", "absolute protocol-relative relative dir/up fragment query hop5".split())
    expected = {name: "ok" for name in ok[1]}
    expected |= {"loop": "redirect_limit", "hop6": "redirect_limit", "empty": "proto_error", "ftp": "proto_error",
                 "file": "proto_error", "long": "proto_error", "metadata": "policy", "none": "status_mismatch"}
    run = prober_once([http(server.port, f"/{name}", id=name) for name in expected])
    assert {name: run.results[name]["outcome"] for name in expected} == expected
    assert run.results["hop5"]["http"]["redirects"] == 5
    assert "/loop → " in run.results["loop"]["message"]
    assert run.results["metadata"]["verdict"] == "error"


def test_redirects_may_be_left_alone(prober_once, redirecting):
    server, _ = redirecting
    run = prober_once([http(server.port, "/relative", follow_redirects=0, expect={"status": "302"})])
    assert run.results["check"]["outcome"] == "ok"


def test_credentials_stay_with_their_host(prober_once, redirecting):
    server, requests = redirecting
    headers = [["Authorization", "Bearer secret"], ["X-Api-Key", "key of home"], ["X-Kept", "yes"]]
    prober_once([http(server.port, "/absolute", headers=headers)])
    assert "Bearer secret" in requests[0] and "key of home" in requests[0]
    assert "Bearer secret" not in requests[1] and "key of home" not in requests[1] and "X-Kept: yes" in requests[1]
    requests.clear()
    prober_once([http(server.port, "/relative", headers=headers)])
    assert all("Bearer secret" in request for request in requests) and len(requests) == 2


def test_methods_change_as_the_status_says(prober_once, redirecting):
    server, requests = redirecting
    prober_once([http(server.port, "/303", method="POST", body="x")])
    prober_once([http(server.port, "/307", method="POST", body="x")])
    assert [request.split(" ")[0] for request in requests] == ["POST", "GET", "POST", "POST"]


def test_result_is_the_documented_object(prober_once):
    with Server(answer(OK)) as server:
        run = prober_once([http(server.port)], "--explain")
    result = run.results["check"]
    assert set(result) == {"check", "at", "location", "prober", "verdict", "outcome", "phase", "message", "timings_us",
                           "address", "http", "steps"}
    assert set(result["timings_us"]) == {"queue", "dns", "connect", "tls", "first_byte", "transfer", "total"}
    assert result["address"] == f"127.0.0.1:{server.port}"
    assert [step["step"] for step in result["steps"]] == ["begin", "resolve", "connect", "request", "response"]
    assert all(set(step) == {"step", "at_us", "took_us", "detail"} for step in result["steps"])


def test_bad_lines_are_all_named_and_stop_nobody(prober_once):
    with Server(answer(OK)) as server:
        run = prober_once([
            json.dumps(http(server.port, id="good")), "", "{", json.dumps({"kind": "http"}),
            json.dumps({"kind": "http", "surprise": 1, "spec": {"url": "nonsense", "expect": {"status": "x"}}}),
            json.dumps(http(server.port, id="good")),
            json.dumps({"kind": "http", "interval_s": 1, "timeout_ms": 1001, "spec": {"url": "http://127.0.0.1/"}}),
        ])
    assert run.status == 2
    assert run.results["good"]["outcome"] == "ok"
    pointers = {error["line"]: [e["pointer"] for e in error["errors"]] for error in run.errors}
    assert pointers.keys() == {3, 4, 5, 6, 7}
    assert "/spec" in pointers[4][0]
    assert {"/surprise", "/spec/url", "/spec/expect/status"} <= set(pointers[5])
    assert pointers[6] == ["/id"] and pointers[7] == ["/timeout_ms"]


def test_refused_connections_say_by_whom(prober_once):
    from processes import free_port

    port = free_port()
    run = prober_once([{"kind": "tcp", "spec": {"address": "127.0.0.1", "port": port}}])
    result = run.results["line:1"]
    assert (result["verdict"], result["outcome"], result["phase"]) == ("fail", "connect_refused", "connect")
    assert result["message"] == f"connection refused by 127.0.0.1:{port}"
