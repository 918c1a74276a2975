"""A receiver of webhooks that keeps what it is sent and answers as told."""

import collections
import http.server
import json
import threading
from types import SimpleNamespace


class WebhookReceiver:
    """`attempts` has each request: id, headers, raw body, JSON body, the answered status."""

    def __init__(self):
        self.attempts = []
        self.answers = collections.deque()  # statuses of the next attempts; then `status`
        self.status = 204
        self.headers = {}  # of each answer
        self.reply = b""
        self.gate = threading.Event()  # cleared: requests wait for it
        self.gate.set()
        self.busy = 0
        self.most_busy = 0
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["content-length"]))
                with receiver.changed:
                    receiver.busy += 1
                    receiver.most_busy = max(receiver.most_busy, receiver.busy)
                receiver.gate.wait(30)
                with receiver.changed:
                    receiver.busy -= 1
                    status = receiver.answers.popleft() if receiver.answers else receiver.status
                    receiver.attempts.append(SimpleNamespace(
                        id=self.headers["webhook-id"], path=self.path, raw=raw.decode(), body=json.loads(raw), status=status,
                        headers={name.lower(): value for name, value in self.headers.items()}))
                    receiver.changed.notify_all()
                try:
                    self.send_response(status)
                    for name, value in receiver.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(receiver.reply)))
                    self.end_headers()
                    self.wfile.write(receiver.reply)
                except OSError:
                    pass  # it does not wait any more

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # who asked has been killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def delivered(self):
        """Accepted events by their webhook-id."""
        with self.changed:
            return {attempt.id: attempt.body for attempt in self.attempts if 200 <= attempt.status <= 299}

    def types(self):
        return sorted(body["type"] for body in self.delivered().values())

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
