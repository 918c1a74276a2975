"""Live updates of the real em-control as the console gets them: by the real socket.io-client, and by raw handshakes."""

import json
import os
import queue
import socket
import subprocess
import threading

import pytest
import requests

import processes

MODULES = os.environ.get("NODE_PATH", str(processes.ROOT / "console" / "node_modules"))
UPGRADE = ("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
           "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n")

pytestmark = pytest.mark.skipif(not os.path.isdir(os.path.join(MODULES, "socket.io-client")),
                                reason="socket.io-client is not installed: npm ci in console/")


def sign_in(control):
    """A session by the administrator's key: its cookie and CSRF token."""
    reply = requests.post(f"{control.url}/api/v1/session", json={"api_key": control.admin_key}, timeout=10)
    assert reply.status_code == 200, reply.text
    return reply.headers["Set-Cookie"].split(";")[0], reply.json()["csrf_token"]


class Live:
    """live_client.cjs: events come in a queue, commands go out as lines."""

    def __init__(self, control, cookie, origin=None, transports="websocket"):
        self.child = subprocess.Popen(
            ["node", processes.ROOT / "tests" / "system" / "live_client.cjs", control.url, cookie, origin or control.url,
             transports],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": MODULES})
        self.events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.events.put(json.loads(line))

    def say(self, **command):
        self.child.stdin.write(json.dumps(command) + "\n")
        self.child.stdin.flush()

    def expect(self, event, deadline_s=20):
        """The next event, which has to be of that name."""
        got = self.events.get(timeout=deadline_s)
        assert got["event"] == event, got
        return got

    def expect_change(self, wanted, deadline_s=20):
        """The next change that `wanted` accepts; others pass by."""
        while True:
            change = self.expect("change", deadline_s)["change"]
            if wanted(change):
                return change

    def subscribe(self, *rooms, seq=None):
        argument = {"rooms": rooms} if seq is None else {"rooms": rooms, "seq": seq}
        self.say(emit=["subscribe", argument])
        return self.expect("ack")["answer"]

    def close(self):
        self.child.stdin.close()
        self.child.kill()
        self.child.wait(timeout=10)
        self.child.stdout.close()


@pytest.fixture
def live(control):
    """live(origin=…): a signed-in client of the shared control."""
    clients = []

    def connect(cookie=None, **settings):
        client = Live(control, cookie if cookie is not None else sign_in(control)[0], **settings)
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close()


TRANSPORTS = pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])


@TRANSPORTS
def test_an_edit_reaches_who_follows_the_organisation(live, api, estate, transports):
    client = live(transports=transports)
    client.expect("connect")
    room = f"health:{estate.organisation['id']}"
    answer = client.subscribe(room, "health:00000000-0000-7000-8000-000000000000", "nonsense")
    assert answer["ok"] == [room]
    assert sorted(answer["denied"]) == ["health:00000000-0000-7000-8000-000000000000", "nonsense"]

    made = api.create("systems", key="live", name="Live", business_unit=estate.unit["id"])
    change = client.expect_change(lambda change: change["id"] == made["id"])
    assert change["kind"] == "system" and change["changed"] == {"entity": "created"}
    assert change["seq"] > answer["seq"]

    assert api.delete(f"/api/v1/systems/{made['id']}").status_code == 204
    change = client.expect_change(lambda change: change["changed"].get("entity") == "deleted")
    assert change["id"] == made["id"]


def test_each_record_of_the_journal_reaches_who_follows_it(live, api, estate):
    client = live()
    client.expect("connect")
    room = f"journal:{estate.organisation['id']}"
    installation = "journal:00000000-0000-0000-0000-000000000000"
    assert client.subscribe(room, installation) | {"seq": 0} == {"ok": [room, installation], "denied": [], "seq": 0}
    other = api.create("organisations", key=f"other-{os.getpid()}", name="Other")
    key = api.create("api-keys", name="heard of")
    assert api.patch(f"/api/v1/systems/{estate.system['id']}", json={"name": "Renamed"}).status_code == 200
    assert api.delete(f"/api/v1/components/{estate.component['id']}").status_code == 204

    heard = []
    while len(heard) < 3:
        change = client.expect("change")["change"]
        assert change["id"] != other["id"]
        heard.append((change["kind"], change["id"], change["changed"]["journal"]["action"], change["version"]))
        entry = api.read(f"journal/{change['changed']['journal']['id']}")
        assert (entry["sequence"], entry["entity"]) == (change["changed"]["journal"]["sequence"], change["id"])
    assert sorted(heard) == sorted([("api_key", key["id"], "create", 1), ("system", estate.system["id"], "update", 2),
                                    ("component", estate.component["id"], "delete", 1)])


def test_who_may_not_read_the_journal_does_not_follow_it(live, api, control, estate):
    key = api.create("api-keys", name="health only", scopes=["health.read"])["key"]
    reply = requests.post(f"{control.url}/api/v1/session", json={"api_key": key}, timeout=10)
    client = live(cookie=reply.headers["Set-Cookie"].split(";")[0])
    client.expect("connect")
    rooms = [f"journal:{estate.organisation['id']}", "journal:00000000-0000-0000-0000-000000000000"]
    assert client.subscribe(*rooms)["denied"] == rooms


@TRANSPORTS
def test_who_comes_back_gets_what_was_missed(live, api, estate, transports):
    client = live(transports=transports)
    client.expect("connect")
    room = f"health:{estate.organisation['id']}"
    seq = client.subscribe(room)["seq"]

    client.say(drop=True)
    client.expect("disconnect")
    made = [api.create("systems", key=f"missed-{n}", name="Missed", business_unit=estate.unit["id"]) for n in range(3)]
    client.expect("connect")
    client.subscribe(room, seq=seq)
    for system in made:
        client.expect_change(lambda change, wanted=system["id"]: change["id"] == wanted)

    client.subscribe(room, seq=1)  # long gone
    assert client.expect("resync")["resync"] == {"room": room}


def test_a_stranger_is_not_let_in(live, control):
    client = live(cookie="em_session=wrong")
    client.expect("connect_error")
    for more in ("", "Cookie: em_session=wrong\r\n", "Cookie: {cookie}\r\nOrigin: http://elsewhere.test\r\n"):
        more = more.format(cookie=sign_in(control)[0])
        with socket.create_connection(("127.0.0.1", control.port), timeout=10) as link:
            link.sendall(UPGRADE.format(host=f"127.0.0.1:{control.port}", more=more).encode())
            assert link.recv(4096).split(b" ")[1] in (b"401", b"403")


def test_the_end_of_a_session_ends_its_connections(live, control):
    cookie, token = sign_in(control)
    client = live(cookie=cookie)
    client.expect("connect")
    ended = requests.delete(f"{control.url}/api/v1/session", headers={"Cookie": cookie, "X-CSRF-Token": token}, timeout=10)
    assert ended.status_code == 204
    client.expect("disconnect")
    client.expect("connect_error")


@pytest.mark.slow
def test_a_restart_is_survived(start_control):
    """The client comes back by itself, and is told to fetch again: the numbers of the last run mean nothing now."""
    control = start_control()
    with control.client() as api:
        organisation = api.create("organisations", key="restart", name="Restart")
    client = Live(control, sign_in(control)[0])
    try:
        client.expect("connect")
        room = f"health:{organisation['id']}"
        seq = client.subscribe(room)["seq"]
        control.stop()
        client.expect("disconnect")
        again = start_control(data=control.data, port=control.port)
        while (event := client.events.get(timeout=30)["event"]) == "connect_error":
            pass
        assert event == "connect"
        client.subscribe(room, seq=seq)
        assert client.expect("resync")["resync"] == {"room": room}
        again.stop()
    finally:
        client.close()

