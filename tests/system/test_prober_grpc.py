"""gRPC health checks against servers that behave well and badly: one row per behaviour."""

import pytest

from servers import hostile, http2
from servers.certificates import Authority
from servers.hostile import Server
from servers.http2 import END_HEADERS, END_STREAM, HELLO, data, frame, frames, head

TIMEOUT_MS = 1500
LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline

HEAD = [(":status", "200"), ("content-type", "application/grpc")]
OK_STATUS = [("grpc-status", "0")]


def grpc(port, *, id="check", timeout_ms=TIMEOUT_MS, **spec):
    return {"id": id, "kind": "grpc", "timeout_ms": timeout_ms, "spec": {"address": "127.0.0.1", "port": port, **spec}}


def message(body, compressed=0):
    return bytes([compressed]) + len(body).to_bytes(4, "big") + body


def serving(status):
    return message(bytes([8, status]) if status else b"")


SERVING = serving(1)


def replies(body, trailers=OK_STATUS):
    return frames(HELLO, head(*HEAD), data(body), frame(http2.HEADERS, END_HEADERS | END_STREAM, 1, http2.fields(*trailers)))


def says(status, text=None):
    """A head alone, which has the status of the call."""
    text = [("grpc-message", text)] if text else []
    return frames(HELLO, head(*HEAD, ("grpc-status", str(status)), *text, flags=END_HEADERS | END_STREAM))


def after_hello(*parts):
    return frames(HELLO, *parts)


# name, handler, outcome, phase, and a part of the message
BEHAVIOURS = [
    # the service says how it is
    ("serving", replies(SERVING), "ok", "assert", "the service shop is SERVING"),
    ("not serving", replies(serving(2)), "not_serving", "assert", "the service shop is NOT_SERVING"),
    ("unknown", replies(serving(0)), "not_serving", "assert", "the service shop is UNKNOWN"),
    ("service unknown", replies(serving(3)), "not_serving", "assert", "the service shop is SERVICE_UNKNOWN"),
    ("no such status", replies(serving(7)), "proto_error", "assert", "serving status 7"),
    ("other fields", replies(message(b"\x10\x05\x1a\x02hi\x25aaaa\x29bbbbbbbb\x08\x01")), "ok", "assert", "SERVING"),
    ("byte by byte", http2.dripping(HELLO, head(*HEAD), data(SERVING), frame(
        http2.HEADERS, END_HEADERS | END_STREAM, 1, http2.fields(*OK_STATUS))), "ok", "assert", "SERVING"),
    ("a message in three parts", frames(HELLO, head(*HEAD), data(SERVING[:2]), data(SERVING[2:6]), data(SERVING[6:]), frame(
        http2.HEADERS, END_HEADERS | END_STREAM, 1, http2.fields(*OK_STATUS)), pause_s=0.02), "ok", "assert", "SERVING"),
    ("pings before it answers", frames(HELLO, frame(http2.PING, 0, 0, b"12345678") * 20, head(*HEAD), data(SERVING), frame(
        http2.HEADERS, END_HEADERS | END_STREAM, 1, http2.fields(*OK_STATUS))), "ok", "assert", "SERVING"),

    # the call has another status
    ("not found", says(5, "unknown service"), "status_mismatch", "assert",
     "the server does not know the service: gRPC status 5 (NOT_FOUND), unknown service"),
    ("unimplemented", says(12), "proto_error", "assert", "the server has no health service: gRPC status 12 (UNIMPLEMENTED)"),
    ("unavailable", replies(b"", [("grpc-status", "14")]), "status_mismatch", "assert", "gRPC status 14 (UNAVAILABLE)"),
    ("failed after a message", replies(SERVING, [("grpc-status", "13")]), "status_mismatch", "assert", "(INTERNAL)"),
    ("its deadline", says(4), "timeout", "assert", "(DEADLINE_EXCEEDED)"),
    ("a status without a name", says(99), "status_mismatch", "assert", "gRPC status 99 (unknown)"),
    ("a status that is no number", says("ok"), "proto_error", "transfer", "grpc-status is no number"),
    ("no status", frames(HELLO, head(*HEAD), data(SERVING, END_STREAM)), "proto_error", "assert", "no grpc-status"),

    # what is no gRPC
    ("HTTP status 503", frames(HELLO, head((":status", "503"), flags=END_HEADERS | END_STREAM)), "status_mismatch", "transfer",
     "HTTP status 503"),
    ("a page", frames(HELLO, head((":status", "200"), ("content-type", "text/html")), data(b"<html>", END_STREAM)), "proto_error",
     "transfer", 'content type is "text/html"'),
    ("grpc-web", frames(HELLO, head((":status", "200"), ("content-type", "application/grpc-web")), data(SERVING, END_STREAM)),
     "proto_error", "transfer", "content type"),
    ("a compressed message", replies(message(b"\x08\x01", 1)), "proto_error", "transfer", "compressed"),
    ("no message", replies(b""), "proto_error", "assert", "not whole"),
    ("half a message", replies(SERVING[:6]), "proto_error", "assert", "not whole"),
    ("two messages", replies(SERVING * 2), "proto_error", "transfer", "more than one message"),
    ("a message of 1 GB", frames(HELLO, head(*HEAD), data(b"\0\x40\0\0\0")), "limit_exceeded", "transfer", "larger than 4096"),
    ("a message without end", http2.endless(HELLO + head(*HEAD), data(b"\0\0\0\x10\0" + bytes(5000))), "limit_exceeded|proto_error",
     "transfer", ""),
    ("garbage", replies(message(b"\x08")), "proto_error", "transfer", "no HealthCheckResponse"),
    ("a varint without end", replies(message(b"\x08" + b"\xff" * 20)), "proto_error", "transfer", "no HealthCheckResponse"),
    ("a text for the status", replies(message(b"\x0a\x01\x01")), "proto_error", "transfer", "no HealthCheckResponse"),

    # what is no HTTP/2
    ("HTTP/1.1", hostile.answer(hostile.OK), "proto_error", "first_byte", "speaks HTTP/1"),
    ("a TLS alert", hostile.answer(b"\x15\x03\x03\x00\x02\x02\x46"), "proto_error", "first_byte", "speaks TLS"),
    ("an SSH banner", hostile.answer(b"SSH-2.0-OpenSSH_9.2\r\n"), "proto_error", "first_byte", "does not speak HTTP/2"),
    ("a frame too long", after_hello(b"\xff\xff\xff\0\0\0\0\0\1"), "proto_error", "first_byte", "FRAME_SIZE_ERROR"),
    ("bad compression", after_hello(frame(http2.HEADERS, END_HEADERS, 1, b"\x80")), "proto_error", "first_byte", "COMPRESSION_ERROR"),
    ("a push", after_hello(frame(http2.PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2\x82")), "proto_error", "first_byte", "pushes"),
    ("an upper-case field", after_hello(head(*HEAD, ("Name", "x"))), "proto_error", "first_byte", "[Name]"),

    # connections that end, hang, or never stop
    ("never answers", hostile.hang, "timeout", "first_byte", "no reply within 1500 ms"),
    ("only settings", frames(HELLO, then=hostile.hang), "timeout", "first_byte", "no reply within"),
    ("only a head", frames(HELLO, head(*HEAD), then=hostile.hang), "timeout", "transfer", "not complete within"),
    ("closes at once", hostile.close_at_once, "eof_early|reset", "first_byte|request", "closed|reset"),
    ("closes after settings", frames(HELLO), "eof_early", "first_byte", "closed the connection before it replied"),
    ("closes after the head", frames(HELLO, head(*HEAD)), "eof_early", "transfer", "before the reply was complete"),
    ("resets the connection", hostile.reset, "reset", "first_byte|request|connect", "reset"),
    ("resets the stream", after_hello(frame(http2.RST_STREAM, 0, 1, b"\0\0\0\2")), "reset", "first_byte", "INTERNAL_ERROR"),
    ("refuses the stream", after_hello(frame(http2.RST_STREAM, 0, 1, b"\0\0\0\7")), "reset", "first_byte", "REFUSED_STREAM"),
    ("goes away", after_hello(frame(http2.GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x0bslow down")), "reset", "first_byte",
     'ENHANCE_YOUR_CALM ("slow down")'),
    ("goes away after the answer", after_hello(frame(http2.GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\0"), head(*HEAD), data(SERVING), frame(
        http2.HEADERS, END_HEADERS | END_STREAM, 1, http2.fields(*OK_STATUS))), "ok", "assert", "SERVING"),
    ("pings without end", http2.endless(HELLO, frame(http2.PING, 0, 0, b"12345678") * 100), "limit_exceeded", "first_byte",
     "too many frames"),
    ("settings without end", http2.endless(HELLO, HELLO * 100), "limit_exceeded", "first_byte", "too many frames"),
    ("unknown frames without end", http2.endless(HELLO, frame(0x20, 0, 0, bytes(1000))), "limit_exceeded", "first_byte",
     "too many frames"),
    ("empty parts without end", http2.endless(HELLO + head(*HEAD), data(b"") * 100), "limit_exceeded", "transfer", "too many frames"),
    ("1xx without end", http2.endless(HELLO, head((":status", "100"))), "limit_exceeded", "transfer", "too many frames"),
    ("continuations without end", http2.endless(HELLO + head(*HEAD, flags=0), frame(http2.CONTINUATION, 0, 1, b"")), "limit_exceeded",
     "first_byte", "CONTINUATION"),
    ("a head without end", http2.endless(HELLO + head(*HEAD, flags=0), frame(
        http2.CONTINUATION, 0, 1, http2.fields(("x", "y" * 100)) * 140)), "limit_exceeded", "first_byte", "head"),
]


def test_behaviours_have_their_outcome(prober_once):
    """All at once, in one prober: none may delay another, each ends by its timeout."""
    servers = [Server(handle) for _, handle, *_ in BEHAVIOURS]
    try:
        run = prober_once([grpc(server.__enter__().port, id=name, service="shop")
                           for (name, *_), server in zip(BEHAVIOURS, servers)])
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


def healthy(requests):
    return http2.serve(lambda headers, body: (HEAD, SERVING, OK_STATUS), requests)


def test_the_request_is_a_health_check(prober_once):
    requests = []
    with Server(healthy(requests)) as server:
        run = prober_once([grpc(server.port, id="one", service="shop.Cart"), grpc(server.port, id="all")])
    assert run.status == 0, run.order
    assert run.results["all"]["message"] == "the server is SERVING"
    asked = {body: dict(headers) for headers, body in requests}
    assert sorted(asked) == [message(b""), message(b"\x0a\x09shop.Cart")]
    headers = asked[message(b"")]
    assert headers[":method"] == "POST" and headers[":path"] == "/grpc.health.v1.Health/Check"
    assert headers[":scheme"] == "http" and headers[":authority"] == f"127.0.0.1:{server.port}"
    assert headers["content-type"] == "application/grpc" and headers["te"] == "trailers"
    assert headers["grpc-timeout"].endswith("m") and 1 <= int(headers["grpc-timeout"][:-1]) <= TIMEOUT_MS


def test_phases_are_timed(prober_once):
    with Server(frames(HELLO, head(*HEAD), data(SERVING), frame(http2.HEADERS, END_HEADERS | END_STREAM, 1, http2.fields(*OK_STATUS)),
                       pause_s=0.1)) as server:
        timings = prober_once([grpc(server.port)]).results["check"]["timings_us"]
    assert timings["first_byte"] >= 90_000 and timings["transfer"] >= 180_000
    assert timings["total"] >= timings["first_byte"] + timings["transfer"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def test_tls_needs_alpn(prober_once, authority):
    requests = []
    agreeing, silent, old = authority.issue("agreeing"), authority.issue("silent"), authority.issue("old")
    agreeing.set_alpn_protocols(["h2"])
    old.set_alpn_protocols(["http/1.1"])
    with Server(healthy(requests), agreeing) as good, Server(healthy(None), silent) as without, Server(healthy(None), old) as other:
        run = prober_once([
            grpc(good.port, id="good", timeout_ms=5000, tls={"ca": authority.ca}),
            grpc(good.port, id="named", timeout_ms=5000, tls={"ca": authority.ca, "server_name": "localhost"}),
            grpc(good.port, id="untrusted", timeout_ms=5000, tls={}),
            grpc(good.port, id="plain", timeout_ms=5000),
            grpc(without.port, id="without", timeout_ms=5000, tls={"ca": authority.ca}),
            grpc(other.port, id="other", timeout_ms=5000, tls={"ca": authority.ca}),
        ])
    results = run.results
    assert results["good"]["outcome"] == "ok" and results["good"]["tls"]["version"] == "1.3"
    assert results["named"]["outcome"] == "ok"
    assert results["untrusted"]["outcome"] == "tls_untrusted"
    assert results["plain"]["verdict"] == "fail" and results["plain"]["outcome"] in ("eof_early", "reset", "proto_error")
    for name in ("without", "other"):
        assert results[name]["outcome"] == "proto_error" and "ALPN" in results[name]["message"], results[name]
    assert {dict(headers)[":authority"] for headers, _ in requests} == {f"127.0.0.1:{good.port}", "localhost"}
    assert {dict(headers)[":scheme"] for headers, _ in requests} == {"https"}


def test_thresholds_and_inversion(prober_once):
    with Server(frames(HELLO, head(*HEAD), data(SERVING), frame(http2.HEADERS, END_HEADERS | END_STREAM, 1, http2.fields(*OK_STATUS)),
                       pause_s=0.05)) as server, Server(replies(serving(2))) as down:
        run = prober_once([
            grpc(server.port, id="slow", expect={"warn_ms": 50}),
            grpc(server.port, id="too slow", expect={"warn_ms": 10, "fail_ms": 50}),
            grpc(down.port, id="inverted", invert=True),
        ])
    assert [(run.results[name]["verdict"], run.results[name]["outcome"]) for name in ("slow", "too slow", "inverted")] == [
        ("warn", "slow"), ("fail", "slow"), ("ok", "ok")]


def test_wrong_specs_are_refused(prober_once):
    run = prober_once([{"kind": "grpc", "spec": {"address": "127.0.0.1", "service": "x" * 256, "url": "x"}}])
    assert run.status == 2
    assert sorted(error["pointer"] for error in run.errors[0]["errors"]) == ["/spec/port", "/spec/service", "/spec/url"]
