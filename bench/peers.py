"""em-prober beside HAProxy's health checks: as many checks each second, of the same target, on the same core."""

import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tools import EM_PROBER, MEASURED_CORE, Row, on_core, target
from schedule import checks_file

# kind, checks each second; both leave TCP connections half open
CASES = [("http", 256), ("http", 2000), ("http", 10_000), ("tcp", 10_000)]
SETTLE_S = 4


def haproxy_config(kind, count, port):
    servers = "\n".join(f"    server s{number} 127.0.0.1:{port} check inter 1s fastinter 1s" for number in range(count))
    return f"""global
    nbthread 1
    maxconn 100
    spread-checks 0
defaults
    mode {kind}
    timeout connect 5s
    timeout check 5s
    timeout client 5s
    timeout server 5s
frontend nobody
    bind unix@{{folder}}/haproxy.sock
    default_backend targets
backend targets
{"    option httpchk GET /" if kind == "http" else ""}
{servers}
"""


@contextmanager
def haproxy(kind, count, ports):
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "haproxy.cfg")
        config.write_text(haproxy_config(kind, count, ports[kind]).replace("{folder}", folder))
        with Path(folder, "log").open("w") as log:
            yield ["haproxy", "-db", "-f", config], log


@contextmanager
def prober(kind, count, ports):
    with checks_file(ports, count, 1, kind=kind) as checks, Path(checks.parent, "log").open("w") as log:
        yield [EM_PROBER, "run", "--checks", checks, "--loops", 1, "--summary"], log


def cpu_us(pid):
    """Time on a core so far, of all threads: what the scheduler counts in nanoseconds, not in ticks."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1000


def connections_opened():
    """By all of this machine so far: HAProxy does not complete TCP checks, so no target could count them."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Tcp:"))
    return int(values[names.index("ActiveOpens")])


def measure_program(program, kind, count, ports, seconds):
    """CPU µs per check and checks a second, of a program that has settled."""
    with program(kind, count, ports) as (argv, log):
        child = subprocess.Popen(on_core(MEASURED_CORE, argv), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            time.sleep(SETTLE_S)
            before, cpu_before, began = connections_opened(), cpu_us(child.pid), time.monotonic()
            time.sleep(seconds)
            checks, cpu, took_s = connections_opened() - before, cpu_us(child.pid) - cpu_before, time.monotonic() - began
        finally:
            child.terminate()
            child.wait(timeout=10)
        if not checks:
            raise AssertionError(f"{argv[0]} checked nothing: {Path(log.name).read_text()[-2000:]}")
    return cpu / checks, checks / took_s


def measure(quick):
    seconds = 5 if quick else 20
    rows = []
    with target() as ports:
        for kind, count in CASES:
            peer, peer_rate = measure_program(haproxy, kind, count, ports, seconds)
            ours, our_rate = measure_program(prober, kind, count, ports, seconds)
            rows.append(Row(f"{count:,} {kind} checks each second",
                            f"{ours:.1f} µs a check at {our_rate:,.0f}/s; HAProxy {peer:.1f} µs at {peer_rate:,.0f}/s: "
                            f"{peer / ours:.2f} times", "less than HAProxy", ours < peer))
    return rows
