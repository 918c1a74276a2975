"""Probes per CPU second of `em-prober run --flood` on one core, as a share of the raw epoll loop's."""

import json
import shutil
import tempfile
from pathlib import Path

from tools import BUILD, EM_PROBER, MEASURED_CORE, OTHER_CORE, Row, median, run_measured, target

# kind, probes in flight, how both close the connection, share of the raw limit that is wanted
CASES = [("http", 64, "reset", 0.85), ("http", 256, "reset", 0.85), ("http", 1024, "reset", 0.85),
         ("tcp", 64, "reset", 0.85), ("tcp", 64, "half-open", 0.75), ("https", 64, "reset", 0.95),
         ("dns", 64, "reset", 0.70)]
RESUMED_TIMES = 1.6  # a resumed session's probes beside full handshakes
LOOPS_TIMES = 1.8    # two loops on two cores beside one
# scripts in flight, share of a bare posix_spawn loop
SCRIPT_CASES = [(16, 0.80), (64, 0.80)]
CHECKS = 64


def https_check(ports, port, **options):
    tls = {"ca": Path(ports["ca"]).read_text(), "server_name": "localhost", **options}
    return {"kind": "http", "spec": {"url": f"https://127.0.0.1:{ports[port]}/", "tls": tls}}


def check_of(kind, close, ports):
    if kind == "tcp":
        return {"kind": "tcp", "spec": {"address": "127.0.0.1", "port": ports["tcp"], "half_open": close == "half-open"}}
    if kind == "dns":
        return {"kind": "dns", "spec": {"name": "bench.test", "servers": [f"127.0.0.1:{ports['dns']}"]}}
    if kind == "https":
        return https_check(ports, "https")
    return {"kind": "http", "spec": {"url": f"http://127.0.0.1:{ports['http']}/"}}


def write_checks(folder, check):
    """A file of CHECKS times the same check."""
    path = Path(folder, "checks.jsonl")
    path.write_text("".join(json.dumps({"id": f"check-{number}", **check}) + "\n" for number in range(CHECKS)))
    return path


def flood(checks, in_flight, seconds, loops=1, cores=MEASURED_CORE):
    """The summary of a flood, and its CPU µs per probe."""
    ours, cpu = run_measured([EM_PROBER, "run", "--checks", checks, "--flood", in_flight, "--duration", seconds,
                              "--loops", loops, "--summary"], seconds, cores)
    return ours, cpu / ours["probes"]


def one_round(kind, in_flight, close, seconds, ports, checks):
    """CPU µs per probe of the raw loop and of em-prober, right after one another."""
    raw, _ = run_measured([BUILD / "bench" / f"bench-raw-{kind}", ports[kind], in_flight, seconds, close, ports["ca"]],
                          seconds)
    ours, cpu = flood(checks, in_flight, seconds)
    wrong = ours["probes"] - ours["by_verdict"].get("ok", 0)
    if raw["failed"] or wrong:
        raise AssertionError(f"{kind}: {raw['failed']} raw probes and {wrong} of em-prober failed: {ours['by_outcome']}")
    return raw["cpu_us"] / raw["probes"], cpu, ours["per_second"]


def row_of(what, results, wanted, limit):
    """`results` as one_round() gives them."""
    share = median([raw / ours for raw, ours, _ in results])
    return Row(what, f"{share:.2f} of the {limit}: {median([r[1] for r in results]):.1f} µs a probe "
                     f"(raw {median([r[0] for r in results]):.1f}), {median([r[2] for r in results]):.0f}/s",
               f"≥ {wanted:.2f}", share >= wanted)


def one_script_round(in_flight, seconds, folder, checks):
    """As one_round(), for a program without a C library; the children's time counts on both sides."""
    raw, raw_cpu = run_measured([BUILD / "bench" / "bench-raw-script", folder / "tiny", in_flight, seconds, "bare"], seconds)
    ours, cpu = run_measured([EM_PROBER, "run", "--checks", checks, "--scripts", folder, "--flood", in_flight,
                              "--duration", seconds, "--loops", 1, "--summary"], seconds)
    if raw["failed"] or ours["by_verdict"].get("ok", 0) != ours["probes"]:
        raise AssertionError(f"{raw['failed']} raw scripts failed, of em-prober's: {ours['by_outcome']}")
    return raw_cpu / raw["probes"], cpu / ours["probes"], ours["per_second"]


def measure_scripts(rounds, seconds):
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # when root measures, scripts run as somebody else
        shutil.copy(BUILD / "bench" / "bench-tiny-script", folder / "tiny")
        checks = write_checks(folder, {"kind": "script", "spec": {"command": "tiny"}})
        for in_flight, wanted in SCRIPT_CASES:
            results = [one_script_round(in_flight, seconds, folder, checks) for _ in range(rounds)]
            rows.append(row_of(f"flood script, {in_flight} in flight", results, wanted, "bare posix_spawn loop"))
    return rows


def measure_resumption(ports, folder, rounds, seconds):
    """Sessions that are resumed beside full handshakes with the same server."""
    shares, resumed = [], []
    for _ in range(rounds):
        full, full_cpu = flood(write_checks(folder, https_check(ports, "tickets")), 64, seconds)
        again, again_cpu = flood(write_checks(folder, https_check(ports, "tickets", resume=True)), 64, seconds)
        if full["by_verdict"]["ok"] != full["probes"] or again["by_verdict"]["ok"] != again["probes"]:
            raise AssertionError(f"https: {full['by_outcome']}, resumed: {again['by_outcome']}")
        shares.append(full_cpu / again_cpu)
        resumed.append(again_cpu)
    return [Row("flood https, 64 in flight, resumed", f"{median(shares):.2f} times the full handshake: "
                                                      f"{median(resumed):.0f} µs a probe",
                f"≥ {RESUMED_TIMES}", median(shares) >= RESUMED_TIMES)]


def measure_loops(folder, rounds, seconds):
    """Nobody listens where these checks connect to, so both cores are em-prober's."""
    checks = write_checks(folder, {"kind": "tcp", "spec": {"address": "127.0.0.1", "port": 9}})
    times = []
    for _ in range(rounds):
        one, _ = flood(checks, 64, seconds)
        two, _ = flood(checks, 128, seconds, loops=2, cores=f"{MEASURED_CORE},{OTHER_CORE}")
        times.append(two["per_second"] / one["per_second"])
    return [Row("flood tcp to a closed port: two loops on two cores", f"{median(times):.2f} times one loop on one",
                f"≥ {LOOPS_TIMES}", median(times) >= LOOPS_TIMES)]


def measure(quick):
    rounds, seconds = (2, 2) if quick else (3, 3)
    rows = []
    with target() as ports, tempfile.TemporaryDirectory() as folder:
        for kind, in_flight, close, wanted in CASES:
            checks = write_checks(folder, check_of(kind, close, ports))
            results = [one_round(kind, in_flight, close, seconds, ports, checks) for _ in range(rounds)]
            half_open = ", half-open" if close == "half-open" else ""
            rows.append(row_of(f"flood {kind}{half_open}, {in_flight} in flight", results, wanted, "raw loop"))
        rows += measure_resumption(ports, folder, rounds, seconds)
        rows += measure_loops(folder, rounds, seconds)
    return rows + measure_scripts(rounds, seconds)
