"""Engine.IO 4 as a client meets it: sessions over long-polling and WebSocket, and from the one to the other.

The echo server speaks by the product's own code; its heartbeat is so short that time can be waited for.
"""

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests

import processes
from engine_io import EchoServer, Polling, Refused, WebSocket
from instance import run

INTERVAL_S = 0.3
TIMEOUT_S = 0.2


@pytest.fixture
def poller(echo):
    """poller(): a long-polling session of the echo."""
    return lambda: Polling(f"{echo.url}/engine.io/")


def raw(echo, text):
    """Bytes sent as they are; the socket, to go on with."""
    parts = urlsplit(echo.url)
    link = socket.create_connection((parts.hostname, parts.port), timeout=20)
    link.sendall(text.encode())
    return link


def test_a_session_is_opened_over_http(poller):
    session = poller()
    assert session.opened.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert session.opened.headers["Cache-Control"] == "no-store"
    assert {**session.hello, "sid": ""} == {"sid": "", "upgrades": ["websocket"], "pingInterval": 300, "pingTimeout": 200,
                                            "maxPayload": 1000000}
    assert len(session.sid) == 30 and session.sid != poller().sid


def test_a_session_is_opened_over_a_websocket(echo):
    link = WebSocket(f"{echo.url}/engine.io/?EIO=4&transport=websocket")
    hello = json.loads(link.receive()[1:])
    assert hello["upgrades"] == [] and hello["maxPayload"] == 1000000
    link.close()


@pytest.mark.parametrize("method, query, code, message", [
    ("GET", "transport=polling", 5, "Unsupported protocol version"),
    ("GET", "EIO=3&transport=polling", 5, "Unsupported protocol version"),
    ("GET", "EIO=abc&transport=polling", 5, "Unsupported protocol version"),
    ("GET", "EIO=4", 0, "Transport unknown"),
    ("GET", "EIO=4&transport=pigeon", 0, "Transport unknown"),
    ("GET", "EIO=4&transport=polling&sid=none", 1, "Session ID unknown"),
    ("POST", "EIO=4&transport=polling&sid=none", 1, "Session ID unknown"),
    ("POST", "EIO=4&transport=polling", 2, "Bad handshake method"),
    ("PUT", "EIO=4&transport=polling", 2, "Bad handshake method"),
    ("OPTIONS", "EIO=4&transport=polling", 2, "Bad handshake method"),
    ("GET", "EIO=4&transport=websocket", 3, "Bad request"),
])
def test_bad_requests_are_told_apart(echo, method, query, code, message):
    reply = requests.request(method, f"{echo.url}/engine.io/?{query}", timeout=20)
    assert reply.status_code == 400
    assert reply.json() == {"code": code, "message": message}
    assert not any(name.lower().startswith("access-control") for name in reply.headers)


@pytest.mark.parametrize("query", ["transport=websocket", "EIO=3&transport=websocket", "EIO=4", "EIO=4&transport=x",
                                   "EIO=4&transport=websocket&sid=none"])
def test_bad_handshakes_are_refused(echo, query):
    with pytest.raises(Refused) as refused:
        WebSocket(f"{echo.url}/engine.io/?{query}")
    assert refused.value.status == 400


@pytest.mark.parametrize("packets", [["4hello"], ["4one", "4two", "4three"], ["4text", "bAQIDBA=="], ["4\N{SNOWMAN}"], ["4"]])
def test_payloads_come_back(poller, packets):
    session = poller()
    session.say(*packets)
    assert session.hear() == packets


def test_a_waiting_poll_gets_what_comes(poller):
    session = poller()
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(session.hear()))
    waiting.start()
    Polling.say(session, "4later")
    waiting.join(timeout=20)
    assert heard == [["4later"]]


@pytest.mark.parametrize("payload", ["abc", "", "4fine\x1e", "bA", "7", "0", "2", "5", "4\udcff"])
def test_a_bad_payload_ends_the_session(poller, payload):
    session = poller()
    reply = session.http.post(session.target(), data=payload.encode("utf-8", "surrogateescape"), timeout=20)
    assert (reply.status_code, reply.json()["code"]) == (400, 3)
    assert session.get().json() == {"code": 1, "message": "Session ID unknown"}


def test_a_payload_has_a_bound(echo, poller):
    session = poller()
    assert session.http.post(session.target(), data=b"4" * 1000001, timeout=20).status_code == 413
    link = echo.socket("/engine.io/")
    link.send("4" * 1000001)
    assert link.hear() is None and link.code == 1009
    link.close()


def test_a_second_poll_ends_the_session(echo, poller):
    """Whichever of the two the server sees first is told of the end, the other is refused."""
    session = poller()
    host = urlsplit(echo.url).netloc
    target = session.target().removeprefix(echo.url)
    links = [raw(echo, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n") for _ in range(2)]
    answers = sorted(b"".join(iter(lambda link=link: link.recv(4096), b"")) for link in links)
    assert answers[0].startswith(b"HTTP/1.1 200 ") and answers[0].endswith(b"\r\n\r\n1")
    assert answers[1].startswith(b"HTTP/1.1 400 ") and b"Bad request" in answers[1]
    for link in links:
        link.close()
    assert not session.is_open()


def test_a_second_post_ends_the_session(echo, poller):
    session = poller()
    host = urlsplit(echo.url).netloc
    target = session.target().removeprefix(echo.url)
    with raw(echo, f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\n\r\n4he") as first:
        deadline = time.monotonic() + 20
        while session.post("4x").status_code == 200:  # until the server has seen the first one's head
            assert time.monotonic() < deadline
        first.sendall(b"llo")
        assert b"Session ID unknown" in first.recv(4096)
    assert not session.is_open()


def test_a_poll_that_is_given_up_ends_the_session(echo, poller):
    session = poller()
    target = session.target().removeprefix(echo.url)
    raw(echo, f"GET {target} HTTP/1.1\r\nHost: {urlsplit(echo.url).netloc}\r\n\r\n").close()
    began = time.monotonic()
    processes.wait_until(lambda: not session.is_open(), deadline_s=10, what="the end of the session")
    assert time.monotonic() - began < INTERVAL_S + TIMEOUT_S, "it was the heartbeat that ended it"


def test_websocket_messages_come_back(echo):
    link = echo.socket("/engine.io/")
    for message in ("4hello", bytes([1, 2, 3, 4]), "4", b"", "4" + "x" * 70000):
        link.send(message)
        assert link.hear() == message
    link.close()


@pytest.mark.parametrize("packet", ["abc", "", "7", "0", "2", "2probe", "5"])
def test_a_bad_packet_ends_the_connection(echo, packet):
    link = echo.socket("/engine.io/")
    link.send(packet)
    assert link.hear() is None and link.code == 1002
    link.close()


def test_the_heartbeat_keeps_a_poller(poller):
    began = time.monotonic()
    session = poller()
    for _ in range(4):
        reply = session.get()
        assert (reply.status_code, reply.text) == (200, "2")
        session.say("3")
    assert time.monotonic() - began > 3.5 * INTERVAL_S
    assert session.is_open()


def test_the_heartbeat_keeps_a_websocket(echo):
    link = echo.socket("/engine.io/")
    for _ in range(4):
        assert link.receive() == "2"
        link.send("3")
    link.send("4alive")
    assert link.hear() == "4alive"
    link.close()


def test_without_a_pong_a_session_ends(echo, poller):
    session = poller()
    began = time.monotonic()
    assert session.get().text == "2"
    reply = session.get()  # waits until the end, and hears of it
    assert (reply.status_code, reply.text) == (200, "1")
    assert 0.9 * TIMEOUT_S < time.monotonic() - began < 10
    assert not session.is_open()

    link = echo.socket("/engine.io/")
    assert link.receive() == "2"
    assert link.receive() is None and link.code == 1000
    link.close()


def test_a_client_can_leave(echo, poller):
    session = poller()
    session.say("1")
    assert not session.is_open()

    link = echo.socket("/engine.io/")
    link.send("1")
    assert link.hear() is None and link.code == 1000
    link.close()


def test_a_waiting_poll_is_let_go_when_the_client_leaves(echo, poller):
    session = poller()
    target = session.target().removeprefix(echo.url)
    with raw(echo, f"GET {target} HTTP/1.1\r\nHost: {urlsplit(echo.url).netloc}\r\nConnection: close\r\n\r\n") as poll:
        poll.settimeout(0.05)
        with pytest.raises(TimeoutError):  # it waits
            poll.recv(1)
        poll.settimeout(20)
        session.say("1")
        answer = b"".join(iter(lambda: poll.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n6")


def test_a_websocket_takes_over(poller):
    session = poller()
    link = session.upgrade()
    link.send("2probe")
    assert link.receive() == "3probe"
    assert session.get().text == "6"  # polling does not wait any more
    session.say("4said before")
    link.send("5")
    link.send("4hello")
    assert [link.hear(), link.hear()] == ["4said before", "4hello"]
    assert session.get().status_code == 400 and session.post("4x").status_code == 400

    other = session.upgrade()  # is let in, and turned away
    assert other.receive() is None and other.code == 1008
    link.send("4still here")
    assert link.hear() == "4still here"
    other.close()
    link.close()


def test_what_was_sent_while_a_websocket_took_over_is_not_lost(poller):
    session = poller()
    link = session.upgrade()
    link.send("2probe")
    assert link.receive() == "3probe"
    said = [f"4{n}" for n in range(50)]
    session.say(*said)
    link.send("5")
    assert [link.hear() for _ in said] == said
    link.close()


def test_a_websocket_that_does_not_take_over_leaves_polling_alone(poller):
    session = poller()
    link = session.upgrade()
    link.send("2probe")
    assert link.receive() == "3probe"
    link.close()
    session.say("4hello")
    while (heard := session.hear()) == ["6"]:
        pass
    assert heard == ["4hello"]


@pytest.mark.parametrize("packet", ["5", "4hello", "3probe", "2other"])
def test_taking_over_begins_with_a_probe(poller, packet):
    session = poller()
    link = session.upgrade()
    link.send(packet)
    assert link.hear() is None
    assert session.is_open()
    link.close()


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                                     {"Sec-Fetch-Site": "same-site"}])
def test_another_site_is_refused(echo, headers):
    reply = requests.get(f"{echo.url}/engine.io/?EIO=4&transport=polling", headers=headers, timeout=20)
    assert (reply.status_code, reply.json()["code"]) == (403, "origin_refused")
    with pytest.raises(Refused) as refused:
        WebSocket(f"{echo.url}/engine.io/?EIO=4&transport=websocket", headers)
    assert refused.value.status == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_are_not(echo, site):
    session = Polling(f"{echo.url}/engine.io/", {"Origin": echo.url, "Sec-Fetch-Site": site})
    assert session.opened.status_code == 200


def test_a_reader_that_stops_costs_no_memory():
    """It gets back what it says and does not read it: past its bound of 1 MiB the connection is cut."""
    options = "quarantine_size_mb=1:exitcode=99:detect_leaks=1"  # what is freed is given back
    server = EchoServer(env={"ASAN_OPTIONS": options})
    try:
        before_kib = server.resident_kib()
        for _ in range(10):
            link = server.socket("/engine.io/", receive_buffer=4096)
            with pytest.raises(ConnectionError):
                for _ in range(500):
                    link.send(b"x" * 200000)
            link.close()
        assert server.resident_kib() - before_kib < 20 * 1024
    finally:
        server.stop()


def test_it_is_for_this_machine_only():
    ended = run("--test-socketio-echo", "--listen", "0.0.0.0:0")
    assert ended.returncode == 2
    assert "loopback address such as 127.0.0.1:3000, not 0.0.0.0:0" in ended.stderr
