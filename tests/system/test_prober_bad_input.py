"""Checks that are wrong: each mistake has its pointer, all come at once, and `once`, `run` and the API say the same."""

import json
import subprocess

import pytest

import processes
from servers.hostile import OK, Server, answer

TCP = {"address": "127.0.0.1", "port": 9}
HTTP = {"url": "http://shop.test/"}
OLD = {"min_version": "1.3", "max_version": "1.2"}
OAUTH = {"token_url": "https://id.test/", "client_id": "a", "client_secret": "b"}

# a check, and the pointers of what is wrong with it
WRONG = [
    ({"kind": "gopher", "spec": {}}, "/kind"),
    ({"kind": "gopher", "spec": {}, "colour": 1, "timeout_ms": 31000}, "/colour /kind /timeout_ms"),
    ({"kind": "tcp"}, "/spec"),
    ({"spec": {}}, "/kind"),
    ({"kind": "tcp", "spec": []}, "/spec"),
    ({"kind": "tcp", "spec": {}, "interval_s": 0, "timeout_ms": "1", "fall": 21},
     "/fall /interval_s /spec/address /spec/port /timeout_ms"),
    ({"kind": "tcp", "spec": TCP, "interval_s": 1, "timeout_ms": 1001}, "/timeout_ms"),
    ({"kind": "tcp", "spec": {**TCP, "port": 0}, "interval_s": 1, "timeout_ms": 1001, "colour": 1}, "/colour /spec/port /timeout_ms"),
    ({"kind": "http", "spec": {"url": "https://bücher.test/"}}, "/spec/url"),
    ({"kind": "http", "spec": {"url": "http://a b/", "method": "GET /", "headers": [["a b", "c"], ["X", "a\nb"], ["Content-Length", "1"]],
                               "expect": {"status": "2xx", "body_regex": "(", "json": ".a ==", "header": [{"name": "x", "regex": "*"}]},
                               "timeouts_ms": {"dns": 0}, "address_family": "v5", "source_address": "x", "colour": 1}},
     "/spec/address_family /spec/colour /spec/expect/body_regex /spec/expect/header/0/regex /spec/expect/json /spec/expect/status "
     "/spec/headers/0/0 /spec/headers/1/1 /spec/headers/2/0 /spec/method /spec/source_address /spec/timeouts_ms/dns /spec/url"),
    ({"kind": "http", "spec": {**HTTP, "require_tls": True}}, "/spec"),
    # what two fields mean together
    ({"kind": "http", "spec": {**HTTP, "tls": OLD, "proxy": {"url": "https://p.test", "tls": OLD}, "auth": {"oauth2": {**OAUTH, "tls": OLD}}}},
     "/spec/auth/oauth2/tls/max_version /spec/proxy/tls/max_version /spec/tls/max_version"),
    ({"kind": "tls", "spec": {**TCP, "tls": {"max_version": "1.1"}}}, "/spec/tls/max_version"),
    ({"kind": "http", "spec": {**HTTP, "expect": {"warn_ms": 5, "fail_ms": 4, "cert_warn_days": 1, "cert_fail_days": 2}}},
     "/spec/expect/cert_warn_days /spec/expect/warn_ms"),
    *[({"kind": kind, "spec": {**spec, "expect": {"warn_ms": 5, "fail_ms": 4}}}, "/spec/expect/warn_ms") for kind, spec in (
        ("tcp", TCP), ("tls", TCP), ("udp", {**TCP, "send": "x"}), ("icmp", {"address": "a"}), ("dns", {"name": "a"}), ("grpc", TCP),
        ("websocket", {"url": "ws://a/"}), ("redis", {"address": "a"}), ("postgres", {"address": "a", "user": "u"}),
        ("smtp", {"address": "a"}), ("ssh", {"address": "a"}))],
    # sums and reserved names
    ({"kind": "script", "spec": {"command": "x", "env": {"CHECK_ID": "x", "PATH": "x"}, "secrets": {"a": "x" * 5000, "b": "y" * 5000}}},
     "/spec/env/CHECK_ID /spec/env/PATH /spec/secrets"),
    ({"kind": "script", "spec": {"command": "x", "args": ["a" * 4000] * 17}}, "/spec"),
    ({"kind": "http", "spec": {**HTTP, "http_version": "auto", "headers": [[f"X-{n}", "x" * 4000] for n in range(6)]}}, "/spec/headers"),
    # what would explode when it is compiled
    ({"kind": "http", "spec": {**HTTP, "expect": {"body_regex": "(((a{1,1000}){1,1000}){1,1000}){1,1000}"}}}, "/spec/expect/body_regex"),
    ({"kind": "http", "spec": {**HTTP, "expect": {"json": "(" * 2000 + "." + ")" * 2000}}}, "/spec/expect/json"),
    ({"kind": "http", "spec": {**HTTP, "expect": {"json": "input"}}}, "/spec/expect/json"),
    ({"kind": "tcp", "spec": {**TCP, "steps": [{"send": "\\2"}, {"starttls": True}, {"starttls": True}]}},
     "/spec/steps/0/send /spec/steps/2/starttls"),
]


def pointers(errors):
    for error in errors:
        assert set(error) == {"pointer", "code", "detail"} and error["code"] and error["detail"], error
    return " ".join(sorted(error["pointer"] for error in errors))


@pytest.fixture(scope="module")
def lines():
    """What is wrong, with something good between it, and lines that are no checks at all."""
    with Server(answer(OK)) as server:
        good = {"kind": "http", "interval_s": 1, "timeout_ms": 900, "spec": {"url": f"http://127.0.0.1:{server.port}/"}}
        rows = [json.dumps(row) for check, _ in WRONG for row in (check, good)]
        yield [*rows, "{", "[]", "1", "\x00", "\ud7ff" * 10, '{"kind": "tcp", "kind": "tcp"}', "x" * 3_000_000, json.dumps(good)]


def assert_each_has_its_pointers(errors, lines):
    by_line = {error["line"]: pointers(error["errors"]) for error in errors}
    wrong = {check: (by_line.get(2 * n + 1), wanted) for n, (check, wanted) in enumerate((str(check), wanted) for check, wanted in WRONG)
             if by_line.get(2 * n + 1) != wanted}
    assert not wrong
    assert set(by_line) == {2 * n + 1 for n in range(len(WRONG))} | set(range(2 * len(WRONG) + 1, len(lines)))


def test_once(prober_once, lines):
    run = prober_once(lines)
    assert run.status == 2
    assert len(run.order) == len(WRONG) + 1 and {result["outcome"] for result in run.order} == {"ok"}, "no bad line stops a good one"
    assert_each_has_its_pointers(run.errors, lines)


def test_run(lines):
    ended = subprocess.run([processes.EM_PROBER, "run", "--duration", "2"], input="\n".join(lines) + "\n", capture_output=True,
                           text=True, timeout=30, check=False)
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len({result["check"] for result in results}) == len(WRONG) + 1 and {result["outcome"] for result in results} == {"ok"}
    assert_each_has_its_pointers([json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")], lines)


def test_preview(api):
    """Nothing of it reaches a prober."""
    wrong = []
    for check, wanted in WRONG:
        reply = api.post("/api/v1/checks/preview", json=check)
        if reply.status_code != 422 or pointers(reply.json()["errors"]) != wanted:
            wrong.append((check, wanted, reply.status_code, reply.text[:500]))
    assert not wrong, wrong


def test_hints_say_how_to_mend_it(prober_once):
    for spec, words in (({"url": "https://bücher.test/"}, "xn--"), ({"url": "ftp://a.test/"}, "neither http:// nor https://"),
                        ({**HTTP, "tls": OLD}, "must not be older than min_version, which is 1.3"),
                        ({**HTTP, "expect": {"status": "2xx"}}, '"200-299,401"')):
        run = prober_once([{"kind": "http", "spec": spec}])
        assert words in run.errors[0]["errors"][0]["detail"], run.errors
