"""The HTTP server of the real em-control, byte by byte: framing, limits, slow and vanishing clients, TLS, exposure."""

import concurrent.futures
import contextlib
import json
import re
import resource
import socket
import ssl
import subprocess
import time

import pytest
import requests

import contract
import processes
from engine_io import Polling, Refused, WebSocket

HOST = b"Host: a\r\n"


def exchange(control, data, deadline_s=10):
    """Sends raw bytes and returns all that comes until the server ends the connection, or nothing comes any more."""
    with socket.create_connection(("127.0.0.1", control.port), timeout=deadline_s) as link:
        link.sendall(data)
        got = b""
        try:
            while part := link.recv(65536):
                got += part
        except TimeoutError:
            pass
        return got


def statuses(answer):
    """The status of each answer in a stream of answers."""
    found = []
    while answer:
        head, separator, rest = answer.partition(b"\r\n\r\n")
        assert separator, f"an answer without an end: {answer[:200]}"
        found.append(int(head.split(b" ", 2)[1]))
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        answer = rest[int(lengths[0]) if lengths else 0:]
    return found


CLOSE = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

# What two readers could understand differently is refused, and nothing after it is read as a request.
SMUGGLING = {
    "both lengths": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "both lengths, turned round": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}X",
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length in hex": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "an endless length": POST + b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "compressed and chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "nearly chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked with a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a tab before the colon": POST + b"Content-Length\t: 2\r\n\r\n{}",
    "a folded field": POST + b"X: a\r\n Content-Length: 2\r\n\r\n{}",
    "a field that begins with a blank": b"POST / HTTP/1.1\r\n Host: a\r\n\r\n",
    "bare LF in the head": b"GET /healthz HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF at its end": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\n",
    "bare CR in a value": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "NUL in a value": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "NUL in a name": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
    "no name": b"GET /healthz HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "no colon": b"GET /healthz HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "a host with a path": b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "two blanks": b"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a blank in the target": b"GET /health z HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /healthz\r\nHost: a\r\n\r\n",
    "another version": b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
    "a version in lower case": b"GET /healthz http/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n",
    "a blank line first": b"\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00",
    "an empty chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n",
    "a chunk size with 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk size that wraps": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n",
    "a negative chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with a blank": POST + b"Transfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
    "a chunk that ends with LF": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n",
    "a chunk size that ends with LF": POST + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n",
    "LF in a chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n",
    "an endless chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"a" * 5000 + b"\r\n{}\r\n0\r\n\r\n",
    "a length with a blank inside": POST + b"Content-Length: 1 2\r\n\r\n{}",
    "an empty length": POST + b"Content-Length: \r\n\r\n{}",
    "a length that is a fraction": POST + b"Content-Length: 2.0\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "a length with a leading comma": POST + b"Content-Length: ,2\r\n\r\n{}",
    "no transfer coding": POST + b"Transfer-Encoding: \r\n\r\n0\r\n\r\n",
    "identity as a transfer coding": POST + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
    "a quoted transfer coding": POST + b"Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "a transfer coding with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "a folded transfer coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /api/v1/session HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a name with a blank inside": b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent Length: 2\r\n\r\n{}",
    "a name with a control character": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\x01: b\r\n\r\n",
    "a name that is not ASCII": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\xe9: b\r\n\r\n",
    "a method that is not a token": b"GE(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in the target": b"GET /health\x7fz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab for a blank": b"GET\t/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a bare CR that ends a line": b"GET /healthz HTTP/1.1\rHost: a\r\n\r\n",
    "a chunk size in words": POST + b"Transfer-Encoding: chunked\r\n\r\ntwo\r\n{}\r\n0\r\n\r\n",
    "a chunk without its end": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
    "a chunk that ends with CR": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r0\r\n\r\n",
    "a malformed trailer": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_ambiguous_requests_end_the_connection(control, name):
    answer = exchange(control, SMUGGLING[name] + CLOSE)
    assert statuses(answer) in ([400], [413]), answer
    assert b"Connection: close" in answer
    for name, value in {**contract.HEADERS, **contract.OF_THE_API}.items():
        assert f"\r\n{name}: {value}\r\n".encode() in answer


def test_requests_are_answered_in_order(control):
    one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    other = b"GET /api/v1/nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = exchange(control, (one + other) * 100 + CLOSE)
    assert statuses(answer) == [200, 404] * 100 + [200]


def test_nothing_of_a_body_is_left_for_the_next_request(control):
    bodies = [b"Content-Length: 2\r\n\r\n{}", *(b"Transfer-Encoding: chunked\r\n\r\n" + chunks for chunks in (
        b"2\r\n{}\r\n0\r\n\r\n", b"1\r\n{\r\n1\r\n}\r\n000;last\r\n\r\n", b"2;x=y\r\n{}\r\n0\r\nT: GET / HTTP/1.1\r\n\r\n"))]
    answer = exchange(control, b"".join(POST + body for body in bodies) + CLOSE)
    assert statuses(answer) == [422] * len(bodies) + [200], answer


def test_every_split_of_a_request_is_the_same_request(control):
    request = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;x\r\n{}\r\n0\r\nT: 1\r\n\r\n"

    def send(cut):
        with socket.create_connection(("127.0.0.1", control.port), timeout=10) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.sendall(request[:cut])
            time.sleep(0.001)
            link.sendall(request[cut:])
            return statuses(b"".join(iter(lambda: link.recv(65536), b"")))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(1, len(request))))
    assert {tuple(answer) for answer in answers} <= {(422,), (429,)}, answers


def test_limits_hold_to_the_byte(control):
    def head(size):
        start = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: "
        return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"

    def target(size):
        return b"GET /" + b"x" * (size - 1) + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    def fields(count):
        return b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + b"X: y\r\n" * (count - 2) + b"\r\n"

    assert statuses(exchange(control, head(16 * 1024))) == [200]
    assert statuses(exchange(control, head(16 * 1024 + 1))) == [431]
    assert statuses(exchange(control, target(8 * 1024))) == [404]
    assert statuses(exchange(control, target(8 * 1024 + 1))) == [414]
    assert statuses(exchange(control, fields(100))) == [200]
    assert statuses(exchange(control, fields(101))) == [431]


def test_body_limit_holds_to_the_byte(control, api):
    def body(size):
        return '{"key":"%s"}' % ("x" * (size - 10))

    headers = {"Content-Type": "application/json"}
    assert api.post("/api/v1/organisations", data=body(1024 * 1024), headers=headers).status_code == 422
    assert api.post("/api/v1/organisations", data=body(1024 * 1024 + 1), headers=headers).status_code == 413

    def chunks():
        for _ in range(1025):
            yield b" " * 1024

    with pytest.raises((requests.ConnectionError, AssertionError)):
        # Either the answer or the end of the connection comes first; never an acceptance.
        reply = api.post("/api/v1/organisations", data=chunks(), headers=headers)
        assert reply.status_code != 413


def test_json_bombs_are_refused_before_they_are_built(api):
    headers = {"Content-Type": "application/json"}
    deep = "[" * 500_000 + "]" * 500_000
    wide = "[" + "1," * 499_999 + "1]"
    for bomb in (deep, wide):
        reply = api.post("/api/v1/organisations", data=bomb, headers=headers)
        assert reply.status_code == 413 and reply.json()["code"] == "json_too_large"
    twice = api.post("/api/v1/organisations", data='{"key":"a","key":"b"}', headers=headers)
    assert twice.status_code == 400
    nul = api.post("/api/v1/organisations", data='{"key":"a\\u0000"}', headers=headers)
    assert nul.status_code == 400


@pytest.mark.slow
def test_slow_clients_are_given_up(control):
    """A head has 10 s, a body 10 s and a second for each KiB; who sends nothing keeps an idle connection."""
    links = {}
    for name, first in {"head": b"GET /healthz HTTP/1.1\r\n", "body": POST + b"Content-Length: 100000\r\n\r\n",
                        "idle": b""}.items():
        links[name] = socket.create_connection(("127.0.0.1", control.port), timeout=0.1)
        links[name].sendall(first)
    begun = time.monotonic()
    ended = {}
    while time.monotonic() < begun + 16 and len(ended) < 2:
        for name in ("head", "body"):
            if name in ended:
                continue
            try:
                links[name].sendall(b"x")
                if data := links[name].recv(65536):
                    ended[name] = (time.monotonic() - begun, data)
            except TimeoutError:
                pass
            except OSError:
                ended.setdefault(name, (time.monotonic() - begun, b""))
    assert set(ended) == {"head", "body"}, ended
    for name, (after_s, data) in ended.items():
        assert 9 < after_s < 13, (name, after_s)
        assert data.startswith(b"HTTP/1.1 408 "), (name, data)
    links["idle"].sendall(CLOSE)
    links["idle"].settimeout(10)
    assert b"200 OK" in links["idle"].recv(65536)
    for link in links.values():
        link.close()


def test_who_does_not_read_does_not_cost_memory(control, api):
    """A client that asks much and reads nothing is not answered beyond what its socket takes."""
    before = memory_bytes(control)
    with contextlib.ExitStack() as links:
        for _ in range(20):
            link = links.enter_context(socket.create_connection(("127.0.0.1", control.port), timeout=1))
            link.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(2000):
                    link.sendall(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n")
        assert api.get("/healthz").status_code == 200
        # All answers together would be gigabytes; a build with ASan keeps freed memory for a while.
        assert memory_bytes(control) < before + 320 * 1024 * 1024


def memory_bytes(control):
    fields = open(f"/proc/{control.pid}/statm", encoding="ascii").read().split()
    return int(fields[1]) * resource.getpagesize()


def test_vanishing_clients_leave_nothing_behind(control, api):
    """Clients that go in the middle of a request, a body, an answer, or a running handler."""
    key = control.admin_key.encode()
    starts = [
        b"GET /heal",
        POST + b"Content-Length: 100\r\n\r\n{",
        b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 20,
        b"GET /api/v1/organisations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + b"\r\n\r\n",
        POST.replace(b"session", b"organisations") + b"Authorization: Bearer " + key + b"\r\nContent-Length: 2\r\n\r\n{}",
    ]
    for number in range(200):
        link = socket.create_connection(("127.0.0.1", control.port), timeout=10)
        link.sendall(starts[number % len(starts)])
        if number % 2:  # by RST
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        link.close()
    processes.wait_until(lambda: metric(api, "em_http_connections") <= 5, what="the connections to be gone")
    assert api.get("/healthz").status_code == 200


def metric(api, name):
    for line in api.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")


# Exposure and TLS ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for localhost."""
    folder = processes.short_dir()
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    assert key.stat().st_mode & 0o777 == 0o600  # root's alone, when root starts the service
    yield cert, key
    processes.shutil.rmtree(folder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.slow
def test_tls_is_spoken_and_modern(start_control, certificate):
    cert, key = certificate
    control = start_control("--tls-cert", cert, "--tls-key", key, ready=False)
    url = f"https://127.0.0.1:{control.port}"

    def is_up():
        assert control.is_running(), control.tail()
        try:
            return requests.get(f"{url}/readyz", verify=str(cert), timeout=5).status_code == 200
        except requests.RequestException:
            return False

    processes.wait_until(is_up, processes.START_DEADLINE_S, what="/readyz over TLS")
    reply = requests.get(f"{url}/healthz", verify=str(cert), timeout=5)
    assert reply.headers["Strict-Transport-Security"].startswith("max-age=31536000")

    signed_in = requests.post(f"{url}/api/v1/session", json={"api_key": control.admin_key}, verify=str(cert), timeout=5)
    assert signed_in.status_code == 200
    cookie = signed_in.headers["Set-Cookie"]
    assert cookie.startswith("__Host-em_session=") and "; Secure" in cookie and "HttpOnly" in cookie

    context = ssl.create_default_context(cafile=cert)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_connection(("127.0.0.1", control.port), timeout=5) as link:
        with context.wrap_socket(link, server_hostname="localhost") as tls:
            tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 50 + CLOSE)
            answer = b"".join(iter(lambda: tls.recv(65536), b""))
            assert statuses(answer) == [200] * 51
            assert answer.count(b"\r\nStrict-Transport-Security: max-age=31536000\r\n") == 51

    # Errors have the headers, too (see contract.py), also those of what is no request; live connections are of the same site.
    with processes.Client(url, control.admin_key) as client:
        client.verify = str(cert)
        for path, status in (("/api/v1/nowhere", 404), ("/nowhere", 404), ("/docs", 308), ("/api/v1/systems?limit=x", 400)):
            assert client.get(path, allow_redirects=False).status_code == status
    with socket.create_connection(("127.0.0.1", control.port), timeout=5) as link:
        with context.wrap_socket(link, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert re.match(rb"HTTP/1.1 400 .*\r\nStrict-Transport-Security: ", tls.recv(65536), re.DOTALL)
    live = f"wss://127.0.0.1:{control.port}/socket.io/?EIO=4&transport=websocket"
    bearer = {"Authorization": f"Bearer {control.admin_key}"}
    websocket = WebSocket(live, {**bearer, "Origin": url}, context=context)
    assert websocket.receive().startswith('0{"sid":')
    websocket.close()
    with pytest.raises(Refused) as refused:
        WebSocket(live, {**bearer, "Origin": url.replace("https", "http")}, context=context)
    assert refused.value.status == 403

    # Plain HTTP on a TLS port, and a client that says nothing, harm nobody.
    try:
        assert b"200 OK" not in exchange(control, CLOSE)
    except ConnectionResetError:
        pass

    legacy = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    legacy.check_hostname, legacy.verify_mode = False, ssl.CERT_NONE
    legacy.minimum_version, legacy.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    legacy.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", control.port), timeout=5) as link, pytest.raises((ssl.SSLError, OSError)):
        legacy.wrap_socket(link)


@pytest.mark.parametrize("listen, options, reason", [
    ("0.0.0.0:0", (), "not a loopback address"),
    ("[::]:0", (), "not a loopback address"),
    ("nonsense", (), "not an address and port"),
    ("127.0.0.1:0", ("--tls-cert", "/nowhere"), "together"),
])
def test_exposure_needs_a_decision(listen, options, reason):
    data = processes.short_dir()
    try:
        ended = subprocess.run([processes.EM_CONTROL, "--data", data / "data", "--listen", listen, *options],
                               capture_output=True, text=True, timeout=processes.START_DEADLINE_S, check=False)
        assert ended.returncode != 0 and reason in ended.stderr, ended.stderr
    finally:
        processes.shutil.rmtree(data)


# The document -------------------------------------------------------------------------------------------------------


def test_the_openapi_document_describes_what_is_there(api):
    document = api.get("/api/v1/openapi.json").json()
    printed = subprocess.run([processes.EM_CONTROL, "--openapi"], capture_output=True, text=True, check=True, timeout=30)
    assert document == json.loads(printed.stdout)

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"] and operation["summary"] and operation["responses"]["default"]
            # Without credentials nothing but the public operations answers.
            concrete = path.replace("{id}", "00000000-0000-7000-8000-000000000000")
            reply = requests.request(method, f"{api.url}{concrete}", timeout=10)
            assert (reply.status_code == 401) == ("security" not in operation) or reply.status_code in (400, 415), path


def test_every_reference_of_the_document_leads_somewhere(api):
    document = api.get("/api/v1/openapi.json").json()

    def walk(value):
        if isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                found = document
                for step in reference.removeprefix("#/").split("/"):
                    found = found[step.replace("~1", "/").replace("~0", "~")]
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(document)


@pytest.mark.slow
def test_readiness_names_every_part(start_control):
    control = start_control()
    parts = requests.get(f"{control.url}/readyz", timeout=5).json()["checks"]
    assert parts == {part: {"ready": True, "reason": None} for part in ("database", "engine", "bus")}
    (control.data / "bus.sock").unlink()
    reply = requests.get(f"{control.url}/readyz", timeout=5)
    assert reply.status_code == 503
    assert reply.json()["checks"]["bus"] == {"ready": False,
                                             "reason": "the socket of the bus is gone: only a new start makes it"}


@pytest.mark.parametrize("path, status", [("/", (200, 404)), ("/login/", (200, 404)), ("/nowhere", (404,)), ("/docs", (308,)),
                                          ("/api/v1/nowhere", (404,)), ("/hooks/nothing", (404,)), ("/socket.io/?EIO=4", (400,))])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_whatever_is_asked_for_the_headers_are_there(control, method, path, status):
    """Which, is in contract.py, through which all replies of these tests go."""
    with processes.Client(control.url) as client:
        reply = client.request(method, path, allow_redirects=False)
    assert reply.status_code in status or method != "GET"


ORIGINS = ["http://evil.test", "https://evil.test:8443", "null", "{own}", "{own}.evil.test", "https://localhost", "file://"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_other_site_is_given_access(control, api, origin):
    """Whatever a page's origin, nothing tells its browser that it may read an answer, or send more than a form could."""
    origin = {"Origin": origin.format(own=control.url)}
    preflight = {**origin, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization,x-csrf-token",
                 "Access-Control-Request-Private-Network": "true"}
    live = "/socket.io/?EIO=4&transport=polling"
    session = Polling(f"{control.url}/socket.io/", {**api.headers, **origin})
    replies = [session.opened]
    if session.opened.status_code == 200:
        session.say("1")
    with processes.Client(control.url) as stranger:
        for client in (api, stranger):
            replies += [client.get("/api/v1/systems", headers=origin), client.get("/", headers=origin)]
            replies += [client.options(path, headers=preflight) for path in ("/api/v1/systems", "/api/v1/session", "/nowhere", live)]
        replies += [stranger.get("/api/v1/nowhere", headers=origin), stranger.get(live, headers=origin)]
    assert {reply.status_code for reply in replies} >= {200, 204, 400, 401, 404}
    for reply in replies:
        assert not [name for name in reply.headers if name.lower().startswith("access-control")], reply.url
        assert origin["Origin"] not in reply.headers.values(), reply.url


@pytest.mark.parametrize("target", ["/api/v1/tree?include=helth", "/api/v1/tree?include=health,checks", "/api/v1/tree?depth=-1",
                                    "/api/v1/checks?limit=0", "/api/v1/checks?cursor=zzz", "/api/v1/systems?colour=red",
                                    "/api/v1/health/events?cursor=zzz"])
def test_wrong_query_parameters_are_refused(api, target):
    reply = api.get(target)
    assert reply.status_code == 400 and reply.json()["code"] == "parameters_invalid", reply.text


def test_answers_tell_nothing_of_the_inside(control, api):
    """Whatever is asked, no answer holds SQL, a path, a version of a library or a stack."""
    tries = ["/api/v1/organisations?cursor=x'", "/api/v1/organisations/1", "/api/v1/systems?limit=99999999999999999999",
             "/api/v1/checks?q=%00", "/api/v1/organisations?q=%27%20OR%201=1--", "/api/v1/%2e%2e/%2e%2e/etc/passwd",
             "/api/v1/organisations/00000000-0000-0000-0000-000000000000", "/api/v1/organisations?cursor=AAAA"]
    for target in tries:
        reply = api.get(target)
        assert reply.status_code in (200, 400, 404, 422), (target, reply.text)
        contract.check_says_nothing_of_the_inside(reply, target)


# Certificates and proxies ---------------------------------------------------------------------------------------------

def make_certificate(cert, key, name, days=2):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    for path in (cert, key):
        path.chmod(0o644)  # the service, which has given root up, reads it again


def name_of_certificate(control):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", control.port), timeout=5) as link, context.wrap_socket(link) as tls:
        shown = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
    subject = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=shown, capture_output=True, text=True, check=True)
    return subject.stdout.strip().rsplit(" ", 1)[-1]


def https_ready(control):
    def is_up():
        assert control.is_running(), control.tail()
        try:
            return requests.get(f"https://127.0.0.1:{control.port}/readyz", verify=False, timeout=5).status_code == 200
        except requests.RequestException:
            return False
    processes.wait_until(is_up, processes.START_DEADLINE_S, what="/readyz over TLS")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_new_certificate_is_taken_up_without_a_restart(start_control):
    folder = processes.short_dir()
    folder.chmod(0o755)
    cert, key = folder / "cert.pem", folder / "key.pem"
    make_certificate(cert, key, "first")
    control = start_control("--tls-cert", cert, "--tls-key", key, ready=False)
    https_ready(control)
    assert name_of_certificate(control) == "first"
    with requests.Session() as kept:
        kept.trust_env, kept.verify = False, False
        assert kept.get(f"https://127.0.0.1:{control.port}/healthz", timeout=5).status_code == 200
        # A pair that does not fit is not taken.
        make_certificate(cert, folder / "other.pem", "torn")
        processes.wait_until(lambda: "certificate.renewal_failed" in control.tail(), 20, what="the refusal")
        assert name_of_certificate(control) == "first"
        (folder / "other.pem").rename(key)
        processes.wait_until(lambda: name_of_certificate(control) == "torn", 20, what="the mended pair")
        # Another name for the same file: as certificate managers put them there.
        make_certificate(folder / "next.pem", folder / "next.key", "second")
        (folder / "next.key").rename(key)
        (folder / "next.pem").rename(cert)
        processes.wait_until(lambda: name_of_certificate(control) == "second", 20, what="the second certificate")
        assert kept.get(f"https://127.0.0.1:{control.port}/healthz", timeout=5).status_code == 200
    ends = next(line for line in requests.get(f"https://127.0.0.1:{control.port}/metrics", verify=False, timeout=5).text.splitlines()
                if line.startswith("em_http_certificate_not_after_seconds "))
    assert 0 < float(ends.split()[1]) - processes.time.time() < 3 * 86400
    assert "certificate.ending" in control.tail()
    processes.shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("options, spoken", [((), False), (("--tls-min-version", "1.2"), True)])
@pytest.mark.filterwarnings("ignore")
def test_tls_1_2_is_an_option(start_control, certificate, options, spoken):
    cert, key = certificate
    control = start_control("--tls-cert", cert, "--tls-key", key, *options, ready=False)
    https_ready(control)
    context = ssl.create_default_context(cafile=cert)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", control.port), timeout=5) as link:
        if spoken:
            assert context.wrap_socket(link, server_hostname="localhost").version() == "TLSv1.2"
        else:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(link, server_hostname="localhost")


@pytest.mark.slow
def test_only_listed_proxies_are_believed(start_control):
    control = start_control("--trusted-proxies", "127.0.0.1")
    other = {"X-Forwarded-For": "192.0.2.7"}
    assert requests.get(f"{control.url}/metrics", timeout=5).status_code == 200
    assert requests.get(f"{control.url}/metrics", headers=other, timeout=5).status_code == 401
    assert requests.get(f"{control.url}/metrics", headers={"X-Forwarded-For": "127.0.0.1, 192.0.2.7"}, timeout=5).status_code == 401

    signed_in = requests.post(f"{control.url}/api/v1/session", json={"api_key": control.admin_key},
                              headers={**other, "X-Forwarded-Proto": "https"}, timeout=5)
    assert signed_in.headers["Set-Cookie"].startswith("__Host-em_session=") and "; Secure" in signed_in.headers["Set-Cookie"]
    plain = requests.post(f"{control.url}/api/v1/session", json={"api_key": control.admin_key}, timeout=5)
    assert plain.headers["Set-Cookie"].startswith("em_session=")

    with control.client() as client:
        made = client.post("/api/v1/organisations", json={"key": "proxied", "name": "Proxied"}, headers=other).json()
        assert client.read(f"organisations/{made['id']}/history")["items"][0]["address"] == "192.0.2.7"

    # A page that came over TLS is no page of ours when its origin is not.
    live = f"{control.url}/socket.io/"
    for scheme, status in (("https", 200), ("http", 403)):
        headers = {"Authorization": f"Bearer {control.admin_key}", "X-Forwarded-Proto": "https",
                   "Origin": f"{scheme}://127.0.0.1:{control.port}"}
        assert Polling(live, headers).opened.status_code == status
        try:
            WebSocket(f"{live}?EIO=4&transport=websocket", headers).close()
            assert status == 200
        except Refused as refused:
            assert refused.status == status


def test_without_a_list_nobody_is_believed(control):
    assert requests.get(f"{control.url}/metrics", headers={"X-Forwarded-For": "192.0.2.7"}, timeout=5).status_code == 200
    signed_in = requests.post(f"{control.url}/api/v1/session", json={"api_key": control.admin_key},
                              headers={"X-Forwarded-Proto": "https"}, timeout=5)
    assert signed_in.headers["Set-Cookie"].startswith("em_session=")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "get"])
def test_other_methods_are_refused(control, method):
    answer = exchange(control, f"{method} /api/v1/systems HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert statuses(answer)[0] in (400, 405, 501), answer


def test_a_method_cannot_be_overridden(api, estate):
    path = f"/api/v1/systems/{estate.system['id']}"
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert api.get(path, headers={header: "DELETE"}).status_code == 200
        assert api.post(path, headers={header: "DELETE"}).status_code == 405
        # What it says it is, it is: a POST to a collection makes one more.
        made = api.post("/api/v1/systems", headers={header: "DELETE"}, json={
            "business_unit": estate.unit["id"], "key": header.lower(), "name": "Made"})
        assert made.status_code == 201 and api.get(made.headers["Location"]).status_code == 200
    for method in ("DELETE", "PATCH"):
        assert api.get(path, params={"_method": method}).status_code == 400
        assert api.post(path, params={"_method": method}).status_code == 405
        assert api.post(path, data={"_method": method}).status_code in (405, 415)
    assert api.get(path).json()["version"] == estate.system["version"]
