"""Live updates of the product over both transports in plain bytes: who may come and stay, what is missed, what is bounded."""

import json
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
import requests
from engine_io import Polling, Refused, WebSocket
from instance import sql
from processes import wait_until

NOBODY = "00000000-0000-7000-8000-000000000000"
WITHIN_S = 1  # a right that is taken away is gone everywhere
TICK_S = 1


class OverHttp:
    """A polling session with the words of a WebSocket: one message in, one out."""

    def __init__(self, control, headers):
        self.session = Polling(f"{control.url}/socket.io/", headers)
        assert self.session.opened.status_code == 200, self.session.opened.text
        self.send = self.session.say
        self.waiting = []

    def hear(self):
        """The next message; None at the end of the session."""
        while not self.waiting:
            reply = self.session.get()
            if reply.status_code != 200 or reply.text == "1":
                return None
            self.waiting = [packet for packet in reply.text.split("\x1e") if packet != "2"]
            if "2" in reply.text.split("\x1e"):
                self.send("3")
        return self.waiting.pop(0)

    def close(self):
        self.session.say("1")


class OverWebSocket(WebSocket):
    def __init__(self, control, headers):
        super().__init__(f"{control.url}/socket.io/?EIO=4&transport=websocket", headers)
        assert self.receive().startswith('0{"sid":')


class Upgraded(WebSocket):
    """Begun by polling."""

    def __init__(self, control, headers):
        session = Polling(f"{control.url}/socket.io/", headers)
        super().__init__(session.target("websocket"), headers)
        self.send("2probe")
        assert self.receive() == "3probe"
        self.send("5")


TRANSPORTS = {"polling": OverHttp, "websocket": OverWebSocket, "upgraded": Upgraded}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(params=TRANSPORTS)
def connect(request):
    """connect(control, key): a client in the namespace "/", over each transport."""
    opened = []

    def connect(control, key):
        client = TRANSPORTS[request.param](control, bearer(key))
        client.send("40")
        assert client.hear().startswith('40{"sid":')
        opened.append(client)
        return client

    yield connect
    for client in opened:
        if isinstance(client, WebSocket):
            client.close()
        else:
            client.session.post("1")


def subscribe(client, *rooms, seq=None):
    """The answer to a subscription."""
    argument = {"rooms": rooms} if seq is None else {"rooms": rooms, "seq": seq}
    client.send("427" + json.dumps(["subscribe", argument]))
    answer = client.hear()
    assert answer.startswith("437["), answer
    return json.loads(answer[3:])[0]


def hear_event(client, name):
    message = client.hear()
    assert message is not None and message.startswith("42["), message
    event, argument = json.loads(message[2:])
    assert event == name, message
    return argument


def test_a_change_arrives_and_what_was_missed_follows(connect, control, api, estate):
    client = connect(control, control.admin_key)
    room = f"health:{estate.organisation['id']}"
    answer = subscribe(client, room, f"health:{NOBODY}", "nonsense")
    assert (answer["ok"], answer["denied"]) == ([room], [f"health:{NOBODY}", "nonsense"])

    made = api.create("systems", key="first", name="First", business_unit=estate.unit["id"])
    change = hear_event(client, "change")
    assert (change["id"], change["changed"]) == (made["id"], {"entity": "created"})
    client.close()

    missed = [api.create("systems", key=f"missed-{n}", name="Missed", business_unit=estate.unit["id"]) for n in range(3)]
    back = connect(control, control.admin_key)
    subscribe(back, room, seq=change["seq"])
    assert [hear_event(back, "change")["id"] for _ in missed] == [system["id"] for system in missed]
    subscribe(back, room, seq=1)  # long gone
    assert hear_event(back, "resync") == {"room": room}


def test_rooms_need_their_permission(connect, control, api, estate):
    key = api.create("api-keys", name="looks only", scopes=["health.read"])
    client = connect(control, key["key"])
    rooms = [f"{kind}:{estate.organisation['id']}" for kind in ("health", "entity", "journal")]
    answer = subscribe(client, *rooms)
    assert answer["denied"] == [rooms[2]]
    nothing = connect(control, api.create("api-keys", name="sees nothing", scopes=["check.read"])["key"])
    assert subscribe(nothing, *rooms)["denied"] == rooms


def expect_end(client, began):
    while client.hear() is not None:
        pass
    assert time.monotonic() - began < WITHIN_S


def test_a_revoked_key_ends_its_connections(connect, control, api):
    key = api.create("api-keys", name="to be revoked", scopes=["health.read"])
    client = connect(control, key["key"])
    began = time.monotonic()
    assert api.delete(f"/api/v1/api-keys/{key['id']}").status_code == 204
    expect_end(client, began)
    assert Polling(f"{control.url}/socket.io/", bearer(key["key"])).opened.status_code == 401


def test_a_key_that_ends_meanwhile_ends_its_connections(control, api):
    ends = datetime.now(timezone.utc) + timedelta(seconds=2)
    key = api.create("api-keys", name="ends", scopes=["health.read"], expires_at=ends.isoformat())["key"]
    clients = [transport(control, bearer(key)) for transport in TRANSPORTS.values()]
    for client in clients:
        client.send("40")
        assert client.hear().startswith('40{"sid":')
    for client in clients:
        while client.hear() is not None:
            pass
        assert 0 <= (datetime.now(timezone.utc) - ends).total_seconds() < WITHIN_S + TICK_S


@pytest.mark.parametrize("change", [
    "UPDATE api_key SET revoked_at = now() WHERE id = '{id}'",
    "UPDATE api_key SET scopes = '{{check.read}}' WHERE id = '{id}'",
    "DELETE FROM api_key WHERE id = '{id}'",
])
def test_rights_that_others_change_end_its_connections(connect, control, api, estate, change):
    """In the database, behind this program's back: as another em-control would."""
    key = api.create("api-keys", name="to be changed", scopes=["health.read"])
    client = connect(control, key["key"])
    room = f"health:{estate.organisation['id']}"
    assert subscribe(client, room)["ok"] == [room]
    statement = change.format(id=key["id"])
    began = time.monotonic()
    sql(control.data, statement)
    expect_end(client, began)
    if "scopes" in statement:  # it may come back, with the rights that it has now
        assert subscribe(connect(control, key["key"]), room)["denied"] == [room]


def test_the_end_of_a_session_ends_a_poll(control):
    reply = requests.post(f"{control.url}/api/v1/session", json={"api_key": control.admin_key}, timeout=10)
    cookie = {"Cookie": reply.headers["Set-Cookie"].split(";")[0]}
    client = OverHttp(control, cookie)
    began = time.monotonic()
    ended = requests.delete(f"{control.url}/api/v1/session", timeout=10,
                            headers={**cookie, "X-CSRF-Token": reply.json()["csrf_token"]})
    assert ended.status_code == 204
    expect_end(client, began)


def test_a_session_belongs_to_who_opened_it(control, api):
    session = Polling(f"{control.url}/socket.io/", bearer(control.admin_key))
    other = bearer(api.create("api-keys", name="other", scopes=["health.read"])["key"])
    for method in ("GET", "POST"):
        reply = requests.request(method, session.target(), headers=other, data="1" if method == "POST" else None, timeout=10)
        assert (reply.status_code, reply.json()["code"]) == (400, 1)
        assert requests.request(method, session.target(), timeout=10).status_code == 401
    with pytest.raises(Refused) as refused:
        WebSocket(session.target("websocket"), other)
    assert refused.value.status == 400
    assert session.is_open()
    elsewhere = {**bearer(control.admin_key), "Origin": "http://elsewhere.test"}
    assert requests.post(session.target(), headers=elsewhere, data="1", timeout=10).status_code == 403
    assert session.is_open()
    session.say("1")


def test_sessions_of_one_user_are_bounded(control, api):
    """Exactly 20, whichever way they are opened; one that ends makes room."""
    headers = bearer(control.admin_key)
    wait_until(lambda: control.metric("em_live_clients") == 0, 60, what="the end of those that others have left")
    refused = control.metric("em_live_refused_total")
    sessions = []
    while (session := Polling(f"{control.url}/socket.io/", headers)).opened.status_code == 200:
        sessions.append(session)
    assert (session.opened.status_code, session.opened.json()["code"]) == (429, "sessions_limited")
    with pytest.raises(Refused) as websocket:
        OverWebSocket(control, headers)
    assert websocket.value.status == 429
    assert len(sessions) == 20 and control.metric("em_live_refused_total") == refused + 2
    sessions.pop().say("1")
    sessions.append(Polling(f"{control.url}/socket.io/", headers))
    assert sessions[-1].opened.status_code == 200
    for session in sessions:
        session.say("1")


def test_messages_have_a_rate(control):
    session = Polling(f"{control.url}/socket.io/", bearer(control.admin_key))
    assert session.post(*["6"] * 200).status_code == 400
    assert not session.is_open()


def test_payloads_are_as_small_as_they_need_to_be(control):
    session = Polling(f"{control.url}/socket.io/", bearer(control.admin_key))
    assert session.hello["maxPayload"] == 65536 and session.hello["pingInterval"] == 25000
    reply = requests.post(session.target(), headers=bearer(control.admin_key), data="4" * 65537, timeout=10)
    assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")
    session.say("1")


def test_messages_have_a_size(connect, control):
    """One of exactly 64 KiB is read; of one byte more nothing is."""
    for size in (65536, 65537):
        client = connect(control, control.admin_key)
        begin, end = '427["subscribe",{"rooms":["', '"]}]'
        message = begin + "x" * (size - len(begin) - len(end)) + end
        if size > 65536 and isinstance(client, OverHttp):
            assert client.session.post(message).status_code == 413
            continue
        client.send(message)
        answer = client.hear()
        assert answer.startswith('437[{"ok":[],"denied":["xxx') if size == 65536 else answer is None and client.code == 1009


@pytest.mark.slow
def test_a_waiting_poll_does_not_hold_up_the_end(start_control):
    """Nor does it keep a stopped program waiting for its heartbeat."""
    control = start_control()
    session = Polling(f"{control.url}/socket.io/", bearer(control.admin_key))
    link = OverWebSocket(control, bearer(control.admin_key))
    answers = []

    def poll():
        try:
            answers.append(session.get().text)
        except requests.RequestException as error:
            answers.append(error)

    waiting = threading.Thread(target=poll)
    waiting.start()
    wait_until(lambda: control.metric("em_live_clients") == 2, what="both clients")
    began = time.monotonic()
    control.stop()
    assert time.monotonic() - began < 20
    waiting.join(timeout=10)
    assert not waiting.is_alive() and link.receive() is None
