"""Redis checks against real servers, plain and over TLS, and against servers that misbehave."""

import pytest

from probe_tables import assert_results, probe_hostile
from processes import free_port
from servers import hostile
from servers.certificates import Authority
from servers.hostile import Server, say, say_byte_by_byte, say_endlessly
from servers.redis import RedisServer

PASSWORD = "open sesame\r\n*1"  # whatever stands in it goes as it is
TIMEOUT_MS = 2000


def check(port, *, id="check", timeout_ms=TIMEOUT_MS, **spec):
    return {"id": id, "kind": "redis", "timeout_ms": timeout_ms, "spec": {"address": "127.0.0.1", "port": port, **spec}}


@pytest.fixture(scope="module")
def plain():
    server = RedisServer("redis-plain", maxclients="40")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def orphan():
    """A replica whose master is not there, and who does not serve without."""
    server = RedisServer("redis-orphan", replicaof=["127.0.0.1", free_port()], replica_serve_stale_data="no")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def guarded(authority):
    """Wants passwords; its TLS port too."""
    authority.issue("redis")
    tls_port = free_port()
    server = RedisServer("redis-guarded", requirepass=PASSWORD, user=["probe", "on", ">secret", "+ping", "~*"],
                         tls_port=tls_port, tls_cert_file=authority.folder / "redis.pem",
                         tls_key_file=authority.folder / "redis.key", tls_ca_cert_file=authority.folder / "ca.pem",
                         tls_auth_clients="no")
    server.tls_port = tls_port
    yield server
    server.stop()


def test_a_server_without_a_password(prober_once, plain):
    run = prober_once([
        check(plain.port, id="ping"),
        check(plain.port, id="lower", command=" ping "),
        check(plain.port, id="echo", command="ECHO hello", expect_regex="^hel+o$"),
        check(plain.port, id="other", command="ECHO hello", expect_regex="^bye"),
        check(plain.port, id="integer", command="DEL nothing", expect_regex="^0$"),
        check(plain.port, id="nil", command="GET nothing", expect_regex="^$"),
        check(plain.port, id="array", command="TIME", expect_regex=r"^\d+\n\d+$"),
        check(plain.port, id="unknown", command="HELLO? a"),
        check(plain.port, id="master", role="master"),
        check(plain.port, id="replica", role="replica"),
        check(plain.port, id="needless", password="x"),
    ], "--explain")
    assert_results(run, {
        "ping": ("ok", "assert", "PONG"),
        "lower": ("ok", "assert", "PONG"),
        "echo": ("ok", "assert", "matches, 5 bytes"),
        "other": ("assert_failed", "assert", 'does not match; it begins with "hello"'),
        "integer": ("ok", "assert", "matches"),
        "nil": ("ok", "assert", "matches, 0 bytes"),
        "array": ("ok", "assert", "matches"),
        "unknown": ("assert_failed", "assert", "replied with an error: \"ERR unknown command 'HELLO?'"),
        "master": ("ok", "assert", "PONG"),
        "replica": ("assert_failed", "assert", "the server is a master, expected a replica"),
        "needless": ("assert_failed", "assert", "refused the login"),
    })
    assert "the server is a master" in str(run.results["master"]["steps"])


def test_passwords_and_users(prober_once, guarded):
    run = prober_once([
        check(guarded.port, id="none"),
        check(guarded.port, id="right", password=PASSWORD),
        check(guarded.port, id="wrong", password="wrong"),
        check(guarded.port, id="user", user="probe", password="secret"),
        check(guarded.port, id="wrong user", user="nobody", password="secret"),
        check(guarded.port, id="no right", user="probe", password="secret", command="GET key"),
        check(guarded.port, id="said back", password=PASSWORD, command="CONFIG GET requirepass", expect_regex="^x"),
        check(guarded.port, id="quoted", user="probe", password="secret", command="secret secrets"),
    ])
    assert_results(run, {
        "none": ("assert_failed", "assert", 'asks for a password: "NOAUTH '),
        "right": ("ok", "assert", "PONG"),
        "wrong": ("assert_failed", "assert", 'refused user or password: "WRONGPASS '),
        "user": ("ok", "assert", "PONG"),
        "wrong user": ("assert_failed", "assert", "WRONGPASS"),
        "no right": ("assert_failed", "assert", 'the user may not do this: "NOPERM '),
        "said back": ("assert_failed", "assert", '"requirepass\\x0a***"'),
        "quoted": ("assert_failed", "assert", "'***', with args beginning with: '***s'"),
    })


def test_tls(prober_once, guarded, authority):
    run = prober_once([
        check(guarded.tls_port, id="tls", password=PASSWORD, tls={"ca": authority.ca}),
        check(guarded.tls_port, id="untrusted", password=PASSWORD, tls={}),
        check(guarded.tls_port, id="unverified", password=PASSWORD, tls={"verify": False}, role="master"),
        check(guarded.tls_port, id="plain", password=PASSWORD),
    ])
    assert_results(run, {
        "tls": ("ok", "assert", "PONG"),
        "untrusted": ("tls_untrusted", "tls", "is not trusted"),
        "unverified": ("ok", "assert", "PONG"),
        "plain": ("eof_early|reset", "first_byte|transfer", "the connection before"),
    })
    assert run.results["tls"]["tls"]["version"] == "1.3"


def test_what_does_not_serve(prober_once, orphan):
    loading = b"-LOADING Redis is loading the dataset in memory\r\n"
    with Server(say(loading)) as loads, Server(say(b"-READONLY You can't write against a read only replica.\r\n")) as reads, \
            Server(say(b"-ERR max number of clients reached\r\n")) as full:
        run = prober_once([
            check(orphan.port, id="orphan"),
            check(orphan.port, id="replica", role="replica"),
            check(orphan.port, id="master", role="master"),
            check(loads.port, id="loading"), check(reads.port, id="read only"), check(full.port, id="full"),
        ])
    assert_results(run, {
        "orphan": ("not_serving", "assert", 'has lost its master: "MASTERDOWN '),
        "replica": ("not_serving", "assert", "the replica has no link to its master"),
        "master": ("assert_failed", "assert", "the server is a replica, expected a master"),
        "loading": ("not_serving", "assert", "still loading its data"),
        "read only": ("assert_failed", "assert", "takes no writes"),
        "full": ("not_serving", "assert", "too many clients"),
    })


# name, handler, outcome, phase, part of the message, and what of the spec is special
HOSTILE = [
    ("never answers", hostile.hang, "timeout", "first_byte", "no reply within", {}),
    ("closes at once", hostile.close_at_once, "eof_early|reset", "first_byte|request", "", {}),
    ("closes after the request", say(), "eof_early", "first_byte", "before it replied", {}),
    ("closes in a line", say(b"+PO"), "eof_early", "transfer", "before the reply was complete", {}),
    ("closes in a text", say(b"$4\r\nPO"), "eof_early", "transfer", "before the reply was complete", {}),
    ("stalls in a text", say(b"$4\r\nPO", then_hang=True), "timeout", "transfer", "not complete within", {}),
    ("an endless line", say_endlessly(b"+", b"x" * 4096), "limit_exceeded", "transfer", "a line is longer than 4 KiB", {}),
    ("512 MB of text", say(b"$536870912\r\n", then_hang=True), "limit_exceeded", "transfer", "longer than 64 KiB", {}),
    ("a length beyond all", say(b"$99999999999999999999\r\n"), "proto_error", "transfer", "a length is no number", {}),
    ("a negative length", say(b"$-2\r\n"), "proto_error", "transfer", "a length is no number", {}),
    ("a text too long", say(b"$4\r\nPONGS\r\n"), "proto_error", "transfer", "does not end where", {}),
    ("a million values", say(b"*1000000\r\n", then_hang=True), "limit_exceeded", "transfer", "more than 1024 values", {}),
    ("arrays without end", say_endlessly(b"", b"*1\r\n" * 1000), "limit_exceeded", "transfer", "2048 values", {}),
    ("arrays of arrays", say_endlessly(b"", b"*1000\r\n"), "limit_exceeded", "transfer", "2048 values", {}),
    ("a bare line feed", say(b"+PONG\n"), "proto_error", "transfer", "does not end as it has to", {}),
    ("an HTTP server", say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "proto_error", "transfer", 'begins with "HTTP/1.1 400', {}),
    ("random bytes", say(b"\x00\xff\x01"), "proto_error", "transfer", "\\x00\\xff\\x01", {}),
    ("an integer that is none", say(b":12a\r\n"), "proto_error", "transfer", "an integer is no number", {}),
    ("byte by byte", say_byte_by_byte(b"+OK\r\n$4\r\nPONG\r\n"), "ok", "assert", "PONG",
     {"password": "x"}),
    ("another reply to PING", say(b"+PANG\r\n"), "proto_error", "assert", 'the reply to PING is "PANG"', {}),
    ("another reply to AUTH", say(b":1\r\n"), "proto_error", "transfer", 'the reply to AUTH is "1"', {"password": "x"}),
    ("no INFO", say(b"$3\r\nabc\r\n"), "proto_error", "transfer", 'the reply to INFO is "abc"', {"role": "master"}),
    ("says back what it hears", hostile.echo, "proto_error", "transfer", "AUTH\\x0a***", {"password": "top-secret"}),
    ("a login, then nothing", say(b"+OK\r\n", then_hang=True), "timeout", "transfer", "", {"password": "x"}),
]


def test_hostile_servers(prober_once):
    run = probe_hostile(prober_once, check, HOSTILE)
    assert "top-secret" not in str(run.results)


def test_bad_specs_name_every_field(prober_once):
    run = prober_once([check(0, user="", password=5, command=" \n", role="boss", expect_regex="(", tls={"ca": "x"}, nope=1),
                       {"id": "empty", "kind": "redis", "spec": {}}])
    pointers = {error["pointer"] for error in run.errors[0]["errors"]}
    assert pointers == {"/spec/port", "/spec/user", "/spec/password", "/spec/command", "/spec/role", "/spec/expect_regex",
                        "/spec/tls/ca", "/spec/nope"}
    assert [error["pointer"] for error in run.errors[1]["errors"]] == ["/spec/address"]
    assert run.status == 2
