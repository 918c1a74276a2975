"""Targets that behave in stated ways, good and bad: a thread per connection, on a free port of loopback."""

import socket
import ssl
import struct
import threading
import time

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """Calls `handle(connection)` for each connection, in a thread of its own; `with` stops it and closes them all."""

    def __init__(self, handle, context=None, family=socket.AF_INET):
        self.handle, self.context = handle, context
        self.listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family,
                                             backlog=512)
        self.port = self.listener.getsockname()[1]
        self.open, self.lock, self.stopping, self.seen = set(), threading.Lock(), False, 0

    def __enter__(self):
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        # Its thread must not wait on a number that the next server's socket may get.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # a second call
        self.acceptor.join()
        self.listener.close()
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def accept(self):
        while not self.stopping:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            with self.lock:
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        served = connection
        try:
            if self.context:
                served = self.context.wrap_socket(connection, server_side=True)
            self.handle(served)
        except (OSError, ssl.SSLError):
            pass  # the prober goes away whenever it has seen enough
        finally:
            with self.lock:
                self.open.discard(connection)
            served.close()


def read_head(connection):
    """The request's head; b"" when the peer closed first."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    return data


def answer(*parts, pause_s=0.0):
    """Reads a request, sends the parts with pauses between them, and closes."""

    def handle(connection):
        read_head(connection)
        for part in parts:
            connection.sendall(part)
            if pause_s:
                time.sleep(pause_s)

    return handle


def say(*parts, pause_s=0.0, then_hang=False):
    """Reads once, whatever comes, sends the parts with pauses between them, and closes or waits for the peer to."""

    def handle(connection):
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)
            if pause_s:
                time.sleep(pause_s)
        if then_hang:
            hang(connection)

    return handle


def say_byte_by_byte(data):
    """The same in as many parts as there are bytes."""

    def handle(connection):
        connection.recv(65536)
        drip(connection, data)

    return handle


def say_endlessly(head, piece):
    """Reads once, then sends `head`, and `piece` for as long as somebody reads."""

    def handle(connection):
        connection.recv(65536)
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return handle


def echo(connection):
    """Says back what it hears."""
    while data := connection.recv(65536):
        connection.sendall(data)


def drip(connection, data, pause_s=0.0005):
    """Sends byte by byte."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(data)):
        connection.sendall(data[at:at + 1])
        time.sleep(pause_s)


def byte_by_byte(data, pause_s=0.0005):
    def handle(connection):
        read_head(connection)
        drip(connection, data, pause_s)

    return handle


def hang(connection):
    """Accepts, reads what comes, and never says anything."""
    while connection.recv(65536):
        pass


def close_at_once(_connection):
    pass


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reset_after(data):
    def handle(connection):
        read_head(connection)
        connection.sendall(data)
        time.sleep(0.1)
        reset(connection)

    return handle


def endless(head, piece):
    """Sends `head` and then `piece` for as long as somebody reads."""

    def handle(connection):
        read_head(connection)
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return handle


def routes(table, requests=None):
    """An HTTP server: {target: bytes or function(head) → bytes}; notes each request's head in `requests`."""

    def handle(connection):
        head = read_head(connection)
        if not head:
            return
        if requests is not None:
            requests.append(head.decode("latin-1"))
        reply = table.get(head.split(b" ")[1].decode("latin-1"), b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        connection.sendall(reply(head) if callable(reply) else reply)

    return handle


def redirect(location, status=302):
    return (f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").encode("latin-1")
