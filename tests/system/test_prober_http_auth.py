"""What HTTP checks say of themselves: to whom it goes, to whom not, and that nobody else sees it."""

import base64
import json
import subprocess
import time
from urllib.parse import parse_qs

import processes
import pytest

from servers import hostile
from servers.certificates import Authority
from servers.hostile import OK, Server, answer, redirect, routes

SECRET = "opensesame-1234567890"


def http(port, path="/", *, id="check", timeout_ms=3000, scheme="http", host="127.0.0.1", **spec):
    return {"id": id, "kind": "http", "timeout_ms": timeout_ms, "spec": {"url": f"{scheme}://{host}:{port}{path}", **spec}}


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def test_credentials_are_sent(prober_once):
    requests = []
    with Server(routes({"/": OK}, requests)) as server:
        for auth in ({"basic": {"user": "jürgen", "password": "pa:ss"}}, {"bearer": SECRET}):
            assert prober_once([http(server.port, auth=auth, headers=[["authorization", "given"], ["x-kept", "1"]])]).status == 0
    assert f"\r\nAuthorization: {basic('jürgen', 'pa:ss')}\r\n" in requests[0]
    assert f"\r\nAuthorization: Bearer {SECRET}\r\n" in requests[1]
    assert all("given" not in request and "\r\nx-kept: 1\r\n" in request for request in requests)


def test_credentials_go_no_further_than_their_host(prober_once, authority):
    requests = {"home": [], "port": [], "host": [], "tls": []}
    with Server(routes({"/": OK}, requests["port"])) as port, Server(routes({"/": OK}, requests["host"])) as host, \
            Server(routes({"/": OK}, requests["tls"]), authority.issue("upgrade")) as tls:
        table = {"/same": redirect("/end"), "/end": OK, "/port": redirect(f"http://127.0.0.1:{port.port}/"),
                 "/host": redirect(f"http://localhost:{host.port}/"), "/tls": redirect(f"https://127.0.0.1:{tls.port}/")}
        with Server(routes(table, requests["home"])) as home:
            run = prober_once([http(home.port, path, id=path, auth={"bearer": SECRET}, headers=[["Cookie", "id=" + SECRET]],
                                    tls={"ca": authority.ca}) for path in ("/same", "/port", "/host", "/tls")])
    assert run.status == 0, run.order
    assert all(request.count(SECRET) == 2 for request in requests["home"] + requests["tls"])
    assert len(requests["home"]) == 5 and len(requests["port"]) == len(requests["host"]) == len(requests["tls"]) == 1
    assert SECRET not in requests["port"][0] + requests["host"][0]


def test_client_certificate_is_shown_to_its_host_only(prober_once, authority):
    context = authority.issue("both")
    context.verify_mode = 1  # asked for, not required
    context.load_verify_locations(authority.folder / "ca.pem")
    authority.issue("client")
    pem = "".join((authority.folder / f"client.{part}").read_text() for part in ("pem", "key"))
    shown = []

    def serve(table):
        def handle(connection):
            shown.append(bool(connection.getpeercert()))
            routes(table)(connection)
        return handle

    with Server(serve({"/": OK}), context) as other, \
            Server(serve({"/": redirect("/on"), "/on": redirect(f"https://localhost:{other.port}/")}), context) as home:
        run = prober_once([http(home.port, scheme="https", tls={"ca": authority.ca, "client_cert": pem})])
    assert run.status == 0, run.order
    assert shown == [True, True, False]


def test_redirect_away_from_tls(prober_once, authority):
    requests = []
    with Server(routes({"/": OK}, requests)) as plain, \
            Server(routes({"/": redirect(f"http://127.0.0.1:{plain.port}/")}, requests), authority.issue("first")) as first:
        def check(id, **spec):
            return http(first.port, id=id, scheme="https", auth={"bearer": SECRET}, tls={"ca": authority.ca}, **spec)

        run = prober_once([check("noted")], "--explain")
        strict = prober_once([check("refused", require_tls=True), http(plain.port, id="wrong", require_tls=True)])
    assert SECRET in requests[0] and SECRET not in requests[1]
    noted = run.results["noted"]
    assert noted["verdict"] == "ok" and "insecure_redirect" in noted["message"]
    assert any("insecure_redirect" in step["detail"] for step in noted["steps"])
    assert strict.results["refused"]["outcome"] == "assert_failed" and "leads away from TLS" in strict.results["refused"]["message"]
    assert "its url has to begin with https://" in strict.errors[0]["errors"][0]["detail"]


def test_secrets_are_masked_wherever_they_turn_up(prober_once):
    """The target sends back what it was sent: as a header, as a redirect, as what is no HTTP."""
    echo = f"Bearer {SECRET}"
    table = {"/header": f"HTTP/1.1 200 OK\r\nX-Echo: {echo}\r\nSet-Cookie: id=hidden\r\nContent-Length: 0\r\n\r\n".encode(),
             "/garbage": echo.encode(), "/long": ("x" * 50 + SECRET).encode(), "/loop": redirect(f"/loop?token={SECRET}"),
             "/bad": redirect(f"ftp://{SECRET}/")}
    with Server(routes(table)) as server:
        checks = [http(server.port, path, id=path, auth={"bearer": SECRET}, headers=[["Cookie", "session=1234567890"]],
                       expect={"header": [{"name": "x-echo", "not_regex": "Bearer"}]}) for path in table]
        run = prober_once(checks, "--explain")
    shown = json.dumps(run.order)
    for text in (SECRET, SECRET[:10], "1234567890", "hidden"):
        assert text not in shown, text
    assert shown.count("Authorization: ***") >= len(table) and "Cookie: ***" in shown and "Set-Cookie: ***" in shown
    assert 'the header x-echo is \\"Bearer ***' in shown


def test_explain_shows_requests_replies_and_times_of_hops(prober_once):
    body = b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-One: a\r\nx-one: b\r\n\r\nhi"
    with Server(routes({"/": redirect("/end"), "/end": body})) as server:
        run = prober_once([http(server.port, method="POST", body="abc")], "--explain")
    steps = run.results["check"]["steps"]
    details = [(step["step"], step["detail"]) for step in steps]
    requests = [detail for name, detail in details if name == "request"]
    replies = [detail for name, detail in details if name == "response"]
    assert requests[0].startswith("POST / HTTP/1.1; Host: 127.0.0.1") and requests[0].endswith("a body of 3 bytes")
    assert requests[1].startswith("GET /end HTTP/1.1")
    assert replies[0].startswith("HTTP/1.1 302 Found; Location: /end")
    assert replies[1].startswith("HTTP/1.1 200 Fine; Content-Length: 2; X-One: a; x-one: b")
    assert all("times of this hop in us: dns 0, connect " in reply for reply in replies)


def test_explain_shows_how_a_body_begins_that_is_judged(prober_once):
    body = f"<p>\x01token={SECRET}</p>".encode() + b"x" * 5000
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with Server(answer(reply)) as server:
        run = prober_once([http(server.port, id="judged", auth={"bearer": SECRET}, expect={"body_contains": "welcome"}),
                           http(server.port, id="not looked at")], "--explain")
    judge = " ".join(step["detail"] for step in run.results["judged"]["steps"])
    assert 'the body: "<p>\\x01token=***</p>xxx' in judge and len(judge) < 2500
    assert "the body" not in json.dumps(run.results["not looked at"])


# ---- tokens ----

class TokenServer(Server):
    """A token endpoint: each token is another one; `granted` is what the reply says beside it."""

    def __init__(self, reply=None, context=None, **granted):
        super().__init__(self.grant, context)
        self.reply, self.granted, self.requests, self.tokens = reply, granted, [], []

    def grant(self, connection):
        head = hostile.read_head(connection).decode("latin-1")
        if not head:
            return
        head, body = head.split("\r\n\r\n", 1)
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536).decode("latin-1")
        self.requests.append((head, parse_qs(body)))
        if self.reply:
            connection.sendall(self.reply)
            return
        self.tokens.append(f"token-{len(self.requests)}-abcdefgh")
        body = json.dumps({"access_token": self.tokens[-1], "token_type": "Bearer", **self.granted}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def oauth(port, scheme="http", **more):
    return {"oauth2": {"token_url": f"{scheme}://127.0.0.1:{port}/token", "client_id": "a client", "client_secret": SECRET, **more}}


def test_token_is_fetched_and_sent(prober_once):
    requests = []
    with TokenServer(expires_in=3600) as tokens, Server(routes({"/": OK}, requests)) as server:
        run = prober_once([http(server.port, id="header", auth=oauth(tokens.port, scope="read write"))], "--explain")
        body = prober_once([http(server.port, id="body", auth=oauth(tokens.port, client_auth="body"))])
    assert run.status == body.status == 0, run.order
    (head, form), (head_of_body, form_of_body) = tokens.requests
    assert head.startswith("POST /token HTTP/1.1\r\n")
    assert f"\r\nAuthorization: {basic('a%20client', SECRET)}" in head
    assert form == {"grant_type": ["client_credentials"], "scope": ["read write"]}
    assert "Authorization" not in head_of_body
    assert form_of_body == {"grant_type": ["client_credentials"], "client_id": ["a client"], "client_secret": [SECRET]}
    assert f"\r\nAuthorization: Bearer {tokens.tokens[0]}\r\n" in requests[0]
    shown = json.dumps(run.order)
    assert SECRET not in shown and tokens.tokens[0] not in shown
    assert [step["step"] for step in run.results["header"]["steps"]] == [
        "begin", "resolve", "connect", "token request", "token reply", "resolve", "connect", "request", "response"]


def run_for(checks, tmp_path, duration_s=3):
    lines = tmp_path / "checks.jsonl"
    lines.write_text("\n".join(json.dumps({**check, "interval_s": 1, "timeout_ms": 1000}) for check in checks))
    ended = subprocess.run([processes.EM_PROBER, "run", "--checks", lines, "--loops", "1", "--duration", str(duration_s)],
                           capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_token_is_kept_until_it_expires(tmp_path):
    with TokenServer(expires_in=3600) as kept, TokenServer(expires_in=1) as short, TokenServer() as unsaid, \
            TokenServer(expires_in="0") as never, Server(answer(OK)) as server:
        results = run_for([http(server.port, id=name, auth=oauth(tokens.port)) for name, tokens in
                           (("kept", kept), ("short", short), ("unsaid", unsaid), ("never", never))], tmp_path)
    assert all(result["verdict"] == "ok" for result in results)
    runs = len([result for result in results if result["check"] == "never"])
    assert runs >= 2
    assert (len(kept.tokens), len(unsaid.tokens)) == (1, 1)
    assert len(never.tokens) == runs and 2 <= len(short.tokens) <= runs


def test_token_that_is_refused_is_fetched_anew(tmp_path):
    answers = iter([b"401 No"])

    def target(head):
        return b"HTTP/1.1 " + next(answers, b"200 OK") + b"\r\nContent-Length: 0\r\n\r\n"

    with TokenServer(expires_in=3600) as tokens, Server(routes({"/": target})) as server:
        results = run_for([http(server.port, auth=oauth(tokens.port))], tmp_path)
    assert [result["outcome"] for result in results][:2] == ["status_mismatch", "ok"], results
    assert len(tokens.tokens) == 2


def test_time_for_the_token_is_no_time_of_the_target(prober_once):
    def slow(connection):
        hostile.read_head(connection)
        time.sleep(0.4)
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"access_token": "abcdefgh"}')

    with Server(slow) as tokens, Server(answer(OK)) as server, Server(hostile.hang) as silent:
        run = prober_once([http(server.port, id="fast", auth=oauth(tokens.port), expect={"warn_ms": 350}),
                           http(silent.port, id="deadline", auth=oauth(tokens.port), timeout_ms=800)])
    assert run.results["fast"]["outcome"] == "ok", run.results["fast"]
    assert run.results["fast"]["timings_us"]["total"] < 350_000
    deadline = run.results["deadline"]
    assert (deadline["verdict"], deadline["outcome"], deadline["phase"]) == ("fail", "timeout", "first_byte")
    assert deadline["timings_us"]["total"] < 700_000


def test_endpoint_that_grants_nothing_is_no_failure_of_the_target(prober_once, authority):
    def says(text, status=b"200 OK"):
        return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text)

    cases = {
        "refused": (answer(says(b'{"error": "invalid_client", "error_description": "unknown"}', b"401 No")),
                    "status 401: invalid_client, unknown"),
        "redirect": (answer(redirect("/elsewhere")), "status 302"),
        "page": (answer(says(b"<html>")), "no JSON"),
        "nothing": (answer(says(b"{}")), "no access_token"),
        "other type": (answer(says(b'{"access_token": "a", "token_type": "mac"}')), "none that can be sent"),
        "line break": (answer(says(b'{"access_token": "a\\r\\nX: y"}')), "none that can be sent"),
        "number": (answer(says(b'{"access_token": 7}')), "no access_token"),
        "endless": (hostile.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), "longer than 65536 bytes"),
        "endless header": (hostile.endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 50), "over a limit"),
        "deep": (answer(says(b"[" * 60000)), "no JSON"),
        "garbage": (answer(b"\x00\xff\x16garbage"), "is no HTTP"),
        "silent": (hostile.hang, "no reply within"),
        "slow": (hostile.byte_by_byte(says(b'{"access_token": "a"}'), 0.2), "not complete within"),
        "closing": (hostile.close_at_once, "closed|reset"),
        "resetting": (hostile.reset, "reset"),
        "cut": (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"), "before the reply was complete"),
        "plain on TLS": (lambda connection: connection.sendall(OK), "does not speak TLS"),
    }
    servers = {name: Server(handle).__enter__() for name, (handle, _) in cases.items()}
    closed = processes.free_port()
    try:
        with Server(answer(OK)) as target:
            checks = [http(target.port, id=name, timeout_ms=1500,
                           auth=oauth(server.port, scheme="https" if name == "plain on TLS" else "http"))
                      for name, server in servers.items()]
            checks.append(http(target.port, id="closed", auth=oauth(closed)))
            checks.append(http(target.port, id="inverted", invert=True, auth=oauth(closed)))
            run = prober_once(checks)
    finally:
        for server in servers.values():
            server.__exit__()
    assert target.seen == 0
    wrong = []
    for name, result in run.results.items():
        message = cases[name][1] if name in cases else "connection refused"
        if (result["verdict"], result["outcome"]) != ("error", "prober_error") \
                or not result["message"].startswith("no token from http") \
                or not any(part in result["message"] for part in message.split("|")) \
                or result["timings_us"]["total"] > 2_100_000:
            wrong.append(result)
    assert not wrong and len(run.results) == len(cases) + 2, wrong
    assert SECRET not in json.dumps(run.order)


def test_token_over_tls_trusts_what_it_is_told(prober_once, authority):
    with TokenServer(context=authority.issue("tokens"), expires_in=60) as tokens, Server(answer(OK)) as server:
        run = prober_once([http(server.port, id="trusted", auth=oauth(tokens.port, "https", tls={"ca": authority.ca})),
                           http(server.port, id="unknown", auth=oauth(tokens.port, "https"))])
    assert run.results["trusted"]["outcome"] == "ok", run.results["trusted"]
    assert "tls" not in run.results["trusted"], "its facts are no facts of the target"
    assert run.results["unknown"]["verdict"] == "error" and "issuer is not known" in run.results["unknown"]["message"]


def test_all_addresses_of_the_target_are_toured_not_those_of_the_endpoint(prober_once):
    from servers.dns import DnsServer

    with TokenServer(expires_in=0) as tokens, Server(answer(OK)) as server, DnsServer({
            "two.test": {"A": ["127.0.0.1", "127.0.0.2"]}}) as dns:
        run = prober_once([http(server.port, host="two.test", address_family="all", address_vote="quorum",
                                auth=oauth(tokens.port))], "--dns-servers", f"127.0.0.1:{dns.port}")
    assert run.results["check"]["verdict"] == "warn", run.results["check"]
    assert run.results["check"]["message"].startswith("1 of 2 addresses: connection refused by 127.0.0.2")
    assert len(tokens.tokens) == 2, "none was to be kept"


def test_wrong_specs_are_named_and_secrets_in_them_not_shown(prober_once):
    def errors(**spec):
        run = prober_once([http(1, **spec)])
        assert run.status == 2 and SECRET not in run.stderr, run.stderr
        return {error["pointer"]: error["detail"] for error in run.errors[0]["errors"]}

    assert errors(auth={}).keys() == {"/spec/auth"}
    assert errors(auth={"bearer": "a b " + SECRET}).keys() == {"/spec/auth/bearer"}
    assert errors(auth={"basic": {"user": "a:b", "password": SECRET + "\n"}}).keys() == {
        "/spec/auth/basic/user", "/spec/auth/basic/password"}
    assert errors(auth={"bearer": SECRET, "basic": {"user": "a", "password": "b"}}).keys() == {"/spec/auth"}
    assert errors(auth=oauth(1, "ftp", tls={"min_version": "1.3", "max_version": "9"})).keys() == {
        "/spec/auth/oauth2/token_url", "/spec/auth/oauth2/tls/max_version"}
    assert errors(auth=oauth(1, tls={"min_version": "1.3", "max_version": "1.2"})).keys() == {"/spec/auth/oauth2/tls/max_version"}
