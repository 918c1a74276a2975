"""An HTTP proxy that connects (CONNECT), and what one does that is broken: a thread per connection."""

import select
import socket
import ssl

from servers.hostile import Server, read_head

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def relay(one, other):
    """Copies both ways until a side ends; one may be TLS, so all of it is done by this thread."""
    sides = {one: other, other: one}
    while True:
        ready = [side for side in sides if isinstance(side, ssl.SSLSocket) and side.pending()]
        for side in ready or select.select(list(sides), [], [])[0]:
            try:
                data = side.recv(65536)
            except ssl.SSLWantReadError:
                continue
            if not data:
                return
            sides[side].sendall(data)


class Proxy(Server):
    """Connects to where it is asked to; `hosts` replaces names, as its own DNS would."""

    def __init__(self, context=None, hosts=None, established=ESTABLISHED, wants=None):
        super().__init__(self.tunnel, context)
        self.hosts, self.established, self.wants, self.requests = hosts or {}, established, wants, []

    def tunnel(self, connection):
        head = read_head(connection).decode("latin-1")
        if not head:
            return
        self.requests.append(head)
        method, authority, _ = head.split("\r\n")[0].split(" ")
        assert method == "CONNECT", head
        if self.wants and f"\r\nProxy-Authorization: {self.wants}\r\n" not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
            return
        host, port = authority.rsplit(":", 1)
        try:
            target = socket.create_connection((self.hosts.get(host, host.strip("[]")), int(port)), timeout=10)
        except OSError:
            connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with target:
            connection.sendall(self.established)
            relay(connection, target)
