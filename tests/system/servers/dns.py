"""A small DNS server over UDP on loopback: answers by name, or stays silent, or answers late."""

import socket
import struct
import threading
import time

A, AAAA = 1, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5


class DnsServer:
    """`zone`: {name: {"A": [...], "AAAA": [...]} | {"rcode": n} | "silent" | "garbage" | {"delay_s": s, …}}."""

    def __init__(self, zone):
        self.zone = zone
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.questions = []

    def __enter__(self):
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

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
        try:
            self.socket.sendto(b"\xff" * 40 if entry == "garbage" else build(data, question, entry, kind), peer)
        except OSError:
            pass  # the test is over


def read_question(data):
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    kind, = struct.unpack("!H", data[at + 1:at + 3])
    return ".".join(labels).lower(), kind, data[12:at + 5]


def build(data, question, entry, kind):
    family, key = (socket.AF_INET, "A") if kind == A else (socket.AF_INET6, "AAAA")
    addresses = entry.get(key, [])
    answers = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, 4 if kind == A else 16) +
                       socket.inet_pton(family, address) for address in addresses)
    flags = 0x8180 | entry.get("rcode", NOERROR)
    return data[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0) + question + answers
