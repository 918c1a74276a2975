"""WebSocket servers that behave as told: the handshake, frames, and handlers made of them."""

import base64
import hashlib
import re
import struct

from servers.hostile import hang, read_head

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_of(head):
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
    return base64.b64encode(hashlib.sha1(key + MAGIC).digest())


def upgrade(head, *fields, accept=None):
    """The reply that upgrades the connection; further fields as lines."""
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
             b"Sec-WebSocket-Accept: " + (accept or accept_of(head)), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def frame(opcode, payload=b"", final=True, mask=False, reserved=0, length=None):
    """A frame; `length` says another one than the payload has."""
    said = len(payload) if length is None else length
    size = struct.pack("!B", said) if said < 126 else struct.pack("!BH", 126, said) if said < 65536 else struct.pack("!BQ", 127, said)
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode, size[0] | (0x80 if mask else 0)]) + size[1:]
    return head + (b"\0\0\0\0" if mask else b"") + payload


def close(code, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


def read_frame(connection):
    """One frame of a client, unmasked: (opcode, payload); None at the end."""
    def exactly(count):
        data = b""
        while len(data) < count:
            part = connection.recv(count - len(data))
            if not part:
                raise OSError("closed")
            data += part
        return data

    first, second = exactly(2)
    assert first & 0x80 and second & 0x80, "clients send whole frames, and mask them"
    size = second & 0x7f
    if size == 126:
        size, = struct.unpack("!H", exactly(2))
    elif size == 127:
        size, = struct.unpack("!Q", exactly(8))
    mask = exactly(4)
    return first & 0x0f, bytes(byte ^ mask[at % 4] for at, byte in enumerate(exactly(size)))


def talk(*frames, fields=(), then=None):
    """Upgrades, sends the frames, and then goes on as `then(connection)` says: waits where it is None."""

    def handle(connection):
        connection.sendall(upgrade(read_head(connection), *fields) + b"".join(frames))
        (then or hang)(connection)

    return handle


def echo(connection):
    """Says back texts, answers pings and closes as it should."""
    while True:
        opcode, payload = read_frame(connection)
        connection.sendall(frame(PONG if opcode == PING else opcode, payload))
        if opcode == CLOSE:
            return
