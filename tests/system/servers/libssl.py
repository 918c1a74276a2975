"""TLS sessions that do what Python's ssl cannot be told to do: OpenSSL itself, by ctypes."""

import ctypes
import ctypes.util
import socket
import struct

CTRL_RENEGOTIATIONS = 12
TLS_1_2, TLS_1_3 = 0x0303, 0x0304
CTRL_MIN_VERSION, CTRL_MAX_VERSION = 123, 124
FILETYPE_PEM = 1

ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
for function in ("TLS_server_method", "SSL_CTX_new", "SSL_new"):
    getattr(ssl, function).restype = ctypes.c_void_p


def pointer(value):
    return ctypes.c_void_p(value)


class Session:
    """The server's end on an accepted socket; each call waits until it is done, and False means that it failed."""

    def __init__(self, connection, folder, name, version):
        self.context = pointer(ssl.SSL_CTX_new(pointer(ssl.TLS_server_method())))
        for control in (CTRL_MIN_VERSION, CTRL_MAX_VERSION):
            ssl.SSL_CTX_ctrl(self.context, control, ctypes.c_long(version), None)
        for load, file in ((ssl.SSL_CTX_use_certificate_file, "pem"), (ssl.SSL_CTX_use_PrivateKey_file, "key")):
            assert load(self.context, str(folder / f"{name}.{file}").encode(), FILETYPE_PEM) == 1
        self.session = pointer(ssl.SSL_new(self.context))
        ssl.SSL_set_fd(self.session, connection.fileno())

    def __enter__(self):
        return self if ssl.SSL_accept(self.session) == 1 else None

    def __exit__(self, *_):
        ssl.SSL_free(self.session)
        ssl.SSL_CTX_free(self.context)

    def write(self, data):
        return ssl.SSL_write(self.session, data, len(data)) > 0

    def read(self):
        into = ctypes.create_string_buffer(4096)
        return ssl.SSL_read(self.session, into, 4096) > 0

    def update_key(self):
        return ssl.SSL_key_update(self.session, 0) == 1 and ssl.SSL_do_handshake(self.session) == 1

    def renegotiate(self):
        """Asks for another handshake and waits a moment for the client to go through with it."""
        asked = ssl.SSL_renegotiate(self.session) == 1 and ssl.SSL_do_handshake(self.session) == 1
        self.read()
        return asked


def update_keys_for_ever(folder, name):
    def handle(connection):
        with Session(connection, folder, name, TLS_1_3) as session:
            while session and session.update_key():
                pass

    return handle


def renegotiate_then_answer(folder, name, data, times, seen):
    def handle(connection):
        with Session(connection, folder, name, TLS_1_2) as session:
            session.read()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100_000))
            for _ in range(times):
                assert session.renegotiate()
            seen.append(ssl.SSL_ctrl(session.session, CTRL_RENEGOTIATIONS, 0, None))
            session.write(data)

    return handle
