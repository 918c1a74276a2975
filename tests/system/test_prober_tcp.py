"""TCP checks: dialogues against servers that behave well and badly, TLS in the middle, half-open connects."""

import json
import os
import socket
import subprocess

import pytest

from processes import EM_PROBER, wait_until
from servers import hostile
from servers.certificates import Authority
from servers.hostile import Server
from servers.talk import HALF_CLOSE, RESET, dripping, talk, without_end

TIMEOUT_MS = 1500
LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def tcp(port, *steps, id="check", timeout_ms=TIMEOUT_MS, **spec):
    if steps:
        spec["steps"] = list(steps)
    return {"id": id, "kind": "tcp", "timeout_ms": timeout_ms, "spec": {"address": "127.0.0.1", "port": port, **spec}}


def send(text):
    return {"send": text}


def line(regex, **more):
    return {"expect_regex": regex, **more}


def whole(regex):
    return {"expect_regex": regex, "match": "buffer"}


def together(prober_once, rows):
    """Runs rows of (name, handler, steps or fields, outcome, phase, part of the message), all at once in one prober."""
    servers = [Server(handle) for _, handle, *_ in rows]
    try:
        run = prober_once([tcp(server.__enter__().port, *(wanted if isinstance(wanted, list) else []), id=name,
                               **(wanted if isinstance(wanted, dict) else {}))
                           for (name, _, wanted, *_), server in zip(rows, servers)])
    finally:
        for server in servers:
            server.__exit__()
    wrong = []
    for name, _, _, outcome, phase, message in rows:
        result = run.results[name]
        if not (result["outcome"] in outcome.split("|") and result["phase"] in phase.split("|") and message in result["message"]
                and result["verdict"] == ("ok" if outcome == "ok" else "fail")
                and result["timings_us"]["total"] < (TIMEOUT_MS + LATE_MS) * 1000):
            wrong.append((name, result["outcome"], result["phase"], result["message"], result["timings_us"]["total"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert len(run.order) == len(rows)


SMTP = b"220-mail.test\r\n220 ready\r\n"

DIALOGUES = [
    ("nothing expected", hostile.hang, [send("x")], "ok", "request", "goes through all 1 steps"),
    ("lines are skipped", talk(SMTP), [line("^220 ")], "ok", "transfer", "all 1 steps"),
    ("one by one", talk(b"one\r\ntwo\nthree\n"), [line("^one$"), line("^two$"), line("^three$")], "ok", "transfer", "all 3 steps"),
    ("what is left stays", talk(b"abc\nrest"), [whole("^a"), whole("^bc\n"), whole("^rest$")], "ok", "transfer", ""),
    ("byte by byte", dripping(SMTP + b"end\n", then=2), [line("^220 "), line("^end$")], "ok", "transfer", ""),
    ("in one piece", talk(SMTP + b"250-a\r\n250 b\r\n"), [line("^220 "), line("^250 ")], "ok", "transfer", ""),
    ("no line end before the close", talk(b"OK", HALF_CLOSE), [line("^OK$")], "ok", "transfer", ""),
    ("half-closes after the answer", talk("ask", b"answer\n", HALF_CLOSE), [send("ask"), line("^answer$")], "ok", "transfer", ""),
    ("half-closed by us", talk("ask", 0.05, b"late\n"), [send("ask"), {"half_close": True}, line("^late$")], "ok", "transfer", ""),
    ("exact bytes", talk(b"\x00\xff\x01more\n"), [{"expect_bytes_hex": "00FF01"}, line("^more$")], "ok", "transfer", ""),
    ("other bytes", talk(b"\x00\xfe"), [{"expect_bytes_hex": "00ff01"}], "assert_failed", "transfer",
     'step 1 does not match: the server sent "\\x00\\xfe"'),
    ("too few bytes", talk(b"\x00", HALF_CLOSE), [{"expect_bytes_hex": "00ff"}], "assert_failed", "transfer", "and closed"),
    ("a line that may not be skipped", talk(b"220-a\r\n554 go away\r\n"), [line("^220 ", skip_regex="^220-")], "assert_failed",
     "transfer", 'step 1 does not match: the server sent "554 go away"'),
    ("never matches", talk(b"554 go away\r\n"), [line("^220 ")], "timeout", "transfer",
     'step 1 does not match within 1500 ms: the server sent "554 go away\\x0d\\x0a"'),
    ("silent", hostile.hang, [send("x"), line("^2")], "timeout", "first_byte", "step 2: nothing came within 1500 ms"),
    ("a limit of the step", hostile.hang, [line("^2", timeout_ms=200)], "timeout", "first_byte", "within 200 ms"),
    ("a limit of an earlier step", talk(b"1\n", 0.5, b"2\n"), [line("^1$", timeout_ms=300), line("^2$")], "ok", "transfer", ""),
    ("a byte a second", dripping(b"220 slow\r\n", 1), [line("^220")], "timeout", "transfer", "does not match within 1500 ms"),
    ("closes at once", hostile.close_at_once, [line("^2")], "eof_early", "first_byte", "closed the connection before it replied"),
    ("resets at once", hostile.reset, [line("^2")], "reset", "first_byte|connect", "reset"),
    ("resets in the middle", talk(b"22", 0.1, RESET), [line("^220")], "reset", "transfer", "before the reply was complete"),
    ("closes in the middle", talk(b"22", HALF_CLOSE), [line("^220")], "assert_failed", "transfer", 'sent "22" and closed'),
    ("lines without end", without_end(b"x\n" * 100), [line("^220")], "limit_exceeded", "transfer", "within 16384 bytes"),
    ("a line without end", without_end(b"x" * 1000), [line("^220")], "limit_exceeded", "transfer", "within 16384 bytes"),
    ("garbage", talk(bytes(range(256))), [line("^220", skip_regex="^220-")], "assert_failed", "transfer", "\\x00\\x01"),
    ("looks like TLS", talk(b"\x15\x03\x01\x00\x02\x02\x46", HALF_CLOSE), [line("^220")], "assert_failed", "transfer",
     "looks like TLS"),
    ("a costly expression", talk(b"a" * 5000 + b"\n"), [line("^(a|a?)+(a|b?)+$(?<!a)")], "limit_exceeded", "transfer",
     "takes too long"),
    ("too much caught", talk(b"a" * 2000 + b"\n"), [line("(.*)"), send("\\1")], "limit_exceeded", "transfer", "1024 bytes"),
    ("more before TLS", talk("STARTTLS", b"220 go\r\n250 injected\r\n"), [send("STARTTLS\r\n"), line("^220"), {"starttls": True}],
     "proto_error", "transfer", "14 bytes more in plain text"),
    ("no TLS behind STARTTLS", talk(b"220 go\r\n", 0.2, b"250 what?\r\n"), [line("^220"), {"starttls": True}], "tls_handshake",
     "tls", "does not speak TLS"),
    ("TLS that stalls", talk(b"220 go\r\n"), [line("^220"), {"starttls": True, "timeout_ms": 300}], "timeout", "tls",
     "the TLS handshake was not complete within 300 ms"),
    ("short: matches anywhere", talk("PING", b"a\r\n+PONG"), {"send": "PING", "expect_regex": "\\+PONG"}, "ok", "transfer", ""),
    ("short: a backslash is one", talk("\\1", b"yes"), {"send": "\\1", "expect_regex": "yes"}, "ok", "transfer", ""),
    ("short: no match", talk(b"no", HALF_CLOSE), {"expect_regex": "^yes"}, "assert_failed", "transfer",
     'the reply does not match: the server sent "no" and closed the connection'),
    ("short: silent", hostile.hang, {"expect_regex": "^yes"}, "timeout", "first_byte", "the reply: nothing came within"),
]


def test_dialogues_have_their_outcome(prober_once):
    """All at once, in one prober: none may delay another, each ends by its timeout."""
    together(prober_once, DIALOGUES)


def test_what_was_caught_is_sent_again(prober_once):
    heard = []
    with Server(talk(b"hello anna 17\r\n", "\n", b"nonce=x9\n", "\n", heard=heard)) as server:
        run = prober_once([tcp(server.port, line("hello (?<who>[a-z]+) (\\d+)(!)?"), send("I am \\g{who}\\\\\\2\\3.\n"),
                               line("nonce=(.*)"), send("\\1 \\g{who}\n"), {"half_close": True})])
    assert run.results["check"]["outcome"] == "ok"
    assert b"".join(heard) == b"I am anna\\17.\nx9 anna\n"


def test_bytes_are_sent_as_they_are(prober_once):
    heard = []
    with Server(talk("\n", b"ok\n", heard=heard)) as server:
        run = prober_once([tcp(server.port, send("ü\t"), {"send_hex": "00ff5c310a"}, line("ok"))])
    assert run.results["check"]["outcome"] == "ok"
    assert b"".join(heard) == b"\xc3\xbc\t\x00\xff\\1\n"


def test_tls_in_the_middle(prober_once, authority):
    context = authority.issue("middle", to_days=10)
    steps = [line("^220"), send("STARTTLS\r\n"), line("^220"), {"starttls": True}, send("EHLO x\r\n"), line("^250 ok")]
    server_talk = talk(b"220 hi\r\n", "STARTTLS", b"220 go\r\n", context, "EHLO", b"250 ok\r\n")
    with Server(server_talk) as server:
        run = prober_once([
            tcp(server.port, *steps, id="verified", tls={"ca": authority.ca}),
            tcp(server.port, *steps, id="system's roots"),
            tcp(server.port, *steps, id="name", tls={"ca": authority.ca, "server_name": "other.test"}),
            tcp(server.port, *steps, id="ending", tls={"ca": authority.ca}, expect={"cert_warn_days": 21}),
        ], "--explain")
    results = run.results
    assert (results["verified"]["outcome"], results["verified"]["tls"]["version"]) == ("ok", "1.3")
    assert results["system's roots"]["outcome"] == "tls_untrusted"
    assert (results["name"]["outcome"], results["name"]["phase"]) == ("tls_name", "tls")
    assert (results["ending"]["verdict"], results["ending"]["outcome"]) == ("warn", "cert_expiring")
    steps_seen = [step["step"] for step in results["verified"]["steps"]]
    assert steps_seen == ["begin", "resolve", "connect", "connected", "expect", "send", "expect", "starttls", "tls", "started",
                          "send", "expect", "done"]
    assert "step 2: 10 bytes" in results["verified"]["steps"][5]["detail"]
    assert 'step 6: "250 ok"' in results["verified"]["steps"][-2]["detail"]


def test_tls_from_the_start_with_steps(prober_once, authority):
    crumbs = [b"%c" % byte for byte in b"* OK ready\r\na1 OK bye\r\n"]
    with Server(talk(*crumbs), authority.issue("start")) as server:
        run = prober_once([tcp(server.port, line("^\\* OK"), send("a1 LOGOUT\r\n"), line("^a1 OK"), {"half_close": True},
                               tls={"ca": authority.ca})])
    assert run.results["check"]["outcome"] == "ok", run.results["check"]


def test_half_open_leaves_nothing_to_accept(prober_once):
    with Server(hostile.hang) as server, socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
        taken.close()
        run = prober_once([tcp(server.port, id=f"{n}", half_open=True) for n in range(20)] +
                          [tcp(free, id="refused", half_open=True)])
        assert {run.results[f"{n}"]["outcome"] for n in range(20)} == {"ok"}
        assert "agrees to connect" in run.results["0"]["message"]
        assert run.results["refused"]["outcome"] == "connect_refused"
        assert server.seen <= 2, "the acknowledgement is put off for 40 ms, which a busy machine may need"
        prober_once([tcp(server.port, id=f"{n}") for n in range(20)])
        wait_until(lambda: server.seen >= 20, 10, what="20 whole connects")


WRONG = [
    ({"steps": []}, ["/spec/steps"]),
    ({"steps": [{}]}, ["/spec/steps/0"]),
    ({"steps": [{"send": "a", "expect_regex": "b"}]}, ["/spec/steps/0"]),
    ({"steps": [{"send_hex": "abc"}, {"expect_bytes_hex": "xx"}, {"expect_regex": "a("}]},
     ["/spec/steps/0/send_hex", "/spec/steps/1/expect_bytes_hex", "/spec/steps/2/expect_regex"]),
    ({"steps": [{"send": "a", "match": "line"}, {"starttls": False}, {"send": "x", "timeout_ms": 0}]},
     ["/spec/steps/0", "/spec/steps/1/starttls", "/spec/steps/2/timeout_ms"]),
    ({"steps": [{"send": "\\1"}, {"starttls": True}, {"starttls": True}, {"half_close": True}, {"send_hex": "00"}]},
     ["/spec/steps/0/send", "/spec/steps/2/starttls", "/spec/steps/4/send_hex"]),
    ({"steps": [{"send": "a"}], "send": "b"}, ["/spec"]),
    ({"half_open": True, "expect_regex": "b"}, ["/spec"]),
    ({"half_open": True, "tls": {}}, ["/spec"]),
    ({"steps": [{"send": "a"}] * 33}, ["/spec/steps"]),
]


def test_wrong_steps_are_named(prober_once):
    run = prober_once([tcp(1, id=f"{n}", **spec) for n, (spec, _) in enumerate(WRONG)])
    assert run.status == 2 and not run.order
    for error, (spec, pointers) in zip(run.errors, WRONG):
        assert [entry["pointer"] for entry in error["errors"]] == pointers, (spec, error)
        assert all(len(entry["detail"]) > 10 for entry in error["errors"])


def test_null_is_as_if_it_were_not_there(prober_once):
    with Server(hostile.hang) as server:
        run = prober_once([tcp(server.port, steps=None, send=None, expect_regex=None, half_open=None, tls=None, expect=None)])
    assert run.results["check"]["message"] == f"connected to 127.0.0.1:{server.port}"


def test_a_flood_of_dialogues_leaks_nothing(tmp_path, authority):
    """Good and hostile targets of all kinds over streams together; what is left at the end, the sanitizers tell."""
    context = authority.issue("flood")
    handlers = [talk(b"220 a\r\n"), talk(b"220 a\r\n", "STARTTLS", b"220 go\r\n", context, "x", b"250 b\r\n"), hostile.reset,
                hostile.close_at_once, without_end(b"y\n" * 50), talk(b"220 (a\r\n", "(a", b"220 b\r\n")]
    servers = [Server(handle).__enter__() for handle in handlers]
    steps = [line("^220 (?<all>.*)", timeout_ms=500), send("STARTTLS \\1 \\g{all}\r\n"), line("^220"), {"starttls": True}, send("x"),
             line("250")]
    checks = [tcp(server.port, *steps, id=f"tcp{n}", timeout_ms=700, tls={"verify": False}) for n, server in enumerate(servers)]
    checks += [{**tcp(server.port, id=f"smtp{n}", timeout_ms=700), "kind": "smtp"} for n, server in enumerate(servers)]
    checks += [{**tcp(server.port, id=f"tls{n}", timeout_ms=700, expect={"alert": 116}), "kind": "tls"} for n, server in enumerate(servers)]
    checks += [{**tcp(server.port, id=f"udp{n}", timeout_ms=700, send="x"), "kind": "udp"} for n, server in enumerate(servers)]
    file = tmp_path / "checks.jsonl"
    file.write_text("".join(json.dumps(check) + "\n" for check in checks))
    with subprocess.Popen([EM_PROBER, "run", "--checks", file, "--flood", "32", "--loops", "1", "--summary"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        wait_until(lambda: all(server.seen > 20 for server in servers), 30, what="20 probes of each")
        most = max(len(os.listdir(f"/proc/{child.pid}/fd")) for _ in range(50))
        child.terminate()
        out, err = child.communicate(timeout=20)
    for server in servers:
        server.__exit__()
    assert "Sanitizer" not in err, err
    assert most < 32 + 30
    summary = json.loads(out)
    assert summary["by_verdict"]["error"] == 0 and summary["by_verdict"]["ok"] > 20, summary
