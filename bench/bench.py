"""Runs the measurements and prints one table; bench/run builds first and then calls this."""

import argparse
import json
import os
import platform
import sys
import time

from tools import BUILD, ROOT

import fanout
import flood
import greedy
import hono
import journal
import latency
import mixed
import peers
import routes
import scale
import schedule

MEASUREMENTS = {"flood": flood.measure, "schedule": schedule.measure, "peers": peers.measure, "latency": latency.measure,
                "routes": routes.measure, "hono": hono.measure, "scale": scale.measure, "fanout": fanout.measure,
                "journal": journal.measure, "mixed": mixed.measure, "greedy": greedy.measure}


def print_table(rows):
    """As Markdown, so that it can be copied into the README as it is."""
    columns = ("what", "measured", "wanted", "")
    lines = [columns] + [(row.what, row.measured, row.wanted, "" if row.met is None else "met" if row.met else "MISSED")
                         for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("measurement", nargs="*", choices=[[], *MEASUREMENTS], default=[])
    options = parser.parse_args()

    began = time.monotonic()
    rows = []
    for name in options.measurement or MEASUREMENTS:
        print(f"  … {name} (load average {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
        rows += MEASUREMENTS[name](options.quick)

    print(f"\n{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores of {platform.machine()}, Linux {platform.release()}, "
          f"{time.monotonic() - began:.0f} s{', quick' if options.quick else ''}\n")
    print_table(rows)
    (BUILD / "bench.json").write_text(json.dumps([vars(row) for row in rows], indent=2) + "\n")
    print(f"\n(also in {(BUILD / 'bench.json').relative_to(ROOT)})")


if __name__ == "__main__":
    main()
