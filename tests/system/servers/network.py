"""Two hosts on one cable, as network namespaces of the test's own: what crosses a network, and what gets lost on it."""

import itertools
import os
import subprocess

HERE, THERE = "10.77.0.1", "10.77.0.2"
HERE_6, THERE_6 = "fd77::1", "fd77::2"
_numbers = itertools.count(1)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


class Network:
    """`here` and `there` are commands that run a program on each host; `with` removes both hosts."""

    def __enter__(self):
        name = f"em{os.getpid()}-{next(_numbers)}"
        self.names = [f"{name}-here", f"{name}-there"]
        self.here, self.there = (("ip", "netns", "exec", one) for one in self.names)
        for one in self.names:
            ip("netns", "add", one)
            ip("-n", one, "link", "set", "lo", "up")
        ip("-n", self.names[0], "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.names[1])
        for one, address, address_6 in zip(self.names, (HERE, THERE), (HERE_6, THERE_6)):
            ip("-n", one, "address", "add", f"{address}/24", "dev", "cable")
            ip("-n", one, "address", "add", f"{address_6}/64", "dev", "cable", "nodad")
            ip("-n", one, "link", "set", "cable", "up")
        return self

    def __exit__(self, *_):
        for one in self.names:
            subprocess.run(["ip", "netns", "del", one], check=False, capture_output=True, timeout=30)

    def sysctl(self, name, value, host="there"):
        subprocess.run([*getattr(self, host), "sysctl", "-q", "-w", f"{name}={value}"], check=True, capture_output=True, timeout=30)

    def address(self, address):
        """Gives `there` one more address."""
        ip("-n", self.names[1], "address", "add", f"{address}/24", "dev", "cable")

    def route(self, *words, host="here"):
        """Adds a route of a host: "10.78.0.0/24", "via", THERE; or "unreachable", and so on."""
        ip("-n", self.names[("here", "there").index(host)], "route", "add", *words)
