"""Who may come in: the first key, sign-in links, sessions, CSRF, API keys and the settings."""

import os
import re
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
import requests

import processes
from processes import Client, wait_until


def sign_in_link(control):
    """A fresh link, made by the command line while the server runs."""
    made = subprocess.run([processes.EM_CONTROL, "sign-in-link", "--data", control.data,
                           "--listen", f"127.0.0.1:{control.port}"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert made.returncode == 0, made.stderr
    return re.search(r"http\S+", made.stdout)[0]


def token_of(link):
    return link.split("#token=")[1]


@pytest.fixture
def browser(control):
    """A client without credentials, with a cookie jar."""
    with Client(control.url) as client:
        yield client


@pytest.fixture
def signed_in(control, browser):
    """A browser with a session; `browser.csrf` is its token."""
    reply = browser.post("/api/v1/session", json={"api_key": control.admin_key})
    assert reply.status_code == 200, reply.text
    browser.csrf = {"X-CSRF-Token": reply.json()["csrf_token"]}
    return browser


# --- the first key ---


@pytest.mark.slow
def test_the_first_key_is_private_and_works(control, api):
    path = control.data / "admin.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == control.data.stat().st_uid
    assert re.fullmatch(r"em_key_[0-9A-Za-z]{36}\n", path.read_text())
    assert not list(control.data.glob("admin.key.*"))
    session = api.read("session")
    assert session["user"]["name"] == "administrator" and session["permissions"] == ["*"]
    assert session["csrf_token"] is None and session["service"]["name"] == "Environment Manager"


@pytest.mark.slow
def test_a_restart_keeps_the_key_and_a_lost_one_leaves_the_link(start_control, tmp_path):
    data = processes.short_dir() / "data"
    control = start_control(data=data)
    key = control.admin_key
    control.stop()
    control = start_control(data=data)
    assert control.admin_key == key

    control.stop()
    (data / "admin.key").unlink()
    control = start_control(data=data)
    assert not (data / "admin.key").exists()
    assert "access.key_file_missing" in control.log.read_text() and "sign-in-link" in control.log.read_text()
    with Client(control.url) as client:
        assert client.post("/api/v1/session", json={"token": token_of(sign_in_link(control))}).status_code == 200


# --- credentials that are worth nothing ---


@pytest.mark.parametrize("authorization", [
    None, "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer em_key_" + "0" * 36, "Bearer " + "A" * 43,
    "Bearer em_key_" + "\xe9" * 36,
])
def test_nothing_is_readable_without_a_valid_key(control, authorization):
    with Client(control.url) as client:
        if authorization is not None:
            client.headers["Authorization"] = authorization.encode("latin-1")
        for path in ("organisations", "session", "settings", "api-keys"):
            reply = client.get(f"/api/v1/{path}")
            assert reply.status_code == 401, (path, reply.text)
            assert reply.json()["code"] and "WWW-Authenticate" in reply.headers


def test_a_mistyped_key_is_refused_by_its_checksum(control, api):
    key = control.admin_key
    broken = key[:-1] + ("a" if key[-1] != "a" else "b")
    with Client(control.url, broken) as client:
        assert client.get("/api/v1/organisations").status_code == 401


# --- sign-in links ---


def test_a_link_works_once(control, browser):
    link = sign_in_link(control)
    assert link.startswith(f"{control.url}/login/#token=")
    token = token_of(link)
    first = browser.post("/api/v1/session", json={"token": token})
    assert first.status_code == 200 and first.json()["user"]["name"] == "administrator"
    again = browser.post("/api/v1/session", json={"token": token})
    assert again.status_code == 401 and again.json()["code"] == "token_unknown"
    assert token not in control.log.read_text()


def test_of_many_at_once_one_gets_in(control):
    token = token_of(sign_in_link(control))

    def attempt(_):
        with Client(control.url) as client:
            return client.post("/api/v1/session", json={"token": token}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(attempt, range(8)))
    assert answers.count(200) == 1 and set(answers) <= {200, 401, 429}


def test_an_old_link_is_worth_nothing(control, browser):
    # The database says what is old: its clock is moved by moving the link.
    token = token_of(sign_in_link(control))
    sql(control, "UPDATE sign_in_link SET expires_at = now() - interval '1 second' WHERE used_at IS NULL")
    assert browser.post("/api/v1/session", json={"token": token}).status_code == 401


@pytest.mark.parametrize("body", [{}, {"token": "x", "api_key": "y"}, {"token": 1}, {"password": "x"}, []])
def test_odd_credentials_are_refused_by_form(browser, body):
    assert browser.post("/api/v1/session", json=body).status_code == 422


# --- sessions ---


def test_a_session_is_a_safe_cookie(control, browser):
    reply = browser.post("/api/v1/session", json={"api_key": control.admin_key})
    cookie = reply.headers["Set-Cookie"]
    assert re.match(r"em_session=[0-9A-Za-z]{43};", cookie)
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    session = browser.read("session")
    assert session == reply.json() and re.fullmatch(r"[0-9a-f]{64}", session["csrf_token"])


def test_writes_by_cookie_need_the_csrf_token(signed_in):
    body = {"key": f"csrf-{os.getpid()}", "name": "CSRF"}
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}):
        reply = signed_in.post("/api/v1/organisations", json=body, headers=headers)
        assert reply.status_code == 403 and reply.json()["code"] == "csrf_refused"
    reply = signed_in.post("/api/v1/organisations", json=body, headers={**signed_in.csrf, "Origin": "https://evil.test"})
    assert reply.status_code == 403
    assert signed_in.get("/api/v1/organisations").status_code == 200
    reply = signed_in.post("/api/v1/organisations", json=body, headers=signed_in.csrf)
    assert reply.status_code == 201, reply.text
    assert signed_in.delete(reply.headers["Location"], headers=signed_in.csrf).status_code == 204


def test_signing_out_takes_effect_at_once(control, signed_in):
    cookie = signed_in.cookies["em_session"]
    assert signed_in.delete("/api/v1/session", headers=signed_in.csrf).status_code == 204
    assert "em_session" not in signed_in.cookies
    with Client(control.url) as thief:
        thief.headers["Cookie"] = f"em_session={cookie}"
        assert thief.get("/api/v1/session").status_code == 401


def test_a_key_is_not_a_session(api):
    reply = api.delete("/api/v1/session")
    assert reply.status_code == 409 and reply.json()["code"] == "no_session"


@pytest.mark.slow
def test_sessions_end_by_age_and_by_disuse(control, signed_in):
    for change in ("expires_at = now()", "last_used_at = now() - interval '9 hours'"):
        reply = signed_in.post("/api/v1/session", json={"api_key": control.admin_key})  # again, with the cookie of before
        session = reply.cookies["em_session"]
        sql(control, f"UPDATE session SET {change} WHERE id = (SELECT id FROM session ORDER BY id DESC LIMIT 1)")
        with Client(control.url) as client:
            client.headers["Cookie"] = f"em_session={session}"
            wait_until(lambda: client.get("/api/v1/session").status_code == 401, 7, 0.2, "the end of the session")


@pytest.mark.slow
def test_the_age_of_a_session_is_an_option(start_control):
    control = start_control("--session-max-s", "2")
    with Client(control.url) as client:
        assert client.post("/api/v1/session", json={"api_key": control.admin_key}).status_code == 200
        session = client.cookies["em_session"]
        client.cookies.clear()
        client.headers["Cookie"] = f"em_session={session}"  # a browser would forget it by itself
        assert client.get("/api/v1/session").status_code == 200
        wait_until(lambda: client.get("/api/v1/session").status_code == 401, 5, 0.2, "the end of the session")


@pytest.mark.slow
def test_over_tls_the_cookie_is_bound_to_the_host(start_control, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True, timeout=30)
    folder = processes.short_dir()
    for source in (certificate, key):
        target = folder / source.name
        target.write_bytes(source.read_bytes())
        target.chmod(0o644)
    control = start_control("--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem", ready=False)
    control.url = control.url.replace("http:", "https:")
    with Client(control.url) as client:
        client.verify = str(certificate)
        wait_until(lambda: (control.data / "admin.key").exists(), 60, what="the first key")
        wait_until(lambda: answers(client), 60, what="HTTPS")
        reply = client.post("/api/v1/session", json={"api_key": control.admin_key})
        assert re.match(r"__Host-em_session=[0-9A-Za-z]{43};", reply.headers["Set-Cookie"])
        for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert attribute in reply.headers["Set-Cookie"]
        assert "Domain" not in reply.headers["Set-Cookie"]
        assert client.get("/api/v1/session").status_code == 200


def answers(client):
    """True once the server takes requests."""
    try:
        return client.get("/healthz").status_code == 200
    except requests.ConnectionError:
        return False


def test_secrets_are_stored_hashed(control, signed_in):
    dump = sql(control, "SELECT encode(hash, 'escape') FROM session UNION ALL SELECT encode(hash, 'escape') FROM api_key")
    assert signed_in.cookies["em_session"] not in dump and control.admin_key not in dump
    log = control.log.read_text()
    assert signed_in.cookies["em_session"] not in log and control.admin_key not in log


# --- API keys ---


def test_a_key_is_shown_once_and_can_be_revoked(control, api):
    made = api.create("api-keys", name="import", scopes=["inventory.read"])
    assert made["scopes"] == ["inventory.read"] and made["expires_at"] is None
    listed = {key["id"]: key for key in api.read("api-keys", limit=1000)["items"]}
    assert "key" not in listed[made["id"]] and listed[made["id"]]["name"] == "import"

    with Client(control.url, made["key"]) as client:
        assert client.get("/api/v1/organisations").status_code == 200
        assert client.read("session")["permissions"] == ["inventory.read"]
        reply = client.post("/api/v1/organisations", json={"key": "x", "name": "X"})
        assert reply.status_code == 403 and "inventory.write" in reply.json()["detail"]
        assert client.get("/api/v1/api-keys").status_code == 403

        assert api.delete(f"/api/v1/api-keys/{made['id']}").status_code == 204
        assert client.get("/api/v1/organisations").status_code == 401
    assert made["id"] not in {key["id"] for key in api.read("api-keys", limit=1000)["items"]}
    assert api.delete(f"/api/v1/api-keys/{made['id']}").status_code == 404


def test_a_key_ends_when_it_said(control, api):
    ends = datetime.now(timezone.utc) + timedelta(seconds=2)
    made = api.create("api-keys", name="short", expires_at=ends.isoformat())
    with Client(control.url, made["key"]) as client:
        assert client.get("/api/v1/organisations").status_code == 200
        wait_until(lambda: client.get("/api/v1/organisations").status_code == 401, 5, 0.1, "the end of the key")
    assert datetime.now(timezone.utc) >= ends


def test_a_session_from_a_key_is_no_more_than_the_key(control, api, browser):
    made = api.create("api-keys", name="reader", scopes=["inventory.read"])
    reply = browser.post("/api/v1/session", json={"api_key": made["key"]})
    assert reply.json()["permissions"] == ["inventory.read"]
    assert browser.get("/api/v1/settings").status_code == 403
    assert browser.get("/api/v1/organisations").status_code == 200
    assert api.delete(f"/api/v1/api-keys/{made['id']}").status_code == 204
    assert browser.get("/api/v1/organisations").status_code == 401


def test_nobody_gives_more_than_he_has(control, api):
    made = api.create("api-keys", name="half", scopes=["access.write", "inventory.read"])
    with Client(control.url, made["key"]) as client:
        reply = client.post("/api/v1/api-keys", json={"name": "more", "scopes": ["inventory.read", "settings.write"]})
        assert reply.status_code == 422 and [error["pointer"] for error in reply.json()["errors"]] == ["/scopes/1"]
        assert client.post("/api/v1/api-keys", json={"name": "all"}).status_code == 422
        assert client.post("/api/v1/api-keys", json={"name": "same", "scopes": ["inventory.read"]}).status_code == 201


def test_wrong_keys_are_named_field_by_field(api):
    reply = api.post("/api/v1/api-keys", json={"name": "x", "scopes": ["inventory.read", "fly"],
                                               "expires_at": "2020-01-01T00:00:00Z"})
    assert reply.status_code == 422
    assert sorted(error["pointer"] for error in reply.json()["errors"]) == ["/expires_at", "/scopes/1"]


# --- settings ---


def test_settings_are_a_merge_patch_with_a_version(api):
    before = api.get("/api/v1/settings")
    assert before.json()["retention"] == {"result_days": 30, "sample_days": 90, "event_days": 400, "hold": False}
    assert before.json()["webhook"] == {"url": None}
    etag = before.headers["ETag"]

    reply = api.patch("/api/v1/settings", json={"retention": {"result_days": 7}}, headers={"If-Match": etag})
    assert reply.status_code == 200, reply.text
    assert reply.json()["retention"] == {"result_days": 7, "sample_days": 90, "event_days": 400, "hold": False}
    lost = api.patch("/api/v1/settings", json={"retention": None}, headers={"If-Match": etag})
    assert lost.status_code == 412 and lost.json()["current"]["retention"]["result_days"] == 7
    reply = api.patch("/api/v1/settings", json={"retention": None})
    assert reply.json()["retention"] == before.json()["retention"]


@pytest.mark.parametrize("body, pointer", [
    ({"webhook": {"url": "ftp://x/"}}, "/webhook/url"), ({"webhook": {"url": "not a url"}}, "/webhook/url"),
    ({"retention": {"event_days": 0}}, "/retention/event_days"), ({"colour": 1}, "/colour"),
    ({"retention": {"result_days": 99999}}, "/retention/result_days"),
])
def test_wrong_settings_are_named(api, body, pointer):
    reply = api.patch("/api/v1/settings", json=body)
    assert reply.status_code == 422 and [error["pointer"] for error in reply.json()["errors"]] == [pointer]


def sql(control, statement):
    """Runs a statement in the embedded database, as its owner, and returns its output."""
    user = ["setpriv", "--reuid", processes.SERVICE_USER, "--regid", processes.SERVICE_USER, "--clear-groups"]
    argv = ["psql", "-h", str(control.data), "-U", "em", "-d", "environment_manager", "-At", "-c", statement]
    done = subprocess.run((user if os.geteuid() == 0 else []) + argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_is_denied_stands_in_the_log(control, api):
    before = control.metric("em_http_denied_total")
    key = api.create("api-keys", name="nosy reader", scopes=["health.read"])
    with Client(control.url, key["key"]) as nosy:
        assert nosy.get("/api/v1/settings", headers={"x-request-id": "denied-1"}).status_code == 403
    with Client(control.url) as stranger:
        assert stranger.get("/api/v1/settings", headers={"x-request-id": "denied-2"}).status_code == 401
    assert control.metric("em_http_denied_total") == before + 2
    lines = {line.split("request=")[1].split()[0]: line for line in control.tail(200).splitlines() if "access.denied" in line}
    assert 'status=403 method=GET path=/api/v1/settings address=127.0.0.1' in lines["denied-1"]
    assert "needs=settings.read" in lines["denied-1"] and 'principal=""' not in lines["denied-1"]
    assert 'status=401' in lines["denied-2"] and 'principal=""' in lines["denied-2"]


def test_who_reads_of_others_stands_in_the_log(control, api):
    key = api.create("api-keys", name="auditor", scopes=["journal.read", "inventory.read"])["key"]
    before = control.metric("em_http_watched_reads_total")
    with Client(control.url, key) as auditor:
        for number in range(3):
            assert auditor.get("/api/v1/journal?limit=1", headers={"x-request-id": f"read-{number}"}).status_code == 200
        assert auditor.get("/api/v1/journal/chain", headers={"x-request-id": "read-chain"}).status_code == 200
        assert auditor.get("/api/v1/systems", headers={"x-request-id": "read-systems"}).status_code == 200
    assert control.metric("em_http_watched_reads_total") == before + 4
    lines = [line for line in control.tail(200).splitlines() if "access.read" in line and "request=read-" in line]
    assert [line.split("request=")[1].split()[0] for line in lines] == ["read-0", "read-chain"]
    assert 'status=200 method=GET path=/api/v1/journal address=127.0.0.1 principal="' in lines[0] and "needs=journal.read" in lines[0]


def test_a_key_that_was_just_used_is_no_session(control):
    """A cookie is sent by the browser itself, so what it may hold is never taken for a key, whatever is remembered."""
    with control.client() as client:
        assert client.get("/api/v1/organisations").status_code == 200
    cookie = {"Cookie": f"em_session={control.admin_key}"}
    assert requests.get(f"{control.url}/api/v1/organisations", headers=cookie, timeout=5).status_code == 401
    with control.client() as client:
        assert client.get("/api/v1/organisations").status_code == 200
