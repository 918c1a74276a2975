"""Names: what DNS answers, or does not, and which of several addresses is taken."""

import socket
import time

import pytest

from processes import free_port
from servers.dns import A, FORMERR, NXDOMAIN, REFUSED, SERVFAIL, DnsServer, build, read_question
from servers.hostile import OK, Server, answer

HAS_IPV6 = socket.has_ipv6 and not socket.socket(socket.AF_INET6).connect_ex(("::1", 9)) == 99


def http(name, port, *, timeout_ms=1500, **spec):
    return {"id": name, "kind": "http", "timeout_ms": timeout_ms, "spec": {"url": f"http://{name}:{port}/", **spec}}


def test_answers_have_their_outcome(prober_once):
    zone = {"good.test": {"A": ["127.0.0.1"]}, "many.test": {"A": [f"127.0.0.{n}" for n in range(1, 30)]},
            "late.test": {"A": ["127.0.0.1"], "delay_s": 0.2}, "half.test": {"A": ["127.0.0.1"], "silent_aaaa": True},
            "nodata.test": {}, "nx.test": {"rcode": NXDOMAIN}, "servfail.test": {"rcode": SERVFAIL},
            "refused.test": {"rcode": REFUSED}, "formerr.test": {"rcode": FORMERR}, "silent.test": "silent",
            "garbage.test": "garbage", "metadata.test": {"A": ["169.254.169.254"]}, "zero.test": {"A": ["0.0.0.0"]},
            "mixed.test": {"A": ["169.254.169.254", "127.0.0.1"]}, "local.test": {"AAAA": ["fe80::1"]},
            "elsewhere.test": {"A": ["127.0.0.1"], "elsewhere": True},
            "other-id.test": {"raw": lambda data: [build(bytes([data[0] ^ 1]) + data[1:], read_question(data)[2],
                                                         {"A": ["127.0.0.1"]}, A)]}}
    wanted = {"good.test": "ok", "many.test": "ok", "late.test": "ok", "half.test": "ok", "nodata.test": "dns_nodata",
              "nx.test": "dns_nxdomain", "servfail.test": "dns_servfail", "refused.test": "dns_refused",
              "formerr.test": "dns_format", "silent.test": "dns_timeout", "garbage.test": "dns_timeout",
              "metadata.test": "policy", "zero.test": "policy", "mixed.test": "ok", "local.test": "policy",
              "elsewhere.test": "dns_timeout", "other-id.test": "dns_timeout"}
    with DnsServer(zone) as dns, Server(answer(OK)) as server:
        run = prober_once([http(name, server.port) for name in zone], "--dns-servers", f"127.0.0.1:{dns.port}")
    assert {name: run.results[name]["outcome"] for name in wanted} == wanted
    assert run.results["silent.test"]["timings_us"]["total"] < 2_100_000
    assert run.results["silent.test"]["phase"] == "dns"
    assert run.results["half.test"]["timings_us"]["dns"] < 1_000_000, "a silent AAAA holds up the A"


def test_answer_after_the_deadline_is_harmless(prober_once):
    zone = {"slow.test": {"A": ["127.0.0.1"], "delay_s": 0.5}, "other.test": {"A": ["127.0.0.1"], "delay_s": 0.9}}
    with DnsServer(zone) as dns, Server(answer(OK)) as server:
        run = prober_once([http("slow.test", server.port, timeout_ms=250), http("other.test", server.port, timeout_ms=5000)],
                          "--dns-servers", f"127.0.0.1:{dns.port}")
    assert run.results["slow.test"]["outcome"] == "dns_timeout"
    assert run.results["other.test"]["outcome"] == "ok"
    assert len(run.order) == 2


def test_nothing_is_cached(prober_once):
    with DnsServer({"good.test": {"A": ["127.0.0.1"]}}) as dns, Server(answer(OK)) as server:
        checks = [dict(http("good.test", server.port), id=str(n)) for n in range(3)]
        run = prober_once(checks, "--dns-servers", f"127.0.0.1:{dns.port}")
    assert run.status == 0
    assert dns.questions.count(("good.test", 1)) == 3


def test_families(prober_once):
    zone = {"six.test": {"AAAA": ["::1"]}, "both.test": {"A": ["127.0.0.1"], "AAAA": ["::1"]}}
    with DnsServer(zone) as dns, Server(answer(OK)) as server:
        four = [dict(http(name, server.port, address_family=family), id=f"{name} {family}")
                for name, family in (("six.test", "v4"), ("both.test", "v4"), ("both.test", "happy"),
                                     ("both.test", "prefer_v6"), ("both.test", "v6"))]
        run = prober_once(four, "--dns-servers", f"127.0.0.1:{dns.port}")
    outcomes = {name: result["outcome"] for name, result in run.results.items()}
    assert outcomes["six.test v4"] == "dns_nodata"
    assert outcomes["both.test v4"] == outcomes["both.test happy"] == outcomes["both.test prefer_v6"] == "ok", outcomes
    assert run.results["both.test happy"]["address"] == f"127.0.0.1:{server.port}", "IPv6 refuses, IPv4 answers"
    assert outcomes["both.test v6"] == ("connect_refused" if HAS_IPV6 else "prober_error")


@pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
def test_ipv6_is_taken_first(prober_once):
    zone = {"both.test": {"A": ["127.0.0.1"], "AAAA": ["::1"]}, "six.test": {"AAAA": ["::1"]}}
    with DnsServer(zone) as dns, Server(answer(OK), family=socket.AF_INET6) as server:
        run = prober_once([http(name, server.port) for name in zone], "--dns-servers", f"127.0.0.1:{dns.port}")
    assert {result["outcome"] for result in run.order} == {"ok"}, "no A is no failure where there is an AAAA"
    assert {result["address"] for result in run.order} == {f"[::1]:{server.port}"}


def test_addresses_are_capped(prober_once):
    """Two hundred of them come over TCP; eight of a family are tried."""
    zone = {"lots.test": {"A": [f"127.0.0.{n}" for n in range(1, 201)], "truncated": True}}
    with DnsServer(zone) as dns, Server(answer(OK)) as server:
        run = prober_once([http("lots.test", server.port, address_family="all")], "--dns-servers", f"127.0.0.1:{dns.port}")
        assert ("lots.test", A) in dns.over_tcp
    assert run.results["lots.test"]["message"].startswith("7 of 8 addresses: connection refused")


def test_silent_address_gives_way_to_the_next(prober_once):
    """A full backlog answers no SYN, as a black hole would."""
    with socket.create_server(("127.0.0.2", 0), backlog=0) as hole:
        port = hole.getsockname()[1]
        fill = [socket.socket() for _ in range(4)]
        for one in fill:
            one.setblocking(False)
            one.connect_ex(("127.0.0.2", port))
        good = socket.create_server(("127.0.0.1", port))
        with good, DnsServer({"one-dead.test": {"A": ["127.0.0.2", "127.0.0.1"]}}) as dns:
            began = time.monotonic()
            run = prober_once([{"id": "tcp", "kind": "tcp", "spec": {"address": "one-dead.test", "port": port}},
                               {"id": "dead", "kind": "tcp", "timeout_ms": 600,
                                "spec": {"address": "127.0.0.2", "port": port}}],
                              "--dns-servers", f"127.0.0.1:{dns.port}")
        for one in fill:
            one.close()
    assert run.results["tcp"]["outcome"] == "ok" and run.results["tcp"]["address"] == f"127.0.0.1:{port}"
    assert 200_000 < run.results["tcp"]["timings_us"]["connect"] < 900_000
    dead = run.results["dead"]
    assert (dead["outcome"], dead["phase"]) == ("connect_timeout", "connect")
    assert dead["message"] == f"no connection to 127.0.0.2:{port} within 600 ms"
    assert time.monotonic() - began < 10


def test_hosts_file_names_need_no_dns(prober_once):
    with Server(answer(OK)) as server:
        run = prober_once([http("localhost", server.port)], "--dns-servers", f"127.0.0.1:{free_port()}")
    assert run.results["localhost"]["outcome"] == "ok"


def test_no_dns_server_there(prober_once):
    run = prober_once([http("some.test", 80)], "--dns-servers", f"127.0.0.1:{free_port()}")
    assert run.results["some.test"]["outcome"] in ("dns_servfail", "dns_timeout")
