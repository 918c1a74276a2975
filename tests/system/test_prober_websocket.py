"""WebSocket checks against servers that behave well and badly, and against the real live interface of control."""

import queue
import time

from probe_tables import assert_results, probe_hostile
from servers import hostile
from servers.certificates import Authority
from servers.hostile import Server, answer, drip, read_head, say
from servers.websocket import (BINARY, CLOSE, PING, PONG, TEXT, close, echo, frame, read_frame, talk, upgrade)

TIMEOUT_MS = 2000


def check(port, *, id="check", scheme="ws", timeout_ms=TIMEOUT_MS, path="/", **spec):
    return {"id": id, "kind": "websocket", "timeout_ms": timeout_ms,
            "spec": {"url": f"{scheme}://127.0.0.1:{port}{path}", **spec}}


HELLO = {"send": "hello", "expect_regex": "^hello$"}


def test_a_server_that_says_back(prober_once, tmp_path):
    authority = Authority(tmp_path)
    large = "x" * 32768
    chosen = talk(fields=[b"Sec-WebSocket-Protocol: chat.v2"], then=echo)
    with Server(talk(then=echo)) as server, Server(chosen) as chooses, Server(talk(then=echo), authority.issue("ws")) as secure:
        run = prober_once([
            check(server.port, id="upgrade"),
            check(server.port, id="message", **HELLO),
            check(server.port, id="large", send=large, expect_regex="^x+$"),
            check(server.port, id="unicode", send="Grüße ✓", expect_regex="✓$"),
            check(server.port, id="no match", send="hello", expect_regex="^bye$", timeout_ms=1500),
            check(server.port, id="subprotocol that is not spoken", subprotocol="chat.v2"),
            check(chooses.port, id="subprotocol", subprotocol="chat.v2"),
            check(chooses.port, id="another subprotocol", subprotocol="chat.v1"),
            check(chooses.port, id="a subprotocol unasked"),
            check(secure.port, id="tls", scheme="wss", tls={"ca": authority.ca}, **HELLO),
            check(secure.port, id="untrusted", scheme="wss"),
        ])
    assert_results(run, {
        "upgrade": ("ok", "assert", "the connection was upgraded"),
        "message": ("ok", "assert", "a message matches, 5 bytes"),
        "large": ("ok", "assert", "32768 bytes"),
        "unicode": ("ok", "assert", "matches"),
        "no match": ("timeout", "transfer", 'none of 1 messages matched within 1500 ms; the last begins with "hello"'),
        "subprotocol that is not spoken": ("assert_failed", "assert", "does not speak the subprotocol chat.v2"),
        "subprotocol": ("ok", "assert", "upgraded to chat.v2"),
        "another subprotocol": ("proto_error", "transfer", 'chose the subprotocol "chat.v2", which was not offered'),
        "a subprotocol unasked": ("proto_error", "transfer", "not offered"),
        "tls": ("ok", "assert", "matches"),
        "untrusted": ("tls_untrusted", "tls", "not known"),
    })
    assert run.results["message"]["http"]["status"] == 101
    assert run.results["tls"]["tls"]["version"] == "1.3"


def test_what_the_server_gets(prober_once):
    heads, frames = [], queue.Queue()

    def handle(connection):
        heads.append(read_head(connection).decode())
        connection.sendall(upgrade(heads[-1].encode(), b"Server: shop", b"Set-Cookie: session=hidden") + frame(PING, b"are you there") + frame(TEXT, b"first"))
        while True:
            opcode, payload = read_frame(connection)
            frames.put((opcode, payload))
            if opcode == PONG:
                connection.sendall(frame(TEXT, b"sec", final=False) + frame(PING) + frame(0, b"ond"))
            elif opcode == CLOSE:
                connection.sendall(frame(CLOSE, payload))
                return

    with Server(handle) as server:
        run = prober_once([check(server.port, path="/live?x=1", headers=[["Origin", "https://shop.test"], ["host", "shop.test"]],
                                 send="hi", expect_regex="^second$")], "--explain")
    assert_results(run, {"check": ("ok", "assert", "a message matches, 6 bytes")})
    assert heads[0].startswith("GET /live?x=1 HTTP/1.1\r\n")
    for line in ("Origin: https://shop.test", "host: shop.test", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Version: 13"):
        assert heads[0].count(f"\r\n{line}\r\n") == 1, heads[0]
    assert "\r\nHost:" not in heads[0]
    said = [frames.get(timeout=5) for _ in range(4)]
    assert said == [(TEXT, b"hi"), (PONG, b"are you there"), (PONG, b""), (CLOSE, b"\x03\xe8")]
    steps = str(run.results["check"]["steps"])
    assert "status 101; " in steps and "; Server: shop; Set-Cookie: ***" in steps and "hidden" not in steps
    assert "closed with code 1000" in steps


def test_a_server_that_never_says_goodbye_changes_nothing(prober_once):
    def chatter(connection):
        while True:
            connection.sendall(frame(TEXT, b"more") * 10)
            time.sleep(0.01)

    with Server(talk()) as silent, Server(talk(then=chatter)) as chatty:
        started = time.monotonic()
        run = prober_once([check(silent.port, id="silent", expect={"warn_ms": 900}),
                           check(chatty.port, id="chatty", expect={"warn_ms": 900}),
                           check(silent.port, id="short", timeout_ms=500)])
    assert_results(run, {name: ("ok", "assert", "upgraded") for name in ("silent", "chatty", "short")})
    assert all(result["timings_us"]["total"] < 500_000 for result in run.results.values())
    assert time.monotonic() - started < 2.5


MORE = {"expect_regex": "never"}


def rejected(status, *fields):
    return answer(b"\r\n".join([b"HTTP/1.1 " + status, *fields, b"Content-Length: 0", b"", b""]))


def upgraded(fields=b"Upgrade: websocket\r\nConnection: Upgrade\r\n"):
    return answer(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n", pause_s=0.2)


def slowly(connection):
    """Everything byte by byte, with early hints before and messages after."""
    drip(connection, b"HTTP/1.1 103 Early Hints\r\n\r\n" + upgrade(read_head(connection)) + frame(TEXT, b"hel", final=False) +
         frame(PING) + frame(0, b"lo") + frame(BINARY, b"\xff" * 200))
    hostile.hang(connection)


def flood(data):
    def send(connection):
        while True:
            connection.sendall(data)

    return talk(then=send)


HOSTILE = [
    ("never answers", hostile.hang, "timeout", "first_byte", "no reply within", {}),
    ("closes at once", hostile.close_at_once, "eof_early|reset", "first_byte|request", "", {}),
    ("closes in the handshake", answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"), "eof_early", "transfer",
     "before the reply was complete", {}),
    ("stalls in the handshake", say(b"HTTP/1.1 101 Swi", then_hang=True), "timeout", "transfer", "the reply was not complete", {}),
    ("an endless head", hostile.endless(b"HTTP/1.1 101 X\r\n", b"X: y\r\n" * 50), "limit_exceeded", "transfer", "limit", {}),
    ("1,000 informational replies", answer(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), "limit_exceeded", "transfer", "100", {}),
    ("not HTTP", answer(b"SSH-2.0-OpenSSH_9.2\r\n"), "proto_error", "transfer", 'begins with "SSH-2.0', {}),
    ("status 200", rejected(b"200 OK"), "status_mismatch", "assert", "status 200, expected 101", {}),
    ("status 404", rejected(b"404 Not Found"), "status_mismatch", "assert", "status 404, expected 101", {}),
    ("a redirect", rejected(b"301 Moved", b"Location: wss://other.test/"), "status_mismatch", "assert",
     "status 301, expected 101; redirects are not followed, this one leads to wss://other.test/", {}),
    ("another protocol", upgraded(b"Upgrade: h2c\r\nConnection: Upgrade\r\n"), "proto_error", "transfer", "not to WebSocket", {}),
    ("no Connection", upgraded(b"Upgrade: websocket\r\n"), "proto_error", "transfer", "not to WebSocket", {}),
    ("no accept key", upgraded(), "proto_error", "transfer", "sends no Sec-WebSocket-Accept", {}),
    ("a wrong accept key", upgraded(b"Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: "
                                    b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "proto_error", "transfer", "does not belong to our key", {}),
    ("a wrong accept key, allowed", upgraded(b"Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"), "ok", "assert",
     "upgraded", {"verify_accept": False}),
    ("an extension unasked", talk(fields=[b"Sec-WebSocket-Extensions: permessage-deflate"]), "proto_error", "transfer",
     "an extension", {}),
    ("byte by byte", slowly, "ok", "assert", "a message matches, 5 bytes", {"expect_regex": "^hello$"}),
    ("no message", talk(), "timeout", "transfer", "no message within ", MORE),
    ("closes without a word", talk(then=hostile.close_at_once), "eof_early", "transfer", "before the reply was complete", MORE),
    ("resets", talk(then=hostile.reset), "reset|eof_early", "transfer", "", MORE),
    ("closes with a word", talk(close(1000, b"done")), "eof_early", "transfer", 'before a message matched: code 1000, "done"', MORE),
    ("closes without a code", talk(frame(CLOSE)), "eof_early", "transfer", "code 1005", MORE),
    ("goes away", talk(close(1001)), "not_serving", "transfer", "code 1001", MORE),
    ("try again later", talk(close(1013, b"overloaded")), "not_serving", "transfer", "overloaded", MORE),
    ("a masked frame", talk(frame(TEXT, b"x", mask=True)), "proto_error", "transfer", "a server's frame is masked", MORE),
    ("1 GB of message", talk(frame(BINARY, length=1 << 30)), "limit_exceeded", "transfer", "longer than the limit", MORE),
    ("a negative length", talk(frame(BINARY, length=(1 << 64) - 1)), "limit_exceeded", "transfer", "longer than the limit", MORE),
    ("1 MiB in fragments", talk(frame(BINARY, b"x" * 65535, final=False), *[frame(0, b"x" * 65535, final=False)] * 16),
     "limit_exceeded", "transfer", "longer than the limit", MORE),
    ("1 MiB is read", talk(frame(TEXT, b"x" * (1 << 20))), "ok", "assert", "1048576 bytes", {"expect_regex": "^x"}),
    ("fragments without end", talk(frame(TEXT, final=False), frame(0, final=False) * 5000), "limit_exceeded", "transfer",
     "4096 fragments", MORE),
    ("reserved bits", talk(frame(TEXT, b"x", reserved=4)), "proto_error", "transfer", "reserved bits", MORE),
    ("a reserved opcode", talk(frame(3)), "proto_error", "transfer", "reserved opcode", MORE),
    ("bad UTF-8", talk(frame(TEXT, b"\xff\xfe")), "proto_error", "transfer", "a text is not UTF-8", MORE),
    ("binary that is no text", talk(frame(BINARY, b"\xff\xfe")), "timeout", "transfer", '"\\xff\\xfe"', MORE),
    ("a fragment of nothing", talk(frame(0, b"x")), "proto_error", "transfer", "has not begun", MORE),
    ("a message within a message", talk(frame(TEXT, b"a", final=False), frame(TEXT, b"b")), "proto_error", "transfer",
     "begins within another", MORE),
    ("a fragmented ping", talk(frame(PING, final=False)), "proto_error", "transfer", "a control frame is fragmented", MORE),
    ("a long ping", talk(frame(PING, b"x" * 126)), "proto_error", "transfer", "longer than 125 bytes", MORE),
    ("half a close code", talk(frame(CLOSE, b"\x03")), "proto_error", "transfer", "half a code", MORE),
    ("a close code for nobody", talk(close(1006)), "proto_error", "transfer", "may not be sent", MORE),
    ("a ping flood", flood(frame(PING, b"x" * 100) * 50), "limit_exceeded", "transfer", "more than 100 pings", MORE),
    ("a message flood", flood(frame(TEXT, b"x") * 100), "limit_exceeded", "transfer", "more than 1000 messages", MORE),
    ("5 MiB of messages", talk(*[frame(BINARY, b"x" * (1 << 20))] * 5), "limit_exceeded", "transfer", "more than 4 MiB", MORE),
    ("an expression that explodes", talk(frame(TEXT, b"a" * 40 + b"!")), "limit_exceeded", "transfer", "takes too long",
     {"expect_regex": "^(a|aa)+$"}),
]


def test_hostile_servers(prober_once):
    probe_hostile(prober_once, check, HOSTILE)


def test_the_live_interface_of_control(prober_once, control):
    port = control.port
    path = "/socket.io/?EIO=4&transport=websocket"
    key = [["Authorization", f"Bearer {control.admin_key}"]]
    run = prober_once([
        check(port, id="open", path=path, headers=key, expect_regex='^0\\{"sid":'),
        check(port, id="connected", path=path, headers=key, send="40", expect_regex='^40\\{"sid":'),
        check(port, id="no key", path=path),
    ], "--explain")
    assert_results(run, {"open": ("ok", "assert", "matches"), "connected": ("ok", "assert", "matches"),
                         "no key": ("status_mismatch", "assert", "status 401, expected 101")})
    assert "closed with code 1000" in str(run.results["open"]["steps"])


def test_bad_specs_name_every_field(prober_once):
    wrong = {"id": "wrong", "kind": "websocket", "spec": {
        "url": "http://a.test/", "headers": [["Upgrade", "x"], ["sec-websocket-key", "x"], ["X", "a\nb"]], "subprotocol": "a b",
        "verify_accept": 1, "send": 5, "expect_regex": "(", "nope": 1}}
    run = prober_once([wrong, {"id": "empty", "kind": "websocket", "spec": {}}])
    assert {error["pointer"] for error in run.errors[0]["errors"]} == {
        "/spec/url", "/spec/headers/0/0", "/spec/headers/1/0", "/spec/headers/2/1", "/spec/subprotocol", "/spec/verify_accept",
        "/spec/send", "/spec/expect_regex", "/spec/nope"}
    assert [error["pointer"] for error in run.errors[1]["errors"]] == ["/spec/url"]
