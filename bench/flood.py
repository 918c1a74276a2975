"""Probes per CPU second of `em-prober run --flood` on one core, as a share of the raw epoll loop's."""

import json
import tempfile
from pathlib import Path

from tools import BUILD, EM_PROBER, Row, median, run_measured, target

# kind, probes in flight, how both close the connection, share of the raw limit that is wanted
CASES = [("http", 64, "reset", 0.60), ("http", 256, "reset", 0.60), ("tcp", 64, "reset", 0.60), ("https", 64, "reset", 0.85)]
CHECKS = 64


def check_of(kind, ports):
    if kind == "tcp":
        return {"kind": "tcp", "spec": {"address": "127.0.0.1", "port": ports["tcp"]}}
    if kind == "https":
        tls = {"ca": Path(ports["ca"]).read_text(), "server_name": "localhost"}
        return {"kind": "http", "spec": {"url": f"https://127.0.0.1:{ports['https']}/", "tls": tls}}
    return {"kind": "http", "spec": {"url": f"http://127.0.0.1:{ports['http']}/"}}


def one_round(kind, in_flight, close, seconds, ports, checks):
    """CPU µs per probe of the raw loop and of em-prober, right after one another."""
    raw, _ = run_measured([BUILD / "bench" / f"bench-raw-{kind}", ports[kind], in_flight, seconds, close, ports["ca"]],
                          seconds)
    ours, cpu = run_measured([EM_PROBER, "run", "--checks", checks, "--flood", in_flight, "--duration", seconds,
                              "--loops", 1, "--summary"], seconds)
    wrong = ours["probes"] - ours["by_verdict"].get("ok", 0)
    if raw["failed"] or wrong:
        raise AssertionError(f"{kind}: {raw['failed']} raw probes and {wrong} of em-prober failed: {ours['by_outcome']}")
    return raw["cpu_us"] / raw["probes"], cpu / ours["probes"], ours["per_second"]


def measure(quick):
    rounds, seconds = (2, 2) if quick else (5, 4)
    rows = []
    with target() as ports, tempfile.TemporaryDirectory() as folder:
        for kind, in_flight, close, wanted in CASES:
            checks = Path(folder, f"{kind}.jsonl")
            checks.write_text("".join(json.dumps({"id": f"{kind}-{number}", **check_of(kind, ports)}) + "\n"
                                      for number in range(CHECKS)))
            results = [one_round(kind, in_flight, close, seconds, ports, checks) for _ in range(rounds)]
            share = median([raw / ours for raw, ours, _ in results])
            rows.append(Row(
                f"flood {kind}, {in_flight} in flight",
                f"{share:.2f} of the raw loop: {median([r[1] for r in results]):.1f} µs a probe "
                f"(raw {median([r[0] for r in results]):.1f}), {median([r[2] for r in results]):.0f}/s",
                f"≥ {wanted:.2f}", share >= wanted))
    return rows
