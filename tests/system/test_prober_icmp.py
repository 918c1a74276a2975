"""ICMP checks on loopback, and between two hosts of which one does not answer."""

import pytest

from servers.dns import DnsServer
from servers.network import THERE, THERE_6, Network

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="needs raw sockets and network namespaces")


def icmp(address, *, id=None, timeout_ms=2000, **spec):
    return {"id": id or address, "kind": "icmp", "timeout_ms": timeout_ms, "spec": {"address": address, "interval_ms": 10, **spec}}


@pytest.fixture(scope="module")
def network():
    with Network() as network:
        yield network


def test_this_machine_answers(prober_once):
    with DnsServer({"name.test": {"A": ["127.0.0.1"]}}) as dns:
        run = prober_once([
            icmp("127.0.0.1"), icmp("::1"), icmp("name.test"), icmp("nx.test"),
            icmp("127.0.0.1", id="big", size=65000, count=20),
            icmp("127.0.0.1", id="source", source_address="127.0.0.9"),
            icmp("127.0.0.1", id="no source", source_address="192.0.2.1"),
        ], "--dns-servers", f"127.0.0.1:{dns.port}")
    outcomes = {id: result["outcome"] for id, result in run.results.items()}
    assert outcomes == {"127.0.0.1": "ok", "::1": "ok", "name.test": "ok", "nx.test": "dns_nxdomain", "big": "ok", "source": "ok",
                        "no source": "prober_error"}
    result = run.results["big"]
    assert result["message"].startswith("20 of 20 replied")
    assert result["perfdata"]["lost"] == {"value": 0, "uom": "%"}
    assert 0 < result["perfdata"]["round_trip"]["min"] <= result["perfdata"]["round_trip"]["value"]
    assert result["address"] == "127.0.0.1"


def test_each_hears_its_own_replies_only(prober_once):
    run = prober_once([icmp("127.0.0.1", id=str(number), count=5) for number in range(100)], "--loops", "2")
    assert {result["message"].split(",")[0] for result in run.order} == {"5 of 5 replied"}
    assert len(run.results) == 100


@pytest.mark.slow
def test_losses_and_limits(prober_once, network):
    network.sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    silent = prober_once([icmp(THERE, id="silent", timeout_ms=500), icmp(THERE, id="dark", timeout_ms=500, invert=True)],
                         within=network.here)
    network.sysctl("net.ipv4.icmp_echo_ignore_all", 0)
    answering = prober_once([icmp(THERE, id="four"), icmp(THERE_6, id="six"),
                             icmp(THERE, id="too big", size=4000, dont_fragment=True), icmp(THERE, id="in parts", size=4000),
                             icmp("10.77.0.99", id="nobody", timeout_ms=4500)], within=network.here)
    assert (silent.results["silent"]["verdict"], silent.results["silent"]["outcome"]) == ("fail", "icmp_loss")
    assert silent.results["silent"]["message"] == "3 of 3 requests had no reply"
    assert silent.results["silent"]["timings_us"]["total"] < 1_000_000
    assert silent.results["dark"]["verdict"] == "ok"
    assert {id: result["outcome"] for id, result in answering.results.items()} == {
        "four": "ok", "six": "ok", "too big": "assert_failed", "in parts": "ok", "nobody": "unreachable"}


def test_some_losses_are_a_warning(prober_once, network):
    network.sysctl("net.ipv4.icmp_ratemask", 1)  # a burst of replies, then one a second
    network.sysctl("net.ipv4.icmp_ratelimit", 1000)
    lossy = {"count": 20, "timeout_ms": 600}
    run = prober_once([icmp(THERE, id="warn", **lossy, expect={"max_loss_pct": 99, "warn_loss_pct": 20})], within=network.here)
    network.sysctl("net.ipv4.icmp_ratemask", 6168)
    result = run.results["warn"]
    assert (result["verdict"], result["outcome"]) == ("warn", "icmp_loss"), result
    assert result["message"].endswith(" of 20 requests had no reply")


def test_no_way_is_the_probers_own_trouble_or_the_networks(prober_once, network):
    network.route("unreachable", "10.78.0.0/24")
    network.route("prohibit", "10.79.0.0/24")
    run = prober_once([icmp("10.78.0.1"), icmp("10.79.0.1"), icmp("203.0.113.1")], within=network.here)
    assert run.results["10.78.0.1"]["outcome"] == "unreachable"
    assert run.results["203.0.113.1"]["verdict"] == "error", "this host has no route there"
    assert run.results["10.79.0.1"]["outcome"] in ("unreachable", "prober_error")


def test_ping_sockets_need_no_rights(prober_once, network):
    network.sysctl("net.ipv4.ping_group_range", "0 2147483647", host="here")
    run = prober_once([icmp("127.0.0.1", id="four"), icmp("::1", id="six"), icmp(THERE, id="there")], "--explain",
                      within=(*network.here, "setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--reuid", "65534",
                              "--regid", "65534", "--clear-groups"))
    assert {result["outcome"] for result in run.order} == {"ok"}
    assert any(step["detail"] == "ping socket" for step in run.results["four"]["steps"])
    network.sysctl("net.ipv4.ping_group_range", "1 0", host="here")
    run = prober_once([icmp("127.0.0.1")], within=(*network.here, "setpriv", "--reuid", "65534", "--regid", "65534",
                                                   "--clear-groups", "--inh-caps", "-all", "--bounding-set", "-all"))
    assert run.results["127.0.0.1"]["verdict"] == "error"
    assert "net.ipv4.ping_group_range" in run.results["127.0.0.1"]["message"]
