"""Assertions about JSON bodies in jq's language: evaluated here, or by jq in a process that is bounded."""

import json
import time

import pytest

from servers import hostile
from servers.hostile import OK, Server, answer

BODY = {"status": "ok", "items": [{"n": 1}, {"n": 2}], "big": 9007199254740993, "nothing": None}

# assertion, outcome, a part of the message
ROWS = [
    ('.status == "ok"', "ok", ""),
    ('.status == "bad"', "assert_failed", '.status == "bad" does not hold: "ok" == "bad" is false'),
    (".items | length > 1", "ok", ""),
    (".items[0].n == 1 and .items[1].n == 2", "ok", ""),
    (".missing", "assert_failed", ".missing does not hold: it gives null"),
    (".missing == null", "ok", ""),
    (".big == 9007199254740993", "ok", ""),
    (".big == 9007199254740992", "assert_failed", ""),
    (".status.deeper", "assert_failed", "has no answer: Cannot index string"),
    # for jq itself
    ("[.items[].n] | add == 3", "ok", ""),
    ("all(.items[]; .n > 1)", "assert_failed", "does not hold"),
    ('.status | test("^o")', "ok", ""),
    ("[range(1e18)] | length > 0", "limit_exceeded", "bound"),
    ("[limit(1e9; repeat(1))] | length > 0", "limit_exceeded", "bound"),
    ("def f: f; f", "limit_exceeded", "bound"),
]


def http(port, assertion, *, id=None, timeout_ms=8000, **spec):
    return {"id": id or assertion, "kind": "http", "timeout_ms": timeout_ms,
            "spec": {"url": f"http://127.0.0.1:{port}/", "expect": {"json": assertion}, **spec}}


def serve(body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)


@pytest.mark.slow
def test_assertions_have_their_outcome(prober_once):
    with Server(serve(BODY)) as server:
        run = prober_once([http(server.port, assertion) for assertion, *_ in ROWS], "--loops", "1")
    wrong = [(assertion, result["outcome"], result["message"]) for assertion, outcome, message in ROWS
             if (result := run.results[assertion])["outcome"] != outcome or message not in result["message"]]
    assert not wrong, wrong
    assert len(run.order) == len(ROWS)


@pytest.mark.parametrize("body, outcomes", [
    (b"<html>", {"assert_failed"}), (b"", {"assert_failed"}), (b'{"a":1', {"assert_failed"}),
    (b"[" * 100000, {"assert_failed", "limit_exceeded"}), (b"1e400", {"assert_failed", "limit_exceeded"}),
    (b"1" * 200000, {"assert_failed", "limit_exceeded"}), (b'{"a":1,"a":2}', {"ok"}), (b'"\xff"', {"assert_failed", "ok"}),
    (b"[" + b"0," * 200000 + b"0]", {"assert_failed", "limit_exceeded"}),
], ids=lambda value: repr(value[:8]) if isinstance(value, bytes) else "")
def test_bodies_that_are_odd(prober_once, body, outcomes):
    with Server(serve(body)) as server:
        run = prober_once([http(server.port, ".a == 2", id="here"), http(server.port, "[.a] | add == 2", id="jq")])
    for result in run.order:
        assert result["outcome"] in outcomes | ({"ok"} if body == b'"\xff"' else set()), result


def test_costly_programs_hold_nobody_up(prober_once):
    """While jq runs for ever, other checks of the same loop are on time."""
    with Server(serve(BODY)) as server, Server(answer(OK)) as other:
        began = time.monotonic()
        run = prober_once([http(server.port, "def f: f; f", id=f"endless {n}", timeout_ms=2500) for n in range(4)] +
                          [{"id": f"plain {n}", "kind": "http", "spec": {"url": f"http://127.0.0.1:{other.port}/"}}
                           for n in range(50)], "--loops", "1")
    assert all(run.results[f"plain {n}"]["verdict"] == "ok" for n in range(50))
    assert max(run.results[f"plain {n}"]["timings_us"]["total"] for n in range(50)) < 1_000_000
    for n in range(4):
        result = run.results[f"endless {n}"]
        assert result["outcome"] in ("limit_exceeded", "timeout", "prober_error"), result
        assert result["timings_us"]["total"] < 3_500_000
    assert time.monotonic() - began < 15


def test_numbers_without_end_hold_nobody_up(prober_once):
    """As much of them as a check may read at the most, several at once."""
    with Server(hostile.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"1" * 65536)) as endless, \
            Server(hostile.byte_by_byte(OK, 0.03)) as steady:
        run = prober_once([http(endless.port, program, id=program, max_body_bytes=16 << 20) for program in (". == 1", ".a == 1", "[.] | add == 1")] +
                          [{"id": f"plain {n}", "kind": "http", "spec": {"url": f"http://127.0.0.1:{steady.port}/"}} for n in range(20)],
                          "--loops", "1")
    plain = [result for result in run.order if result["check"].startswith("plain")]
    costly = [result for result in run.order if not result["check"].startswith("plain")]
    assert len(plain) == 20 and {result["verdict"] for result in plain} == {"ok"}
    assert max(result["timings_us"]["total"] for result in plain) < len(OK) * 30_000 + 1_000_000
    assert len(costly) == 3 and {result["outcome"] for result in costly} <= {"assert_failed", "limit_exceeded"}, costly


@pytest.mark.parametrize("program", ["env", "input", ".a ==", 'import "a" as a; .', "$ENV.PATH", "debug"])
def test_programs_that_may_not_be_are_refused(prober_once, program):
    run = prober_once([http(1, program)])
    assert [error["pointer"] for error in run.errors[0]["errors"]] == ["/spec/expect/json"], run.errors
    assert run.status == 2
