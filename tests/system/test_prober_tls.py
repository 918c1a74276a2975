"""HTTPS checks against certificates and protocol versions of all sorts: each fault has an outcome of its own."""

import ssl

import pytest

from servers import hostile, libssl
from servers.certificates import Authority
from servers.hostile import OK, Server, answer, redirect, routes


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def https(port, *, id="check", host="127.0.0.1", timeout_ms=5000, expect=None, **tls):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms,
            "spec": {"url": f"https://{host}:{port}/", "tls": tls, **({"expect": expect} if expect else {})}}


def outcome_of(prober_once, context, handle=None, **settings):
    with Server(handle or answer(OK), context) as server:
        result = prober_once([https(server.port, **settings)]).results["check"]
    return result["outcome"], result["phase"], result


def test_trusted_certificate_is_ok_and_described(prober_once, authority):
    context = authority.issue("good", to_days=90)
    outcome, _, result = outcome_of(prober_once, context, ca=authority.ca)
    assert outcome == "ok", result
    assert result["tls"]["version"] == "1.3"
    assert result["tls"]["not_after"] == result["tls"]["chain_not_after"]
    assert result["timings_us"]["tls"] > 0


FAULTS = [
    ("expired", {"from_days": -30, "to_days": -2}, "tls_expired", "expired"),
    ("early", {"from_days": 2, "to_days": 30}, "tls_not_yet_valid", "not valid yet"),
    ("other", {"names": "DNS:other.test"}, "tls_name", "another"),
    ("nameless", {"names": ""}, "tls_name", "another"),
    ("wildcard-deep", {"names": "DNS:*.test"}, "tls_name", "another"),
]


@pytest.mark.parametrize("name, settings, outcome, message", FAULTS, ids=[row[0] for row in FAULTS])
def test_faults_of_certificates_are_told_apart(prober_once, authority, name, settings, outcome, message):
    seen, phase, result = outcome_of(prober_once, authority.issue(name, **settings), ca=authority.ca,
                                     server_name="a.b.test" if name == "wildcard-deep" else "localhost")
    assert (seen, phase) == (outcome, "tls"), result
    assert message in result["message"]
    assert result["verdict"] == "fail"


def test_untrusted_and_self_signed_are_told_apart(prober_once, authority):
    assert outcome_of(prober_once, authority.issue("stranger"))[0] == "tls_untrusted"
    assert outcome_of(prober_once, authority.self_signed("selfish"))[0] == "tls_self_signed"
    assert outcome_of(prober_once, authority.context("selfish"),
                      ca=(authority.folder / "selfish.pem").read_text())[0] == "ok"


def test_verification_may_be_off_and_still_tells_the_certificate(prober_once, authority):
    outcome, _, result = outcome_of(prober_once, authority.issue("lapsed", from_days=-9, to_days=-3), verify=False)
    assert outcome == "ok"
    assert result["tls"]["not_after"] < result["at"]


def test_names_match_by_server_name_wildcard_and_address(prober_once, authority):
    context = authority.issue("wild", names="DNS:*.shop.test,IP:127.0.0.1")
    assert outcome_of(prober_once, context, ca=authority.ca, server_name="www.shop.test")[0] == "ok"
    assert outcome_of(prober_once, context, ca=authority.ca, server_name="www.shop.test.")[0] == "ok"
    assert outcome_of(prober_once, context, ca=authority.ca)[0] == "ok"
    assert outcome_of(prober_once, context, ca=authority.ca, server_name="shop.test")[0] == "tls_name"


def test_server_name_is_sent_for_names_only(prober_once, authority):
    context = authority.issue("sni")
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    for settings in ({"server_name": "localhost"}, {"server_name": "localhost."}, {"host": "localhost."}, {}):
        assert outcome_of(prober_once, context, ca=authority.ca, **settings)[0] == "ok", settings
    assert names == ["localhost", "localhost", "localhost", None], "without the dot, and none for addresses"


def test_the_name_to_verify_may_be_another_than_the_one_asked_for(prober_once, authority):
    context = authority.issue("other", names="DNS:*.inner.test,IP:10.0.0.1")
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    asked = {"ca": authority.ca, "server_name": "localhost"}
    assert outcome_of(prober_once, context, **asked, verify_name="a.inner.test")[0] == "ok"
    assert outcome_of(prober_once, context, **asked, verify_name="10.0.0.1")[0] == "ok"
    assert outcome_of(prober_once, context, ca=authority.ca, verify_name="a.inner.test.")[0] == "ok"
    assert outcome_of(prober_once, context, **asked)[0] == "tls_name"
    outcome, _, result = outcome_of(prober_once, context, **asked, verify_name="10.0.0.2")
    assert outcome == "tls_name" and result["message"] == "the certificate is for another address than 10.0.0.2"
    assert names == ["localhost", "localhost", None, "localhost", "localhost"]


def test_expiry_warns_and_fails_by_days(prober_once, authority):
    with Server(answer(OK), authority.issue("soon", to_days=10)) as server:
        run = prober_once([
            https(server.port, id="warn", ca=authority.ca, expect={"cert_warn_days": 21, "cert_fail_days": 3}),
            https(server.port, id="fail", ca=authority.ca, expect={"cert_warn_days": 30, "cert_fail_days": 21}),
            https(server.port, id="fine", ca=authority.ca, expect={"cert_warn_days": 5}),
        ])
    assert [(run.results[name]["verdict"], run.results[name]["outcome"]) for name in ("warn", "fail", "fine")] == [
        ("warn", "cert_expiring"), ("fail", "cert_expiring"), ("ok", "ok")]
    assert "expires in 9 days" in run.results["warn"]["message"]


def test_expiry_counts_the_chain_that_was_verified(prober_once, authority):
    """What is merely shown beside it does not, unless there was no verification."""
    authority.intermediate("ending", to_days=6)
    authority.issue("by-ending", issuer="ending")
    authority.issue("by-root")
    limits = {"cert_warn_days": 21}
    with Server(answer(OK), authority.context("by-ending", more=["ending"])) as needed, \
            Server(answer(OK), authority.context("by-root", more=["ending"])) as shown:
        run = prober_once([
            https(needed.port, id="needed", ca=authority.ca, expect=limits),
            https(shown.port, id="shown", ca=authority.ca, expect=limits),
            https(shown.port, id="unverified", verify=False, expect=limits),
        ])
    assert run.results["needed"]["message"] == "a certificate of the verified chain expires in 5 days"
    assert run.results["shown"]["outcome"] == "ok"
    assert run.results["shown"]["tls"]["chain_not_after"] < run.results["shown"]["tls"]["verified_not_after"]
    assert run.results["unverified"]["message"] == "a certificate of the presented chain expires in 5 days"
    assert run.results["unverified"]["tls"]["verified_not_after"] is None


def test_old_versions_need_to_be_allowed(prober_once, authority):
    authority.issue("old")
    context = authority.context("old", maximum_version=ssl.TLSVersion.TLSv1_2)
    assert outcome_of(prober_once, context, ca=authority.ca)[2]["tls"]["version"] == "1.2"
    seen = outcome_of(prober_once, context, ca=authority.ca, min_version="1.3")
    assert seen[0] in ("tls_alert", "tls_handshake") and seen[1] == "tls", seen


def test_client_certificate_that_is_required_shows_as_an_alert(prober_once, authority):
    authority.issue("mutual")
    context = authority.context("mutual", verify_mode=ssl.CERT_REQUIRED)
    context.load_verify_locations(authority.folder / "ca.pem")
    outcome, _, result = outcome_of(prober_once, context, ca=authority.ca)
    assert outcome == "tls_alert", result
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert outcome_of(prober_once, context, ca=authority.ca)[0] == "tls_alert"


def test_peers_that_do_not_speak_tls(prober_once, authority):
    with Server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as plain, \
            Server(hostile.close_at_once) as closing, Server(hostile.hang) as silent:
        run = prober_once([https(plain.port, id="plain"), https(closing.port, id="closing"),
                           https(silent.port, id="silent", timeout_ms=700)])
    assert run.results["plain"]["outcome"] == "tls_handshake"
    assert "does not speak TLS" in run.results["plain"]["message"]
    assert run.results["closing"]["outcome"] in ("tls_handshake", "reset")
    assert (run.results["silent"]["outcome"], run.results["silent"]["phase"]) == ("timeout", "tls")


def test_plain_http_to_a_tls_port(prober_once, authority):
    with Server(answer(OK), authority.issue("both")) as server:
        run = prober_once([{"kind": "http", "spec": {"url": f"http://127.0.0.1:{server.port}/"}}])
    assert run.results["line:1"]["outcome"] in ("proto_error", "eof_early", "reset")


def test_expiry_is_the_earliest_of_all_hops(prober_once, authority):
    far, near = authority.issue("far", to_days=300), authority.issue("near", to_days=8)
    with Server(answer(OK), far) as end, Server(routes({"/": redirect(f"https://127.0.0.1:{end.port}/")}), near) as first:
        run = prober_once([https(first.port, ca=authority.ca, expect={"cert_warn_days": 21})])
    assert run.results["check"]["outcome"] == "cert_expiring"


def test_large_body_over_tls_arrives_whole(prober_once, authority):
    body = b"x" * 700000 + b"end"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    outcome, _, result = outcome_of(prober_once, authority.issue("large"), answer(head + body), ca=authority.ca,
                                    expect={"body_contains": "xend"})
    assert outcome == "ok" and result["http"]["body_bytes"] == len(body)


@pytest.mark.slow
def test_messages_without_data_hold_up_nobody(prober_once, authority):
    """OpenSSL reads on inside one call while such messages come: others must be served meanwhile."""
    authority.issue("chatty")
    tickets = authority.context("chatty", num_tickets=2**31 - 1)
    with Server(hostile.hang, tickets) as ticketing, Server(libssl.update_keys_for_ever(authority.folder, "chatty")) as updating, \
            Server(hostile.byte_by_byte(OK, 0.02)) as steady:
        run = prober_once([https(ticketing.port, id="tickets", timeout_ms=20000, ca=authority.ca),
                           https(updating.port, id="keys", timeout_ms=20000, ca=authority.ca),
                           {"id": "steady", "kind": "http", "timeout_ms": 20000,
                            "spec": {"url": f"http://127.0.0.1:{steady.port}/"}}], "--loops", 1)
    for name in ("tickets", "keys"):
        result = run.results[name]
        assert result["outcome"] == "limit_exceeded" and "TLS messages without end" in result["message"], result
    assert run.results["steady"]["outcome"] == "ok"


def test_data_in_records_of_one_byte_arrives(prober_once, authority):
    with Server(hostile.byte_by_byte(OK, 0), authority.issue("crumbs")) as server:
        run = prober_once([https(server.port, ca=authority.ca, expect={"body_contains": "hello"})])
    assert run.results["check"]["outcome"] == "ok"


def test_another_handshake_in_between_is_gone_through_with(prober_once, authority):
    """As a server of TLS 1.2 does that wants a client certificate for one path only."""
    authority.issue("twice")
    seen = []
    with Server(libssl.renegotiate_then_answer(authority.folder, "twice", OK, 3, seen)) as server:
        run = prober_once([https(server.port, ca=authority.ca)])
    assert run.results["check"]["outcome"] == "ok"
    assert seen == [3]
