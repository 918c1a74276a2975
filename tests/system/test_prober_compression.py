"""HTTP checks that ask for compression: what is expected of a body is expected of the decoded one."""

import gzip
import random
import zlib

from servers import hostile, http2
from servers.hostile import Server, answer

PAGE = b"a page with a needle in it. " * 50
BR = bytes.fromhex("8000106869206e6565646c6503")  # "hi needle"


def reply(coding, body, length=True):
    size = b"Content-Length: %d\r\n" % len(body) if length else b""
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + b"\r\n" + size + b"\r\n" + body


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def http(port, *, id="check", timeout_ms=3000, needle="needle", compression=True, **spec):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms,
            "spec": {"url": f"http://127.0.0.1:{port}/", "compression": compression,
                     "expect": {"body_contains": needle} if needle else {}, **spec}}


def zeros_bomb():
    """gzip of 100 MB of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()


BOMB = zeros_bomb()

# name, reply, outcome, phase, and a part of the message
BEHAVIOURS = [
    ("gzip", reply(b"gzip", gzip.compress(PAGE)), "ok", "assert", f"status 200, {len(PAGE)} bytes"),
    ("x-gzip", reply(b"X-GZIP", gzip.compress(PAGE)), "ok", "assert", f"{len(PAGE)} bytes"),
    ("gzip in members", reply(b"gzip", gzip.compress(PAGE) + gzip.compress(PAGE)), "ok", "assert", f"{2 * len(PAGE)} bytes"),
    ("br", reply(b"br", BR), "ok", "assert", "9 bytes"),
    ("deflate", reply(b"deflate", zlib.compress(PAGE)), "ok", "assert", ""),
    ("raw deflate", reply(b"deflate", raw_deflate(PAGE)), "ok", "assert", ""),
    ("identity", reply(b"identity", PAGE), "ok", "assert", ""),
    ("not compressed", hostile.OK.replace(b"hello", b"needl").replace(b"5", b"6") + b"e", "ok", "assert", "6 bytes"),
    ("until close", reply(b"gzip", gzip.compress(PAGE), length=False), "ok", "assert", ""),
    ("two codings", reply(b"br, gzip", gzip.compress(BR)), "ok", "assert", "9 bytes"),
    ("two headers", reply(b"br\r\nContent-Encoding: gzip", gzip.compress(BR)), "ok", "assert", "9 bytes"),
    ("more after the end", reply(b"gzip", gzip.compress(PAGE) + b"more"), "ok", "assert", ""),

    ("three codings", reply(b"gzip, gzip, gzip", b""), "limit_exceeded", "transfer", "more than 2 content codings"),
    ("a coding not asked for", reply(b"zstd", b"x"), "proto_error", "transfer", '"zstd" is not known'),
    ("not gzip", reply(b"gzip", PAGE), "proto_error", "transfer", "incorrect header check"),
    ("truncated", reply(b"gzip", gzip.compress(PAGE)[:-3]), "proto_error", "transfer", "ends early"),
    ("a wrong check sum", reply(b"gzip", gzip.compress(PAGE)[:-8] + b"12345678"), "proto_error", "transfer", "incorrect data check"),
    ("bad br", reply(b"br", b"\xff\xff\xff\xff"), "proto_error", "transfer", "br data is malformed"),
    ("a bomb", reply(b"gzip", BOMB), "limit_exceeded", "transfer", "more than 200 times"),
    ("a bomb in a bomb", reply(b"gzip, gzip", gzip.compress(BOMB)), "limit_exceeded", "transfer", "more than 200 times"),
]


def test_behaviours_have_their_outcome(prober_once):
    servers = [Server(answer(data)) for _, data, *_ in BEHAVIOURS]
    try:
        run = prober_once([http(server.__enter__().port, id=name, max_body_bytes=16 << 20)
                           for (name, *_), server in zip(BEHAVIOURS, servers)])
    finally:
        for server in servers:
            server.__exit__()
    wrong = [(name, result["outcome"], result["phase"], result["message"])
             for name, _, outcome, phase, text in BEHAVIOURS
             for result in [run.results[name]]
             if (result["outcome"], result["phase"]) != (outcome, phase) or text not in result["message"]]
    assert not wrong, "\n".join(map(str, wrong))


def test_compression_is_asked_for_only_by_who_wants_it(prober_once):
    heads = []
    with Server(hostile.routes({"/": reply(b"gzip", gzip.compress(PAGE))}, heads)) as server:
        run = prober_once([http(server.port, id="on")])
        run_off = prober_once([http(server.port, id="off", compression=False)])
        run_own = prober_once([http(server.port, id="own", headers=[["Accept-Encoding", "gzip;q=1"]])])
    assert run.status == 0 and run_own.status == 0
    assert run_off.results["off"]["outcome"] == "assert_failed", "the body is what was sent"
    assert ["accept-encoding: gzip, br" in head.lower() for head in heads] == [True, False, False]
    assert heads[2].lower().count("accept-encoding") == 1


def test_the_cap_counts_decoded_bytes(prober_once):
    body = random.Random(1).randbytes(300_000) + b"needle"
    with Server(answer(reply(b"gzip", gzip.compress(body)))) as server:
        run = prober_once([http(server.port, id="whole"), http(server.port, id="cut", max_body_bytes=100_000),
                           http(server.port, id="none", max_body_bytes=0, needle=None)])
    assert run.results["whole"]["http"]["body_bytes"] == len(body) and run.results["whole"]["outcome"] == "ok"
    assert run.results["cut"]["http"] == {"status": 200, "redirects": 0, "body_bytes": 100_000, "truncated": True}
    assert run.results["cut"]["outcome"] == "assert_failed"
    assert run.results["none"]["outcome"] == "ok"


def test_garbage_without_end_after_the_body_is_left(prober_once):
    with Server(hostile.endless(reply(b"gzip", gzip.compress(PAGE), length=False), bytes(65536))) as server:
        run = prober_once([http(server.port)])
    assert run.results["check"]["outcome"] == "limit_exceeded" and "follow the end" in run.results["check"]["message"]


def test_a_redirect_is_followed_whatever_its_body(prober_once):
    with Server(hostile.routes({"/there": reply(b"br", BR), "/": b"HTTP/1.1 302 Found\r\nLocation: /there\r\n"
                                b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad"})) as server:
        assert prober_once([http(server.port)]).status == 0


def test_compression_over_http_2(prober_once):
    requests = []
    headers = [(":status", "200"), ("content-encoding", "gzip")]
    with Server(http2.serve(lambda *_: (headers, gzip.compress(PAGE)), requests)) as server:
        run = prober_once([http(server.port, http_version="2")])
    assert run.status == 0, run.order
    assert ("accept-encoding", "gzip, br") in requests[0][0]
