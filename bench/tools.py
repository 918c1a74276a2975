"""Shared by the measurements: rows of the table, programs on their cores, the target, percentiles."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))  # the programs are started as the system tests start them

from processes import BUILD, EM_PROBER, Client, Control, Prober, wait_until  # noqa: E402,F401

MEASURED_CORE, OTHER_CORE = 0, (os.cpu_count() or 1) - 1
SPARE_S = 60  # what a program may take over its own time before it is given up


@dataclass
class Row:
    """One line of the table; `met` is None where nothing is wanted."""

    what: str
    measured: str
    wanted: str = ""
    met: bool | None = None


def percentile(values, share):
    """The value that `share` of the sorted values are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values):
    return percentile(values, 0.5)


def on_core(cores, argv):
    return ["taskset", "--cpu-list", str(cores), *map(str, argv)]


def run_measured(argv, seconds, cores=MEASURED_CORE):
    """Runs a program on the measured core, or others, to its end; returns its last line as JSON and its CPU time in µs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(on_core(cores, argv), capture_output=True, text=True, timeout=seconds + SPARE_S,
                           stdin=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode not in (0, 1):
        sys.exit(f"{argv[0]} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(ended.stdout.splitlines()[-1]), cpu_s * 1e6


def run_lines(argv, seconds):
    """Runs a program on the measured core to its end; yields the JSON objects it prints, one per line."""
    ended = subprocess.run(on_core(MEASURED_CORE, argv), stdout=subprocess.PIPE, text=True, timeout=seconds + SPARE_S,
                           stdin=subprocess.DEVNULL, check=True)
    return map(json.loads, ended.stdout.splitlines())


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


@contextmanager
def target(body_bytes=64, core=OTHER_CORE):
    """A running bench-target: its ports by name, and `ca`, the file of the authority of its certificate."""
    with tempfile.TemporaryDirectory(prefix="em-bench-") as folder:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Bench CA")
        openssl(folder, "req", *key, "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=localhost")
        Path(folder, "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl(folder, "x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "30", "-extfile", "extensions", "-out", "cert.pem")
        program = [BUILD / "bench" / "bench-target", f"{folder}/cert.pem", f"{folder}/key.pem", str(body_bytes)]
        child = subprocess.Popen(on_core(core, program), stdout=subprocess.PIPE, text=True)
        try:
            yield {**json.loads(child.stdout.readline()), "ca": f"{folder}/ca.pem"}
        finally:
            child.terminate()
            child.wait(timeout=10)


def node_folder(name):
    """A folder below the build with the program of bench/<name> and the packages of its lockfile."""
    folder = BUILD / "bench" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copy(ROOT / "bench" / name / file, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=300)
    return folder


@contextmanager
def service(*options):
    """A ready em-control of the release on data of its own; a Prober is the caller's to start."""
    control = Control(*options)
    try:
        yield control.wait_ready()
    finally:
        control.stop()
        control.remove()


def pin(pid, core):
    """Moves a running program, with all its threads, to one core."""
    subprocess.run(["taskset", "--all-tasks", "--cpu-list", "--pid", str(core), str(pid)], check=True, capture_output=True)


def resident_mib(pid):
    """What a process holds in memory now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)
