"""A client of Engine.IO 4 in plain bytes: long-polling by requests, WebSocket on a socket of its own, and the echo server."""

import base64
import json
import os
import socket
import struct
from urllib.parse import urlsplit

import requests

import processes

SEPARATOR = "\x1e"


class Refused(Exception):
    """A handshake was answered with something else than 101; `status` says what."""

    def __init__(self, status):
        super().__init__(f"refused with {status}")
        self.status = status


class WebSocket:
    """Masks what it sends as a client has to; takes whole frames only, as our server sends them. wss:// needs an ssl context."""

    def __init__(self, url, headers=None, receive_buffer=None, context=None):
        parts = urlsplit(url)
        self.link = socket.socket()
        self.link.settimeout(20)
        if receive_buffer:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.link.connect((parts.hostname, parts.port))
        if parts.scheme == "wss":
            self.link = context.wrap_socket(self.link, server_hostname=parts.hostname)
        self.data = b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade",
                 "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
                 *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.data:
            self._read()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        if status != 101:
            self.link.close()
            raise Refused(status)

    def _read(self):
        data = self.link.recv(65536)
        if not data:
            raise ConnectionError("the server has ended the connection")
        self.data += data

    def _take(self, count):
        while len(self.data) < count:
            self._read()
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def send(self, message):
        """A text or bytes, in one frame."""
        opcode, data = (1, message.encode()) if isinstance(message, str) else (2, message)
        length = (struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else
                  struct.pack("!BH", 0xfe, len(data)) if len(data) < 65536 else struct.pack("!BQ", 0xff, len(data)))
        mask = os.urandom(4)
        keys = (mask * (len(data) // 4 + 1))[:len(data)]
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")).to_bytes(len(data), "big")
        self.link.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def receive(self):
        """The next message; None when the server has closed: then `code` says why, if it did."""
        self.code = None
        try:
            opcode, length = self._take(2)
            if length == 126:
                length, = struct.unpack("!H", self._take(2))
            elif length == 127:
                length, = struct.unpack("!Q", self._take(8))
            data = self._take(length)
        except ConnectionError:
            return None
        if opcode & 15 == 8:
            self.code = struct.unpack("!H", data[:2])[0] if data else None
            return None
        return data.decode() if opcode & 15 == 1 else data

    def hear(self):
        """The next message that is no ping; pings are answered."""
        while (message := self.receive()) == "2":
            self.send("3")
        return message

    def close(self):
        self.link.close()


class Polling:
    """One long-polling session below `url`, such as http://127.0.0.1:80/socket.io/."""

    def __init__(self, url, headers=None):
        self.url = url
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update(headers or {})
        self.headers = headers or {}
        reply = self.http.get(f"{url}?EIO=4&transport=polling", timeout=20)
        self.opened = reply
        if reply.status_code == 200:
            assert reply.text[0] == "0", reply.text
            self.hello = json.loads(reply.text[1:])
            self.sid = self.hello["sid"]

    def target(self, transport="polling"):
        return f"{self.url}?EIO=4&transport={transport}&sid={self.sid}"

    def get(self):
        return self.http.get(self.target(), timeout=60)

    def post(self, *packets):
        return self.http.post(self.target(), data=SEPARATOR.join(packets).encode(), timeout=20,
                              headers={"Content-Type": "text/plain;charset=UTF-8"})

    def say(self, *packets):
        reply = self.post(*packets)
        assert (reply.status_code, reply.text) == (200, "ok"), (reply.status_code, reply.text)

    def hear(self):
        """The packets of the next poll that has any but pings; those are answered."""
        while True:
            reply = self.get()
            assert reply.status_code == 200, reply.text
            packets = reply.text.split(SEPARATOR)
            if "2" in packets:
                self.say("3")
            packets = [packet for packet in packets if packet != "2"]
            if packets:
                return packets

    def is_open(self):
        """Whether the server still knows it: asked by a packet that means nothing."""
        return self.post("6").status_code == 200

    def upgrade(self):
        """A WebSocket of this session, before anything is said on it."""
        return WebSocket(self.target("websocket"), self.headers)


class EchoServer(processes.Process):
    """em-control --test-socketio-echo on a free port."""

    def __init__(self, env=None):
        folder = processes.short_dir()
        super().__init__([processes.EM_CONTROL, "--test-socketio-echo", "--listen", "127.0.0.1:0"], folder, "echo", env)
        self.url = processes.wait_until(self._find_url, deadline_s=30, what="the echo server's address")

    def _find_url(self):
        assert self.is_running(), self.tail()
        return next((line for line in self.log.read_text().splitlines() if line.startswith("http://")), None)

    def socket(self, path, **settings):
        """A WebSocket session that has been greeted."""
        link = WebSocket(f"{self.url}{path}?EIO=4&transport=websocket", **settings)
        assert link.receive().startswith('0{"sid":')
        return link

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
