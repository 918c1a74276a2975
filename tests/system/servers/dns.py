"""A small DNS server on loopback, over UDP and TCP: answers by name, or stays silent, lies, or answers late."""

import json
import socket
import struct
import sys
import threading
import time

A, AAAA = 1, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5


def same_port_twice(address, port):
    """A listener for TCP and a socket for UDP with one number; what is free for one may be taken for the other."""
    for _ in range(100):
        listener = socket.create_server((address, port), backlog=64)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(listener.getsockname())
            return listener, datagrams
        except OSError:
            listener.close()
            datagrams.close()
    raise AssertionError("no port is free for both TCP and UDP")


class DnsServer:
    """`zone`: {name: {"A": [...], "AAAA": [...]} | {"rcode": n} | "silent" | "garbage" | {"delay_s": s, …}}.

    An entry may also have {"records": [(section, type, rdata)…]} as bytes, {"truncated": True} for UDP, {"drop": n} for the
    first n questions over UDP, {"elsewhere": True} to answer from another address, and {"raw": function(question's
    message) → list of messages} in place of all that.
    """

    def __init__(self, zone, address="127.0.0.1", port=0):
        self.zone = zone
        self.listener, self.socket = same_port_twice(address, port)
        self.port = self.socket.getsockname()[1]
        self.questions, self.dropped, self.over_tcp = [], {}, []

    def __enter__(self):
        threading.Thread(target=self.run, daemon=True).start()
        threading.Thread(target=self.run_tcp, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.listener.close()

    def run_tcp(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.reply_tcp, args=(connection,), daemon=True).start()

    def reply_tcp(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                data = stream.read(struct.unpack("!H", stream.read(2))[0])
                name, kind, question = read_question(data)
                self.over_tcp.append((name, kind))
                for message in self.messages(data, name, kind, question, over_tcp=True):
                    connection.sendall(struct.pack("!H", len(message)) + message)
            except (OSError, struct.error):
                pass  # the prober goes away whenever it has seen enough

    def messages(self, data, name, kind, question, over_tcp):
        entry = self.zone.get(name, {"rcode": NXDOMAIN})
        if entry == "garbage":
            return [b"\xff" * 40]
        if "raw" in entry:
            return entry["raw"](data)
        return [build(data, question, entry, kind, entry.get("truncated", False) and not over_tcp)]

    def run(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            threading.Thread(target=self.reply, args=(data, peer), daemon=True).start()

    def reply(self, data, peer):
        name, kind, question = read_question(data)
        self.questions.append((name, kind))
        entry = self.zone.get(name, {"rcode": NXDOMAIN})
        if entry == "silent" or (kind == AAAA and entry != "garbage" and entry.get("silent_aaaa")):
            return
        if entry != "garbage" and "delay_s" in entry:
            time.sleep(entry["delay_s"])
        if entry != "garbage" and self.dropped.get(name, 0) < entry.get("drop", 0):
            self.dropped[name] = self.dropped.get(name, 0) + 1
            return
        try:
            for message in self.messages(data, name, kind, question, over_tcp=False):
                if entry != "garbage" and entry.get("elsewhere"):
                    send_from_elsewhere(message, peer, self.port)
                else:
                    self.socket.sendto(message, peer)
        except OSError:
            pass  # the test is over


def send_from_elsewhere(message, peer, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.9", port))
        other.sendto(message, peer)


def read_question(data):
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    kind, = struct.unpack("!H", data[at + 1:at + 3])
    return ".".join(labels).lower(), kind, data[12:at + 5]


def build(data, question, entry, kind, truncated=False):
    """The answer: records of the zone by type, each named by a pointer to the question."""
    sections = [[], [], []]
    for key, number, family in (("A", A, socket.AF_INET), ("AAAA", AAAA, socket.AF_INET6)):
        if kind == number and not truncated:
            sections[0] += [(number, socket.inet_pton(family, address)) for address in entry.get(key, [])]
    for section, number, rdata in entry.get("records", []):
        if not truncated:
            sections[section].append((number, rdata))
    flags = 0x8080 | (data[2] & 1) << 8 | (0x200 if truncated else 0) | (0x400 if entry.get("authoritative") else 0)
    head = struct.pack("!HHHHH", flags | entry.get("rcode", NOERROR), 1, *map(len, sections))
    return data[:2] + head + question + b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", number, 1, 300, len(rdata)) + rdata for section in sections for number, rdata in section)


if __name__ == "__main__":  # python3 -m servers.dns ADDRESS PORT ZONE: until standard input ends
    with DnsServer(json.loads(sys.argv[3]), sys.argv[1], int(sys.argv[2])) as server:
        print(server.port, flush=True)
        sys.stdin.read()
