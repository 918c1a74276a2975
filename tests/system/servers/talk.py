"""Servers that hold a dialogue: what they say and wait for, part by part."""

import socket
import threading
import time

from servers.hostile import hang, reset

HALF_CLOSE = object()
RESET = object()


def talk(*parts, heard=None, pause_s=0.0):
    """Bytes are sent, a text is waited for, a context starts TLS, a number is a pause in seconds, HALF_CLOSE ends what
    is sent. What was heard goes to `heard`; at the end it reads on until the other side has closed."""

    def handle(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = b""
        try:
            for part in parts:
                if isinstance(part, bytes):
                    connection.sendall(part)
                elif isinstance(part, str):
                    while part.encode() not in got:
                        more = connection.recv(65536)
                        if not more:
                            return
                        got += more
                        if heard is not None:
                            heard.append(more)
                    got = got.split(part.encode(), 1)[1]
                elif isinstance(part, (int, float)):
                    time.sleep(part)
                elif part is HALF_CLOSE:
                    connection.shutdown(socket.SHUT_WR)
                elif part is RESET:
                    reset(connection)
                    return
                else:
                    connection = part.wrap_socket(connection, server_side=True)
                time.sleep(pause_s)
            while more := connection.recv(65536):
                if heard is not None:
                    heard.append(more)
        finally:
            connection.close()

    return handle


def dripping(data, pause_s=0.001, then=0):
    """Sends a byte at a time, and holds the connection for a while."""
    return talk(*[part for at in range(len(data)) for part in (data[at:at + 1], pause_s)], then)


def without_end(piece):
    """Sends it for as long as somebody reads."""

    def handle(connection):
        while True:
            connection.sendall(piece)

    return handle


def relay(port, *, piece_bytes=65536, pause_s=0.0, stop_after=None):
    """Goes between the other side and a server of ours: passes what that says on in pieces, and after so many bytes no more."""

    def up(connection, behind):
        try:
            while data := connection.recv(65536):
                behind.sendall(data)
        except OSError:
            pass  # one of them has gone

    def handle(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        passed = 0
        with socket.create_connection(("127.0.0.1", port)) as behind:
            threading.Thread(target=up, args=(connection, behind), daemon=True).start()
            while data := behind.recv(piece_bytes):
                if stop_after is not None and passed + len(data) > stop_after:
                    connection.sendall(data[:stop_after - passed])
                    hang(connection)
                    return
                connection.sendall(data)
                passed += len(data)
                time.sleep(pause_s)

    return handle
