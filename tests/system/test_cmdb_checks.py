"""Checks through the API: defaults, specs, keys made of names, and values that follow others."""

import json
import re

import pytest

from health_tools import sql
from processes import ROOT

TCP = {"address": "127.0.0.1", "port": 9}
HTTP = {"url": "http://shop.test/login"}


def pointers(reply):
    return sorted(error["pointer"] for error in reply.json()["errors"])


@pytest.fixture
def post(api, estate):
    """post(…) sends a check of the estate's component and returns the reply."""

    def send(**fields):
        body = {"component": estate.component["id"], "name": "check", "kind": "tcp", "spec": TCP, **fields}
        return api.post("/api/v1/checks", json=body)

    return send


def test_defaults(post):
    check = post().json()
    assert {name: check[name] for name in ("interval_s", "retry_interval_s", "timeout_ms", "fall", "rise", "unknown_after",
                                           "stale_after_s", "flap", "severity", "locations", "enabled")} == {
        "interval_s": 30, "retry_interval_s": 30, "timeout_ms": 5000, "fall": 3, "rise": 2, "unknown_after": 3,
        "stale_after_s": 95, "flap": False, "severity": "down", "locations": ["default"], "enabled": True}
    assert check["spec"] == TCP


def test_null_takes_the_default(post):
    check = post(interval_s=None, stale_after_s=None, flap=None, locations=None, severity=None).json()
    assert (check["interval_s"], check["stale_after_s"], check["flap"], check["severity"]) == (30, 95, False, "down")


def test_key_is_made_of_the_name(post):
    assert post(name="Login page (EU)").json()["key"] == "login-page-eu"
    assert post(name="Login page: EU!").json()["key"] == "login-page-eu-2"
    assert post(name="登录").json()["key"] == "check"
    assert post(name="x" * 200).json()["key"] == "x" * 56
    assert post(name="given", key="mine").json()["key"] == "mine"
    assert post(name="given", key="mine").status_code == 409


@pytest.mark.parametrize("fields, expected", [
    ({"kind": "http", "spec": {}}, ["/spec/url"]),
    ({"kind": "http", "spec": {"url": "gopher://x/", "expect": {"status": "2xx-", "body_regex": "("}, "colour": 1}},
     ["/spec/colour", "/spec/expect/body_regex", "/spec/expect/status", "/spec/url"]),
    ({"kind": "http", "spec": {"url": "http://x/", "expect": {"warn_ms": 5, "fail_ms": 4}}}, ["/spec/expect/warn_ms"]),
    ({"kind": "http", "spec": {**HTTP, "tls": {"max_version": "1.1"}}}, ["/spec/tls/max_version"]),
    ({"kind": "tcp", "spec": {"address": "x", "port": 0}}, ["/spec/port"]),
    ({"kind": "tcp", "spec": {**TCP, "half_open": True, "send": "x"}}, ["/spec"]),
    ({"kind": "tcp", "spec": {**TCP, "steps": [{"send": "\\1"}, {}, {"starttls": True}]}}, ["/spec/steps/1"]),
    ({"kind": "tcp", "spec": {**TCP, "steps": [{"expect_regex": "(a)"}, {"send": "\\2"}, {"starttls": True}, {"starttls": True}]}},
     ["/spec/steps/1/send", "/spec/steps/3/starttls"]),
    ({"kind": "tls", "spec": {**TCP, "expect": {"alert": "nonsense"}}}, ["/spec/expect/alert"]),
    ({"kind": "udp", "spec": TCP}, ["/spec"]),
    ({"kind": "imap", "spec": {"address": "x", "expect": {"cert_warn_days": 9}}}, ["/spec"]),
    ({"kind": "postgres", "spec": {"address": "x", "user": "u", "expect_regex": "1"}}, ["/spec"]),
    ({"kind": "redis", "spec": {"address": "x", "command": " ", "role": "slave"}}, ["/spec/command", "/spec/role"]),
    ({"kind": "websocket", "spec": {"url": "https://x/", "headers": [["Sec-WebSocket-Key", "x"]]}},
     ["/spec/headers/0/0", "/spec/url"]),
    ({"kind": "script", "spec": {"command": "../../bin/sh"}}, ["/spec/command"]),
    ({"kind": "script", "spec": {"command": "x", "env": {"CHECK_ID": "x"}, "secrets": {"a": "x" * 8190}}},
     ["/spec/env/CHECK_ID", "/spec/secrets"]),
    ({"kind": "script", "spec": {"command": "a", "env": {"CHECK_ID": "1", "CHECK_IDS": "1", "PATH": "/"}}},
     ["/spec/env/CHECK_ID", "/spec/env/PATH"]),
    ({"kind": "smtp", "spec": {"address": "x", "tls": {"max_version": "1.1"}}}, ["/spec/tls/max_version"]),
    ({"kind": "http", "spec": {**HTTP, "proxy": {"url": "http://p:1", "tls": {"min_version": "1.3", "max_version": "1.2"}}}},
     ["/spec/proxy/tls/max_version"]),
    ({"kind": "http", "spec": {**HTTP, "expect": {"warn_phases_ms": {"tls": 9, "dns": 5}, "fail_phases_ms": {"tls": 8, "dns": 5}}}},
     ["/spec/expect/warn_phases_ms/tls"]),
    ({"interval_s": 0, "colour": 1, "kind": "http", "spec": {"url": "htt://shop.test/"}}, ["/colour", "/interval_s", "/spec/url"]),
    ({"timeout_ms": 30001}, ["/timeout_ms"]),
    ({"interval_s": 5, "retry_interval_s": 6, "timeout_ms": 1000}, ["/retry_interval_s"]),
    ({"interval_s": 60, "stale_after_s": 59}, ["/stale_after_s"]),
])
def test_mistakes_have_their_pointers(post, fields, expected):
    reply = post(**fields)
    assert reply.status_code == 422, reply.text
    assert pointers(reply) == expected


@pytest.mark.parametrize("kind, spec", [
    ("tcp", {**TCP, "steps": [{"expect_regex": "(a)"}, {"send": "\\1"}, {"starttls": True}], "tls": {"verify": False}}),
    ("tcp", {**TCP, "half_open": True}),
    ("tls", {**TCP, "expect": {"alert": 116}}),
    ("udp", {**TCP, "send": "ping"}),
    ("smtp", {"address": "mail.test", "starttls": True, "expect": {"cert_warn_days": 21}}),
    ("imap", {"address": "mail.test", "tls": {}}),
    ("pop3", {"address": "mail.test"}),
    ("ftp", {"address": "mail.test"}),
    ("ssh", {"address": "mail.test", "port": 2222}),
])
def test_kinds_over_streams(post, kind, spec):
    reply = post(kind=kind, spec=spec)
    assert reply.status_code == 201, reply.text
    assert reply.json()["spec"] == spec


def test_patch_merges_the_spec(api, post):
    check = post(kind="http", spec={**HTTP, "headers": [["a", "b"]], "expect": {"status": "200", "warn_ms": 5}}).json()
    reply = api.patch(f"/api/v1/checks/{check['id']}", json={"spec": {"headers": None, "expect": {"warn_ms": 9}}})
    assert reply.status_code == 200, reply.text
    assert reply.json()["spec"] == {**HTTP, "expect": {"status": "200", "warn_ms": 9}}
    reply = api.patch(f"/api/v1/checks/{check['id']}", json={"spec": {"url": "nonsense"}})
    assert reply.status_code == 422 and pointers(reply) == ["/spec/url"]


def test_defaults_follow_the_interval_and_chosen_values_do_not(api, post):
    check = post().json()
    changed = api.patch(f"/api/v1/checks/{check['id']}", json={"interval_s": 60}).json()
    assert (changed["retry_interval_s"], changed["stale_after_s"]) == (60, 185)

    check = post(retry_interval_s=10, stale_after_s=200).json()
    changed = api.patch(f"/api/v1/checks/{check['id']}", json={"interval_s": 60}).json()
    assert (changed["retry_interval_s"], changed["stale_after_s"]) == (10, 200)


def test_kind_and_component_cannot_change(api, post, estate):
    check = post().json()
    reply = api.patch(f"/api/v1/checks/{check['id']}", json={"kind": "http", "component": estate.component["id"]})
    assert reply.status_code == 422 and pointers(reply) == ["/component", "/kind"]


# ---- secrets ----

MASK = "*" * 8
SECRET_SPECS = [
    ("http", {**HTTP, "auth": {"basic": {"user": "u", "password": "first-secret"}},
              "headers": [["accept", "*/*"], ["X-Api-Key", "second-secret"]]}),
    ("http", {**HTTP, "auth": {"oauth2": {"token_url": "http://a.test/", "client_id": "c", "client_secret": "first-secret"}},
              "proxy": {"url": "http://p.test:1", "auth": {"bearer": "second-secret"}}}),
    ("websocket", {"url": "ws://shop.test/", "headers": [["Cookie", "first-secret"]]}),
    ("postgres", {"address": "db.test", "user": "u", "password": "first-secret"}),
    ("redis", {"address": "db.test", "password": "first-secret"}),
    ("script", {"command": "check_it", "secrets": {"one": "first-secret", "two": "second-secret"}}),
]


def stored(control, check):
    """The spec as probers get it."""
    [[spec]] = sql(control, f"SELECT check_spec_whole(spec, secrets) FROM health_check WHERE id = '{check['id']}'")
    return json.loads(spec)


@pytest.mark.parametrize("kind, spec", SECRET_SPECS)
def test_secrets_are_written_and_never_read(api, control, post, kind, spec):
    created = post(kind=kind, spec=spec, key=f"secret-{len(json.dumps(spec))}")
    assert created.status_code == 201, created.text
    check = created.json()
    path = f"/api/v1/checks/{check['id']}"
    changed = api.patch(path, json={"name": "other"})
    lost = api.patch(path, json={"name": "third"}, headers={"If-Match": '"1"'})
    assert lost.status_code == 412
    shown = [created, changed, lost, api.get(path), api.get(f"{path}/history"),
             api.get(f"/api/v1/checks?component={check['component']}")]
    assert all("-secret" not in reply.text for reply in shown), [reply.text for reply in shown]
    assert all(MASK in reply.text for reply in shown if not reply.url.endswith("/history"))
    assert stored(control, check) == spec
    assert api.delete(path).status_code == 204
    assert "-secret" not in api.get(f"{path}/history").text


def test_masks_that_come_back_keep_the_secrets(api, control, post):
    spec = {**HTTP, "auth": {"basic": {"user": "u", "password": "old-secret"}}, "headers": [["x-token", "t-secret"], ["a", "b"]]}
    check = post(kind="http", spec=spec).json()
    path = f"/api/v1/checks/{check['id']}"

    same = api.patch(path, json={"spec": check["spec"]}).json()
    assert (same["spec"], same["version"]) == (check["spec"], check["version"])

    moved = api.patch(path, json={"spec": {"headers": [["a", "c"], ["X-Token", MASK]], "auth": {"basic": {"user": "v"}}}})
    assert moved.status_code == 200, moved.text
    assert stored(control, check) == {**spec, "headers": [["a", "c"], ["X-Token", "t-secret"]],
                                      "auth": {"basic": {"user": "v", "password": "old-secret"}}}

    changed = api.patch(path, json={"spec": {"auth": {"basic": {"password": "new-secret"}}}}).json()
    assert changed["version"] == moved.json()["version"] + 1, "a new secret is a new version, though nothing else can be seen of it"
    assert stored(control, check)["auth"]["basic"]["password"] == "new-secret"

    gone = api.patch(path, json={"spec": {"auth": None, "headers": None}})
    assert gone.json()["spec"] == HTTP and stored(control, check) == HTTP
    assert sql(control, f"SELECT secrets IS NULL FROM health_check WHERE id = '{check['id']}'") == [["t"]]


def test_masks_of_nothing_are_refused(api, post):
    spec = {**HTTP, "auth": {"bearer": MASK}, "headers": [["Cookie", MASK]]}
    fresh = post(kind="http", spec=spec)
    assert fresh.status_code == 422 and pointers(fresh) == ["/spec/auth/bearer", "/spec/headers/0/1"]
    assert "send the secret itself" in fresh.json()["errors"][0]["detail"]
    check = post(kind="http", spec={**HTTP, "auth": {"bearer": "first-secret"}}).json()
    reply = api.patch(f"/api/v1/checks/{check['id']}", json={"spec": {"headers": [["Cookie", MASK]]}})
    assert reply.status_code == 422 and pointers(reply) == ["/spec/headers/0/1"]


def test_the_migration_hides_what_was_there(control, post):
    specs = {post(kind=kind, spec=spec, key=f"old-{number}").json()["id"]: spec
             for number, (kind, spec) in enumerate(SECRET_SPECS)}
    for id, spec in specs.items():
        sql(control, f"UPDATE health_check SET spec = '{json.dumps(spec)}', secrets = NULL WHERE id = '{id}'")
    migration = next((ROOT / "control" / "store" / "migrations").glob("*_check_secrets.sql")).read_text()
    sql(control, migration[migration.index("DO $$"):])
    for id, spec in specs.items():
        [[masked]] = sql(control, f"SELECT spec FROM health_check WHERE id = '{id}'")
        assert "-secret" not in masked and MASK in masked
        assert stored(control, {"id": id}) == spec


@pytest.mark.parametrize("kind, spec", SECRET_SPECS)
def test_the_journal_shows_that_a_secret_changed_and_not_what_it_is(api, post, kind, spec):
    check = post(kind=kind, spec=spec, key=f"hashed-{len(json.dumps(spec))}").json()
    path = f"/api/v1/checks/{check['id']}"
    assert api.patch(path, json={"name": "other"}).status_code == 200
    again = json.loads(json.dumps(spec).replace("first-secret", "third-secret"))
    assert api.patch(path, json={"spec": again}).status_code == 200
    assert api.delete(path).status_code == 204
    history = api.get(f"{path}/history")
    assert "-secret" not in history.text
    deleted, changed, renamed, created = [entry["before"] or entry["after"] for entry in history.json()["items"]]
    hashes = len(re.findall("hmac-sha256:[0-9a-f]{64}", json.dumps(created["spec"])))
    assert hashes == json.dumps(spec).count("-secret") and MASK not in history.text
    assert created["spec"] == renamed["spec"] == changed["spec"] != deleted["spec"]
    now = json.dumps(deleted["spec"])
    assert sum(hash in now for hash in re.findall("hmac-sha256:[0-9a-f]{64}", json.dumps(created["spec"]))) == hashes - 1


def test_the_journal_shows_that_a_heartbeats_path_changed(api, post):
    check = post(kind="heartbeat", spec={"interval_s": 60, "grace_s": 10}, key="hashed-heartbeat").json()
    path = f"/api/v1/checks/{check['id']}"
    rotated = api.post(f"{path}/heartbeat/rotate").json()
    history = api.get(f"{path}/history")
    assert rotated["heartbeat_path"] not in history.text and check["heartbeat_path"] not in history.text
    [entry, _] = history.json()["items"]
    assert entry["action"] == "rotate" and entry["before"]["heartbeat_path"] != entry["after"]["heartbeat_path"]
