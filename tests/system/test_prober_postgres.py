"""PostgreSQL checks against real servers with every way to log in, and against servers that misbehave."""

import base64
import hashlib
import hmac
import struct

import pytest

from probe_tables import assert_results, probe_hostile
from servers import hostile
from servers.certificates import Authority
from servers.hostile import Server, say, say_byte_by_byte, say_endlessly
from servers.postgres import LET_IN, READY, PostgresServer, message, refusal, request, row

TIMEOUT_MS = 3000
PASSWORD = "open sesame, 'please' = \\"


def check(port, *, id="check", timeout_ms=TIMEOUT_MS, **spec):
    return {"id": id, "kind": "postgres", "timeout_ms": timeout_ms,
            "spec": {"address": "127.0.0.1", "port": port, "user": "probe", **spec}}


def user(name, encryption="scram-sha-256", options=""):
    quoted = PASSWORD.replace("'", "''")
    return f"set password_encryption = '{encryption}'; create role {name} login {options} password '{quoted}'"


HBA = [f"{kind} all {name} 127.0.0.1/32 {method}" for kind, name, method in (
    ("host", "probe", "trust"), ("host", "limited", "trust"), ("host", "md", "md5"), ("host", "scram", "scram-sha-256"),
    ("host", "weak", "scram-sha-256"), ("host", "clear", "password"), ("hostssl", "only_tls", "scram-sha-256"),
    ("host", "gss", "ident"))]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("ca"))
    authority.issue("postgres")
    return authority


@pytest.fixture(scope="module")
def server(authority):
    server = PostgresServer("postgres", HBA, authority.folder / "postgres.pem", [
        "create role probe login", "create role limited login connection limit 0", "create role gss login",
        "create database probe", user("md", "md5"), user("scram"), user("weak"), user("clear"), user("only_tls")])
    yield server
    server.stop()


def assert_clean(server):
    """The server has seen each session end as it should, and nothing has said a password back."""
    log = server.log.read_text()
    for trouble in ("unexpected EOF", "reset by peer", "protocol violation", "could not receive", "invalid"):
        assert trouble not in log, log


@pytest.mark.slow
def test_ways_to_log_in(prober_once, server, authority):
    secret = {"password": PASSWORD, "database": "postgres"}
    tls = {"tls": {"ca": authority.ca}}
    run = prober_once([
        check(server.port, id="trust"),
        check(server.port, id="needless password", **secret),
        check(server.port, id="md5", user="md", **secret),
        check(server.port, id="scram", user="scram", **secret),
        check(server.port, id="cleartext", user="clear", allow_cleartext=True, **secret),
        check(server.port, id="tls", user="only_tls", **secret, **tls),
        check(server.port, id="tls md5", user="md", **secret, **tls),
        check(server.port, id="tls cleartext", user="clear", **secret, **tls),
        check(server.port, id="tls 1.2", user="scram", **secret, tls={"ca": authority.ca, "max_version": "1.2"}),
    ], "--explain")
    assert_results(run, {name: ("ok", "assert", "PostgreSQL 15." if name else "") for name in run.results})
    assert len(run.results) == 9
    methods = {"trust": "login by trust", "needless password": "login by trust", "md5": "login by MD5",
               "scram": "login by SCRAM-SHA-256;", "cleartext": "clear text", "tls": "login by SCRAM-SHA-256-PLUS",
               "tls 1.2": "login by SCRAM-SHA-256-PLUS"}
    for name, method in methods.items():
        assert method in str(run.results[name]["steps"]), run.results[name]
    assert run.results["tls"]["tls"]["version"] == "1.3" and run.results["tls 1.2"]["tls"]["version"] == "1.2"
    assert run.results["tls"]["timings_us"]["tls"] > 0
    assert_clean(server)
    assert PASSWORD not in str(run.results)


def test_logins_that_are_refused(prober_once, server, authority):
    run = prober_once([
        check(server.port, id="scram", user="scram", password="wrong"),
        check(server.port, id="md5", user="md", password="wrong"),
        check(server.port, id="no user", user="nobody"),
        check(server.port, id="no password", user="scram"),
        check(server.port, id="cleartext", user="clear", password=PASSWORD),
        check(server.port, id="without tls", user="only_tls", password=PASSWORD),
        check(server.port, id="no database", database="nowhere"),
        check(server.port, id="ident", user="gss"),
        check(server.port, id="full", user="limited", database="postgres"),
        check(server.port, id="untrusted", tls={}),
        check(server.port, id="name", tls={"ca": authority.ca, "server_name": "db.test"}),
    ])
    assert_results(run, {
        "scram": ("assert_failed", "assert",
                  'the server refused the login: "password authentication failed for user "scram"" (SQLSTATE 28P01)'),
        "md5": ("assert_failed", "assert", "SQLSTATE 28P01"),
        "no user": ("assert_failed", "assert", "no pg_hba.conf entry"),
        "no password": ("assert_failed", "assert", "asks for a password, and the check has none"),
        "cleartext": ("assert_failed", "assert", "asks for the password in clear text"),
        "without tls": ("assert_failed", "assert", "SQLSTATE 28000"),
        "no database": ("assert_failed", "assert", 'there is no such database: "database "nowhere" does not exist"'),
        "ident": ("assert_failed", "assert", "SQLSTATE 28000"),
        "full": ("not_serving", "assert", "has too many connections: \"too many connections for role"),
        "untrusted": ("tls_untrusted", "tls", "not known"),
        "name": ("tls_name", "tls", "another"),
    })


def test_queries(prober_once, server):
    run = prober_once([
        check(server.port, id="one", query="select 1"),
        check(server.port, id="matches", query="select 'a' || generate_series(1, 3), 2", expect_regex="^a1$"),
        check(server.port, id="other", query="select 'later'", expect_regex="^now$"),
        check(server.port, id="null", query="select null", expect_regex="x"),
        check(server.port, id="no row", query="select 1 where false", expect_regex="x"),
        check(server.port, id="no column", query="select", expect_regex="x"),
        check(server.port, id="nothing", query=" ; "),
        check(server.port, id="two", query="set lock_timeout = 100; select 'second'", expect_regex="^second$"),
        check(server.port, id="error", query="select 1/0"),
        check(server.port, id="late error", query="select 1/(2-x) from generate_series(1, 3) x", expect_regex="^1$"),
        check(server.port, id="syntax", query="sel\x01ect"),
        check(server.port, id="copy in", query="create temp table t(x int); copy t from stdin"),
        check(server.port, id="copy out", query="copy (select 1) to stdout"),
        check(server.port, id="notice", query="do $$ begin raise notice 'n'; end $$"),
        check(server.port, id="64 KiB row", query="select repeat('x', 65000)", expect_regex="^x+$"),
        check(server.port, id="a row too long", query="select repeat('x', 66000)"),
        check(server.port, id="too many rows", query="select repeat('x', 1000) from generate_series(1, 2000)"),
        check(server.port, id="hangs", query="select pg_sleep(5)", timeout_ms=600),
        check(server.port, id="slow", query="select pg_sleep(0.3)", expect={"warn_ms": 200}),
    ])
    assert_results(run, {
        "one": ("ok", "assert", "answered the query with 1 row"),
        "matches": ("ok", "assert", "3 rows, the first value matches"),
        "other": ("assert_failed", "assert", 'the first value does not match; it begins with "later"'),
        "null": ("assert_failed", "assert", "the first value is NULL"),
        "no row": ("assert_failed", "assert", "the query gave no value"),
        "no column": ("assert_failed", "assert", "the query gave no value"),
        "nothing": ("ok", "assert", "0 rows"),
        "two": ("ok", "assert", "matches"),
        "error": ("assert_failed", "assert", 'the query failed: "division by zero" (SQLSTATE 22012)'),
        "late error": ("assert_failed", "assert", "division by zero"),
        "syntax": ("assert_failed", "assert", "SQLSTATE 42601"),
        "copy in": ("assert_failed", "assert", "starts to copy data"),
        "copy out": ("assert_failed", "assert", "starts to copy data"),
        "notice": ("ok", "assert", "0 rows"),
        "64 KiB row": ("ok", "assert", "matches"),
        "a row too long": ("limit_exceeded", "transfer", "a message is longer than 64 KiB"),
        "too many rows": ("limit_exceeded", "transfer", "more than 1 MiB"),
        "hangs": ("timeout", "transfer", "the query was not answered within 600 ms"),
        "slow": ("slow", "assert", "more than 200 ms"),
    })
    assert run.results["slow"]["verdict"] == "warn"


def test_a_server_that_is_not_ready(prober_once):
    standby = PostgresServer("standby", ["host all all 127.0.0.1/32 trust"], standby=True, hot_standby="off")
    try:
        outcomes = set()
        while "not_serving" not in outcomes:  # it refuses the connection before it listens
            result = prober_once([check(standby.port)]).results["check"]
            outcomes.add(result["outcome"])
            assert outcomes <= {"connect_refused", "not_serving"}, result
        assert "the server is not ready: " in result["message"] and "57P03" in result["message"]
    finally:
        standby.stop()


class Impostor:
    """Speaks SCRAM-SHA-256 as a server; `lie` changes one of its words."""

    def __init__(self, lie=None, password=PASSWORD, rounds=b"4096", offered=b"SCRAM-SHA-256\0\0"):
        self.lie, self.password, self.rounds, self.offered = lie, password, rounds, offered

    def __call__(self, connection):
        connection.recv(65536)
        connection.sendall(request(10, self.offered))
        first = connection.recv(65536)[5:].split(b"\0", 1)[1][4:]
        bare = first.split(b",", 2)[2]
        nonce = bare.split(b"r=")[1]
        server_first = b"r=%sserver,s=%s,i=%s" % (b"x" if self.lie == "nonce" else nonce, base64.b64encode(b"salt"), self.rounds)
        connection.sendall(request(11, server_first))
        last = connection.recv(65536)[5:]
        if self.lie == "lets in":
            connection.sendall(LET_IN + READY)
            return
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), b"salt", 4096)
        key = hmac.digest(salted, b"Server Key", "sha256")
        proof = hmac.digest(key, b",".join([bare, server_first, last.split(b",p=")[0]]), "sha256")
        connection.sendall(request(12, b"v=" + base64.b64encode(proof)) + LET_IN + READY)
        connection.recv(65536)


SECRET = {"password": PASSWORD}
SCRAM = b"SCRAM-SHA-256\0\0"
HOSTILE = [
    ("never answers", hostile.hang, "timeout", "first_byte", "no reply within", {}),
    ("closes at once", hostile.close_at_once, "eof_early|reset", "first_byte|request", "", {}),
    ("closes after the start", say(), "eof_early", "first_byte", "before it replied", {}),
    ("closes in the login", say(LET_IN), "eof_early", "transfer", "before the reply was complete", {}),
    ("stalls in the login", say(LET_IN, then_hang=True), "timeout", "transfer", "the login was not complete within", {}),
    ("byte by byte", say_byte_by_byte(message(b"S", b"server_version\0" b"9\x01 x\0") + LET_IN + READY), "ok", "assert",
     "PostgreSQL 9\\x01 is ready", {}),
    ("an HTTP server", say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "proto_error", "transfer",
     'the reply is none of PostgreSQL; it begins with "HTTP/1.1 400', {}),
    ("an SSH server", say(b"SSH-2.0-OpenSSH_9.2\r\n"), "limit_exceeded", "transfer", 'begins with "SSH-2.0', {}),
    ("random bytes", say(b"\x00\xff\x01garbage"), "proto_error", "transfer", "\\x00\\xff\\x01", {}),
    ("a length of 1 GB", say(b"R\x40\x00\x00\x00", then_hang=True), "limit_exceeded", "transfer", "longer than 64 KiB", {}),
    ("a length below its own", say(b"R\0\0\0\3"), "proto_error", "transfer", "breaks the rules", {}),
    ("notices without end", say_endlessly(b"", message(b"N", b"SNOTICE\0\0") * 100), "limit_exceeded", "transfer", "1 MiB", {}),
    ("parameters without end", say_endlessly(LET_IN, message(b"S", b"a\0b\0") * 100), "limit_exceeded", "transfer", "1 MiB", {}),
    ("ready without a login", say(READY), "proto_error", "transfer", "none of PostgreSQL", {}),
    ("a row before the query", say(LET_IN + row(b"1")), "proto_error", "transfer", "type D where none belongs", {}),
    ("cannot fork", say(b"Ecould not fork new process for connection: Cannot allocate memory\n\0"), "not_serving", "transfer",
     "Cannot allocate memory", {}),
    ("starting up", say(refusal("57P03", "the database system is starting up")), "not_serving", "assert",
     'the server is not ready: "the database system is starting up" (SQLSTATE 57P03)', {}),
    ("full", say(refusal("53300", "sorry, too many clients already")), "not_serving", "assert", "too many connections", {}),
    ("shutting down", say(LET_IN + refusal("57P01", "terminating connection")), "not_serving", "assert", "shutting down", {}),
    ("an error without words", say(message(b"E", b"\0")), "assert_failed", "assert", 'refused the login: ""', {}),
    ("an error that says the password", say(refusal("28P01", f"not {PASSWORD}!")), "assert_failed", "assert", '"not ***!"', SECRET),
    ("an error cut off", say(message(b"E", b"C57P03\0Mstarting")), "not_serving", "assert", '""', {}),
    ("asks for nothing", say(message(b"R", b"\0")), "proto_error", "transfer", "asks for nothing", {}),
    ("asks for GSSAPI", say(request(7)), "assert_failed", "assert", "such as GSSAPI", {}),
    ("MD5 without a salt", say(request(5)), "proto_error", "transfer", "without a salt", SECRET),
    ("asks twice", say(request(5, b"salt") + request(5, b"salt")), "proto_error", "transfer", "the wrong thing", SECRET),
    ("SCRAM out of turn", say(request(11, b"r=")), "proto_error", "transfer", "the wrong thing", SECRET),
    ("unknown mechanisms", say(request(10, b"SCRAM-SHA-512\0\0")), "assert_failed", "assert", "no way to log in", SECRET),
    ("PLUS without TLS", say(request(10, b"SCRAM-SHA-256-PLUS\0\0")), "assert_failed", "assert", "no way to log in", SECRET),
    ("mechanisms cut off", say(request(10, b"SCRAM-SHA-256")), "assert_failed", "assert", "no way to log in", SECRET),
    ("lets in instead of SCRAM", say(request(10, SCRAM) + LET_IN + READY), "proto_error", "transfer",
     "lets us in without a proof", SECRET),
    ("SCRAM as it should be", Impostor(), "ok", "assert", "PostgreSQL is ready", SECRET),
    ("SCRAM with another password", Impostor(password="guess"), "proto_error", "transfer",
     "the server does not know the password: its proof is wrong", SECRET),
    ("SCRAM without a proof", Impostor("lets in"), "proto_error", "transfer", "lets us in without a proof", SECRET),
    ("SCRAM with a nonce of its own", Impostor("nonce"), "proto_error", "transfer", "a nonce that does not go on", SECRET),
    ("SCRAM with a billion rounds", Impostor(rounds=b"1000000000"), "proto_error", "transfer", "more than 1000000 rounds", SECRET),
    ("no TLS", say(b"N"), "tls_handshake", "tls", "the server does not offer TLS", {"tls": {}}),
    ("no TLS but an error", say(refusal("53300", "too many clients")), "not_serving", "assert", "too many connections", {"tls": {}}),
    ("no answer to TLS", say(b"H"), "proto_error", "transfer", 'begins with "H"', {"tls": {}}),
    ("TLS never begins", say(b"S", then_hang=True), "timeout", "tls", "handshake was not complete", {"tls": {}}),
    ("bytes slipped in before TLS", say(b"S" + LET_IN + READY), "tls_handshake", "tls", "does not speak TLS", {"tls": {}}),
    ("a query, then silence", say(LET_IN + READY, then_hang=True), "timeout", "transfer", "the query was not answered",
     {"query": "select 1"}),
    ("a query, then close", say(LET_IN + READY), "eof_early|reset", "transfer", "", {"query": "select 1"}),
    ("a row that lies", say(LET_IN + READY + message(b"D", b"\0\1\0\0\0\x09abc") + READY), "assert_failed", "assert", "no value",
     {"query": "select 1", "expect_regex": "a"}),
    ("a row of no columns", say(LET_IN + READY + message(b"D", b"") + READY), "assert_failed", "assert", "no value",
     {"query": "select 1", "expect_regex": "a"}),
]


def test_hostile_servers(prober_once):
    run = probe_hostile(prober_once, check, HOSTILE)
    assert PASSWORD not in str(run.results)


def test_many_rounds_hold_nobody_up(prober_once):
    """A million rounds take a third of a second, and longer with sanitizers; the deadline holds, and others go on."""
    with Server(Impostor(rounds=b"1000000")) as costly, Server(say(LET_IN + READY)) as other:
        run = prober_once([check(costly.port, id="costly", timeout_ms=700, **SECRET), check(other.port, id="other")], "--loops", "1")
    assert run.results["costly"]["outcome"] in ("timeout", "proto_error"), run.results["costly"]
    assert run.results["other"]["outcome"] == "ok" and run.results["other"]["timings_us"]["total"] < 300_000
    assert run.results["costly"]["timings_us"]["total"] < 1_300_000


def test_bad_specs_name_every_field(prober_once):
    wrong = check(0, user="", password="", database=" ", query="", expect_regex="(", allow_cleartext="yes", nope=1)
    run = prober_once([wrong, {"id": "empty", "kind": "postgres", "spec": {}}, check(1, id="one", expect_regex="a"),
                       check(1, id="other", expect_regex="a", query=None)])
    assert [{error["pointer"] for error in line["errors"]} for line in run.errors] == [
        {"/spec/port", "/spec/user", "/spec/password", "/spec/database", "/spec/query", "/spec/expect_regex",
         "/spec/allow_cleartext", "/spec/nope"},
        {"/spec/address", "/spec/user"}, {"/spec"}, {"/spec"}]
    assert "no query whose first value could match" in str(run.errors[2])
