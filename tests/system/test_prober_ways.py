"""What all kinds over a network share: limits of phases, sources, inverted checks, all addresses of a name."""

import json
import socket
import ssl
import subprocess
import time

import pytest

import processes
from servers import hostile
from servers.certificates import Authority
from servers.dns import DnsServer
from servers.hostile import OK, Server, answer


def tcp(port, *, id="check", address="127.0.0.1", timeout_ms=3000, **spec):
    return {"id": id, "kind": "tcp", "timeout_ms": timeout_ms, "spec": {"address": address, "port": port, **spec}}


def http(port, *, id="check", host="127.0.0.1", timeout_ms=3000, scheme="http", **spec):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms, "spec": {"url": f"{scheme}://{host}:{port}/", **spec}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def full_listener():
    """A port whose queue of connections is full: a SYN is dropped."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    return listener, fillers


def test_each_phase_has_a_limit_of_its_own(prober_once):
    listener, fillers = full_listener()
    with DnsServer({"silent.test": "silent"}) as dns, Server(hostile.hang) as silent, \
            Server(hostile.byte_by_byte(OK, 0.6)) as dripping, Server(hostile.byte_by_byte(OK, 0.01)) as steady, \
            Server(hostile.byte_by_byte(OK, 0.2)) as slow:
        run = prober_once([
            http(silent.port, id="dns", host="silent.test", timeouts_ms={"dns": 300}),
            tcp(listener.getsockname()[1], id="connect", timeouts_ms={"connect": 300}),
            http(silent.port, id="tls", scheme="https", timeouts_ms={"tls": 300}),
            http(silent.port, id="first byte", timeouts_ms={"first_byte": 300}),
            http(dripping.port, id="idle", timeouts_ms={"idle": 300}),
            http(steady.port, id="steady", timeouts_ms={"idle": 300}),
            http(silent.port, id="total", timeout_ms=400, timeouts_ms={"first_byte": 2000}),
            http(slow.port, id="total over idle", timeout_ms=1000, timeouts_ms={"idle": 600}),
        ], "--dns-servers", f"127.0.0.1:{dns.port}")
    for filler in fillers:
        filler.close()
    listener.close()

    wanted = {"dns": ("dns_timeout", "dns"), "connect": ("connect_timeout", "connect"), "tls": ("timeout", "tls"),
              "first byte": ("timeout", "first_byte"), "idle": ("timeout", "transfer"), "steady": ("ok", "assert"),
              "total": ("timeout", "first_byte"), "total over idle": ("timeout", "transfer")}
    assert {name: (result["outcome"], result["phase"]) for name, result in run.results.items()} == wanted
    for name in ("dns", "connect", "tls", "first byte"):
        assert run.results[name]["timings_us"]["total"] < 1_000_000, name
        assert "within 300 ms" in run.results[name]["message"] or name == "dns", run.results[name]
    assert "within 400 ms" in run.results["total"]["message"]
    assert "within 1000 ms" in run.results["total over idle"]["message"], "each byte begins the idle time anew, not the total"


def test_each_phase_has_thresholds_of_its_own(prober_once):
    """150 ms to the first byte and 150 ms more to the last."""

    def handle(connection):
        hostile.read_head(connection)
        time.sleep(0.15)
        connection.sendall(OK[:20])
        time.sleep(0.15)
        connection.sendall(OK[20:])

    with Server(handle) as server:
        run = prober_once([
            http(server.port, id="warn", expect={"warn_phases_ms": {"first_byte": 100, "transfer": 2000}}),
            http(server.port, id="fail", expect={"fail_phases_ms": {"transfer": 100}, "warn_phases_ms": {"first_byte": 50}}),
            http(server.port, id="ok", expect={"fail_phases_ms": {"dns": 250, "connect": 250, "tls": 1, "first_byte": 2000}}),
            http(server.port, id="the whole first", expect={"warn_ms": 200, "warn_phases_ms": {"first_byte": 50}}),
            http(server.port, id="still to come", expect={"warn_phases_ms": {"first_byte": 290}}),
            tcp(server.port, id="in the phase itself", expect={"fail_phases_ms": {"transfer": 100}}, steps=[
                {"send": "x\r\n\r\n"}, {"expect_regex": "hello", "match": "buffer"}]),
            http(server.port, id="wrong", expect={"warn_phases_ms": {"assert": 1, "tls": 0}}),
        ])
    assert {name: (result["verdict"], result["outcome"]) for name, result in run.results.items()} == {
        "warn": ("warn", "slow"), "fail": ("fail", "slow"), "ok": ("ok", "ok"), "the whole first": ("warn", "slow"),
        "still to come": ("ok", "ok"), "in the phase itself": ("fail", "slow")}
    message = {name: result["message"] for name, result in run.results.items()}
    assert message["warn"].startswith("the first byte of the reply took 1") and message["warn"].endswith(" ms, more than 100 ms")
    assert message["fail"].startswith("the rest of the reply took 1") and message["fail"].endswith(" ms, the limit is 100 ms")
    assert message["the whole first"].startswith("took ")
    assert [error["pointer"] for error in run.errors[0]["errors"]] == [
        "/spec/expect/warn_phases_ms/assert", "/spec/expect/warn_phases_ms/tls"]


def test_what_tls_has_read_already_is_not_waited_for(prober_once, authority):
    """The end of a TLS 1.2 handshake and what the server says at once come in one piece, and so does all that follows."""
    context = authority.issue("early")
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def greet(connection):
        connection.sendall(b"220 one\r\n")
        connection.sendall(b"220 two\r\n")
        hostile.hang(connection)

    def answer_at_once(connection):
        connection.sendall(OK)
        hostile.hang(connection)

    def in_one_piece(target):
        def relay(connection):
            with socket.create_connection(("127.0.0.1", target.port)) as to:
                to.settimeout(0.1)
                connection.settimeout(0.1)
                while True:
                    for one, other in ((connection, to), (to, connection)):
                        data = b""
                        try:
                            while part := one.recv(65536):
                                data += part
                            return
                        except TimeoutError:
                            pass
                        if data:
                            other.sendall(data)
        return relay

    tls = {"ca": authority.ca}
    with Server(greet, context) as greeting, Server(answer_at_once, context) as hasty, \
            Server(in_one_piece(greeting)) as to_greeting, Server(in_one_piece(hasty)) as to_hasty:
        run = prober_once([
            tcp(to_greeting.port, id="dialogue", tls=tls, steps=[{"expect_regex": "^220 one"}, {"expect_regex": "^220 two"}]),
            http(to_hasty.port, id="http", scheme="https", tls=tls),
        ])
    assert {name: result["outcome"] for name, result in run.results.items()} == {"dialogue": "ok", "http": "ok"}, run.order


def test_source_address_is_bound(prober_once):
    peers = []

    def handle(connection):
        peers.append(connection.getpeername()[0])
        answer(OK)(connection)

    with Server(handle) as server:
        run = prober_once([http(server.port, id="bound", source_address="127.0.0.9"),
                           tcp(server.port, id="absent", source_address="192.0.2.1")])
    assert run.results["bound"]["outcome"] == "ok"
    assert run.results["absent"]["verdict"] == "error" and run.results["absent"]["outcome"] == "prober_error"
    assert peers == ["127.0.0.9"]


def test_inverted_checks_fail_where_others_work(prober_once):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with Server(answer(OK)) as server:
        run = prober_once([
            tcp(server.port, id="reachable", invert=True),
            tcp(free, id="refused", invert=True),
            http(server.port, id="policy", host="169.254.169.254", invert=True),
            http(server.port, id="slow", invert=True, expect={"warn_ms": 1, "status": "200"}),
        ])
    results = run.results
    assert (results["reachable"]["verdict"], results["reachable"]["outcome"]) == ("fail", "assert_failed")
    assert results["reachable"]["message"].startswith("it should fail, but: connected to ")
    assert (results["refused"]["verdict"], results["refused"]["outcome"]) == ("ok", "ok")
    assert results["refused"]["message"].startswith("as it should be: connection refused")
    assert results["policy"]["verdict"] == "error", "what the prober could not do is not inverted"
    assert results["slow"]["verdict"] == "fail"


def test_all_addresses_of_a_name_are_probed(prober_once):
    with Server(answer(OK)) as server, DnsServer({
            "three.test": {"A": ["127.0.0.1", "127.0.0.2", "127.0.0.3"]}, "one.test": {"A": ["127.0.0.1"]}}) as dns:
        def check(id, **spec):
            return http(server.port, id=id, host="three.test", address_family="all", **spec)

        # the server listens on 127.0.0.1 alone: the other two refuse
        run = prober_once([
            check("worst"), check("any", address_vote="any"), check("quorum", address_vote="quorum"),
            check("inverted", invert=True),
            http(server.port, id="one", host="one.test", address_family="all"),
            http(server.port, id="literal", address_family="all"),
        ], "--dns-servers", f"127.0.0.1:{dns.port}", "--explain")
    results = run.results
    assert (results["worst"]["verdict"], results["worst"]["outcome"]) == ("fail", "connect_refused")
    assert results["worst"]["message"].startswith("2 of 3 addresses: connection refused by 127.0.0.")
    assert (results["any"]["verdict"], results["any"]["outcome"]) == ("ok", "ok")
    assert results["any"]["message"].startswith("1 of 3 addresses: status 200")
    assert results["quorum"]["verdict"] == "fail"
    assert results["inverted"]["verdict"] == "ok"
    assert results["one"]["message"] == results["literal"]["message"] == "status 200, 5 bytes"
    assert len(run.order) == 6
    details = " ".join(step["detail"] for step in results["worst"]["steps"])
    assert all(f"127.0.0.{n}:{server.port}" in details for n in (1, 2, 3))


def test_an_address_that_hangs_leaves_time_for_the_others(prober_once):
    def by_address(connection):
        if connection.getsockname()[0] == "127.0.0.1":
            answer(OK)(connection)
        else:
            hostile.hang(connection)

    server = Server(by_address)
    server.listener.close()
    server.listener = socket.create_server(("0.0.0.0", 0))
    server.port = server.listener.getsockname()[1]
    with server, DnsServer({"two.test": {"A": ["127.0.0.2", "127.0.0.1"]}}) as dns:
        run = prober_once([http(server.port, id=vote, host="two.test", address_family="all", address_vote=vote, timeout_ms=1000)
                           for vote in ("worst", "any", "quorum")], "--dns-servers", f"127.0.0.1:{dns.port}")
    assert {vote: result["verdict"] for vote, result in run.results.items()} == {
        "worst": "fail", "any": "ok", "quorum": "warn"}
    assert run.results["worst"]["outcome"] == "timeout"
    assert run.results["worst"]["timings_us"]["total"] < 1_500_000


def test_each_address_is_judged_by_its_own_time(prober_once):
    with Server(answer(OK[:20], OK[20:], pause_s=0.2)) as server, \
            DnsServer({"same.test": {"A": ["127.0.0.1"] * 3}}) as dns:
        run = prober_once([http(server.port, host="same.test", address_family="all", expect={"warn_ms": 550})],
                          "--dns-servers", f"127.0.0.1:{dns.port}")
    result = run.results["check"]
    assert result["outcome"] == "ok", result
    assert result["timings_us"]["total"] > 600_000, "the total is that of the whole tour"


def test_client_certificates(prober_once, authority):
    authority.issue("server")
    authority.issue("client")
    authority.issue("stranger")
    pem = {name: "".join((authority.folder / f"{name}.{part}").read_text() for part in ("pem", "key"))
           for name in ("client", "stranger")}
    mixed = (authority.folder / "client.pem").read_text() + (authority.folder / "stranger.key").read_text()
    context = authority.context("server")
    context.verify_mode = 2  # required
    context.load_verify_locations(authority.folder / "ca.pem")
    with Server(answer(OK), context) as server:
        run = prober_once([
            http(server.port, id="with", scheme="https", tls={"ca": authority.ca, "client_cert": pem["client"]}),
            http(server.port, id="without", scheme="https", tls={"ca": authority.ca}),
            http(server.port, id="mixed", scheme="https", tls={"ca": authority.ca, "client_cert": mixed}),
        ])
    assert run.results["with"]["outcome"] == "ok", run.results["with"]
    assert run.results["without"]["outcome"] == "tls_alert"
    (error,) = run.errors[0]["errors"]
    assert error["pointer"] == "/spec/tls/client_cert"
    assert "does not belong" in error["detail"] and "BEGIN" not in error["detail"], "the key stays secret"


def test_tls_from_the_start_for_tcp_and_newest_version(prober_once, authority):
    context = authority.issue("versions")
    with Server(lambda connection: connection.sendall(b"hello\n"), context) as server:
        run = prober_once([
            tcp(server.port, id="tls", tls={"ca": authority.ca}, expect_regex="^hello"),
            tcp(server.port, id="old", tls={"ca": authority.ca, "max_version": "1.2"}, expect_regex="^hello"),
            tcp(server.port, id="wrong", tls={"min_version": "1.3", "max_version": "1.2"}),
        ])
    assert run.results["tls"]["tls"]["version"] == "1.3" and run.results["tls"]["outcome"] == "ok"
    assert run.results["old"]["tls"]["version"] == "1.2"
    assert run.results["tls"]["tls"]["verified_not_after"] is not None
    assert [error["pointer"] for error in run.errors[0]["errors"]] == ["/spec/tls/max_version"]


def test_explain_tells_what_the_session_was(prober_once, authority):
    with Server(answer(OK), authority.issue("described")) as server:
        run = prober_once([http(server.port, scheme="https", tls={"ca": authority.ca})], "--explain")
    details = {step["step"]: step["detail"] for step in run.results["check"]["steps"]}
    for fact in ("TLSv1.3", "TLS_AES_256_GCM_SHA384", 'of "CN=localhost" by "CN=Test CA"', "DNS:localhost", "SHA-256 "):
        assert fact in details["tls"], details["tls"]


def test_sessions_are_resumed_when_wanted(prober_once, authority, tmp_path):
    context = authority.issue("resumed")
    reused = []

    def handle(connection):
        reused.append(connection.session_reused)
        answer(OK)(connection)

    with Server(handle, context) as server:
        checks = tmp_path / "checks.jsonl"
        checks.write_text(json.dumps(http(server.port, scheme="https", tls={"ca": authority.ca, "resume": True})))
        ended = subprocess.run([processes.EM_PROBER, "run", "--checks", checks, "--flood", "1", "--loops", "1", "--duration", "1",
                                "--summary"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ended.stdout)["by_verdict"]["fail"] == 0
    assert reused[0] is False and all(reused[1:]) and len(reused) > 3, reused[:10]
