"""What HTTP checks expect of a reply: statuses that fail and that warn, headers, bodies, TLS; and what that may cost."""

import json
import subprocess

import processes
import pytest

from servers import hostile
from servers.certificates import Authority
from servers.hostile import OK, Server, answer, redirect, routes


def http(port, path="/", *, id="check", timeout_ms=3000, scheme="http", **spec):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms, "spec": {"url": f"{scheme}://127.0.0.1:{port}{path}", **spec}}


def reply(body=b"hello", status=200, *headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def test_some_statuses_warn(prober_once):
    with Server(answer(reply(b"busy", 429))) as server:
        def check(id, **expect):
            return http(server.port, id=id, expect=expect)

        run = prober_once([
            check("degraded", degraded_status="429,503"),
            check("both lists", status="200-499", degraded_status="429"),
            check("neither", degraded_status="503"),
            check("body first", degraded_status="429", body_contains="idle"),
            check("header first", degraded_status="429", header=[{"name": "retry-after"}]),
        ])
    seen = {name: (result["verdict"], result["outcome"]) for name, result in run.results.items()}
    assert seen == {"degraded": ("warn", "status_mismatch"), "both lists": ("warn", "status_mismatch"),
                    "neither": ("fail", "status_mismatch"), "body first": ("fail", "assert_failed"),
                    "header first": ("fail", "assert_failed")}
    assert run.results["degraded"]["message"] == "status 429 counts as degraded"


def test_what_fails_comes_before_what_warns(prober_once):
    with Server(answer(OK.replace(b"200", b"429")[:20], OK[20:], pause_s=0.15)) as server:
        run = prober_once([
            http(server.port, id="too slow", expect={"degraded_status": "429", "fail_ms": 100}),
            http(server.port, id="slow", expect={"degraded_status": "429", "warn_ms": 100}),
        ])
    assert (run.results["too slow"]["verdict"], run.results["too slow"]["outcome"]) == ("fail", "slow")
    assert (run.results["slow"]["verdict"], run.results["slow"]["outcome"]) == ("warn", "status_mismatch")


def test_headers(prober_once):
    headers = ("Content-Type: text/html; charset=utf-8", "Via: one", "via: two", "Set-Cookie: id=hidden; Secure")
    cases = {
        "there": ([{"name": "content-type"}], "ok", ""),
        "matches": ([{"name": "Content-Type", "regex": "^text/html"}], "ok", ""),
        "one of several": ([{"name": "via", "regex": "^two$"}], "ok", ""),
        "none of several": ([{"name": "via", "regex": "three"}], "assert_failed", "does not match"),
        "one too many": ([{"name": "via", "not_regex": "two"}], "assert_failed", '"two", which must not match'),
        "none too many": ([{"name": "via", "not_regex": "three"}], "ok", ""),
        "missing": ([{"name": "etag", "regex": "."}], "assert_failed", "there is no header etag"),
        "absent": ([{"name": "x-powered-by", "absent": True}], "ok", ""),
        "present": ([{"name": "via", "absent": True}], "assert_failed", "must not be there"),
        "secret": ([{"name": "set-cookie", "regex": "HttpOnly"}], "assert_failed", '"***"'),
        "costly": ([{"name": "long", "regex": "^(a|a?)+(a|b?)+$(?<!a)"}], "limit_exceeded", "takes too long on a header"),
    }
    with Server(answer(reply(b"", 200, *headers, "Long: " + "a" * 5000))) as server:
        run = prober_once([http(server.port, id=name, expect={"header": rules}) for name, (rules, *_) in cases.items()])
    for name, (_, outcome, message) in cases.items():
        result = run.results[name]
        assert result["outcome"] == outcome and message in result["message"], result
    assert "hidden" not in json.dumps(run.order)


def test_headers_are_those_of_the_last_reply(prober_once):
    first = redirect("/end").replace(b"\r\nContent-Length", b"\r\nX-Hop: first\r\nContent-Length")
    with Server(routes({"/": first, "/end": reply(b"", 200, "X-Hop: last")})) as server:
        run = prober_once([http(server.port, expect={"header": [{"name": "x-hop", "regex": "^last$", "not_regex": "first"}]})])
    assert run.status == 0, run.order


def test_bodies_that_are_no_text(prober_once):
    wide = "Sign in".encode("utf-16")
    mixed = b"a\x00b \xff\xfe" + b"x" * 1_000_000 + b" end\x00"
    with Server(answer(reply(wide))) as utf16, Server(answer(reply(mixed))) as odd:
        run = prober_once([
            http(utf16.port, id="no bytes like that", expect={"body_contains": "Sign in"}),
            http(utf16.port, id="bytes", expect={"body_regex": "S\\x00i\\x00g\\x00n"}),
            http(odd.port, id="one long line", expect={"body_contains": " end", "body_not_contains": "END"}),
            http(odd.port, id="expression", expect={"body_regex": "x{20} end\\x00$", "body_not_regex": "y"}),
        ])
    assert {name: result["outcome"] for name, result in run.results.items()} == {
        "no bytes like that": "assert_failed", "bytes": "ok", "one long line": "ok", "expression": "ok"}


def test_body_that_is_cut_says_so(prober_once):
    with Server(hostile.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"needle " + b"x" * 65536)) as server:
        run = prober_once([http(server.port, id="fine", max_body_bytes=1000),
                           http(server.port, id="regex", max_body_bytes=1000, expect={"body_regex": "absent"}),
                           http(server.port, id="not", max_body_bytes=1000, expect={"body_not_contains": "absent"})])
    assert run.results["fine"]["message"] == "status 200, 1000 bytes of a longer body"
    assert run.results["not"]["outcome"] == "ok" and run.results["not"]["http"]["truncated"]
    assert "in the part that was read" in run.results["regex"]["message"]


def test_version_of_tls_is_that_of_the_last_hop(prober_once, authority):
    new = authority.issue("new")
    old = authority.context("new")
    old.maximum_version = 0x0303
    with Server(answer(OK), new) as three, Server(answer(OK)) as plain, \
            Server(routes({"/": OK, "/on": redirect(f"https://127.0.0.1:{three.port}/"),
                           "/off": redirect(f"http://127.0.0.1:{plain.port}/")}), old) as two:
        def check(id, path, version):
            return http(two.port, path, id=id, scheme="https", tls={"ca": authority.ca}, expect={"tls_version": version})

        run = prober_once([check("same", "/", "1.2"), check("other", "/", "1.3"), check("last hop", "/on", "1.3"),
                           check("none", "/off", "1.2")])
    assert {name: result["outcome"] for name, result in run.results.items()} == {
        "same": "ok", "other": "assert_failed", "last hop": "ok", "none": "assert_failed"}
    assert run.results["other"]["message"] == "TLS 1.2, expected TLS 1.3"
    assert run.results["none"]["message"] == "plain text, expected TLS 1.2"


@pytest.mark.slow
def test_expressions_hold_up_nobody(tmp_path):
    """Ten expressions that would take minutes, each second, beside checks that must start in time."""
    body = b"a" * 100_000 + b"cb!"
    costly = ["(a+)+b$", "(?=(a+))a*b\\1", "(?:(?=a*d)|a)*!$x", "^(a?){40}a{40}$", "(?:a*b|a)*x|cb$"]
    with Server(answer(reply(body))) as large, Server(answer(OK)) as small:
        checks = [http(large.port, id=f"costly {n}", expect={"body_regex": costly[n % len(costly)]}) for n in range(10)]
        checks += [http(small.port, id=f"plain {n}") for n in range(50)]
        lines = tmp_path / "checks.jsonl"
        lines.write_text("\n".join(json.dumps({**check, "interval_s": 1, "timeout_ms": 1000}) for check in checks))
        ended = subprocess.run([processes.EM_PROBER, "run", "--checks", lines, "--loops", "1", "--duration", "4", "--summary"],
                               capture_output=True, text=True, timeout=60, check=True)
    summary = json.loads(ended.stdout)
    assert summary["by_outcome"]["ok"] >= 100
    assert summary["by_outcome"]["limit_exceeded"] >= 8
    assert summary["start_lag_us"]["max"] < 1_000_000, summary


def test_contradictions_are_refused(prober_once):
    rules = [{"name": "a", "absent": True, "regex": "x"}, {"name": "a b"}, {"name": "c", "regex": "("}]
    run = prober_once([http(1, expect={"header": rules, "degraded_status": "9", "tls_version": "2", "body_not_regex": "*"})])
    assert run.status == 2
    errors = {error["pointer"]: error["detail"] for error in run.errors[0]["errors"]}
    assert errors.keys() == {"/spec/expect/header/0", "/spec/expect/header/1/name", "/spec/expect/header/2/regex",
                             "/spec/expect/degraded_status", "/spec/expect/tls_version", "/spec/expect/body_not_regex"}
    assert "must be absent" in errors["/spec/expect/header/0"]
