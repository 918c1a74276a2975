"""From a target's first failing answer (fall 1) to Redis, to the API and to an open page.

The targets are answered by this process, which notes when it sends the first answer of the other kind. The page is a
Socket.IO client over WebSocket in the room of the organisation, as the console's overview is.
"""

import asyncio
import json
import queue
import threading
import time

import websocket

from tools import Client, Prober, Row, percentile, service, wait_until

TARGETS = 50
SETTLE_S = 30


class Targets:
    """An HTTP server whose path /N answers 200 or 503; runs in a thread of its own."""

    def __init__(self):
        self.failing = [False] * TARGETS
        self.turned_at = [None] * TARGETS  # when the first answer after a turn left
        self.pending = [False] * TARGETS
        self.loop = asyncio.new_event_loop()
        self.port = None
        started = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.answer, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def turn(self, failing):
        """Makes all of them fail, or be well, from their next answer on."""
        for number in range(TARGETS):
            self.turned_at[number] = None
            self.failing[number] = failing
            self.pending[number] = True

    async def answer(self, reader, writer):
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            number = int(head.split(b" ")[1].strip(b"/"))
            status = b"503 No" if self.failing[number] else b"200 OK"
            if self.pending[number]:
                self.pending[number] = False
                self.turned_at[number] = time.monotonic()
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError):
            pass
        finally:
            writer.close()


class Arrivals:
    """When each entity's change of state arrived on one way."""

    def __init__(self):
        self.at = {}

    def note(self, entity, state):
        self.at.setdefault((entity, state), time.monotonic())


class Page(threading.Thread):
    """A Socket.IO client in the room of an organisation."""

    def __init__(self, control, organisation, components, arrivals, seen):
        super().__init__(daemon=True)
        self.components, self.arrivals, self.seen = set(components), arrivals, seen
        with Client(control.url) as client:
            reply = client.post("/api/v1/session", json={"api_key": control.admin_key})
            assert reply.status_code == 200, f"POST session: {reply.status_code} {reply.text}"
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        self.socket = websocket.create_connection(
            control.url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket", timeout=10,
            cookie=cookie, origin=control.url)
        self.socket.recv()  # the Engine.IO handshake
        self.socket.send("40")
        self.socket.recv()  # connected to the namespace
        self.socket.send("420" + json.dumps(["subscribe", {"rooms": [f"health:{organisation}"]}]))
        reply = self.socket.recv()
        assert reply.startswith("43") and organisation in reply, f"the page may not subscribe: {reply}"

    def run(self):
        try:
            while True:
                message = self.socket.recv()
                if message == "2":
                    self.socket.send("3")
                elif message.startswith("42"):
                    event, change = json.loads(message[2:])
                    if event == "change" and change["id"] in self.components and "health" in change["changed"]:
                        state = change["changed"]["health"]["state"]
                        self.arrivals.note(change["id"], state)
                        self.seen.put((change["id"], state))
        except (websocket.WebSocketException, OSError, ValueError):
            return  # closed at the end


def watch_redis(control, arrivals):
    """Notes what is published; returns how to stop."""
    subscriber = control.redis().pubsub(ignore_subscribe_messages=True)

    def on_message(message):
        change = json.loads(message["data"])
        arrivals.note(change["id"], change["to"])

    subscriber.subscribe(**{"em:status": on_message})
    return subscriber.run_in_thread(sleep_time=1, daemon=True)


def watch_api(client, seen, arrivals):
    """Asks for each component that the page was told of until the API says the same."""
    while True:
        component, state = seen.get()
        if component is None:
            return
        end = time.monotonic() + SETTLE_S
        while client.read(f"components/{component}/health")["state"] != state and time.monotonic() < end:
            pass
        arrivals.note(component, state)


def make_checks(client, port):
    """One component with one check for each target; returns the organisation's id and the components'."""
    root = client.create("organisations", key="bench", name="Bench")["id"]
    client.create("business-units", organisation="bench", key="unit", name="Unit")
    client.create("systems", business_unit="bench/unit", key="system", name="System")
    client.create("environment-groups", business_unit="bench/unit", key="group", name="Group", kind="test")
    client.create("component-definitions", system="bench/unit/system", key="web", name="Web", kind="web")
    client.create("instances", system="bench/unit/system", environment_group="bench/unit/group", key="one", name="One")
    components = []
    for number in range(TARGETS):
        component = client.create("components", instance="bench/unit/system/one", definition="bench/unit/system/web",
                                  key=f"web-{number}", name=f"Web {number}")["id"]
        client.create("checks", component=component, name="answers", kind="http", interval_s=1, timeout_ms=900,
                      fall=1, rise=1, spec={"url": f"http://127.0.0.1:{port}/{number}"})
        components.append(component)
    return root, components


def one_turn(targets, components, failing, ways):
    """Turns all targets and waits until every way has told of each; returns {way: latencies in ms}."""
    state = "down" if failing else "operational"
    for arrivals in ways.values():
        arrivals.at.clear()
    targets.turn(failing)
    wait_until(lambda: all((component, state) in arrivals.at for arrivals in ways.values() for component in components),
               SETTLE_S, what=f"{TARGETS} changes to {state} on every way")
    return {way: [(arrivals.at[component, state] - targets.turned_at[number]) * 1000
                  for number, component in enumerate(components)] for way, arrivals in ways.items()}


def measure(quick):
    turns = 4 if quick else 12
    targets = Targets()
    latencies = {"Redis": [], "an open page": [], "the API, asked when the page knows": []}
    seen = queue.SimpleQueue()
    with service() as control:
        prober = Prober(control)
        client = control.client()
        try:
            root, components = make_checks(client, targets.port)
            wait_until(lambda: all(client.read(f"components/{component}/health")["state"] == "operational"
                                   for component in components), SETTLE_S, 0.2, "the first results")
            ways = {way: Arrivals() for way in latencies}
            redis_thread = watch_redis(control, ways["Redis"])
            page = Page(control, root, components, ways["an open page"], seen)
            page.start()
            asker = threading.Thread(target=watch_api, args=(client, seen, ways["the API, asked when the page knows"]))
            asker.start()
            for turn in range(turns):
                for way, values in one_turn(targets, components, turn % 2 == 0, ways).items():
                    latencies[way] += values
            redis_thread.stop()
            redis_thread.join(5)
            page.socket.close()
        finally:
            seen.put((None, None))
            prober.stop()
            targets.stop()
    return [Row(f"first failing answer to {way}",
                f"p50 {percentile(values, 0.5):.1f} ms, p99 {percentile(values, 0.99):.1f} ms, "
                f"max {max(values):.1f} ms ({len(values)} changes)",
                "p99 < 300 ms", percentile(values, 0.99) < 300) for way, values in latencies.items()]
