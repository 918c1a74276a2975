"""What the tests of health, bus and faults share: targets that can be switched, and looks into the service's stores."""

import json
import os
import socket
import subprocess
import threading

import redis

from processes import SERVICE_USER, wait_until

LEVELS = ["component", "instance", "environment_group", "system", "business_unit", "organisation"]
COLLECTIONS = {"component": "components", "instance": "instances", "environment_group": "environment-groups",
               "system": "systems", "business_unit": "business-units", "organisation": "organisations",
               "check": "checks"}


class Target:
    """A TCP port of 127.0.0.1 that accepts, or refuses, connections."""

    def __init__(self):
        self.socket = None
        self.port = None
        self.up()

    def up(self):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port or 0))
        listening.listen(64)
        self.port = listening.getsockname()[1]
        self.socket = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def down(self):
        # Wakes the thread that accepts, which close() alone would not.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    @staticmethod
    def _accept(listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.close()


def tcp_check(client, estate, target, key="probe", **fields):
    """A check of the target every second that believes what it sees, unless told otherwise."""
    settings = {"interval_s": 1, "retry_interval_s": 1, "timeout_ms": 500, "fall": 1, "rise": 1,
                "stale_after_s": 30, **fields}
    return client.create("checks", component=estate.component["id"], key=key, name=key, kind="tcp",
                         spec={"address": "127.0.0.1", "port": target.port}, **settings)


def largest_script_spec():
    """A spec of the 65,536 bytes that are allowed, with as many commas and colons as there may be."""
    spec = {"command": "x", "args": ["a" * 500] * 64, "env": {f"CHECK_{number}": "b" * 480 for number in range(64)}}
    missing = 65536 - len(json.dumps(spec, separators=(",", ":")))
    spec["env"]["CHECK_0"] += "c" * missing
    assert missing >= 0 and len(spec["env"]["CHECK_0"]) <= 4096
    return spec


def entity_of(estate, kind):
    """The estate's entity of a kind."""
    return {"component": estate.component, "instance": estate.instance, "environment_group": estate.group,
            "system": estate.system, "business_unit": estate.unit, "organisation": estate.organisation}[kind]


def health_of(client, kind, entity):
    return client.read(f"{COLLECTIONS[kind]}/{entity['id']}/health")


def wait_state(client, kind, entity, state, deadline_s=15):
    """Waits for a state and returns the health that shows it."""
    def look():
        health = health_of(client, kind, entity)
        return health if health["state"] == state else None
    return wait_until(look, deadline_s, what=f"{kind} {state}")


def events_of(client, **filters):
    """All events that fit, the oldest first."""
    events, cursor = [], None
    while True:
        page = client.read("health/events", limit=1000, **filters, **({"cursor": cursor} if cursor else {}))
        events += page["items"]
        cursor = page["next"]
        if not cursor:
            return events[::-1]


def results_of(client, check):
    """All results of a check, the newest first."""
    results, cursor = [], None
    while True:
        page = client.read(f"checks/{check['id']}/results", limit=1000, **({"cursor": cursor} if cursor else {}))
        results += page["items"]
        cursor = page["next"]
        if not cursor:
            return results


def metrics_of(control):
    """The numbers of /metrics by name with labels."""
    with control.client() as client:
        lines = client.get("/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def subscriber(control):
    """A connection to the embedded Redis as people may use it."""
    return redis.Redis(unix_socket_path=str(control.data / "redis.sock"), username="subscriber", password="-",
                       decode_responses=True)


def redis_operator(control):
    """A connection to the embedded Redis that may do anything; it asks for the password where others reach the socket."""
    path = str(control.data / "redis.sock")
    try:
        connection = redis.Redis(unix_socket_path=path, decode_responses=True)
        connection.ping()
    except redis.exceptions.AuthenticationError:
        connection = control.redis()
    return connection


def sql(control, statement):
    """Rows of the embedded PostgreSQL, as lists of texts; its operator is the user that it runs as."""
    as_user = ["runuser", "-u", SERVICE_USER, "--"] if os.geteuid() == 0 else []
    ended = subprocess.run(
        [*as_user, "psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", control.data, "-U", "em",
         "-d", "environment_manager", "-c", statement],
        cwd="/", capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, f"{statement}: {ended.stderr}"
    return [line.split("\t") for line in ended.stdout.splitlines()]
