"""A client of HTTP/2: well by the h2 library, or frame by frame as a hostile one would (see servers/http2.py)."""

import socket
import ssl
import struct
import time

import h2.config
import h2.connection
import h2.events

from servers.http2 import GOAWAY, HEADERS, DATA, PREFACE, RST_STREAM, SETTINGS, frame

ENHANCE_YOUR_CALM = 11


class Answer:
    """What came of one request: status, headers as a dict, body; `code` when the stream was reset."""

    def __init__(self):
        self.status = self.code = None
        self.headers, self.body, self.is_over = {}, b"", False


class Http2Client:
    """One connection; several requests may be under way. Windows are opened as bodies come, unless told not to."""

    def __init__(self, port, cafile=None, window=None, deadline_s=20):
        self.deadline_s = deadline_s
        self.link = socket.create_connection(("127.0.0.1", port), timeout=deadline_s)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scheme = "https" if cafile else "http"
        if cafile:
            context = ssl.create_default_context(cafile=cafile)
            context.set_alpn_protocols(["h2"])
            self.link = context.wrap_socket(self.link, server_hostname="localhost")
            assert self.link.selected_alpn_protocol() == "h2"
        self.opens_windows = window is None
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        if window is not None:
            self.h2.local_settings[h2.settings.SettingCodes.INITIAL_WINDOW_SIZE] = window
        self.h2.initiate_connection()
        self.answers, self.goodbyes, self.is_closed = {}, [], False
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()

    def flush(self):
        self.link.sendall(self.h2.data_to_send())

    def read(self):
        """Takes what comes next; notes what it is."""
        data = self.link.recv(65536)
        if not data:
            self.is_closed = True
            return
        for event in self.h2.receive_data(data):
            answer = self.answers.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.ConnectionTerminated):
                self.goodbyes.append((event.last_stream_id, event.error_code))
            elif answer and isinstance(event, h2.events.ResponseReceived):
                answer.headers = dict(event.headers)
                answer.status = int(answer.headers.pop(":status"))
            elif answer and isinstance(event, h2.events.DataReceived):
                answer.body += event.data
                if self.opens_windows and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif answer and isinstance(event, h2.events.StreamEnded):
                answer.is_over = True
            elif answer and isinstance(event, h2.events.StreamReset):
                answer.is_over, answer.code = True, answer.code or event.error_code
        self.flush()

    def wait(self, condition, what="an answer"):
        deadline = time.monotonic() + self.deadline_s
        while not condition():
            assert not self.is_closed and time.monotonic() < deadline, f"no {what}; goodbyes: {self.goodbyes}"
            self.read()

    def begin(self, method, path, headers=(), body=None, ends=True, authority="localhost"):
        """Begins a request; returns its stream. With `ends` false more of the body follows by more()."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", self.scheme), (":authority", authority), (":path", path), *headers]
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, fields, end_stream=body is None and ends)
        self.flush()
        if body is not None:
            self.more(stream, body, ends)
        return stream

    def more(self, stream, body, ends=True):
        """Sends a part of a body within the windows, as long as nobody has answered."""
        at = 0
        while at < len(body) and not self.answers[stream].is_over:
            size = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body) - at)
            if size <= 0:  # SETTINGS can make a window negative
                self.read()
                assert not self.is_closed
                continue
            self.h2.send_data(stream, body[at:at + size])
            at += size
            self.flush()
        if ends and not self.answers[stream].is_over:
            self.h2.end_stream(stream)
            self.flush()

    def answer(self, stream):
        self.wait(lambda: self.answers[stream].is_over)
        return self.answers[stream]

    def ask(self, method, path, headers=(), body=None, **options):
        return self.answer(self.begin(method, path, headers, body, **options))


class RawClient:
    """Frames by hand: reads what comes as frames and notes the words that count."""

    def __init__(self, port, settings=b"", acknowledges=True, host="127.0.0.1", deadline_s=20):
        self.link = socket.create_connection((host, port), timeout=deadline_s)
        self.has_settings = False
        self.data, self.resets, self.heads, self.body_bytes, self.goodbye = b"", [], [], 0, None
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        if acknowledges:  # … what has to be here before
            assert self.hear(lambda: self.has_settings)
            self.send(frame(SETTINGS, 1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()

    def send(self, *frames):
        """False when the server has gone."""
        try:
            self.link.sendall(b"".join(frames))
            return True
        except OSError:
            return False

    def take_frames(self):
        while len(self.data) >= 9 and len(self.data) >= 9 + int.from_bytes(self.data[:3], "big"):
            size, kind = int.from_bytes(self.data[:3], "big"), self.data[3]
            stream, payload = struct.unpack(">I", self.data[5:9])[0], self.data[9:9 + size]
            self.data = self.data[9 + size:]
            if kind == RST_STREAM:
                self.resets.append((stream, int.from_bytes(payload, "big")))
            elif kind == SETTINGS:
                self.has_settings = True
            elif kind == HEADERS:
                self.heads.append(stream)
            elif kind == DATA:
                self.body_bytes += size
            elif kind == GOAWAY:
                self.goodbye = int.from_bytes(payload[4:8], "big")

    def hear(self, condition=lambda: False):
        """Reads until the condition holds or the server ends the connection; True when it is the former."""
        try:
            self.take_frames()
            while not condition():
                part = self.link.recv(65536)
                if not part:
                    return False
                self.data += part
                self.take_frames()
        except (ConnectionResetError, BrokenPipeError):
            return False
        return True

    def end(self):
        """Waits for the end of the connection; the code that GOAWAY gave, or None."""
        self.hear()
        return self.goodbye
