"""Ambiguous requests through real proxies: what a proxy lets through is understood here as it was there.

A proxy that has one connection to us for all its clients is the worst case: if we saw a request where it saw none, our answer to
that one would go to whoever asks next.
"""

import re
import socket

import pytest
import requests

import processes
from test_http import CLOSE, POST, SMUGGLING

HIDDEN = b"GET /api/v1/hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

# Bodies of which one reader may see the end where the other sees a request.
DIFFERENCES = {
    "a length that ends before the chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
        len(HIDDEN), HIDDEN),
    "chunks that end before the length": POST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%b" % (
        len(HIDDEN) + 5, HIDDEN),
    "a coding that one of them may not know": POST + b"Content-Length: %d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n%b" % (
        len(HIDDEN) + 5, HIDDEN),
    "a coding behind a tab": POST + b"Content-Length: %d\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n%b" % (len(HIDDEN) + 5, HIDDEN),
    "a body of a GET": b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "a chunked body of a GET": b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
        len(HIDDEN), HIDDEN),
    "a body of a HEAD": b"HEAD /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "an upgrade that is none": b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + HIDDEN,
    "an upgrade to HTTP/2": b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                            b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" + HIDDEN,
    "a body that waits for leave": POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "a length that only we are told": POST + b"Connection: Content-Length\r\nContent-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "an encoded line end": b"GET /healthz%20HTTP/1.1%0d%0aHost:%20a%0d%0a%0d%0aGET%20/api/v1/hidden HTTP/1.1\r\nHost: a\r\n\r\n",
}
ATTACKS = {**{name: text + HIDDEN for name, text in SMUGGLING.items()}, **DIFFERENCES}

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 256; }}
http {{
    access_log off; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;
    client_header_timeout 200ms; client_body_timeout 200ms; keepalive_timeout 100ms; lingering_close off;
    upstream control {{ server 127.0.0.1:{control}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://control; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;
            proxy_next_upstream off;
        }}
    }}
}}
"""
HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout server 2s
    timeout client 200ms
    timeout http-request 200ms
    timeout http-keep-alive 100ms
    http-reuse always
    retries 0
frontend all
    bind 127.0.0.1:{port}
    default_backend control
backend control
    server control 127.0.0.1:{control} pool-max-conn 1
"""
PROXIES = {"nginx": (NGINX, ["nginx", "-e", "stderr", "-p", "{folder}", "-c", "{conf}"]),
           "haproxy": (HAPROXY, ["haproxy", "-db", "-f", "{conf}"])}


@pytest.fixture(params=PROXIES)
def proxy(request, control, tmp_path):
    """The port of a proxy before the shared control."""
    text, argv = PROXIES[request.param]
    port, conf = processes.free_port(), tmp_path / "proxy.conf"
    conf.write_text(text.format(folder=tmp_path, port=port, control=control.port))
    program = processes.Process([word.format(folder=tmp_path, conf=conf) for word in argv], tmp_path, request.param)

    def answers():
        assert program.is_running(), program.tail()
        try:
            return ask(port).status_code == 200
        except requests.ConnectionError:
            return False

    processes.wait_until(answers, what=f"{request.param}'s first answer")
    yield port
    program.stop()


def ask(port):
    """What somebody gets who has nothing to do with all this."""
    return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)


def attack(port, data):
    """All that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(data)
        try:
            return b"".join(iter(lambda: link.recv(65536), b""))
        except ConnectionResetError:
            return b""


def ours_in(answer):
    """How many answers of ours there are: no proxy has this field of its own; what is asked by HTTP/0.9 has no head."""
    return len(re.findall(rb"\r\nx-request-id: ", answer, re.IGNORECASE)) + answer.startswith(b"{")


def seen(control):
    """How many requests we have answered; this one is counted by the next."""
    lines = requests.get(f"{control.url}/metrics", timeout=5).text.splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("em_http_requests_total{"))


def test_nobody_gets_the_answer_to_a_hidden_request(control, proxy):
    before, reached = seen(control), set()
    for name, data in ATTACKS.items():
        answer = attack(proxy, data)
        if ours_in(answer):
            reached.add(name)
        for _ in range(2):
            other = ask(proxy)
            assert (other.status_code, other.text) == (200, '{"status":"ok"}'), f"{name}: {answer}"
        now = seen(control)
        assert now - before == ours_in(answer) + 2 + 1, f"{name}: {answer}"
        before = now
    assert {"a body of a GET", "an upgrade to HTTP/2"} <= reached, reached
