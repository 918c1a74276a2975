"""UDP checks: answers, silence, refusal, and what comes from elsewhere."""

import socket
import threading

import pytest

from servers.dns import DnsServer

TIMEOUT_MS = 1200
LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline


class Peer:
    """A UDP socket on loopback that calls handle(socket, datagram, address) for each datagram."""

    def __init__(self, handle=None, family=socket.AF_INET):
        self.handle, self.heard = handle, []
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def run(self):
        while True:
            try:
                data, address = self.socket.recvfrom(65536)
                self.heard.append(data)
                if self.handle:
                    self.handle(self.socket, data, address)
            except OSError:
                return


def answer(*datagrams):
    def handle(peer, _data, address):
        for datagram in datagrams:
            peer.sendto(datagram, address)

    return handle


def from_elsewhere(_peer, _data, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.sendto(b"pong", address)


def udp(port, *, id="check", address="127.0.0.1", timeout_ms=TIMEOUT_MS, **spec):
    if "send_hex" not in spec:
        spec.setdefault("send", "ping")
    return {"id": id, "kind": "udp", "timeout_ms": timeout_ms, "spec": {"address": address, "port": port, **spec}}


def free_port(family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as taken:
        taken.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return taken.getsockname()[1]


WANTED = {"expect_regex": "^pong$"}

# name, what the peer does (None: nobody is there), fields, outcome, phase, part of the message
ROWS = [
    ("answers", answer(b"pong"), WANTED, "ok", "first_byte", "the answer matches, 4 bytes"),
    ("another answer", answer(b"no\x00\xff"), WANTED, "assert_failed", "first_byte", 'does not match: 4 bytes, "no\\x00\\xff"'),
    ("the first one counts", answer(b"no", b"pong"), WANTED, "assert_failed", "first_byte", ""),
    ("an empty answer", answer(b""), WANTED, "assert_failed", "first_byte", "0 bytes"),
    ("an empty one that is wanted", answer(b""), {"expect_regex": "^$"}, "ok", "first_byte", "0 bytes"),
    ("the largest answer", answer(b"x" * 65507), {"expect_regex": "x$"}, "ok", "first_byte", "65507 bytes"),
    ("silent", lambda *_: None, WANTED, "timeout", "first_byte", "no reply within 1200 ms"),
    ("from elsewhere", from_elsewhere, WANTED, "timeout", "first_byte", "no reply"),
    ("refused", None, WANTED, "connect_refused", "first_byte", "nobody listens there"),
    ("costly", answer(b"a" * 5000), {"expect_regex": "^(a|a?)+(a|b?)+$(?<!a)"}, "limit_exceeded", "first_byte", "takes too long"),
    ("nothing expected", lambda *_: None, {}, "ok", "first_byte", "4 bytes sent, and not refused within 250 ms"),
    ("nothing expected, refused", None, {}, "connect_refused", "first_byte", "refused by 127.0.0.1"),
    ("nothing expected, answered", answer(b"any"), {}, "ok", "first_byte", "answered with 3 bytes"),
    ("a shorter limit", lambda *_: None, {"timeouts_ms": {"first_byte": 50}}, "ok", "first_byte", "within 50 ms"),
    ("bytes", answer(b"\x01"), {"send_hex": "00ff"}, "ok", "first_byte", ""),
]


def test_peers_have_their_outcome(prober_once):
    """All at once, in one prober: none may delay another, each ends by its timeout."""
    peers = {name: Peer(handle).__enter__() for name, handle, *_ in ROWS if handle}
    try:
        run = prober_once([udp(peers[name].port if name in peers else free_port(), id=name, **spec)
                           for name, _, spec, *_ in ROWS])
    finally:
        for peer in peers.values():
            peer.__exit__()
    wrong = []
    for name, _, _, outcome, phase, message in ROWS:
        result = run.results[name]
        if not ((result["outcome"], result["phase"]) == (outcome, phase) and message in result["message"]
                and result["verdict"] == ("ok" if outcome == "ok" else "fail")
                and result["timings_us"]["total"] < (TIMEOUT_MS + LATE_MS) * 1000):
            wrong.append((name, result["outcome"], result["phase"], result["message"], result["timings_us"]["total"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert peers["bytes"].heard == [b"\x00\xff"] and peers["answers"].heard == [b"ping"]


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_over_ipv6(prober_once):
    with Peer(answer(b"pong"), socket.AF_INET6) as peer:
        run = prober_once([udp(peer.port, id="answers", address="::1", **WANTED),
                           udp(free_port(socket.AF_INET6), id="refused", address="[::1]", **WANTED)])
    assert run.results["answers"]["outcome"] == "ok"
    assert run.results["refused"]["outcome"] == "connect_refused"


def test_options_of_all_kinds(prober_once):
    with Peer(answer(b"pong")) as peer, DnsServer({"two.test": {"A": ["127.0.0.1", "127.0.0.2"]}}) as dns:
        run = prober_once([
            udp(peer.port, id="all", address="two.test", address_family="all", address_vote="quorum", **WANTED),
            udp(peer.port, id="inverted", invert=True, **WANTED),
            udp(peer.port, id="absent", source_address="192.0.2.1", **WANTED),
        ], "--dns-servers", f"127.0.0.1:{dns.port}")
    assert run.results["all"]["verdict"] == "warn" and run.results["all"]["message"].startswith("1 of 2 addresses: ")
    assert run.results["inverted"]["verdict"] == "fail"
    assert run.results["absent"]["verdict"] == "error"


def test_wrong_fields_are_named(prober_once):
    run = prober_once([
        {"kind": "udp", "spec": {"address": "127.0.0.1", "port": 1}},
        udp(1, id="2", send="a", send_hex="00"),
        udp(0, id="3", send_hex="0", expect_regex="("),
        udp(1, id="4", send=None, send_hex="00", tls={}, expect={"cert_warn_days": 1}),
    ])
    assert [[entry["pointer"] for entry in error["errors"]] for error in run.errors] == [
        ["/spec"], ["/spec"], ["/spec/port", "/spec/send_hex", "/spec/expect_regex"],
        ["/spec/tls", "/spec/expect/cert_warn_days"]]
    assert "exactly one of 2 allowed forms (send, send_hex), has 0" in run.errors[0]["errors"][0]["detail"]
