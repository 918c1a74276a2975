"""What networks do, between two hosts of the test's own: routes that refuse or swallow, one family that is broken,
and a resolv.conf that changes, goes and comes while the prober runs."""

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe_runs import Running
from processes import wait_until
from servers.network import HERE, THERE, THERE_6, Network

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="needs network namespaces")

SYSTEM = Path(__file__).parent
REFUSED, PROHIBITED, SWALLOWED, UNKNOWN = "10.78.0.1", "10.79.0.1", "10.80.0.1", "203.0.113.1"
REFUSED_6, PROHIBITED_6, SWALLOWED_6 = "fd78::1", "fd79::1", "fd80::1"
PORT = 9000
LISTENER = f"""
import socket, sys
listener = socket.create_server(("{THERE}", {PORT}), backlog=64)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def network():
    """`there` is the way to networks that it refuses, prohibits or swallows, and listens on IPv4 alone."""
    with Network() as network:
        network.sysctl("net.ipv4.ip_forward", 1)
        network.sysctl("net.ipv6.conf.all.forwarding", 1)
        network.sysctl("net.ipv4.icmp_ratelimit", 0)
        network.sysctl("net.ipv6.icmp.ratelimit", 0)
        for address, way in ((REFUSED, "unreachable"), (PROHIBITED, "prohibit"), (SWALLOWED, "blackhole"),
                             (REFUSED_6, "unreachable"), (PROHIBITED_6, "prohibit"), (SWALLOWED_6, "blackhole")):
            network.route(way, address, host="there")
            network.route(address, "via", THERE_6 if ":" in address else THERE)
        with program(network.there, "-c", LISTENER):
            yield network


@contextmanager
def program(within, *arguments):
    """A python program on one of the hosts, once it has said its first line; it ends with its input."""
    child = subprocess.Popen([*within, sys.executable, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             cwd=SYSTEM)
    try:
        assert child.stdout.readline()
        yield
    finally:
        child.kill()
        child.communicate()


def name_server(network, zone, address="127.0.0.1"):
    """A DNS server of `here`, on the usual port."""
    return program(network.here, "-m", "servers.dns", address, 53, json.dumps(zone))


def tcp(address, *, id=None, port=PORT, timeout_ms=3000, **spec):
    return {"id": id or address, "kind": "tcp", "timeout_ms": timeout_ms, "spec": {"address": address, "port": port, **spec}}


def test_routes_that_refuse_or_swallow(prober_once, network):
    refusing = (REFUSED, PROHIBITED, REFUSED_6, PROHIBITED_6)
    # To the kernel "host unreachable" is no more than a hint for datagrams: another may get through. Over IPv4 the router
    # says so to one host five times a second at most.
    datagrams = {PROHIBITED: "unreachable", REFUSED_6: "timeout", PROHIBITED_6: "unreachable"}
    pings = (REFUSED, REFUSED_6, PROHIBITED_6)
    run = prober_once([tcp(address) for address in (*refusing, UNKNOWN, THERE)] +
                      [tcp(address, timeout_ms=700) for address in (SWALLOWED, SWALLOWED_6)] +
                      [{"id": f"udp {address}", "kind": "udp", "timeout_ms": 1500,
                        "spec": {"address": address, "port": 9, "send": "x", "expect_regex": "y"}} for address in datagrams] +
                      [{"id": f"icmp {address}", "kind": "icmp", "timeout_ms": 1500, "spec": {"address": address, "count": 1}}
                       for address in pings], within=network.here)
    for address in refusing:
        result = run.results[address]
        assert (result["verdict"], result["outcome"], result["phase"]) == ("fail", "unreachable", "connect"), result
        assert address in result["message"] and "is unreachable: " in result["message"]
    for address in (SWALLOWED, SWALLOWED_6):
        result = run.results[address]
        assert (result["verdict"], result["outcome"], result["phase"]) == ("fail", "connect_timeout", "connect"), result
        assert "within 700 ms" in result["message"] and result["timings_us"]["total"] < 1_300_000
    assert {address: run.results[f"udp {address}"]["outcome"] for address in datagrams} == datagrams
    assert {run.results[f"icmp {address}"]["outcome"] for address in pings} == {"unreachable"}
    assert run.results[UNKNOWN]["verdict"] == "error", "this host has no route there"
    assert run.results[THERE]["outcome"] == "ok"


def test_one_family_is_broken(prober_once, network):
    zone = {"swallowed.test": {"AAAA": [SWALLOWED_6], "A": [THERE]}, "refused.test": {"AAAA": [THERE_6], "A": [THERE]},
            "unreachable.test": {"AAAA": [REFUSED_6], "A": [THERE]}}
    with name_server(network, zone):
        run = prober_once([tcp(name, id=f"{name} {family}", address_family=family, timeout_ms=1500)
                           for name in zone for family in ("happy", "prefer_v6", "v6", "v4")],
                          "--dns-servers", "127.0.0.1", within=network.here)
    wanted_v6 = {"swallowed.test": "connect_timeout", "refused.test": "connect_refused", "unreachable.test": "unreachable"}
    for name, outcome in wanted_v6.items():
        assert (run.results[f"{name} v6"]["verdict"], run.results[f"{name} v6"]["outcome"]) == ("fail", outcome)
        for family in ("happy", "prefer_v6", "v4"):
            result = run.results[f"{name} {family}"]
            assert (result["outcome"], result["address"]) == ("ok", f"{THERE}:{PORT}"), result
    assert 200_000 < run.results["swallowed.test happy"]["timings_us"]["connect"] < 900_000, "250 ms, and then the other family"


def test_a_host_without_ipv6(prober_once):
    with Network() as network:
        network.sysctl("net.ipv6.conf.all.disable_ipv6", 1, host="here")
        with program(network.there, "-c", LISTENER), name_server(network, {"both.test": {"AAAA": [THERE_6], "A": [THERE]}}):
            run = prober_once([tcp("both.test", id=family, address_family=family) for family in ("happy", "prefer_v6", "v6")] +
                              [tcp(THERE_6, id="literal")], "--dns-servers", "127.0.0.1", within=network.here)
    assert run.results["happy"]["outcome"] == run.results["prefer_v6"]["outcome"] == "ok"
    for name in ("v6", "literal"):
        assert (run.results[name]["verdict"], run.results[name]["outcome"]) == ("error", "prober_error"), run.results[name]


def with_etc(folder):
    """Runs a program with `folder` in place of /etc; there is no resolv.conf in it yet."""
    for name in ("passwd", "group", "nsswitch.conf"):
        shutil.copy(f"/etc/{name}", folder)
    return ("unshare", "--mount", "sh", "-c", f'mount --bind {folder} /etc && exec "$@"', "sh")


@pytest.mark.slow
def test_resolv_conf_that_changes_goes_and_comes(network, tmp_path):
    """Read anew within about a second; without it nobody can be asked, which is no failure of a target."""
    within = (*network.here, *with_etc(tmp_path))
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    checks = [{"interval_s": 1, **tcp("name.test", id="tcp", timeout_ms=900)},
              {"id": "dns", "kind": "dns", "interval_s": 1, "timeout_ms": 900, "spec": {"name": "name.test"}}]

    def until(running, wanted):
        """Waits for both checks to say so, and returns how long that took."""
        began, seen = time.monotonic(), {}

        def look():
            for result in running.taken():
                verdict = result["verdict"] if result["verdict"] == "error" else result["message"]
                seen[result["check"]] = verdict
            return set(seen) == {"tcp", "dns"} and all(wanted in said for said in seen.values())

        wait_until(look, 8, what=f"{wanted} in {seen}")
        return time.monotonic() - began

    with name_server(network, {"name.test": {"A": ["127.0.0.11"]}}), \
            name_server(network, {"name.test": {"A": ["127.0.0.12"]}}, "127.0.0.2"), \
            Running(checks, within=within) as running:
        until(running, "127.0.0.11")
        resolv.write_text("nameserver 127.0.0.2\n")
        assert until(running, "127.0.0.12") < 3.5
        resolv.unlink()
        assert until(running, "error") < 3.5
        resolv.write_text("nameserver 127.0.0.1\n")
        assert until(running, "127.0.0.11") < 3.5


def test_resolv_conf_that_is_not_there(prober_once, network, tmp_path):
    run = prober_once([tcp("name.test"), {"id": "dns", "kind": "dns", "spec": {"name": "name.test"}}, tcp(THERE)],
                      within=(*network.here, *with_etc(tmp_path)))
    for name in ("name.test", "dns"):
        assert (run.results[name]["verdict"], run.results[name]["outcome"]) == ("error", "prober_error"), run.results[name]
        assert "DNS" in run.results[name]["message"]
    assert run.results[THERE]["outcome"] == "ok"
