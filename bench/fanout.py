"""Changes to 500 Socket.IO clients over WebSocket, by em-control and by the Socket.IO server of Node, in one run.

One change at a time, and 20 that one request makes, as a release does or an outage. Both have core 0; the clients, which only
count what arrives, have the last core, and are the limit of the deliveries a second where a server is faster than they. What a
change itself costs (a PATCH here, a POST there) is measured without clients and taken off the CPU time. em-control's clients are
25 users with 20 each, the most that one user may have.
"""

import hashlib
import itertools
import json
import os
import secrets
import select
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
BURST = 20
DEADLINE_S = 30
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LETTERS = string.digits + string.ascii_letters
EVENT = b'42["change"'


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class Crowd:
    """Clients in one room; `wait` counts until each has heard of so many changes."""

    def __init__(self, url, room, headers):
        self.links = []
        self.sockets = {}
        self.poll = select.epoll()
        self.buffer = bytearray(65536)
        for number in range(CLIENTS):
            link = WebSocket(f"{url}/socket.io/?EIO=4&transport=websocket", headers(number))
            link.receive()
            link.send("40")
            link.receive()
            link.send("420" + json.dumps(["subscribe", {"rooms": [room]}]))
            answer = link.receive()
            assert answer.startswith("430") and '"denied":[]' in answer, answer
            link.link.setblocking(False)
            self.poll.register(link.link, select.EPOLLIN)
            self.sockets[link.link.fileno()] = link.link
            self.links.append(link)

    def wait(self, count):
        """When the first and when the last of them arrived."""
        missing, first, now = CLIENTS * count, None, time.monotonic()
        deadline = now + DEADLINE_S
        while missing > 0:
            assert now < deadline, f"{missing} deliveries have not arrived"
            for number, _ in self.poll.poll(1):
                missing -= self.buffer.count(EVENT, 0, self.sockets[number].recv_into(self.buffer))
                first = first or time.monotonic()
            now = time.monotonic()
        return first, now

    def close(self):
        self.poll.close()
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
        units = [client.create("business-units", organisation="bench", key=f"u{number}", name="Unit")["id"]
                 for number in range(BURST)]
        cookies = sign_in_users(control.data)
        pin(control.pid, MEASURED_CORE)

        def publish(number, count):
            body = {"update": [{"id": unit, "description": f"change {number}"} for unit in units[:count]]}
            assert client.post("/api/v1/business-units/bulk", json=body).json()["failed"] == 0

        yield SimpleNamespace(name="em-control", numbers=itertools.count(), pid=control.pid, url=control.url, room=f"health:{root}", publish=publish,
                              headers=lambda number: cookies[number // PER_USER])


@contextmanager
def node():
    folder = node_folder("fanout")
    child = subprocess.Popen(on_core(MEASURED_CORE, ["node", "server.mjs"]), cwd=folder, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "NODE_ENV": "production"})
    try:
        url = f"http://127.0.0.1:{int(child.stdout.readline())}"
        session = requests.Session()

        def publish(number, count):
            target = {"room": "health:bench", "id": str(uuid.UUID(int=1)), "version": number, "count": count}
            assert session.post(url, params=target, timeout=DEADLINE_S).status_code == 200

        yield SimpleNamespace(name="socket.io of Node", numbers=itertools.count(), pid=child.pid, url=url, room="health:bench", publish=publish,
                              headers=lambda number: {})
    finally:
        child.terminate()
        child.wait(timeout=10)


def spend(server, times, count, crowd=None):
    """CPU seconds of the server for so many requests, and for each when it was sent and when it arrived, first and last."""
    before, moments = cpu_s(server.pid), []
    with ThreadPoolExecutor(1) as publisher:  # so that the clients read while the server writes
        for _ in range(times):
            sent = time.monotonic()
            published = publisher.submit(server.publish, next(server.numbers), count)
            if crowd:
                moments.append((sent, *crowd.wait(count)))
            published.result(DEADLINE_S)
    return cpu_s(server.pid) - before, moments


def measure_one(server, times):
    """Of one change the fan-out alone; of a burst all of it, from the request to the last arrival."""
    spend(server, times, 1)  # warm
    bare_s, _ = spend(server, times, 1)
    before_mib = resident_mib(server.pid)
    crowd = Crowd(server.url, server.room, server.headers)
    resident_kib = (resident_mib(server.pid) - before_mib) * 1024 / CLIENTS
    busy_s, moments = spend(server, times, 1, crowd)
    spend(server, times // 4, BURST, crowd)
    _, bursts = spend(server, times // 4, BURST, crowd)
    crowd.close()
    return SimpleNamespace(name=server.name, resident_kib=resident_kib, cpu_us=(busy_s - bare_s) * 1e6 / (times * CLIENTS),
                           one_per_s=CLIENTS / median([last - first for _, first, last in moments]),
                           burst_per_s=CLIENTS * BURST / median([last - sent for sent, _, last in bursts]))


def measure(quick):
    times = 100 if quick else 400
    os.sched_setaffinity(0, {OTHER_CORE})
    try:
        servers = []
        for start in (ours, node):
            with start() as server:
                servers.append(measure_one(server, times))
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
    mine, peer = servers
    one, burst = mine.one_per_s / peer.one_per_s, mine.burst_per_s / peer.burst_per_s
    return [*(Row(f"one change to {CLIENTS} live clients: {server.name}",
                  f"{server.one_per_s:,.0f} deliveries/s, {server.cpu_us:.1f} µs of CPU each, {server.resident_kib:.1f} KiB a client")
              for server in servers),
            Row("the same, beside Node", f"{one:.1f} times the deliveries/s, {mine.cpu_us / peer.cpu_us:.2f} of the CPU",
                "≥ 3 times; ≤ 20 KiB", one >= 3 and mine.resident_kib <= 20),
            *(Row(f"{BURST} changes by one request, from the request to the last arrival: {server.name}",
                  f"{server.burst_per_s:,.0f} deliveries/s") for server in servers),
            Row("the same, beside Node", f"{burst:.1f} times")]
