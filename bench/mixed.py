"""1,000 requests a second, four reads to one write, while 500 live clients follow what is written: errors and latencies.

Everything is as people have it: API key, permissions, rate limits, row-level security, journal with its chain. The clients
follow an instance each, so that a write is told to ten of them.
"""

import json
import selectors
import subprocess
import tempfile
import time
from pathlib import Path

from fanout import CLIENTS, EVENT, PER_USER, sign_in_users
from tools import ROOT, Row, service

from engine_io import WebSocket

PER_S = 1000
INSTANCES = 50
COMPONENTS = 10  # of each


def make_estate(client):
    client.create("organisations", key="bench", name="Bench")
    client.create("business-units", organisation="bench", key="unit", name="Unit")
    client.create("systems", business_unit="bench/unit", key="system", name="System")
    client.create("environment-groups", business_unit="bench/unit", key="group", name="Group", kind="test")
    definition = client.create("component-definitions", system="bench/unit/system", key="web", name="Web", kind="web")["id"]
    instances = [client.create("instances", system="bench/unit/system", environment_group="bench/unit/group",
                               key=f"i{number}", name=f"Instance {number}")["id"] for number in range(INSTANCES)]
    components = [client.create("components", instance=instance, definition=definition, key=f"c{number}", name="C")["id"]
                  for instance in instances for number in range(COMPONENTS)]
    return {"instances": instances, "components": components, "definition": definition}


class Followers:
    """Live clients, each in the room of one instance; `read` takes what has arrived."""

    def __init__(self, control, cookies, instances):
        self.selector = selectors.DefaultSelector()
        self.links = []
        self.heard = 0
        for number in range(CLIENTS):
            link = WebSocket(f"{control.url}/socket.io/?EIO=4&transport=websocket", cookies[number // PER_USER])
            link.receive()
            link.send("40")
            link.receive()
            link.send("420" + json.dumps(["subscribe", {"rooms": [f"health:{instances[number % len(instances)]}"]}]))
            assert '"denied":[]' in link.receive()
            link.link.setblocking(False)
            self.selector.register(link.link, selectors.EVENT_READ, link)
            self.links.append(link)

    def read(self, seconds):
        """What has come; pings are answered, so that nobody is dropped."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for key, _ in self.selector.select(0.05):
                data = key.fileobj.recv(65536)
                assert data, "a live client was dropped"
                self.heard += data.count(EVENT)
                if b"\x81\x012" in data:
                    key.data.link.setblocking(True)
                    key.data.send("3")
                    key.data.link.setblocking(False)

    def close(self):
        for link in self.links:
            link.close()


def measure(quick):
    seconds = 15 if quick else 60
    with service("--workers", "8") as control, tempfile.TemporaryDirectory() as folder:
        estate = make_estate(control.client())
        file = Path(folder, "estate.json")
        file.write_text(json.dumps(estate))
        followers = Followers(control, sign_in_users(control.data), estate["instances"])
        child = subprocess.Popen(["node", ROOT / "bench" / "mixed" / "load.mjs", control.url, control.admin_key, str(PER_S),
                                  str(seconds), file], stdout=subprocess.PIPE, text=True)
        try:
            while child.poll() is None:
                followers.read(0.2)
            result = json.loads(child.stdout.read())
        finally:
            child.kill()
            child.wait(timeout=10)
            followers.close()
    errors = result["failed"]
    times = {name: ", ".join(f"{part} {value:.1f}" for part, value in result[name].items()) + " ms"
             for name in ("all", "read", "write")}
    return [Row(f"{PER_S:,} requests/s (80 % reads) for {seconds} s beside {CLIENTS} live clients",
                f"{errors} errors; {times['all']}", "0 errors, p99 < 20 ms", errors == 0 and result["all"]["p99"] < 20),
            Row("the same: reads, writes", f"{times['read']}; {times['write']}"),
            Row("the same: told to live clients", f"{followers.heard / seconds:,.0f}/s")]
