"""Probes per CPU second of `em-prober run --flood` on one core, as a share of the raw epoll loop's."""

import json
import shutil
import tempfile
from pathlib import Path

from tools import BUILD, EM_PROBER, Row, median, run_measured, target

# kind, probes in flight, how both close the connection, share of the raw limit that is wanted
CASES = [("http", 64, "reset", 0.60), ("http", 256, "reset", 0.60), ("tcp", 64, "reset", 0.60), ("https", 64, "reset", 0.85)]
# scripts in flight, share of a bare posix_spawn loop
SCRIPT_CASES = [(16, 0.80), (64, 0.80)]
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
        checks = folder / "checks.jsonl"
        checks.write_text("".join(json.dumps({"id": str(number), "kind": "script", "spec": {"command": "tiny"}}) + "\n"
                                  for number in range(CHECKS)))
        for in_flight, wanted in SCRIPT_CASES:
            results = [one_script_round(in_flight, seconds, folder, checks) for _ in range(rounds)]
            rows.append(row_of(f"flood script, {in_flight} in flight", results, wanted, "bare posix_spawn loop"))
    return rows


def measure(quick):
    rounds, seconds = (2, 2) if quick else (5, 4)
    rows = []
    with target() as ports, tempfile.TemporaryDirectory() as folder:
        for kind, in_flight, close, wanted in CASES:
            checks = Path(folder, f"{kind}.jsonl")
            checks.write_text("".join(json.dumps({"id": f"{kind}-{number}", **check_of(kind, ports)}) + "\n"
                                      for number in range(CHECKS)))
            results = [one_round(kind, in_flight, close, seconds, ports, checks) for _ in range(rounds)]
            rows.append(row_of(f"flood {kind}, {in_flight} in flight", results, wanted, "raw loop"))
    return rows + measure_scripts(rounds, seconds)
