"""One change to 500 Socket.IO clients over WebSocket, by em-control and by the Socket.IO server of Node, in one run.

Both have core 0; the clients, which only count what arrives, have the last core, and are the limit of the deliveries a
second where a server is faster than they. What a change itself costs (a PATCH here, a POST there) is measured without
clients and taken off the CPU time. em-control's clients are 25 users with 20 each, the
most that one user may have.
"""

import hashlib
import json
import os
import secrets
import selectors
import string
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import requests
from tools import MEASURED_CORE, OTHER_CORE, Row, median, node_folder, on_core, pin, resident_mib, service, wait_until

from engine_io import WebSocket
from instance import sql

CLIENTS = 500
PER_USER = 20
DEADLINE_S = 30
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LETTERS = string.digits + string.ascii_letters
EVENT = b'42["change"'


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class Crowd:
    """Clients in one room; `wait` counts until each has heard of a change."""

    def __init__(self, url, room, headers):
        self.links = []
        self.selector = selectors.DefaultSelector()
        for number in range(CLIENTS):
            link = WebSocket(f"{url}/socket.io/?EIO=4&transport=websocket", headers(number))
            link.receive()
            link.send("40")
            link.receive()
            link.send("420" + json.dumps(["subscribe", {"rooms": [room]}]))
            answer = link.receive()
            assert answer.startswith("430") and '"denied":[]' in answer, answer
            link.link.setblocking(False)
            self.selector.register(link.link, selectors.EVENT_READ, link)
            self.links.append(link)

    def wait(self):
        """The seconds between the first and the last arrival of one change."""
        missing, first, now = CLIENTS, None, time.monotonic()
        deadline = now + DEADLINE_S
        while missing > 0:
            assert now < deadline, f"{missing} clients have heard nothing"
            for key, _ in self.selector.select(1):
                missing -= key.fileobj.recv(65536).count(EVENT)
                now = time.monotonic()
                first = first or now
        return now - first

    def close(self):
        for link in self.links:
            link.close()


def sign_in_users(data):
    """Cookies of as many users as it takes, made in the database: one may have 20 connections."""
    cookies = []
    for number in range(-(-CLIENTS // PER_USER)):
        token = "".join(secrets.choice(LETTERS) for _ in range(43))
        user, session = uuid.uuid4(), uuid.uuid4()
        sql(data, f"INSERT INTO principal (id, name, permissions) VALUES ('{user}', 'bench {number}', '{{health.read}}'); "
                  f"INSERT INTO session (id, principal_id, hash, expires_at) VALUES ('{session}', '{user}', "
                  f"'\\x{hashlib.sha256(token.encode()).hexdigest()}', now() + interval '1 hour')")
        cookies.append({"Cookie": f"em_session={token}"})
    return cookies


@contextmanager
def ours():
    with service() as control:
        client = control.client()
        root = client.create("organisations", key="bench", name="Bench")["id"]
        cookies = sign_in_users(control.data)
        pin(control.pid, MEASURED_CORE)

        def publish(number):
            assert client.patch(f"/api/v1/organisations/{root}", json={"description": f"change {number}"}).status_code == 200

        yield SimpleNamespace(name="em-control", pid=control.pid, url=control.url, room=f"health:{root}", publish=publish,
                              headers=lambda number: cookies[number // PER_USER])


@contextmanager
def node():
    folder = node_folder("fanout")
    child = subprocess.Popen(on_core(MEASURED_CORE, ["node", "server.mjs"]), cwd=folder, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "NODE_ENV": "production"})
    try:
        url = f"http://127.0.0.1:{int(child.stdout.readline())}"
        session = requests.Session()

        def publish(number):
            target = {"room": "health:bench", "id": str(uuid.UUID(int=1)), "version": number}
            assert session.post(url, params=target, timeout=DEADLINE_S).status_code == 200

        yield SimpleNamespace(name="socket.io of Node", pid=child.pid, url=url, room="health:bench", publish=publish,
                              headers=lambda number: {})
    finally:
        child.terminate()
        child.wait(timeout=10)


def spend(server, changes, crowd=None):
    """CPU seconds of the server for so many changes, and how long each took from the first client to the last."""
    before, spans = cpu_s(server.pid), []
    with ThreadPoolExecutor(1) as publisher:  # so that the clients read while the server writes
        for number in range(changes):
            published = publisher.submit(server.publish, number)
            if crowd:
                spans.append(crowd.wait())
            published.result(DEADLINE_S)
    return cpu_s(server.pid) - before, spans


def measure_one(server, changes):
    spend(server, changes)  # warm
    bare_s, _ = spend(server, changes)
    before_mib = resident_mib(server.pid)
    crowd = Crowd(server.url, server.room, server.headers)
    resident_kib = (resident_mib(server.pid) - before_mib) * 1024 / CLIENTS
    busy_s, spans = spend(server, changes, crowd)
    crowd.close()
    return SimpleNamespace(name=server.name, per_s=CLIENTS / median(spans), resident_kib=resident_kib,
                           cpu_us=(busy_s - bare_s) * 1e6 / (changes * CLIENTS))


def measure(quick):
    changes = 100 if quick else 400
    os.sched_setaffinity(0, {OTHER_CORE})
    try:
        results = []
        for start in (ours, node):
            with start() as server:
                results.append(measure_one(server, changes))
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
    mine, peer = results
    return [Row(f"one change to {CLIENTS} live clients: {one.name}",
                f"{one.per_s:,.0f} deliveries/s, {one.cpu_us:.1f} µs of CPU each, {one.resident_kib:.1f} KiB a client")
            for one in results] + [
        Row("the same, beside Node: CPU a delivery, memory a client",
            f"{mine.cpu_us / peer.cpu_us:.2f}, {mine.resident_kib / peer.resident_kib:.2f}", "< 1, < 1",
            mine.cpu_us < peer.cpu_us and mine.resident_kib < peer.resident_kib)]
