"""Every reply that a test gets from the API is held against the OpenAPI document that it was promised by.

What is checked: the path and method are in the document; the status is one it names, or a problem; the body fits the schema
of that status, and there is none where none was promised; a problem is a problem document of the same status, and tells
nothing of the inside; every reply has the headers that browsers are to hold us to.
"""

import functools
import json
import re
import warnings
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jsonschema

DOCUMENT = Path(__file__).resolve().parents[2] / "control" / "api" / "openapi.json"
FORMATS = jsonschema.FormatChecker(formats=["uuid"])
METHODS_OF_ALL = {"OPTIONS"}  # answered for every path

API_PATHS = ("/api/", "/hooks/", "/socket.io/", "/healthz", "/readyz", "/metrics")
HEADERS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
OF_THE_API = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}

# SQL and what PostgreSQL says, names of libraries, paths, places in sources, versions (of three parts; addresses have four).
INSIDE = re.compile(r"""
    \bselect\ [\w*.,"\ ]+\ from\b | \binsert\ into\b | \bdelete\ from\b | \bupdate\ \w+\ set\b | \bfrom\ \w+\ where\b
    | syntax\ error\ at | sqlstate | \b(?:relation|column)\ \\?" | violates | permission\ denied\ for | \bPG:: | postgresql | psycopg
    | libpq | jansson | openssl | nanomsg | hiredis | nghttp2 | libev\b | em_service
    | (?<![\w:/.])/(?:usr|tmp|home|var|etc|opt|proc|run)/ | ipc:// | \.sock\b
    | \b\w+\.(?:c|h|sql):\d | \bassert(?:ion)?\ failed | \bbacktrace\b | 0x[0-9a-f]{6,}
    | (?<![\d.])\d+\.\d+\.\d+(?![\d.])
""", re.IGNORECASE | re.VERBOSE)


@FORMATS.checks("date-time")
def is_time(text):
    """UTC with milliseconds, as all times of the API."""
    return not isinstance(text, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text) is not None


@functools.cache
def document():
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))


@functools.cache
def paths():
    """(pattern, path of the document); those with fewer parameters first."""
    known = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/")) + r"\Z"), path)
            for path in known]


@functools.cache
def validator(schema_text):
    schema = json.loads(schema_text)
    resolver = jsonschema.RefResolver("", document())
    return jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=FORMATS)


def resolved(response):
    """A response, wherever it stands."""
    reference = response.get("$ref")
    return document()["components"]["responses"][reference.rsplit("/", 1)[-1]] if reference else response


def operation_of(method, path):
    """The path of the document and its operation; (None, None) when the API has no such path."""
    for pattern, known in paths():
        if pattern.match(path):
            return known, document()["paths"][known].get("get" if method == "HEAD" else method.lower())
    return None, None


def check_problem(reply, where):
    assert reply.headers.get("Content-Type") == "application/problem+json", f"{where}: {reply.headers.get('Content-Type')}"
    problem = reply.json()
    check_body(problem, resolved(document()["components"]["responses"]["problem"]), "application/problem+json", where)
    assert problem["status"] == reply.status_code and problem["request_id"] == reply.headers["X-Request-Id"], where
    check_says_nothing_of_the_inside(reply, where)
    if reply.status_code == 401:
        assert "X-EM-Build" not in reply.headers, f"{where}: tells a stranger the build"


def asked(request):
    """All that the caller has sent, as text: an answer may say it again."""
    body = request.body if isinstance(request.body, (str, bytes)) else b""
    body = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return " ".join([unquote(request.url), *map(str, request.headers.values()), body]).lower()


def check_says_nothing_of_the_inside(reply, where):
    """Fails for an answer whose text or headers hold what INSIDE looks for, unless the caller has brought it."""
    said = reply.text
    if reply.headers.get("Content-Type") == "application/problem+json":
        said = json.dumps({**reply.json(), "current": None})  # without what somebody else has written
    headers = {name: value for name, value in reply.headers.items() if name not in ("ETag", "X-EM-Build", "X-Request-Id")}
    for found in INSIDE.finditer(f"{said} {headers}"):
        assert found[0].lower() in asked(reply.request), f"{where}: says {found[0]!r}: {reply.text}"


def check_headers(reply):
    """What browsers are to hold us to, of every reply: also of files, redirects and errors."""
    target = urlsplit(reply.request.url)
    where = f"{reply.request.method} {reply.request.url}: {reply.status_code}"
    wanted = {**HEADERS, **(OVER_TLS if target.scheme == "https" else {}),
              **(OF_THE_API if target.path.startswith(API_PATHS) else {})}
    has = {name: reply.headers.get(name) for name in {*wanted, *OVER_TLS}}
    assert has == {**dict.fromkeys(OVER_TLS), **wanted}, where
    policy = reply.headers["Content-Security-Policy"]
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy.split("; ")), f"{where}: {policy}"
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy, f"{where}: {policy}"
    unwanted = [name for name in reply.headers if name.lower().startswith(("access-control-", "server", "x-powered-by"))]
    assert not unwanted, f"{where}: {unwanted}"


def check_body(body, response, media_type, where):
    schema = response["content"][media_type]["schema"]
    error = jsonschema.exceptions.best_match(validator(json.dumps(schema)).iter_errors(body))
    assert error is None, f"{where}: {error.json_path}: {error.message}"


def check(reply):
    """Fails when a reply of requests is not what the document says."""
    request = reply.request
    target = urlsplit(request.url)
    where = f"{request.method} {target.path}: {reply.status_code}"
    for one in (*reply.history, reply):
        check_headers(one)
    if not target.path.startswith("/api/v1/") or request.method in METHODS_OF_ALL:
        return
    known, operation = operation_of(request.method, target.path)
    if reply.status_code >= 400:
        if request.method != "HEAD":
            check_problem(reply, where)
        return
    assert operation, f"{where}: the document has no such operation"
    if reply.status_code == 304:
        assert not reply.content, where
        return
    assert str(reply.status_code) in operation["responses"], f"{where}: no such response of {known}"
    response = resolved(operation["responses"][str(reply.status_code)])
    if "content" not in response or request.method == "HEAD":
        assert not reply.content, f"{where}: a body that was not promised"
        return
    media_type = reply.headers["Content-Type"].split(";")[0]
    assert media_type in response["content"], f"{where}: {media_type} was not promised"
    if media_type == "application/json" and "fields" not in parse_qs(target.query):
        check_body(reply.json(), response, media_type, where)
