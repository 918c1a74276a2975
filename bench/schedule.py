"""How punctual em-prober is, and what it costs, at 5,000 checks every 30 s with 30 % of the targets hanging."""

import json
import tempfile
from pathlib import Path

from tools import EM_PROBER, Row, run_measured, target

CHECKS, INTERVAL_S, HANGING = 5000, 30, 0.3


def measure(quick):
    seconds = 35 if quick else 95
    with target() as ports, tempfile.TemporaryDirectory() as folder:
        checks = Path(folder, "checks.jsonl")
        with checks.open("w") as lines:
            for number in range(CHECKS):
                port = ports["hang" if number % 10 < HANGING * 10 else "http"]
                lines.write(json.dumps({"id": f"check-{number}", "kind": "http", "interval_s": INTERVAL_S,
                                        "timeout_ms": 5000, "spec": {"url": f"http://127.0.0.1:{port}/"}}) + "\n")
        summary, cpu = run_measured([EM_PROBER, "run", "--checks", checks, "--duration", seconds, "--loops", 1,
                                     "--summary"], seconds)
    lag = summary["start_lag_us"]
    share = cpu / (seconds * 1e6)
    resident = summary["rss_bytes"] / 2**20
    what = f"{CHECKS:,} checks every {INTERVAL_S} s, {HANGING:.0%} hanging"
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in summary["by_outcome"].items() if count)
    return [
        Row(f"{what}: start lag",
            f"p50 {lag['p50'] / 1000:.2f} ms, p99 {lag['p99'] / 1000:.2f} ms, max {lag['max'] / 1000:.2f} ms",
            "p99 < 100 ms", lag["p99"] < 100_000),
        Row(f"{what}: probes", f"{summary['probes']} ({outcomes})"),
        Row(f"{what}: share of a core", f"{share:.1%}", "< 10 %", share < 0.10),
        Row(f"{what}: resident", f"{resident:.1f} MiB", "< 64 MiB", resident < 64),
    ]
