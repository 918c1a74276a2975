"""DNS checks: what servers answer, how it is judged, and servers that lie, stay silent or send garbage."""

import contextlib
import socket
import struct

from servers.certificates import Authority
from servers.dns import FORMERR, NXDOMAIN, REFUSED, SERVFAIL, DnsServer, read_question
from servers.hostile import Server

MX, TXT, NS, SOA, SRV, CAA, UNKNOWN = 15, 16, 2, 6, 33, 257, 65280


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def dns(name, server, *, id=None, type="A", timeout_ms=1500, expect=None, **spec):
    servers = [f"127.0.0.1:{one.port}" for one in (server if isinstance(server, list) else [server])]
    return {"id": id or name, "kind": "dns", "timeout_ms": timeout_ms,
            "spec": {"name": name, "type": type, "servers": servers, **({"expect": expect} if expect else {}), **spec}}


def answer_with(change):
    """A raw answer made of the question's message."""
    return lambda data: [change(data, read_question(data)[2])]


def head(data, flags=0x8180, questions=1, answers=0):
    return data[:2] + struct.pack("!HHHHH", flags, questions, answers, 0, 0)


A_RECORD = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01"

# name, zone entry, outcome, a part of the message
BEHAVIOURS = [
    ("good.test", {"A": ["127.0.0.1", "127.0.0.2"]}, "ok", "2 record(s): 127.0.0.1, 127.0.0.2"),
    ("nodata.test", {}, "dns_nodata", "no record of the type"),
    ("other.test", {"records": [(0, TXT, b"\x02hi")]}, "dns_nodata", 'only "hi"'),
    ("nx.test", {"rcode": NXDOMAIN}, "dns_nxdomain", "NXDOMAIN for nx.test"),
    ("servfail.test", {"rcode": SERVFAIL}, "dns_servfail", "SERVFAIL"),
    ("refused.test", {"rcode": REFUSED}, "dns_refused", "REFUSED"),
    ("formerr.test", {"rcode": FORMERR}, "dns_format", "FORMERR"),
    ("notimp.test", {"rcode": 4}, "status_mismatch", "NOTIMP"),
    ("silent.test", "silent", "dns_timeout", "asked 3 time(s)"),
    ("lost.test", {"A": ["127.0.0.1"], "drop": 2}, "ok", "1 record(s)"),
    ("garbage.test", "garbage", "dns_timeout", "no answer from"),
    ("cut.test", {"A": ["127.0.0.1"], "truncated": True}, "ok", "1 record(s)"),
    ("other-id.test", {"raw": answer_with(lambda data, question: b"\0\0" + head(data)[2:] + question)}, "dns_timeout", ""),
    ("elsewhere.test", {"A": ["127.0.0.1"], "elsewhere": True}, "dns_timeout", "asked 3 time(s)"),
    ("other-question.test", {"raw": answer_with(lambda data, question: head(data, answers=1) + b"\x01x\0" + question[-4:] +
                                                A_RECORD)}, "dns_timeout", ""),
    ("question-back.test", {"raw": answer_with(lambda data, question: data)}, "dns_timeout", ""),
    ("stray-first.test", {"raw": lambda data: [b"x", b"", b"\0" * 12, head(data, answers=1) + read_question(data)[2] + A_RECORD]},
     "ok", "1 record(s)"),
    ("short.test", {"raw": answer_with(lambda data, question: head(data, answers=1) + question + A_RECORD[:-2])}, "dns_format",
     "cannot be read"),
    ("missing.test", {"raw": answer_with(lambda data, question: head(data, answers=9) + question + A_RECORD)}, "dns_format", ""),
    ("circle.test", {"raw": answer_with(lambda data, question: head(data, answers=1) + question + b"\xc0" +
                                        bytes([12 + len(question)]) + A_RECORD[2:])}, "dns_format", ""),
    ("forward.test", {"raw": answer_with(lambda data, question: head(data, answers=1) + question + b"\xc0\xff" + A_RECORD[2:])},
     "dns_format", ""),
    ("many.test", {"raw": answer_with(lambda data, question: head(data, answers=600) + question + A_RECORD * 600)}, "dns_format", ""),
    ("odd-rdata.test", {"raw": answer_with(lambda data, question: head(data, answers=1) + question + A_RECORD[:10] +
                                           b"\0\x03abc")}, "ok", "\\# 3 616263"),
]


def test_behaviours_have_their_outcome(prober_once):
    with DnsServer({name: entry for name, entry, *_ in BEHAVIOURS}) as server:
        run = prober_once([dns(name, server) for name, *_ in BEHAVIOURS])
        assert ("cut.test", 1) in server.over_tcp
    wrong = [(name, result["outcome"], result["message"]) for name, _, outcome, message in BEHAVIOURS
             if (result := run.results[name])["outcome"] != outcome or message not in result["message"]
             or result["timings_us"]["total"] > 2_100_000 or result["verdict"] != ("ok" if outcome == "ok" else "fail")]
    assert not wrong, wrong
    assert len(run.order) == len(BEHAVIOURS)
    assert run.results["silent.test"]["phase"] == "dns" and run.results["good.test"]["timings_us"]["dns"] > 0


def test_records_are_judged(prober_once):
    zone = {
        "mail.test": {"records": [(0, MX, b"\0\x0a" + name_bytes("mx1.mail.test")), (1, NS, name_bytes("ns.mail.test")),
                                  (2, 1, socket.inet_aton("192.0.2.7"))], "authoritative": True},
        "txt.test": {"records": [(0, TXT, b"\x06v=spf1\x04 -al")]},
        "srv.test": {"records": [(0, SRV, b"\0\x01\0\x02\x1f\x90" + name_bytes("a.srv.test"))]},
        "caa.test": {"records": [(0, CAA, b"\0\x05issueca.test")]},
        "soa.test": {"records": [(0, SOA, name_bytes("ns.test") + name_bytes("admin.test") + struct.pack("!5I", 7, 1, 2, 3, 4))]},
        "odd.test": {"records": [(0, UNKNOWN, b"\x01\xff")]},
        "one.test": {"A": ["127.0.0.1"]}, "gone.test": {"rcode": NXDOMAIN},
    }
    rows = [
        (dict(name="mail.test", type="MX", expect={"answer_regex": "IN MX 10 mx1\\.mail\\.test\\.$",
                                                   "authority_regex": "ns\\.mail", "additional_regex": "192\\.0\\.2\\.7$",
                                                   "authoritative": True}), "ok"),
        (dict(name="mail.test", type="MX", id="wrong regex", expect={"answer_regex": "mx9"}), "assert_failed"),
        (dict(name="mail.test", type="MX", id="refused", expect={"answer_not_regex": "mx1"}), "assert_failed"),
        (dict(name="mail.test", type="MX", id="authority", expect={"authority_regex": "mx1"}), "assert_failed"),
        (dict(name="one.test", id="no authority", expect={"authoritative": True}), "assert_failed"),
        (dict(name="txt.test", type="TXT", expect={"answer_regex": '"v=spf1" " -al"$'}), "ok"),
        (dict(name="srv.test", type="SRV", expect={"answer_regex": "SRV 1 2 8080 a\\.srv\\.test\\.$"}), "ok"),
        (dict(name="caa.test", type="CAA", expect={"answer_regex": 'CAA 0 issue "ca.test"$'}), "ok"),
        (dict(name="soa.test", type="SOA", expect={"answer_regex": "ns\\.test\\. admin\\.test\\. 7 1 2 3 4$"}), "ok"),
        (dict(name="odd.test", type="TYPE65280", expect={"answer_regex": "TYPE65280 .# 2 01ff$"}), "ok"),
        (dict(name="one.test", expect={"min_answers": 2}), "assert_failed"),
        (dict(name="gone.test", expect={"rcode": ["NXDOMAIN"]}), "ok"),
        (dict(name="one.test", id="should be gone", expect={"rcode": ["NXDOMAIN"]}), "status_mismatch"),
        (dict(name="one.test", id="tcp", transport="tcp"), "ok"),
    ]
    with DnsServer(zone) as server:
        checks = [dns(row["name"], server, **{"id": row.get("id", f"{row['name']} {number}"),
                                              **{key: value for key, value in row.items() if key not in ("name", "id")}})
                  for number, (row, _) in enumerate(rows)]
        run = prober_once(checks)
    assert [(check["id"], run.results[check["id"]]["outcome"], run.results[check["id"]]["message"])
            for check, (_, outcome) in zip(checks, rows) if run.results[check["id"]]["outcome"] != outcome] == []


def test_several_servers_vote(prober_once):
    with DnsServer({"a.test": {"A": ["127.0.0.1"]}}) as good, DnsServer({"a.test": {"rcode": SERVFAIL}}) as bad:
        run = prober_once([dns("a.test", [good, bad], id=vote, address_vote=vote) for vote in ("worst", "any", "quorum")])
        both = f"127.0.0.1:{bad.port},127.0.0.1:{good.port}"
        own = prober_once([{"id": "own", "kind": "dns", "spec": {"name": "a.test"}}], "--dns-servers", both)
    assert {vote: (result["verdict"], result["outcome"]) for vote, result in run.results.items()} == {
        "worst": ("fail", "dns_servfail"), "any": ("ok", "ok"), "quorum": ("warn", "dns_servfail")}
    assert own.results["own"]["outcome"] == "ok", "one of the prober's own servers is enough"


@contextlib.contextmanager
def refusing_port():
    """A port that nobody else can take, and that refuses: TCP does not listen, UDP is connected to elsewhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.connect(("127.0.0.1", 9))
        tcp.bind(udp.getsockname())
        yield udp.getsockname()[1]


def test_nobody_listens(prober_once):
    with refusing_port() as port:
        spec = {"name": "a.test", "servers": [f"127.0.0.1:{port}"]}
        run = prober_once([{"id": "udp", "kind": "dns", "spec": spec}, {"id": "tcp", "kind": "dns", "spec": {**spec, "transport": "tcp"}}])
    assert run.results["udp"]["outcome"] == run.results["tcp"]["outcome"] == "connect_refused"


def test_over_tls(prober_once, tmp_path):
    authority = Authority(tmp_path)

    def serve(connection):
        data = connection.recv(4096)[2:]
        message = head(data, answers=1) + read_question(data)[2] + A_RECORD
        for byte in struct.pack("!H", len(message)) + message:  # one byte in each record
            connection.sendall(bytes([byte]))

    with Server(serve, authority.issue("dot")) as server:
        run = prober_once([dns("a.test", server, id="good", transport="tls", tls={"ca": authority.ca}),
                           dns("a.test", server, id="untrusted", transport="tls")])
    assert run.results["good"]["outcome"] == "ok", run.results["good"]
    assert run.results["untrusted"]["outcome"] == "tls_untrusted"


def test_streams_that_lie(prober_once):
    def send(data):
        def handle(connection):
            connection.recv(4096)
            connection.sendall(data)
        return handle

    with Server(send(b"\0\0")) as empty, Server(send(b"\xff\xff" + b"x" * 70000)) as wrong, Server(send(b"\x01\0abc")) as short:
        run = prober_once([dns("a.test", server, id=id, transport="tcp")
                           for id, server in (("empty", empty), ("wrong", wrong), ("short", short))])
    assert {id: result["outcome"] for id, result in run.results.items()} == {
        "empty": "dns_format", "wrong": "dns_format", "short": "eof_early"}


def test_all_mistakes_of_a_spec_are_named(prober_once):
    run = prober_once([{"kind": "dns", "spec": {"name": "a..b", "type": "B", "servers": ["dns.test"], "transport": "quic",
                                                "expect": {"rcode": ["OK"], "answer_regex": "(", "min_answers": -1}}}])
    assert sorted(error["pointer"] for error in run.errors[0]["errors"]) == [
        "/spec/expect/answer_regex", "/spec/expect/min_answers", "/spec/expect/rcode/0", "/spec/name", "/spec/servers/0",
        "/spec/transport", "/spec/type"]


def test_servers_tell_of_themselves_in_class_chaos(prober_once):
    def tell(data):
        question = read_question(data)[2]
        record = b"\xc0\x0c" + struct.pack("!HHIH", TXT, 3, 0, 7) + b"\x069.18.1"
        return [head(data, answers=1) + question + record] if question[-2:] == b"\0\3" else [head(data, 0x8185) + question]

    with DnsServer({"version.bind": {"raw": tell}}) as server:
        run = prober_once([
            dns("version.bind", server, id="chaos", type="TXT", **{"class": "CH"},
                expect={"answer_regex": r'^version\.bind\. 0 CH TXT "9\.18'}),
            dns("version.bind", server, id="internet", type="TXT"),
            dns("version.bind", server, id="wrong", **{"class": "XX"}),
        ])
    assert {name: result["outcome"] for name, result in run.results.items()} == {"chaos": "ok", "internet": "dns_refused"}
    assert run.errors[0]["errors"][0]["pointer"] == "/spec/class"
