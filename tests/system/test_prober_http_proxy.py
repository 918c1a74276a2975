"""HTTP checks through a proxy: what it is asked, whose failure what is, and what a hostile one can do."""

import json
import time

import processes
import pytest

from servers import hostile
from servers.certificates import Authority
from servers.dns import DnsServer
from servers.hostile import OK, Server, answer, redirect, routes
from servers.proxy import ESTABLISHED, Proxy
from test_prober_http_auth import SECRET, TokenServer, basic, http, oauth


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def via(proxy, scheme="http", **more):
    return {"url": f"{scheme}://127.0.0.1:{proxy if isinstance(proxy, int) else proxy.port}", **more}


def test_plain_and_tls_through_plain_and_tls(prober_once, authority):
    context = authority.issue("hop")
    requests = []
    with Server(routes({"/": OK}, requests)) as plain, Server(routes({"/": OK}, requests), context) as secure, \
            Proxy(hosts={"shop.test": "127.0.0.1"}) as proxy, Proxy(context, {"shop.test": "127.0.0.1"}) as secure_proxy:
        tls = {"ca": authority.ca, "server_name": "localhost"}
        to_proxy = via(secure_proxy, "https", tls={"ca": authority.ca})
        run = prober_once([
            http(plain.port, id="plain by plain", host="shop.test", proxy=via(proxy)),
            http(secure.port, id="TLS by plain", host="shop.test", scheme="https", tls=tls, proxy=via(proxy)),
            http(plain.port, id="plain by TLS", host="shop.test", proxy=to_proxy),
            http(secure.port, id="TLS by TLS", host="shop.test", scheme="https", tls=tls, proxy=to_proxy),
            http(plain.port, id="untrusted", host="shop.test", proxy=via(secure_proxy, "https")),
            http(secure.port, id="untrusted target", host="shop.test", scheme="https", proxy=to_proxy),
        ], "--explain")
    results = run.results
    assert {name: result["message"] for name, result in results.items() if result["outcome"] == "ok"} == dict.fromkeys(
        ("plain by plain", "TLS by plain", "plain by TLS", "TLS by TLS"), "status 200, 5 bytes"), run.order
    assert "tls" not in results["plain by TLS"] and results["TLS by TLS"]["tls"]["version"] == "1.3"
    assert results["TLS by TLS"]["address"] == f"127.0.0.1:{secure_proxy.port}"
    assert (results["untrusted"]["verdict"], results["untrusted target"]["outcome"]) == ("error", "tls_untrusted")
    assert results["untrusted"]["message"].startswith(f"the proxy https://127.0.0.1:{secure_proxy.port}: the certificate")
    assert all(f"Host: shop.test:{plain.port}" in request for request in requests if str(plain.port) in request)
    asked = f"CONNECT shop.test:{plain.port} HTTP/1.1\r\nHost: shop.test:{plain.port}\r\n"
    assert any(request.startswith(asked) for request in proxy.requests)
    assert [step["step"] for step in results["TLS by TLS"]["steps"]] == [
        "begin", "resolve", "connect", "tls", "proxy request", "proxy reply", "tls", "request", "response"]


def test_large_bodies_pass_both_sessions(prober_once, authority):
    body = b"x" * 700_000 + b"end"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)

    def handle(connection):
        received = hostile.read_head(connection)
        while len(received.split(b"\r\n\r\n", 1)[1]) < 30000:
            received += connection.recv(65536)
        connection.sendall(head + body)

    with Server(handle, authority.issue("large")) as server, Proxy(authority.context("large")) as proxy:
        run = prober_once([http(server.port, scheme="https", method="POST", body="y" * 30000, tls={"ca": authority.ca},
                                expect={"body_contains": "xend"}, proxy=via(proxy, "https", tls={"ca": authority.ca}))])
    assert run.results["check"]["outcome"] == "ok" and run.results["check"]["http"]["body_bytes"] == len(body), run.order


def test_proxy_is_told_who_asks_and_the_target_is_not(prober_once):
    requests = []
    with Server(routes({"/": OK}, requests)) as server, Proxy(wants=basic("me", SECRET)) as proxy:
        auth = {"basic": {"user": "me", "password": SECRET}}
        run = prober_once([
            http(server.port, id="known", auth={"bearer": "of-the-target"}, proxy=via(proxy, auth=auth, headers=[["X-Team", "sre"]])),
            http(server.port, id="unknown", proxy=via(proxy)),
        ], "--explain")
    assert run.results["known"]["outcome"] == "ok", run.order
    assert sorted("\r\nX-Team: sre\r\n" in request for request in proxy.requests) == [False, True]
    assert "of-the-target" not in "".join(proxy.requests)
    assert "Proxy-" not in requests[0] and "X-Team" not in requests[0]
    unknown = run.results["unknown"]
    assert (unknown["verdict"], unknown["phase"]) == ("error", "connect") and "status 407" in unknown["message"]
    shown = json.dumps(run.order)
    assert SECRET not in shown and basic("me", SECRET) not in shown and "Proxy-Authorization: ***" in shown


def test_every_hop_and_every_token_takes_the_proxy(prober_once):
    with TokenServer(expires_in=60) as tokens, Server(answer(OK)) as end, \
            Server(answer(redirect(f"http://localhost:{end.port}/"))) as first, Proxy() as proxy:
        run = prober_once([http(first.port, auth=oauth(tokens.port), proxy=via(proxy))])
    assert run.status == 0, run.order
    assert [request.split(" ")[1] for request in proxy.requests] == [
        f"127.0.0.1:{tokens.port}", f"127.0.0.1:{first.port}", f"localhost:{end.port}"]


def test_some_hosts_need_no_proxy(prober_once):
    with Server(routes({"/": OK})) as server, Proxy() as proxy, \
            DnsServer({name: {"A": ["127.0.0.1"]} for name in ("a.shop.test", "shop.test", "myshop.test")}) as dns:
        cases = {"name": ("shop.test", ["shop.test"], False), "below a name": ("a.shop.test", ["SHOP.test"], False),
                 "another name": ("myshop.test", ["shop.test"], True), "only below": ("shop.test", [".shop.test"], True),
                 "below only": ("a.shop.test", ["other", ".shop.test"], False), "address": ("127.0.0.1", ["127.0.0.1"], False),
                 "network": ("127.0.0.1", ["::/0", "127.0.0.0/9"], False), "another network": ("127.0.0.1", ["126.0.0.0/8"], True),
                 "a name is no address": ("shop.test", ["127.0.0.0/8"], True)}
        proxy.hosts = dict.fromkeys(("shop.test", "a.shop.test", "myshop.test"), "127.0.0.1")
        run = prober_once([http(server.port, id=name, host=host, proxy=via(proxy, no_proxy=without))
                           for name, (host, without, _) in cases.items()]
                          + [http(server.port, id="wrong", proxy=via(proxy, no_proxy=["ok", "10.0.0.0/33", "a b", "*.x"]))],
                          "--dns-servers", f"127.0.0.1:{dns.port}", "--explain")
    assert {result["outcome"] for result in run.order} == {"ok"}, run.order
    asked = {name: any(step["step"] == "proxy request" for step in result["steps"]) for name, result in run.results.items()}
    assert asked == {name: by_proxy for name, (_, _, by_proxy) in cases.items()}
    assert [error["pointer"] for error in run.errors[0]["errors"]] == [f"/spec/proxy/no_proxy/{n}" for n in (1, 2, 3)]


def test_a_redirect_may_lead_off_the_proxy_and_back(prober_once):
    with Server(answer(OK)) as end, Server(answer(redirect(f"http://localhost:{end.port}/"))) as middle, \
            Server(answer(redirect(f"http://127.0.0.1:{middle.port}/"))) as first, Proxy() as proxy:
        run = prober_once([http(first.port, host="localhost", proxy=via(proxy, no_proxy=["127.0.0.1"]))])
    assert run.results["check"]["http"]["redirects"] == 2 and run.status == 0, run.order
    assert [request.split(" ")[1] for request in proxy.requests] == [f"localhost:{first.port}", f"localhost:{end.port}"]


def test_the_prober_may_resolve_for_the_proxy(prober_once):
    with Server(answer(OK)) as server, Proxy() as proxy, \
            DnsServer({"shop.test": {"A": ["127.0.0.1"]}, "metadata.test": {"A": ["169.254.169.254"]}}) as dns:
        run = prober_once([http(server.port, id=host, host=f"{host}.test", proxy=via(proxy, resolve="here"))
                           for host in ("shop", "metadata", "nx")], "--dns-servers", f"127.0.0.1:{dns.port}")
    assert [request.split(" ")[1] for request in proxy.requests] == [f"127.0.0.1:{server.port}"]
    assert {name: (result["outcome"], result["message"]) for name, result in run.results.items()} == {
        "shop": ("ok", "status 200, 5 bytes"), "metadata": ("policy", f"169.254.169.254:{server.port} is a metadata address"),
        "nx": ("dns_nxdomain", "the name nx.test does not exist")}


def test_environment_has_no_say(prober_once, monkeypatch):
    with Server(answer(OK)) as server, Server(hostile.reset) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert prober_once([http(server.port)]).status == 0
    assert proxy.seen == 0


def test_whose_failure_it_is(prober_once):
    """What the proxy cannot reach has failed; what is wrong with the proxy is this prober's trouble."""
    closed = processes.free_port()

    def says(status):
        return answer(f"HTTP/1.1 {status} X\r\nContent-Length: 3\r\n\r\nhey".encode())

    fails, errors = "fail", ("error", "prober_error")
    cases = {
        "cannot connect": (says(502), (fails, "unreachable"), "cannot connect to 127.0.0.1:"),
        "no answer": (says(504), (fails, "connect_timeout"), "got no answer from 127.0.0.1:"),
        "unavailable": (says(503), (fails, "unreachable"), "status 503"),
        "silent": (hostile.hang, (fails, "connect_timeout"), "had not connected to 127.0.0.1:"),
        "slow": (hostile.byte_by_byte(ESTABLISHED, 0.3), (fails, "connect_timeout"), "within 1500 ms"),
        "forbidden": (says(403), errors, "does not connect to 127.0.0.1:"),
        "unknown": (says(407), errors, "wants to know who asks"),
        "redirecting": (answer(redirect("http://127.0.0.1/")), errors, "status 302"),
        "switching": (says(101), errors, "without being asked"),
        "garbage": (answer(b"\x00\xffgarbage\r\n\r\n"), errors, "is no HTTP"),
        "endless header": (hostile.endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 50), errors, "over a limit"),
        "1xx flood": (answer(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), errors, "informational"),
        "closing": (hostile.close_at_once, errors, "closed|reset"),
        "resetting": (hostile.reset, errors, "reset"),
        "talking": (answer(ESTABLISHED + OK), errors, "behind its answer"),
        "both lengths": (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), errors, "rules of HTTP"),
        "closing when open": (answer(ESTABLISHED), (fails, "eof_early|reset"), "before it replied|reset"),
        "resetting when open": (hostile.reset_after(ESTABLISHED), (fails, "reset"), "reset the connection"),
        "endless when open": (hostile.endless(ESTABLISHED, b"x" * 4096), ("fail|error", "proto_error|prober_error"), "is no HTTP|behind"),
    }
    servers = {name: Server(handle).__enter__() for name, (handle, *_) in cases.items()}
    try:
        checks = [http(closed, id=name, timeout_ms=1500, proxy=via(server)) for name, server in servers.items()]
        checks += [http(closed, id="no proxy", proxy=via(processes.free_port())),
                   http(closed, id="no name", proxy={"url": "http://nowhere.invalid:1"}),
                   http(closed, id="no proxy, inverted", invert=True, proxy=via(processes.free_port())),
                   http(closed, id="cannot connect, inverted", invert=True, proxy=via(servers["cannot connect"]))]
        run = prober_once(checks)
    finally:
        for server in servers.values():
            server.__exit__()
    cases |= {"no proxy": (None, errors, "connection refused"), "no name": (None, errors, "the proxy http://nowhere.invalid:1: "),
              "no proxy, inverted": (None, errors, "refused"), "cannot connect, inverted": (None, ("ok", "ok"), "as it should be")}
    wrong = [result for name, result in run.results.items()
             if result["verdict"] not in cases[name][1][0].split("|") or result["outcome"] not in cases[name][1][1].split("|")
             or not any(part in result["message"] for part in cases[name][2].split("|"))
             or result["timings_us"]["total"] > 2_100_000]
    assert not wrong and len(run.results) == len(cases), wrong


def test_policy_holds_through_a_proxy(prober_once):
    with Server(answer(redirect("http://169.254.169.254/latest/"))) as server, Proxy() as proxy:
        run = prober_once([http(80, id="literal", host="169.254.169.254", proxy=via(proxy)),
                           http(server.port, id="redirect", proxy=via(proxy)),
                           http(server.port, id="proxy", proxy={"url": "http://169.254.169.254:3128"})])
    assert {result["outcome"] for result in run.order} == {"policy"}, run.order
    assert len(proxy.requests) == 1


def test_connecting_has_one_limit(prober_once):
    with Server(hostile.hang) as proxy:
        began = time.monotonic()
        run = prober_once([http(1, proxy=via(proxy), timeouts_ms={"connect": 300})])
    assert run.results["check"]["outcome"] == "connect_timeout" and "within 300 ms" in run.results["check"]["message"]
    assert time.monotonic() - began < 2.5


def test_wrong_specs_are_named(prober_once):
    def errors(**spec):
        (line,) = prober_once([http(1, **spec)]).errors
        return {error["pointer"]: error["detail"] for error in line["errors"]}

    assert errors(proxy={"url": "http://a:1/path"}).keys() == {"/spec/proxy/url"}
    assert errors(proxy={"url": "socks5://a:1"}).keys() == {"/spec/proxy/url"}
    assert errors(proxy={"headers": [["a b", "c"]], "auth": {"oauth2": {}}}).keys() == {
        "/spec/proxy/url", "/spec/proxy/headers/0/0", "/spec/proxy/auth/oauth2"}
    assert "leave out proxy or address_family all" in errors(proxy={"url": "http://a:1"}, address_family="all")["/spec"]
    assert errors(proxy={"url": "https://a:1", "tls": {"min_version": "1.3", "max_version": "1.2"}}).keys() == {
        "/spec/proxy/tls/max_version"}
