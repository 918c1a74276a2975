"""HTTP checks over HTTP/2: how the version is agreed on, and servers that behave well and badly."""

import json

import pytest

from servers import hostile, http2
from servers.certificates import Authority
from servers.hostile import OK, Server, answer
from servers.http2 import END_HEADERS, END_STREAM, HELLO, data, frame, frames, head
from servers.proxy import Proxy
from test_prober_http_auth import TokenServer, oauth

TIMEOUT_MS = 1500
LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline
GOOD = head((":status", "200"))


def http(port, path="/", *, id="check", scheme="http", timeout_ms=TIMEOUT_MS, http_version="2", **spec):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms,
            "spec": {"url": f"{scheme}://127.0.0.1:{port}{path}", "http_version": http_version, **spec}}


# name, handler, outcome, phase, and a part of the message
BEHAVIOURS = [
    ("plain", frames(HELLO, GOOD, data(b"hello", END_STREAM)), "ok", "assert", "status 200, 5 bytes"),
    ("byte by byte", http2.dripping(HELLO, GOOD, data(b"hello", END_STREAM)), "ok", "assert", "status 200, 5 bytes"),
    ("in parts", frames(HELLO, GOOD, data(b"hel"), data(b"lo"), data(b"", END_STREAM), pause_s=0.02), "ok", "assert", "5 bytes"),
    ("a head alone", frames(HELLO, head((":status", "204"), flags=END_HEADERS | END_STREAM)), "ok", "assert", "status 204, 0 bytes"),
    ("early hints", frames(HELLO, head((":status", "103"), ("link", "x")), GOOD, data(b"hello", END_STREAM)), "ok", "assert", "5 bytes"),
    ("trailers", frames(HELLO, GOOD, data(b"hello"), head(("x", "y"), flags=END_HEADERS | END_STREAM)), "ok", "assert", "5 bytes"),
    ("status 500", frames(HELLO, head((":status", "500"), flags=END_HEADERS | END_STREAM)), "status_mismatch", "assert",
     "status 500, expected 200-299"),
    ("too few bytes", frames(HELLO, head((":status", "200"), ("content-length", "6")), data(b"hello", END_STREAM)), "proto_error",
     "transfer", "length"),
    ("too many bytes", frames(HELLO, head((":status", "200"), ("content-length", "4")), data(b"hello", END_STREAM)), "proto_error",
     "transfer", "length"),
    ("101 informational replies", frames(HELLO, head((":status", "100")) * 101, GOOD), "limit_exceeded", "transfer", "more than 100"),
    ("switches protocols", frames(HELLO, head((":status", "101"))), "proto_error", "first_byte", ""),
    ("HTTP/1.1", answer(OK), "proto_error", "first_byte", "speaks HTTP/1"),
    ("random bytes", answer(b"\x00\xff\x01garbage"), "proto_error", "first_byte", "does not speak HTTP/2"),
    ("never answers", hostile.hang, "timeout", "first_byte", "no reply within 1500 ms"),
    ("hangs in the body", frames(HELLO, GOOD, data(b"hel"), then=hostile.hang), "timeout", "transfer", "not complete within"),
    ("closes at once", hostile.close_at_once, "eof_early|reset", "first_byte|request", "closed|reset"),
    ("closes in the body", frames(HELLO, GOOD, data(b"hel")), "eof_early", "transfer", "before the reply was complete"),
    ("resets the stream", frames(HELLO, GOOD, data(b"hel"), frame(http2.RST_STREAM, 0, 1, b"\0\0\0\2")), "reset", "transfer",
     "INTERNAL_ERROR"),
    ("goes away", frames(HELLO, frame(http2.GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\1")), "reset", "first_byte", "PROTOCOL_ERROR"),
    ("rapid resets", http2.endless(HELLO, frame(http2.RST_STREAM, 0, 1, b"\0\0\0\x08") * 100), "reset", "first_byte", "CANCEL"),
    ("pings without end", http2.endless(HELLO, frame(http2.PING, 0, 0, b"12345678") * 100), "limit_exceeded", "first_byte",
     "too many frames"),
    ("a window of nothing", frames(HELLO, frame(http2.WINDOW_UPDATE, 0, 0, b"\0\0\0\0")), "proto_error", "first_byte", "WINDOW_UPDATE"),
    ("a compression bomb", frames(HELLO, frame(http2.HEADERS, END_HEADERS, 1, b"\x88\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 100)),
     "limit_exceeded", "first_byte", "head is too large"),
]


def test_behaviours_have_their_outcome(prober_once):
    """All at once, in one prober: none may delay another, each ends by its timeout."""
    servers = [Server(handle) for _, handle, *_ in BEHAVIOURS]
    try:
        run = prober_once([http(server.__enter__().port, id=name) for (name, *_), server in zip(BEHAVIOURS, servers)])
    finally:
        for server in servers:
            server.__exit__()

    wrong = []
    for name, _, outcome, phase, text in BEHAVIOURS:
        result = run.results[name]
        fits = (result["outcome"] in outcome.split("|") and result["phase"] in phase.split("|")
                and any(part in result["message"] for part in text.split("|"))
                and result["verdict"] == ("ok" if outcome == "ok" else "fail")
                and result["timings_us"]["total"] < (TIMEOUT_MS + LATE_MS) * 1000)
        if not fits:
            wrong.append((name, result["outcome"], result["phase"], result["message"], result["timings_us"]["total"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert len(run.order) == len(BEHAVIOURS)


def page(headers, body):
    return [(":status", "200"), ("content-type", "text/plain")], b"hello " + headers[":path"].encode()


def test_the_request_is_the_same_as_over_http_1(prober_once):
    requests = []
    with Server(http2.serve(page, requests)) as server:
        run = prober_once([http(server.port, "/login?x=1", method="POST", body="user=ü", expect={"body_contains": "hello /login?x=1"},
                                headers=[["X-One", "1"], ["X-One", "2"], ["Host", "shop.test"]])])
    assert run.status == 0, run.order
    headers, body = requests[0]
    assert body == "user=ü".encode()
    assert headers[:4] == [(":method", "POST"), (":scheme", "http"), (":authority", "shop.test"), (":path", "/login?x=1")]
    assert sorted(name for name, _ in headers[4:]) == ["accept", "content-length", "user-agent", "x-one", "x-one"]


def test_large_bodies_need_more_than_a_window(prober_once):
    body = b"x" * 3_000_000 + b"end"
    with Server(http2.serve(lambda headers, _: ([(":status", "200")], body))) as server:
        run = prober_once([
            http(server.port, id="whole", timeout_ms=20000, max_body_bytes=4_000_000, expect={"body_contains": "end"}),
            http(server.port, id="cut", timeout_ms=20000, max_body_bytes=100_000, expect={"body_contains": "end"}),
            http(server.port, id="head", method="HEAD"),
        ])
    assert run.results["whole"]["outcome"] == "ok" and run.results["whole"]["http"]["body_bytes"] == len(body)
    assert run.results["cut"]["outcome"] == "assert_failed"
    assert run.results["cut"]["http"] == {"status": 200, "redirects": 0, "body_bytes": 100_000, "truncated": True}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def test_versions_are_agreed_on_by_alpn(prober_once, authority):
    both, old, only = authority.issue("both"), authority.issue("old"), authority.issue("only")
    both.set_alpn_protocols(["h2", "http/1.1"])
    only.set_alpn_protocols(["h2"])

    def by_alpn(connection):
        handle = http2.serve(page) if connection.selected_alpn_protocol() == "h2" else answer(OK)
        handle(connection)

    def https(server, id, version, wanted=None):
        expect = {"expect": {"http_version": wanted}} if wanted else {}
        return http(server.port, id=id, scheme="https", timeout_ms=5000, http_version=version, tls={"ca": authority.ca}, **expect)

    with Server(by_alpn, both) as modern, Server(by_alpn, old) as plain, Server(by_alpn, only) as strict, Server(answer(OK)) as clear:
        run = prober_once([
            https(modern, "2", "2", "2"), https(modern, "auto", "auto", "2"), https(modern, "1.1", "1.1", "1.1"),
            https(plain, "old auto", "auto", "1.1"), https(plain, "old 2", "2"),
            https(strict, "only 2", "auto", "2"),
            https(modern, "unexpected 2", "auto", "1.1"), https(plain, "unexpected 1", "auto", "2"),
            http(clear.port, id="clear auto", http_version="auto", expect={"http_version": "1.1"}),
        ])
    results = run.results
    for name in ("2", "auto", "1.1", "old auto", "only 2", "clear auto"):
        assert results[name]["outcome"] == "ok", results[name]
    assert results["old 2"]["outcome"] == "proto_error" and "ALPN" in results["old 2"]["message"]
    assert results["unexpected 2"]["outcome"] == "assert_failed"
    assert results["unexpected 2"]["message"] == "HTTP/2, expected HTTP/1.1"
    assert results["unexpected 1"]["message"] == "HTTP/1.1, expected HTTP/2"
    assert results["2"]["tls"]["version"] == "1.3" and results["2"]["timings_us"]["first_byte"] > 0


def test_redirects_may_change_the_version(prober_once, authority):
    both = authority.issue("hop")
    both.set_alpn_protocols(["h2"])
    with Server(http2.serve(page), both) as last, Server(hostile.routes({
            "/": hostile.redirect(f"https://127.0.0.1:{last.port}/there")})) as first:
        run = prober_once([http(first.port, http_version="auto", timeout_ms=5000, tls={"ca": authority.ca},
                                expect={"http_version": "2", "body_contains": "hello /there"})])
    assert run.status == 0, run.order
    assert run.results["check"]["http"]["redirects"] == 1

    def away(headers, _):
        target = f"http://127.0.0.1:{plain.port}/x" if headers[":path"] == "/" else None
        return [(":status", "302"), ("location", target)], b""

    with Server(answer(OK)) as plain, Server(http2.serve(away), both) as first:
        run = prober_once([http(first.port, scheme="https", http_version="auto", timeout_ms=5000, tls={"ca": authority.ca},
                                expect={"http_version": "1.1"})])
    assert run.status == 0, run.order


def test_proxies_lead_to_it_as_well(prober_once, authority):
    requests = []
    context = authority.issue("far")
    context.set_alpn_protocols(["h2"])
    hops = authority.issue("near")
    with Server(http2.serve(page, requests), context) as server, Server(http2.serve(page, requests)) as plain, \
            Proxy() as proxy, Proxy(hops) as secure_proxy:
        tls = {"ca": authority.ca}
        by_plain = {"url": f"http://127.0.0.1:{proxy.port}"}
        by_tls = {"url": f"https://127.0.0.1:{secure_proxy.port}", "tls": tls}
        run = prober_once([
            http(server.port, id="TLS by plain", scheme="https", timeout_ms=5000, tls=tls, proxy=by_plain, expect={"http_version": "2"}),
            http(server.port, id="TLS by TLS", scheme="https", timeout_ms=5000, tls=tls, proxy=by_tls, expect={"http_version": "2"}),
            http(plain.port, id="plain by TLS", timeout_ms=5000, proxy=by_tls, expect={"http_version": "2"}),
        ])
    assert run.status == 0, run.order
    assert len(requests) == 3


def test_tokens_are_fetched_over_http_1(prober_once, authority):
    requests = []
    context = authority.issue("tokens")
    context.set_alpn_protocols(["h2"])
    with TokenServer(context=authority.context("tokens"), expires_in=3600) as tokens, Server(http2.serve(page, requests), context) as server:
        auth = oauth(tokens.port, scheme="https", tls={"ca": authority.ca})
        run = prober_once([http(server.port, scheme="https", timeout_ms=5000, tls={"ca": authority.ca}, auth=auth)])
    assert run.status == 0, run.order
    assert dict(requests[0][0])["authorization"] == f"Bearer {tokens.tokens[0]}"


def test_explain_tells_the_version_and_no_secrets(prober_once):
    with Server(http2.serve(lambda *_: ([(":status", "200"), ("set-cookie", "id=hidden")], b""))) as server:
        run = prober_once([http(server.port, auth={"bearer": "secret-token"})], "--explain")
    steps = {step["step"]: json.dumps(step) for step in run.results["check"]["steps"]}
    assert "over HTTP/2" in steps["request"] and "HTTP/2 200" in steps["response"]
    assert "authorization" in steps["request"].lower() and "set-cookie" in steps["response"]
    assert "secret-token" not in json.dumps(run.order) and "hidden" not in json.dumps(run.order)


def test_http_1_0_is_told_apart(prober_once):
    with Server(answer(b"HTTP/1.0 200 OK\r\n\r\nhello")) as server:
        run = prober_once([http(server.port, http_version="1.1", expect={"http_version": "1.1"})])
    assert run.results["check"]["message"] == "HTTP/1.0, expected HTTP/1.1"


def test_the_largest_request_there_may_be_is_sent(prober_once):
    """All that a spec may hold beside the 20 KiB of headers that its schema allows."""
    headers = [[f"x-{number:02}", "x" * (20480 // 10 - 36)] for number in range(10)]
    requests = []
    with Server(http2.serve(page, requests)) as server:
        path = "/" + "p" * (2048 - len(f"http://127.0.0.1:{server.port}/"))
        run = prober_once([http(server.port, path, headers=headers, auth={"bearer": "b" * 8192}, compression=True, method="P" * 32,
                                body="x" * 1000)])
    assert run.status == 0, run.order
    assert len(requests[0][0]) >= 14


def test_a_request_too_large_is_refused(prober_once):
    run = prober_once([http(1, headers=[[f"X-{number}", "x" * 4000] for number in range(9)])])
    assert run.status == 2
    assert [error["pointer"] for error in run.errors[0]["errors"]] == ["/spec/headers"]
