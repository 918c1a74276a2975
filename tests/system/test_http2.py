"""HTTP/2 on the API's listener: the same answers as by HTTP/1.1, over TLS and without, and in its own ways."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
from urllib.parse import urlsplit

import pytest
import requests

import processes
from engine_io import WebSocket
from http2_client import Http2Client, RawClient
from servers.http2 import END_HEADERS, END_STREAM, HEADERS, fields, frame

JSON = ("content-type", "application/json")


@pytest.fixture
def client(control):
    with Http2Client(control.port) as one:
        yield one


def curl(*options):
    return subprocess.run(["curl", "--silent", "--show-error", "--max-time", "20", *map(str, options)],
                          capture_output=True, text=True, check=True, timeout=30).stdout


# The same answers ------------------------------------------------------------------------------------------------

SAME = {
    "a short answer": ("GET", "/healthz", {}, None),
    "nothing there": ("GET", "/api/v1/nowhere", {}, None),
    "a list": ("GET", "/api/v1/organisations?limit=2", {"key": True}, None),
    "no credentials": ("GET", "/api/v1/organisations", {}, None),
    "wrong credentials": ("GET", "/api/v1/organisations", {"authorization": "Bearer em_key_nobody"}, None),
    "another method": ("DELETE", "/api/v1/openapi.json", {"key": True}, None),
    "what is allowed": ("OPTIONS", "/api/v1/organisations", {}, None),
    "the head alone": ("HEAD", "/api/v1/openapi.json", {}, None),
    "a wrong parameter": ("GET", "/api/v1/checks?limit=0", {"key": True}, None),
    "a compressed answer": ("GET", "/api/v1/openapi.json", {"accept-encoding": "br"}, None),
    "a path that escapes": ("GET", "/api/v1/%2e%2e/etc/passwd", {"key": True}, None),
    "a file": ("GET", "/", {}, None),
    "a missing file": ("GET", "/_next/static/none.js", {}, None),
    "a document that is none": ("POST", "/api/v1/organisations", {"key": True, "content-type": "application/json"}, b"{"),
    "wrong fields": ("POST", "/api/v1/organisations", {"key": True, "content-type": "application/json"}, b'{"a":1}'),
    "another type": ("POST", "/api/v1/organisations", {"key": True, "content-type": "text/xml"}, b"<a/>"),
    "no body": ("POST", "/api/v1/organisations", {"key": True, "content-type": "application/json"}, None),
    "a body where none belongs": ("GET", "/", {"content-type": "application/json"}, b"{}"),
    "an expectation": ("POST", "/api/v1/organisations", {"key": True, "expect": "a miracle",
                                                         "content-type": "application/json"}, b"{}"),
    "another method's name": ("PROPFIND", "/api/v1/systems", {"key": True}, None),
}


@pytest.mark.parametrize("name", SAME)
def test_answers_are_those_of_http_1(control, client, name):
    method, path, headers, body = SAME[name]
    headers = {**headers, "x-request-id": "the-same"}
    if headers.pop("key", False):
        headers["authorization"] = f"Bearer {control.admin_key}"
    connection = http.client.HTTPConnection("127.0.0.1", control.port, timeout=20)
    connection.request(method, path, body=body, headers={"Host": "localhost", **headers})
    one = connection.getresponse()
    old_body = one.read()
    new = client.ask(method, path, [*headers.items()], body)

    assert new.status == one.status
    old = {key.lower(): value for key, value in one.getheaders() if key.lower() not in ("connection", "keep-alive")}
    for varying in ("date", "ratelimit"):
        assert (varying in old) == (varying in new.headers)
        old.pop(varying, None)
        new.headers.pop(varying, None)
    assert (new.headers, new.body) == (old, old_body)
    connection.close()


def test_what_the_caller_has_is_not_sent_again(client):
    first = client.ask("GET", "/api/v1/openapi.json")
    again = client.ask("GET", "/api/v1/openapi.json", [("if-none-match", first.headers["etag"])])
    assert (again.status, again.body) == (304, b"") and "content-length" not in again.headers


def test_what_is_written_stands_in_the_journal_with_the_requests_id(control, client, estate):
    headers = [("authorization", f"Bearer {control.admin_key}"), JSON, ("x-request-id", "by-http-2")]
    path = f"/api/v1/systems/{estate.system['id']}"
    assert client.ask("PATCH", path, [*headers, ("content-length", "24")], b'{"description": "by h2"}').status == 200
    history = json.loads(client.ask("GET", f"{path}/history", headers[:1]).body)
    assert any(row["request_id"] == "by-http-2" for row in history["items"]), history


def test_a_cookie_in_parts_is_one_cookie(control, client):
    key = json.dumps({"api_key": control.admin_key}).encode()
    signed_in = client.ask("POST", "/api/v1/session", [JSON], key)
    assert signed_in.status == 200
    cookie = signed_in.headers["set-cookie"].split(";")[0]
    parts = [("cookie", "a=b"), ("cookie", cookie), ("cookie", "c=d")]
    assert client.ask("GET", "/api/v1/organisations", parts).status == 200
    token = json.loads(signed_in.body)["csrf_token"]
    assert client.ask("DELETE", "/api/v1/session", parts).status == 403
    own = [("origin", "http://localhost"), ("x-csrf-token", token)]
    assert client.ask("DELETE", "/api/v1/session", parts + own, authority="other").status == 403
    assert client.ask("DELETE", "/api/v1/session", parts + own).status == 204


def test_curl_speaks_it_without_tls(control):
    said = curl("--http2-prior-knowledge", "--write-out", "\n%{http_version} %{http_code}", f"{control.url}/healthz")
    assert said.splitlines()[-1] == "2 200" and json.loads(said.splitlines()[0])["status"] == "ok"


def test_an_upgrade_to_it_is_not_made(control):
    said = curl("--http2", "--write-out", "\n%{http_version} %{http_code}", f"{control.url}/healthz")
    assert said.splitlines()[-1] == "1.1 200"


# TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls_control():
    folder = processes.short_dir()
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    control = processes.Control("--tls-cert", cert, "--tls-key", key)
    control.cert = cert

    def is_up():
        assert control.is_running(), control.tail()
        try:
            return requests.get(f"https://127.0.0.1:{control.port}/readyz", verify=str(cert), timeout=5).status_code == 200
        except requests.RequestException:
            return False

    processes.wait_until(is_up, processes.START_DEADLINE_S, what="/readyz over TLS")
    yield control
    control.stop()
    control.remove()
    processes.shutil.rmtree(folder)


@pytest.mark.parametrize("offered, chosen", [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"),
                                             (["h2"], "h2"), (["spdy/3"], None), (None, None)])
def test_the_protocol_is_agreed_on_by_tls(tls_control, offered, chosen):
    context = ssl.create_default_context(cafile=tls_control.cert)
    if offered:
        context.set_alpn_protocols(offered)
    with socket.create_connection(("127.0.0.1", tls_control.port), timeout=5) as link:
        with context.wrap_socket(link, server_hostname="localhost") as tls:
            assert tls.selected_alpn_protocol() == chosen
            if chosen != "h2":  # it speaks HTTP/1.1, and nothing else
                tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                assert tls.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_it_is_spoken_over_tls(tls_control):
    with Http2Client(tls_control.port, cafile=tls_control.cert) as client:
        reply = client.ask("GET", "/api/v1/openapi.json")
        assert reply.status == 200 and len(reply.body) == int(reply.headers["content-length"]) > 100000
        assert reply.headers["strict-transport-security"].startswith("max-age=31536000")
        key = json.dumps({"api_key": tls_control.admin_key}).encode()
        signed_in = client.ask("POST", "/api/v1/session", [JSON], key)
        assert signed_in.headers["set-cookie"].startswith("__Host-em_session=")
    said = curl("--cacert", tls_control.cert, "--write-out", "\n%{http_version}", f"https://localhost:{tls_control.port}/healthz")
    assert said.splitlines()[-1] == "2"


@pytest.mark.parametrize("tls", [False, True])
def test_ten_thousand_requests_are_all_answered(request, tls):
    """h2load: 10 connections of 32 streams."""
    control = request.getfixturevalue("tls_control" if tls else "control")
    url = f"https://127.0.0.1:{control.port}" if tls else control.url
    before = control_metric(control, tls, "em_http_requests_total{class=\"ok\"}")
    said = subprocess.run(["h2load", "-n", "10000", "-c", "10", "-m", "32", f"{url}/healthz"],
                          capture_output=True, text=True, check=True, timeout=120).stdout
    assert "10000 total, 10000 started, 10000 done, 10000 succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert "status codes: 10000 2xx" in said, said
    assert control_metric(control, tls, "em_http_requests_total{class=\"ok\"}") >= before + 10000


def control_metric(control, tls, name):
    url = f"https://127.0.0.1:{control.port}" if tls else control.url
    text = requests.get(f"{url}/metrics", verify=str(control.cert) if tls else True, timeout=10).text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


# Streams ---------------------------------------------------------------------------------------------------------


def test_many_streams_at_once(control, client):
    """100 reads by the pipeline and 27 writes by workers, begun before any is answered."""
    key = ("authorization", f"Bearer {control.admin_key}")
    reads = [client.begin("GET", "/api/v1/organisations", [key]) for _ in range(100)]
    writes = [client.begin("POST", "/api/v1/organisations", [key, JSON], b'{"key": "A bad key"}') for _ in range(27)]
    assert {client.answer(stream).status for stream in reads} == {200}
    assert {client.answer(stream).status for stream in writes} == {422}


def test_a_long_answer_does_not_hold_up_a_short_one(client):
    """The window of the long one is full; the connection's is not."""
    client.opens_windows = False
    client.h2.increment_flow_control_window(10_000_000)
    long = client.begin("GET", "/api/v1/openapi.json")
    client.wait(lambda: len(client.answers[long].body) == 65535, "a full window")
    assert client.ask("GET", "/healthz").status == 200
    assert not client.answers[long].is_over
    client.h2.increment_flow_control_window(10_000_000, long)
    client.flush()
    assert len(client.answer(long).body) == int(client.answers[long].headers["content-length"])


def test_bodies_that_come_at_once(control):
    """More uploads than may have more than the first window: all arrive."""
    key = f"Bearer {control.admin_key}"
    body = json.dumps({"key": "x" * 300_000}).encode()
    with Http2Client(control.port) as client:
        streams = [client.begin("POST", "/api/v1/organisations", [("authorization", key), JSON], ends=False) for _ in range(12)]
        left = {stream: body for stream in streams}
        while any(left.values()):
            moved = False
            for stream in streams:
                size = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size, len(left[stream]))
                if size > 0:
                    client.h2.send_data(stream, left[stream][:size], end_stream=size == len(left[stream]))
                    left[stream], moved = left[stream][size:], True
            client.flush()
            if not moved:
                client.read()
                assert not client.is_closed
        assert {client.answer(stream).status for stream in streams} == {422}


def test_the_body_limit_holds_to_the_byte(control, client):
    headers = [("authorization", f"Bearer {control.admin_key}"), JSON]
    body = b'{"key":"' + b"x" * (1024 * 1024 - 10) + b'"}'
    assert client.ask("POST", "/api/v1/organisations", headers, body).status == 422
    assert client.ask("POST", "/api/v1/organisations", headers, body + b" ").status == 413
    announced = [*headers, ("content-length", str(1024 * 1024 + 1))]
    assert client.ask("POST", "/api/v1/organisations", announced, ends=False).status == 413
    assert client.ask("GET", "/healthz").status == 200  # the connection goes on


def test_head_limits_hold_to_the_byte(control):
    pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/healthz")]
    room = 16 * 1024 - sum(len(name) + len(value) + 32 for name, value in pseudo)

    def ask(headers, path="/healthz"):
        with Http2Client(control.port) as client:
            client.h2.max_outbound_frame_size = 16384
            return client.ask("GET", path, headers).status

    assert ask([("x", "y" * (room - 33))]) == 200
    assert ask([("x", "y" * (room - 32))]) == 431
    assert ask([("x", "y")] * 96) == 200
    assert ask([("x", "y")] * 97) == 431
    assert ask([], "/" + "x" * (8 * 1024 - 1)) == 404
    assert ask([], "/" + "x" * (8 * 1024)) == 414


MALFORMED = {
    "two authorities": [(":authority", "a"), ("host", "b")],
    "a host that is none": [(":authority", "a,b")],
    "another scheme": [(":scheme", "ftp")],
    "a name with a blank": [("a b", "c")],
    "a value with a line end": [("a", "b\nc")],
    "a value with NUL": [("a", "b\0c")],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_told_so(control, name):
    head = {":method": "GET", ":scheme": "http", ":authority": "a", ":path": "/healthz", **dict(MALFORMED[name])}
    with RawClient(control.port) as client:
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, fields(*head.items())))
        assert client.hear(lambda: client.heads == [1] and client.body_bytes > 100), "no problem document"
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, fields(*GOOD)))
        assert client.hear(lambda: client.heads == [1, 3]), "the connection is over"


GOOD = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/healthz")]


def test_what_is_expected_is_told_before_the_body(control, client):
    """100 comes first; then the body is asked for."""
    key = f"Bearer {control.admin_key}"
    stream = client.begin("POST", "/api/v1/organisations", [("authorization", key), JSON, ("expect", "100-continue")], ends=False)
    told = []
    plain = client.h2.receive_data

    def receive(data):
        events = plain(data)
        told.extend(type(event).__name__ for event in events)
        return events

    client.h2.receive_data = receive
    client.wait(lambda: "InformationalResponseReceived" in told, "100")
    client.more(stream, b"{}")
    assert client.answer(stream).status == 422


# The live protocols ------------------------------------------------------------------------------------------------


def test_polling_goes_by_it(echo):
    """A poll waits on one stream while others go on; what is posted comes back by it."""
    base = "/engine.io/?EIO=4&transport=polling"
    with Http2Client(urlsplit(echo.url).port) as client:
        opened = client.ask("GET", base)
        assert opened.status == 200 and opened.body.startswith(b"0")
        base += "&sid=" + json.loads(opened.body[1:])["sid"]
        poll = client.begin("GET", base)
        assert client.ask("POST", base, [("content-type", "text/plain")], b"4hello").body == b"ok"
        assert client.answer(poll).body == b"4hello"
        poll = client.begin("GET", base)
        client.ask("POST", base, [("content-type", "text/plain")], b"3")
        client.h2.reset_stream(poll, 8)
        client.flush()
        assert client.ask("GET", base).status == 400  # giving a poll up ends the session


def test_websockets_stay_with_http_1(echo):
    with Http2Client(urlsplit(echo.url).port) as client:
        assert client.ask("GET", "/engine.io/?EIO=4&transport=websocket").status == 400
        assert client.h2.remote_settings.enable_connect_protocol == 0
    socket_ = WebSocket(f"{echo.url}/engine.io/?EIO=4&transport=websocket")
    assert socket_.hear().startswith("0")
    socket_.close()


# The end -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_stop_lets_end_what_is_under_way(start_control):
    control = start_control()
    key = ("authorization", f"Bearer {control.admin_key}")
    with Http2Client(control.port) as client, Http2Client(control.port) as idle:
        assert idle.ask("GET", "/healthz").status == client.ask("GET", "/healthz").status == 200
        stream = client.begin("POST", "/api/v1/organisations", [key, JSON], ends=False)
        client.more(stream, b"{", ends=False)
        assert client.ask("GET", "/healthz").status == 200
        stopping = threading.Thread(target=control.stop)
        stopping.start()
        client.wait(lambda: client.goodbyes, "goodbye")
        assert client.goodbyes == [(2**31 - 1, 0)]
        client.wait(lambda: len(client.goodbyes) == 2, "second goodbye")
        assert client.goodbyes[1] == (stream + 2, 0)
        client.h2.state_machine.state = h2_open()
        client.more(stream, b"}")
        assert client.answer(stream).status == 422
        client.wait(lambda: client.is_closed, "end")
        idle.wait(lambda: idle.is_closed, "end")
        assert idle.goodbyes and idle.goodbyes[-1][1] == 0
        stopping.join()


def h2_open():
    """The library lets nothing be sent after GOAWAY, though streams that are under way go on."""
    return __import__("h2.connection").connection.ConnectionState.CLIENT_OPEN


def test_vanishing_clients_leave_nothing_behind(control, api):
    """Clients that go in the middle of a head, a body, an answer, or a running handler."""
    key = ("authorization", f"Bearer {control.admin_key}")
    for number in range(60):
        client = Http2Client(control.port)
        for _ in range(number % 7):
            client.begin("GET", "/api/v1/openapi.json", [key])
            client.begin("GET", "/api/v1/organisations", [key])
            client.begin("POST", "/api/v1/organisations", [key, JSON], b'{"key": "A bad key"}')
            client.begin("POST", "/api/v1/organisations", [key, JSON], ends=False)
        if number % 2:  # by RST
            client.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.link.close()
    processes.wait_until(lambda: control.metric("em_http2_streams") == 0, what="the streams to be gone")
    processes.wait_until(lambda: control.metric("em_http2_connections") == 0, what="the connections to be gone")
    assert api.get("/healthz").status_code == 200
