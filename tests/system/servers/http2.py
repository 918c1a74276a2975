"""Servers that speak HTTP/2: well by the h2 library, and in any other way by frames written by hand."""

import socket
import struct
import time

import h2.config
import h2.connection
import h2.events

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def fields(*pairs):
    """A header block without compression, of names and values below 127 bytes."""
    assert all(len(text) < 127 for pair in pairs for text in pair)
    return b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
                    for name, value in ((name.encode(), value.encode()) for name, value in pairs))


HELLO = frame(SETTINGS)  # what a server begins with


def head(*pairs, flags=END_HEADERS):
    return frame(HEADERS, flags, 1, fields(*pairs))


def data(body, flags=0):
    return frame(DATA, flags, 1, body)


def take(connection, size):
    """Exactly so many bytes; OSError when the client closes before."""
    taken = b""
    while len(taken) < size:
        part = connection.recv(size - len(taken))
        if not part:
            raise OSError("closed")
        taken += part
    return taken


def read_request(connection):
    """Reads the preface and the frames to the end of the request, and drops them."""
    take(connection, len(PREFACE))
    flags = kind = 0
    while kind not in (HEADERS, DATA) or not flags & END_STREAM:
        header = take(connection, 9)
        kind, flags = header[3], header[4]
        take(connection, int.from_bytes(header[:3], "big"))


def finish(connection):
    """Closes without a reset, which would overtake what was sent: the client may still have something to say."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def frames(*parts, pause_s=0.0, then=finish):
    """Reads a request, sends the parts with pauses between them, and goes on with `then(connection)`."""

    def handle(connection):
        read_request(connection)
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        then(connection)

    return handle


def dripping(*parts, pause_s=0.001):
    """The same, byte by byte."""
    whole = b"".join(parts)
    return frames(*(whole[at:at + 1] for at in range(len(whole))), pause_s=pause_s)


def endless(begin, piece):
    """Sends `begin` and then `piece` for as long as somebody reads."""

    def handle(connection):
        read_request(connection)
        connection.sendall(begin)
        while True:
            connection.sendall(piece)

    return handle


def serve(reply, requests=None):
    """A whole server: `reply(headers, body)` gives (headers, body, trailers or None); notes each request in `requests`."""

    def handle(connection):
        h2c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        h2c.initiate_connection()
        connection.sendall(h2c.data_to_send())
        asked = {}
        while True:
            received = connection.recv(65536)
            if not received:
                return
            for event in h2c.receive_data(received):
                if isinstance(event, h2.events.RequestReceived):
                    asked[event.stream_id] = [event.headers, b""]
                elif isinstance(event, h2.events.DataReceived):
                    asked[event.stream_id][1] += event.data
                    h2c.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    headers, body = asked.pop(event.stream_id)
                    if requests is not None:
                        requests.append((headers, body))
                    Reply(h2c, connection, event.stream_id).send(*reply(dict(headers), body))
            connection.sendall(h2c.data_to_send())

    return handle


class Reply:
    """One reply, sent within the windows of the client."""

    def __init__(self, h2c, connection, stream):
        self.h2c, self.connection, self.stream = h2c, connection, stream

    def send(self, headers, body=b"", trailers=None):
        self.h2c.send_headers(self.stream, headers, end_stream=not body and not trailers)
        while body:
            size = min(self.h2c.local_flow_control_window(self.stream), self.h2c.max_outbound_frame_size, len(body))
            if size == 0:
                self.connection.sendall(self.h2c.data_to_send())
                self.h2c.receive_data(self.connection.recv(65536))
                continue
            part, body = body[:size], body[size:]
            self.h2c.send_data(self.stream, part, end_stream=not body and not trailers)
        if trailers:
            self.h2c.send_headers(self.stream, trailers, end_stream=True)
