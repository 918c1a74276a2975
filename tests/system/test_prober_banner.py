"""The presets over greetings: SMTP, IMAP, POP3, FTP and SSH, with STARTTLS and with TLS from the start."""

import ssl

import pytest

from servers import hostile
from servers.certificates import Authority
from servers.hostile import Server
from servers.talk import HALF_CLOSE, dripping, talk, without_end

TIMEOUT_MS = 1500
LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("ca"))
    authority.issue("mail", to_days=10)
    return authority


def check(kind, port, *, id="check", timeout_ms=TIMEOUT_MS, **spec):
    return {"id": id, "kind": kind, "timeout_ms": timeout_ms, "spec": {"address": "127.0.0.1", "port": port, **spec}}


def run_rows(prober_once, rows):
    """Rows of (name, kind, handler, fields, outcome, phase, part of the message), all at once in one prober."""
    servers = [Server(row[2]) for row in rows]
    try:
        run = prober_once([check(kind, server.__enter__().port, id=name, **fields)
                           for (name, kind, _, fields, *_), server in zip(rows, servers)])
    finally:
        for server in servers:
            server.__exit__()
    wrong = []
    for name, _, _, _, outcome, phase, message in rows:
        result = run.results[name]
        if not (result["outcome"] in outcome.split("|") and result["phase"] in phase.split("|") and message in result["message"]
                and result["verdict"] == ("ok" if outcome == "ok" else "fail")
                and result["timings_us"]["total"] < (TIMEOUT_MS + LATE_MS) * 1000):
            wrong.append((name, result["outcome"], result["phase"], result["message"], result["timings_us"]["total"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert len(run.order) == len(rows)


GREETINGS = [
    ("smtp", "smtp", talk(b"220 mail.test ESMTP ready\r\n", "QUIT\r\n"), "ok", "transfer",
     'the server greets with "220 mail.test ESMTP ready"'),
    ("smtp of many lines", "smtp", talk(b"220-mail.test\r\n220-no spam\r\n220 go\r\n"), "ok", "transfer", '"220 go"'),
    ("smtp byte by byte", "smtp", dripping(b"220-mail.test\r\n220 go\r\n", then=2), "ok", "transfer", ""),
    ("smtp refuses", "smtp", talk(b"554 no service\r\n"), "not_serving", "transfer",
     'the greeting does not match: the server sent "554 no service"'),
    ("smtp later", "smtp", talk(b"220-mail.test\r\n421 too busy\r\n"), "not_serving", "transfer", "421 too busy"),
    ("smtp is web", "smtp", talk(b"HTTP/1.1 400 Bad Request\r\n"), "proto_error", "transfer", "HTTP/1.1 400 Bad Request"),
    ("smtp is ssh", "smtp", talk(b"SSH-2.0-OpenSSH_9.2\r\n"), "proto_error", "transfer", "SSH-2.0"),
    ("smtp is TLS", "smtp", talk(b"\x15\x03\x03\x00\x02\x02\x0a", HALF_CLOSE), "proto_error", "transfer", "looks like TLS"),
    ("smtp is random", "smtp", talk(bytes(range(256))), "proto_error", "transfer", "\\x00\\x01"),
    ("smtp silent", "smtp", hostile.hang, "timeout", "first_byte", "the greeting: nothing came within 1500 ms"),
    ("smtp closes", "smtp", hostile.close_at_once, "eof_early", "first_byte", "closed"),
    ("smtp resets", "smtp", hostile.reset, "reset", "first_byte|connect", "reset"),
    ("smtp half a line", "smtp", talk(b"220 mai", HALF_CLOSE), "ok", "transfer", '"220 mai"'),
    ("smtp without an end of line", "smtp", talk(b"220 mai"), "timeout", "transfer", "does not match within 1500 ms"),
    ("smtp without end", "smtp", without_end(b"220-more\r\n" * 100), "limit_exceeded", "transfer", "16384"),
    ("smtp one endless line", "smtp", without_end(b"2" * 1000), "limit_exceeded", "transfer", "16384"),
    ("imap", "imap", talk(b"* OK [CAPABILITY IMAP4rev1] ready\r\n"), "ok", "transfer", "* OK [CAPABILITY IMAP4rev1] ready"),
    ("imap known", "imap", talk(b"* PREAUTH hello\r\n"), "ok", "transfer", ""),
    ("imap refuses", "imap", talk(b"* BYE overloaded\r\n"), "not_serving", "transfer", "* BYE overloaded"),
    ("imap is smtp", "imap", talk(b"220 mail.test ESMTP\r\n"), "proto_error", "transfer", ""),
    ("pop3", "pop3", talk(b"+OK ready <1896.697170952@mail.test>\r\n"), "ok", "transfer", "+OK ready"),
    ("pop3 refuses", "pop3", talk(b"-ERR locked\r\n"), "not_serving", "transfer", "-ERR locked"),
    ("pop3 is imap", "pop3", talk(b"* OK ready\r\n"), "proto_error", "transfer", ""),
    ("ftp", "ftp", talk(b"220-Welcome\r\n to all\r\nof you\r\n220 files\r\n"), "ok", "transfer", '"220 files"'),
    ("ftp refuses", "ftp", talk(b"421 full\r\n"), "not_serving", "transfer", "421 full"),
    ("ftp is ssh", "ftp", talk(b"SSH-2.0-x\r\n"), "proto_error", "transfer", ""),
    ("ssh", "ssh", talk(b"Keep out!\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n"), "ok", "transfer", '"SSH-2.0-OpenSSH_9.2p1 Debian"'),
    ("ssh of both", "ssh", talk(b"SSH-1.99-old\n"), "ok", "transfer", ""),
    ("ssh too old", "ssh", talk(b"SSH-1.5-ancient\r\n"), "proto_error", "transfer", "SSH-1.5-ancient"),
    ("ssh is web", "ssh", talk(b"HTTP/1.1 400 Bad Request\r\n\r\n", HALF_CLOSE), "proto_error", "transfer", "HTTP/1.1 400"),
    ("ssh control bytes", "ssh", talk(b"SSH-2.0-\x1b[31mred\xff\r\n"), "ok", "transfer", "\\x1b[31mred"),
]


def test_greetings_have_their_outcome(prober_once):
    """All at once, in one prober: none may delay another, each ends by its timeout."""
    run_rows(prober_once, [(name, kind, handle, {}, outcome, phase, message)
                           for name, kind, handle, outcome, phase, message in GREETINGS])


def test_servers_are_told_goodbye(prober_once):
    greetings = {"smtp": b"220 a\r\n", "imap": b"* OK a\r\n", "pop3": b"+OK a\r\n", "ftp": b"220 a\r\n"}
    goodbyes = {"smtp": b"QUIT\r\n", "imap": b"a3 LOGOUT\r\n", "pop3": b"QUIT\r\n", "ftp": b"QUIT\r\n"}
    heard = {kind: [] for kind in greetings}
    servers = {kind: Server(talk(greeting, "\r\n", heard=heard[kind])) for kind, greeting in greetings.items()}
    run = prober_once([check(kind, server.__enter__().port, id=kind) for kind, server in servers.items()])
    assert run.status == 0
    for server in servers.values():
        server.__exit__()
    assert {kind: b"".join(parts) for kind, parts in heard.items()} == goodbyes


def starttls_talks(context):
    """What servers of each kind say up to TLS and behind it."""
    return {
        "smtp": talk(b"220 a\r\n", "EHLO environment-manager.invalid\r\n", b"250-a\r\n250-STARTTLS\r\n250 SIZE\r\n", "STARTTLS\r\n",
                     b"220 go\r\n", context, "QUIT\r\n", b"221 bye\r\n"),
        "imap": talk(b"* OK a\r\n", "a1 CAPABILITY\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK\r\n",
                     "a2 STARTTLS\r\n", b"a2 OK go\r\n", context, "a3 LOGOUT\r\n", b"* BYE\r\na3 OK\r\n"),
        "pop3": talk(b"+OK a\r\n", "CAPA\r\n", b"+OK list\r\nUIDL\r\nSTLS\r\n.\r\n", "STLS\r\n", b"+OK go\r\n", context,
                     "QUIT\r\n", b"+OK bye\r\n"),
        "ftp": talk(b"220 a\r\n", "AUTH TLS\r\n", b"234 go\r\n", context, "QUIT\r\n", b"221 bye\r\n"),
    }


def test_starttls_of_each(prober_once, authority):
    servers = {kind: Server(handle) for kind, handle in starttls_talks(authority.context("mail")).items()}
    checks = []
    for kind, server in servers.items():
        port = server.__enter__().port
        checks += [check(kind, port, id=f"{kind} good", timeout_ms=10_000, starttls=True, tls={"ca": authority.ca}),
                   check(kind, port, id=f"{kind} untrusted", timeout_ms=10_000, starttls=True),
                   check(kind, port, id=f"{kind} ending", timeout_ms=10_000, starttls=True, tls={"verify": False}, expect={"cert_fail_days": 30})]
    run = prober_once(checks)
    for server in servers.values():
        server.__exit__()
    for kind in servers:
        assert run.results[f"{kind} good"]["outcome"] == "ok", run.results[f"{kind} good"]
        assert run.results[f"{kind} good"]["tls"]["version"] == "1.3"
        assert run.results[f"{kind} untrusted"]["outcome"] == "tls_untrusted"
        ending = run.results[f"{kind} ending"]
        assert (ending["verdict"], ending["outcome"]) == ("fail", "cert_expiring"), ending
        assert "expires in 9 days" in ending["message"]


def test_starttls_that_is_not_offered_or_refused(prober_once):
    tls = {"starttls": True}
    run_rows(prober_once, [
        ("smtp not offered", "smtp", talk(b"220 a\r\n", "EHLO", b"250-XXXXXXXA\r\n250 SIZE\r\n"), tls, "assert_failed", "transfer",
         "does not offer STARTTLS"),
        ("smtp in the last line", "smtp", talk(b"220 a\r\n", "EHLO", b"250 STARTTLS\r\n", "STARTTLS", b"454 no TLS now\r\n"), tls,
         "assert_failed", "transfer", 'the reply to STARTTLS does not match: the server sent "454 no TLS now"'),
        ("smtp knows no EHLO", "smtp", talk(b"220 a\r\n", "EHLO", b"502 what?\r\n"), tls, "assert_failed", "transfer", "502 what?"),
        ("imap not offered", "imap", talk(b"* OK a\r\n", "a1", b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n"), tls, "assert_failed",
         "transfer", "does not offer STARTTLS"),
        ("imap refused", "imap", talk(b"* OK a\r\n", "a1", b"* CAPABILITY STARTTLS\r\na1 OK\r\n", "a2", b"a2 BAD no\r\n"), tls,
         "assert_failed", "transfer", "a2 BAD no"),
        ("pop3 not offered", "pop3", talk(b"+OK a\r\n", "CAPA", b"+OK\r\nUIDL\r\n.\r\n"), tls, "assert_failed", "transfer",
         "does not offer STLS"),
        ("pop3 without capabilities", "pop3", talk(b"+OK a\r\n", "CAPA", b"-ERR what?\r\n"), tls, "assert_failed", "transfer",
         "-ERR what?"),
        ("ftp refused", "ftp", talk(b"220 a\r\n", "AUTH TLS", b"530 log in first\r\n"), tls, "assert_failed", "transfer",
         "530 log in first"),
        ("garbage after STARTTLS", "smtp", talk(b"220 a\r\n", "EHLO", b"250 STARTTLS\r\n", "STARTTLS", b"what?\r\n"), tls,
         "proto_error", "transfer", '"what?"'),
        ("injected", "smtp", talk(b"220 a\r\n", "EHLO", b"250 STARTTLS\r\n", "STARTTLS", b"220 go\r\n250 injected\r\n"), tls,
         "proto_error", "transfer", "plain text after it agreed to TLS"),
        ("stalls in TLS", "ftp", talk(b"220 a\r\n", "AUTH TLS", b"234 go\r\n"), tls, "timeout", "tls", "handshake"),
    ])


def test_a_client_certificate_that_is_missing_shows_after_starttls(prober_once, authority):
    """In TLS 1.3 the alert comes after the handshake: the goodbye has to be answered."""
    context = authority.context("mail", verify_mode=ssl.CERT_REQUIRED)
    context.load_verify_locations(authority.folder / "ca.pem")
    with Server(starttls_talks(context)["imap"]) as server:
        run = prober_once([check("imap", server.port, starttls=True, tls={"ca": authority.ca})])
    assert run.results["check"]["outcome"] == "tls_alert", run.results["check"]


def test_tls_from_the_start(prober_once, authority):
    with Server(talk(b"* OK\r\n"), authority.context("mail")) as server:
        run = prober_once([
            check("imap", server.port, id="good", tls={"ca": authority.ca}),
            check("imap", server.port, id="ending", tls={"ca": authority.ca}, expect={"cert_warn_days": 30}),
            check("imap", server.port, id="plain"),
        ])
    assert run.results["good"]["outcome"] == "ok" and run.results["good"]["tls"]["version"] == "1.3"
    assert (run.results["ending"]["verdict"], run.results["ending"]["outcome"]) == ("warn", "cert_expiring")
    assert run.results["plain"]["outcome"] == "timeout", "each waits for the other"


def test_ports_that_are_not_given(prober_once):
    wanted = {"smtp": (25, 587, 465), "imap": (143, 143, 993), "pop3": (110, 110, 995), "ftp": (21, 21, 990)}
    checks = [{"id": f"{kind} {n}", "kind": kind, "spec": {"address": "192.0.2.1", "source_address": "198.51.100.1", **spec}}
              for kind in wanted for n, spec in enumerate(({}, {"starttls": True}, {"tls": {}}))]
    run = prober_once(checks + [{"id": "ssh 0", "kind": "ssh", "spec": {"address": "192.0.2.1", "source_address": "198.51.100.1"}}])
    seen = {name: int(result["address"].rsplit(":", 1)[1]) for name, result in run.results.items()}
    assert seen == {f"{kind} {n}": port for kind, ports in wanted.items() for n, port in enumerate(ports)} | {"ssh 0": 22}
    assert {result["verdict"] for result in run.results.values()} == {"error"}, "no such address here"


def test_wrong_fields_are_named(prober_once):
    run = prober_once([
        check("smtp", 0, starttls="yes", address="a b"),
        check("imap", 1, id="2", expect={"cert_warn_days": 10}),
        check("ssh", 1, id="3", tls={}, expect={"cert_fail_days": 1}),
        check("ftp", 1, id="4", expect={"cert_warn_days": None}, starttls=None, tls=None, invert=True),
        {"kind": "pop3", "spec": {}},
    ])
    assert [[entry["pointer"] for entry in error["errors"]] for error in run.errors] == [
        ["/spec/address", "/spec/port", "/spec/starttls"], ["/spec"], ["/spec/tls", "/spec/expect/cert_fail_days"], ["/spec/address"]]
    assert "speaks no TLS" in run.errors[1]["errors"][0]["detail"]
    assert run.results["4"]["verdict"] == "ok", "refused, as inverted checks want it"
