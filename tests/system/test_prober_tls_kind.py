"""TLS checks: certificates, versions and keys of all sorts, alerts that have to come, and handshakes that go wrong."""

import ssl

import pytest

from servers import hostile
from servers.certificates import Authority
from servers.hostile import Server
from servers.talk import HALF_CLOSE, RESET, relay, talk

TIMEOUT_MS = 1500
LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline
WEAK = "ALL:@SECLEVEL=0"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # old versions of TLS are what is tested


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("ca"))
    authority.issue("good", to_days=90)
    return authority


def tls(port, *, id="check", address="127.0.0.1", timeout_ms=TIMEOUT_MS, expect=None, **options):
    return {"id": id, "kind": "tls", "timeout_ms": timeout_ms,
            "spec": {"address": address, "port": port, "tls": options, **({"expect": expect} if expect else {})}}


def run_rows(prober_once, rows):
    """Rows of (name, server, options of TLS, outcome, phase, part of the message), all at once in one prober."""
    try:
        run = prober_once([tls(server.__enter__().port, id=name, **options) for name, server, options, *_ in rows])
    finally:
        for _, server, *_ in rows:
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
    return run


def test_facts_of_a_handshake(prober_once, authority):
    with Server(hostile.hang, authority.context("good")) as server:
        run = prober_once([tls(server.port, id="good", ca=authority.ca), tls(server.port, id="old", ca=authority.ca, max_version="1.2"),
                           tls(server.port, id="warn", ca=authority.ca, expect={"cert_warn_days": 100}),
                           tls(server.port, id="fail", verify=False, expect={"cert_warn_days": 100, "cert_fail_days": 95})],
                          "--explain")
    good = run.results["good"]
    assert good["outcome"] == "ok" and good["message"] == f"TLS 1.3 with 127.0.0.1:{server.port}"
    assert good["tls"]["version"] == "1.3" and good["tls"]["not_after"] == good["tls"]["verified_not_after"]
    assert good["timings_us"]["tls"] > 0 and "CN=localhost" in next(s["detail"] for s in good["steps"] if s["step"] == "tls")
    assert run.results["old"]["message"].startswith("TLS 1.2 with ")
    assert [(run.results[name]["verdict"], run.results[name]["message"]) for name in ("warn", "fail")] == [
        ("warn", "the certificate expires in 89 days"), ("fail", "the certificate expires in 89 days")]


def test_each_fault_of_a_certificate_has_its_class(prober_once, authority):
    authority.intermediate("middle")
    authority.issue("by-middle", issuer="middle")
    ca = {"ca": authority.ca}

    def server(name, more=(), **settings):
        return Server(hostile.hang, authority.context(name, more=more) if not settings else authority.issue(name, **settings))

    rows = [
        ("expired", server("expired", from_days=-30, to_days=-2), ca, "tls_expired", "tls", "the certificate has expired"),
        ("early", server("early", from_days=2, to_days=30), ca, "tls_not_yet_valid", "tls", "not valid yet"),
        ("self-signed", Server(hostile.hang, authority.self_signed("selfish")), ca, "tls_self_signed", "tls", "self-signed"),
        ("unknown root", server("good"), {}, "tls_untrusted", "tls", "issuer is not known"),
        ("unknown root shown", server("good", more=["ca"]), {}, "tls_untrusted", "tls", "root is not trusted"),
        ("missing intermediate", server("by-middle"), ca, "tls_untrusted", "tls", "issuer is not known"),
        ("with intermediate", server("by-middle", more=["middle"]), ca, "ok", "tls", ""),
        ("other name", server("other", names="DNS:other.test"), ca, "tls_name", "tls", "another address than 127.0.0.1"),
        ("common name only", server("nameless", names=""), {**ca, "server_name": "localhost"}, "tls_name", "tls", "another name than localhost"),
        ("IDN", server("idn", names="DNS:xn--bcher-kva.test"), {**ca, "server_name": "xn--bcher-kva.test"}, "ok", "tls", ""),
        ("IDN by wildcard", server("idnwild", names="DNS:*.shop.test"), {**ca, "server_name": "xn--bcher-kva.shop.test"}, "ok", "tls", ""),
        ("wildcard too deep", server("deep", names="DNS:*.shop.test"), {**ca, "server_name": "a.b.shop.test"}, "tls_name", "tls", ""),
        ("address as a name", server("addressname", names="DNS:127.0.0.1"), ca, "tls_name", "tls", "another address"),
        ("address", server("address", names="IP:127.0.0.1"), ca, "ok", "tls", ""),
        ("trailing dot", server("dotted", names="DNS:a.test"), {**ca, "server_name": "a.test."}, "ok", "tls", ""),
        ("too large a chain", server("good", more=["ca"] * 400), ca, "tls_handshake", "tls", ""),
    ]
    run = run_rows(prober_once, rows)
    for name in ("expired", "early", "self-signed", "other name", "missing intermediate"):
        assert run.results[name]["tls"]["not_after"], "told although it was refused"

    with server("expired") as expired, server("by-middle") as missing:
        run = prober_once([tls(expired.port, id="expired", verify=False), tls(missing.port, id="missing", verify=False)])
    assert {result["outcome"] for result in run.results.values()} == {"ok"}
    assert run.results["expired"]["tls"]["not_after"] < run.results["expired"]["at"]


def test_old_versions_and_weak_keys_need_to_be_allowed(prober_once, authority):
    def server(name, **settings):
        return Server(hostile.hang, authority.context(name, ciphers=WEAK, **settings))

    for bits in (512, 1024):
        authority.issue(f"rsa{bits}", rsa_bits=bits, ciphers=WEAK)
    authority.issue("rsa2048", rsa_bits=2048)
    authority.openssl("dhparam", "-dsaparam", "-out", "dh1024.pem", "1024")
    short_dh = authority.context("rsa2048", ciphers="DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
                                 maximum_version=ssl.TLSVersion.TLSv1_2)
    short_dh.load_dh_params(authority.folder / "dh1024.pem")
    only = {version: {"minimum_version": version, "maximum_version": version} for version in ssl.TLSVersion}
    ca, low = {"ca": authority.ca}, {"ca": authority.ca, "min_version": "1.0"}
    run_rows(prober_once, [
        ("1.0 only", server("good", **only[ssl.TLSVersion.TLSv1]), ca, "tls_alert|tls_handshake", "tls", "version"),
        ("1.0 allowed", server("good", **only[ssl.TLSVersion.TLSv1]), low, "ok", "tls", "TLS 1.0 with"),
        ("1.1 only", server("good", **only[ssl.TLSVersion.TLSv1_1]), ca, "tls_alert|tls_handshake", "tls", "version"),
        ("1.1 allowed", server("good", **only[ssl.TLSVersion.TLSv1_1]), {**low, "min_version": "1.1"}, "ok", "tls", "TLS 1.1 with"),
        ("1.2 where 1.3 is wanted", server("good", **only[ssl.TLSVersion.TLSv1_2]), {**ca, "min_version": "1.3"},
         "tls_alert|tls_handshake", "tls", "version"),
        ("RSA 512", server("rsa512", **only[ssl.TLSVersion.TLSv1_2]), ca, "tls_handshake", "tls", "key is too short"),
        ("RSA 512 allowed", server("rsa512", **only[ssl.TLSVersion.TLSv1_2]), low, "ok", "tls", ""),
        ("DH 1024", Server(hostile.hang, short_dh), ca, "tls_handshake", "tls", "dh key too small"),
        ("DH 1024 allowed", Server(hostile.hang, short_dh), low, "ok", "tls", ""),
        ("RSA 1024", server("rsa1024"), ca, "tls_handshake", "tls", "key is too short"),
        ("RSA 1024 allowed", server("rsa1024"), low, "ok", "tls", ""),
    ])


def hello_choosing(cipher):
    """What a server of TLS 1.2 says that has nothing but that cipher."""
    hello = b"\x03\x03" + bytes(32) + b"\x00" + cipher.to_bytes(2, "big") + b"\x00"
    return b"\x16\x03\x03" + (len(hello) + 4).to_bytes(2, "big") + b"\x02" + len(hello).to_bytes(3, "big") + hello


def alert(number):
    return b"\x15\x03\x03\x00\x02\x02" + bytes([number])


def test_handshakes_that_go_wrong_end_in_time(prober_once, authority):
    context = authority.context("good")
    with Server(hostile.hang, context) as good, Server(hostile.hang, context) as again:
        ca = {"ca": authority.ca}
        run_rows(prober_once, [
            ("plain HTTP", Server(talk(b"HTTP/1.1 400 Bad Request\r\n\r\n")), ca, "tls_handshake", "tls", "does not speak TLS"),
            ("SSH", Server(talk(b"SSH-2.0-OpenSSH_9.2\r\n")), ca, "tls_handshake", "tls", "does not speak TLS"),
            ("garbage", Server(talk(bytes(range(256)) * 100)), ca, "tls_handshake", "tls", ""),
            ("silent", Server(hostile.hang), ca, "timeout", "tls", "not complete within 1500 ms"),
            ("closes", Server(talk(HALF_CLOSE)), ca, "tls_handshake", "tls", "closed the connection"),
            ("closes at once", Server(hostile.close_at_once), ca, "tls_handshake|reset", "tls", ""),
            ("resets", Server(talk(0.05, RESET)), ca, "reset", "tls", "reset"),
            ("a record that never ends", Server(talk(b"\x16\x03\x03\x40\x00", *[b"\x02"] * 50, pause_s=0.01)), ca, "timeout|tls_handshake",
             "tls", ""),
            ("a record too long", Server(talk(b"\x16\x03\x03\xff\xff" + b"x" * 1000)), ca, "tls_handshake", "tls", ""),
            ("hello requests without end", Server(lambda c: [c.sendall(b"\x16\x03\x03\x00\x04\0\0\0\0" * 1000) for _ in range(10**6)]),
             ca, "limit_exceeded|tls_handshake", "tls", ""),
            ("protocol by alert", Server(talk(alert(120))), ca, "tls_alert", "tls", "the alert no_application_protocol (120)"),
            ("RC4", Server(talk(hello_choosing(0x0005))), {**ca, "min_version": "1.0"}, "tls_handshake", "tls", "cipher"),
            ("export", Server(talk(hello_choosing(0x0003))), {**ca, "min_version": "1.0"}, "tls_handshake", "tls", "cipher"),
            ("unknown alert", Server(talk(alert(200))), ca, "tls_alert", "tls", "the alert unknown (200)"),
            ("byte by byte", Server(relay(good.port, piece_bytes=1)), ca, "ok", "tls", ""),
            ("stalls in the middle", Server(relay(again.port, stop_after=700)), ca, "timeout", "tls", "handshake was not complete"),
        ])


def test_alerts_that_have_to_come(prober_once, authority):
    wanting = authority.context("good", verify_mode=ssl.CERT_REQUIRED)
    wanting.load_verify_locations(authority.folder / "ca.pem")
    older = authority.context("good", verify_mode=ssl.CERT_REQUIRED, maximum_version=ssl.TLSVersion.TLSv1_2)
    older.load_verify_locations(authority.folder / "ca.pem")
    identity = "".join((authority.folder / f"good.{part}").read_text() for part in ("pem", "key"))
    accepting = authority.context("good")

    def expecting(alert_word, **more):
        return {"ca": authority.ca, "expect": {"alert": alert_word}, **more}

    run = run_rows(prober_once, [
        ("by name", Server(hostile.hang, wanting), expecting("certificate_required"), "ok", "first_byte",
         "sent the alert certificate_required (116)"),
        ("by number", Server(hostile.hang, wanting), expecting(116), "ok", "first_byte", "(116)"),
        ("in the handshake", Server(hostile.hang, older), expecting("handshake_failure"), "ok", "tls", "handshake_failure (40)"),
        ("another", Server(hostile.hang, wanting), expecting("unknown_ca"), "assert_failed", "first_byte",
         "sent the alert certificate_required (116), expected unknown_ca (48)"),
        ("raw", Server(talk(alert(120))), expecting("no_application_protocol"), "ok", "tls", "(120)"),
        ("without a name", Server(talk(alert(200))), expecting(200), "ok", "tls", "unknown (200)"),
        ("not expected", Server(talk(alert(80))), {}, "tls_alert", "tls", "the alert internal_error (80)"),
        ("accepted and silent", Server(hostile.hang, wanting), expecting("certificate_required", client_cert=identity),
         "assert_failed", "first_byte", "was silent for 1500 ms without the expected alert certificate_required (116)"),
        ("accepted and data", Server(talk(b"220 hi\r\n"), accepting), expecting(116), "assert_failed", "first_byte", "went on to send data"),
        ("accepted and closed", Server(lambda connection: None, accepting), expecting(116), "assert_failed|reset", "first_byte", ""),
        ("our own refusal", Server(hostile.hang, accepting), {"expect": {"alert": 116}}, "tls_untrusted", "tls", ""),
    ])
    assert run.results["by name"]["tls"]["version"] == "1.3"


def test_wrong_fields_are_named(prober_once):
    run = prober_once([tls(0, id="1", expect={"alert": "nonsense"}), tls(1, id="2", expect={"alert": 0}, min_version="0.9"),
                       tls(1, id="3", min_version="1.3", max_version="1.2"), {"kind": "tls", "spec": {}}])
    assert [[entry["pointer"] for entry in error["errors"]] for error in run.errors] == [
        ["/spec/port", "/spec/expect/alert"], ["/spec/tls/min_version", "/spec/expect/alert"], ["/spec/tls/max_version"],
        ["/spec/address", "/spec/port"]]
