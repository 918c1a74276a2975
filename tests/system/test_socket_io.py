"""Socket.IO 5 as a client meets it: namespaces, events, acknowledgements and attachments, over both transports."""

import base64
import json

import pytest

from engine_io import Polling

BINARY = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


class OverHttp:
    """A polling session with the words of a WebSocket: one message in, one out."""

    def __init__(self, echo):
        self.session = Polling(f"{echo.url}/socket.io/")
        self.waiting = []

    def send(self, message):
        self.session.say(message if isinstance(message, str) else "b" + base64.b64encode(message).decode())

    def hear(self):
        while not self.waiting:
            self.waiting = self.session.hear()
        packet = self.waiting.pop(0)
        return base64.b64decode(packet[1:]) if packet.startswith("b") else packet

    def close(self):
        self.session.http.close()


@pytest.fixture(params=["websocket", "polling"])
def link(echo, request):
    """A session over each transport, before CONNECT."""
    session = echo.socket("/socket.io/") if request.param == "websocket" else OverHttp(echo)
    yield session
    session.close()


@pytest.fixture
def joined(link):
    """The same, connected to the namespace "/"."""
    link.send("40")
    assert link.hear().startswith('40{"sid":"')
    assert link.hear() == '42["auth",{}]'
    return link


@pytest.mark.parametrize("connect, begin, auth", [
    ("40", "40", '42["auth",{}]'),
    ('40{"token":"123"}', "40", '42["auth",{"token":"123"}]'),
    ("40/custom,", "40/custom,", '42/custom,["auth",{}]'),
    ("40/custom", "40/custom,", '42/custom,["auth",{}]'),
    ('40/custom,{"token":[1]}', "40/custom,", '42/custom,["auth",{"token":[1]}]'),
])
def test_a_namespace_lets_in(link, connect, begin, auth):
    link.send(connect)
    greeting = link.hear()
    assert greeting.startswith(begin)
    assert list(json.loads(greeting[len(begin):])) == ["sid"]
    assert link.hear() == auth


def test_an_unknown_namespace_is_refused_and_no_more(link):
    link.send("40/random")
    assert link.hear() == '44/random,{"message":"Invalid namespace"}'
    link.send("40")
    assert link.hear().startswith("40{")


@pytest.mark.parametrize("said, heard", [
    ('42["message",1,"2",{"3":[true]}]', ['42["message-back",1,"2",{"3":[true]}]']),
    ('42["message"]', ['42["message-back"]']),
    ('427["message","\N{SNOWMAN}"]', ['42["message-back","\N{SNOWMAN}"]']),
    ('42456["message-with-ack",1,{"3":[false]}]', ['43456[1,{"3":[false]}]']),
    ('420["message-with-ack"]', ["430[]"]),
    (f'452-["message",{BINARY}]', [f'452-["message-back",{BINARY}]', bytes([1, 2, 3]), bytes([4, 5, 6])]),
    (f'452-789["message-with-ack",{BINARY}]', [f"462-789[{BINARY}]", bytes([1, 2, 3]), bytes([4, 5, 6])]),
])
def test_what_is_said_comes_back(joined, said, heard):
    joined.send('42["nobody knows this"]')
    joined.send(said)
    for attachment in [message for message in heard if isinstance(message, bytes)]:
        joined.send(attachment)
    assert [joined.hear() for _ in heard] == heard


def test_two_namespaces_on_one_connection(joined):
    joined.send("40/custom,")
    assert joined.hear().startswith("40/custom,{")
    assert joined.hear() == '42/custom,["auth",{}]'
    joined.send('42/custom,5["message-with-ack","a"]')
    joined.send('425["message-with-ack","b"]')
    assert [joined.hear(), joined.hear()] == ['43/custom,5["a"]', '435["b"]']
    joined.send("41/custom,")
    joined.send('42["message","still here"]')
    assert joined.hear() == '42["message-back","still here"]'


def test_who_disconnects_keeps_the_session(echo):
    link = echo.socket("/socket.io/")
    link.send("40")
    assert link.hear().startswith("40{") and link.hear() == '42["auth",{}]'
    link.send("41")
    assert link.receive() == "2"
    link.send("3")
    link.send("40")
    assert link.hear().startswith("40{")
    link.close()


def test_who_connects_to_nothing_is_sent_away(echo):
    link = echo.socket("/socket.io/")
    while (message := link.receive()) == "2":  # alive, but says nothing
        link.send("3")
    assert message is None
    link.close()


BAD = ["4", "4abc", "47", "42{}", "42[]", "42[1]", "42", '42abc["message"]', '42["message"', '42/custom,["message"]', "43[]",
       '44{"message":"no"}', '45["message"]', '4517-["message"]', '451-["message",{"_placeholder":true,"num":1}]', "40",
       "41/custom,", b"nobody asked"]


@pytest.mark.parametrize("packet", BAD)
def test_a_bad_packet_ends_the_connection(echo, packet):
    link = echo.socket("/socket.io/")
    link.send("40")
    assert link.hear().startswith("40{") and link.hear() == '42["auth",{}]'
    link.send(packet)
    assert link.hear() is None
    link.close()


@pytest.mark.parametrize("packet", ["4abc", '42["message"]', "41", "40[]", '40"text"', "405{}", "40/" + "x" * 200])
def test_a_bad_beginning_ends_the_connection(echo, packet):
    link = echo.socket("/socket.io/")
    link.send(packet)
    assert link.hear() is None
    link.close()


def test_text_in_place_of_an_attachment_ends_the_connection(echo):
    link = echo.socket("/socket.io/")
    link.send("40")
    assert link.hear().startswith("40{")
    link.send(f'452-["message",{BINARY}]')
    link.send(b"one")
    link.send('42["message"]')
    while (message := link.hear()) is not None:
        assert message == '42["auth",{}]'
    link.close()


def test_attachments_have_a_bound_together(echo):
    link = echo.socket("/socket.io/")
    link.send("40")
    assert link.hear().startswith("40{") and link.hear() == '42["auth",{}]'
    link.send(f'452-["message",{BINARY}]')
    link.send(b"x" * 600000)
    link.send(b"x" * 600000)
    assert link.hear() is None
    link.close()
