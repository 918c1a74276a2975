"""The watch over all replies sees what is wrong with one."""

import json

import pytest
import requests

import contract

SIGNED_IN = {"get_session", "delete_session"}  # need no permission but to be somebody
GOOD = {"items": [], "next": None}
PROBLEM = {"type": "about:blank", "title": "Not Found", "status": 404, "code": "c", "detail": "d", "request_id": "r"}


def reply(method="GET", path="/api/v1/systems", status=200, body=GOOD, media_type="application/json", request_id="r",
          scheme="http", **headers):
    made = requests.Response()
    made.status_code = status
    made._content = b"" if body is None else json.dumps(body).encode()
    made.headers.update({**contract.HEADERS, **contract.OF_THE_API, "Content-Type": media_type, "X-Request-Id": request_id})
    for name, value in headers.items():
        made.headers[name.replace("_", "-")] = value
    made.request = requests.Request(method, f"{scheme}://127.0.0.1{path}").prepare()
    return made


@pytest.mark.parametrize("change", [
    {}, {"path": "/healthz", "body": 1}, {"status": 304, "body": None}, {"method": "HEAD", "body": None},
    {"path": "/api/v1/systems?fields=key", "body": {"items": [{"key": "a"}], "next": None}},
    {"status": 404, "body": PROBLEM, "media_type": "application/problem+json"},
    {"status": 404, "body": {**PROBLEM, "detail": "/etc/motd is none; select one, or update it"}, "path": "/api/v1/x?path=%2Fetc/motd",
     "media_type": "application/problem+json"},
    {"status": 409, "body": {**PROBLEM, "status": 409, "current": {"description": "from /tmp/x"}},
     "media_type": "application/problem+json"},
    {"scheme": "https", **{name.replace("-", "_"): value for name, value in contract.OVER_TLS.items()}},
    {"path": "/login/", "Cache_Control": "no-cache",
     "Content_Security_Policy": "default-src 'none'; script-src 'self'; frame-ancestors 'none'"},
])
def test_right_replies(change):
    contract.check(reply(**change))


@pytest.mark.parametrize("change", [
    {"body": {"items": []}}, {"body": {"items": [{"key": "a"}], "next": None}}, {"body": {**GOOD, "more": 1}}, {"body": None},
    {"body": {**GOOD, "total": -1}}, {"status": 202}, {"media_type": "text/html"}, {"path": "/api/v1/nothing"},
    {"status": 304}, {"method": "DELETE", "path": "/api/v1/systems/x", "status": 204},
    {"status": 404, "body": PROBLEM}, {"status": 410, "body": PROBLEM, "media_type": "application/problem+json"},
    {"status": 404, "body": {**PROBLEM, "request_id": "x"}, "media_type": "application/problem+json"},
    {"status": 404, "body": {"status": 404}, "media_type": "application/problem+json"},
    *({"status": 404, "body": {**PROBLEM, "detail": detail}, "media_type": "application/problem+json"} for detail in (
        "SELECT id, name FROM system", "update system set name", 'ERROR:  relation "system" does not exist', "syntax error at or near",
        "cannot open /etc/em/master.key", "ipc:///data/x", "bus.sock is gone", "at write.c:44", "libpq: gone", "OpenSSL 3.0.19",
        "permission denied for table change", "in em-control 1.2.3", "null value violates a constraint")),
    {"scheme": "https"}, {"Strict_Transport_Security": "max-age=31536000"}, {"Access_Control_Allow_Origin": "null"}, {"Server": "em"},
    {"X_Content_Type_Options": ""}, {"Cache_Control": "no-cache"}, {"path": "/login/", "Content_Security_Policy": "default-src 'none'"},
    {"path": "/", "Content_Security_Policy": "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'"},
    {"path": "/healthz", "Referrer_Policy": "unsafe-url"}, {"path": "/socket.io/", "Cross_Origin_Opener_Policy": "unsafe-none"},
])
def test_wrong_replies(change):
    with pytest.raises((AssertionError, json.JSONDecodeError)):
        contract.check(reply(**change))


def test_times_have_milliseconds_and_are_utc(api, estate):
    good = api.get(f"/api/v1/systems/{estate.system['id']}").json()
    path = f"/api/v1/systems/{good['id']}"
    contract.check(reply(path=path, body=good))
    for wrong in ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123+01:00", "yesterday"):
        with pytest.raises(AssertionError):
            contract.check(reply(path=path, body={**good, "updated_at": wrong}))


def contents():
    """(where, content) of each body and each success of the document."""
    for path, methods in contract.document()["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            yield f"{where}: body", operation.get("requestBody", {}).get("content", {})
            for status, response in operation["responses"].items():
                yield f"{where}: {status}", response.get("content", {})


def test_each_content_has_an_example_that_its_schema_accepts():
    seen = 0
    for where, content in contents():
        for media_type, media in content.items():
            assert "example" in media, f"{where}: {media_type} has no example"
            contract.check_body(media["example"], {"content": content}, media_type, where)
            seen += 1
    assert seen > 100


def test_each_operation_says_what_it_needs():
    for path, methods in contract.document()["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"] and operation["operationId"] and operation["tags"], where
            assert "default" in operation["responses"] and "429" in operation["responses"], where
            if operation.get("security") != [] and operation["operationId"] not in SIGNED_IN:
                assert "." in operation["x-permission"] and "403" in operation["responses"], where
