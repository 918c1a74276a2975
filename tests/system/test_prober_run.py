"""`em-prober run`: schedules, floods, the summary, the end; and what it holds on to."""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from processes import EM_PROBER, free_port, short_dir, wait_until
from servers import hostile
from servers.hostile import OK, Server, answer

pytestmark = pytest.mark.skipif(not EM_PROBER.exists(), reason="em-prober is not built")


@pytest.fixture
def run(tmp_path):
    """run(checks, *options): a running `em-prober run`; ended at the end of the test."""
    started = []

    def start(checks, *options):
        file = tmp_path / f"checks-{len(started)}.jsonl"
        file.write_text("".join(json.dumps(check) + "\n" for check in checks))
        child = subprocess.Popen([EM_PROBER, "run", "--checks", file, *map(str, options)], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        started.append(child)
        return child

    yield start
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate(timeout=10)


def http(port, **fields):
    return {"kind": "http", "spec": {"url": f"http://127.0.0.1:{port}/"}, **fields}


def end(child, deadline_s=20):
    out, err = child.communicate(timeout=deadline_s)
    assert "Sanitizer" not in err, err
    return out, err


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.slow
def test_schedule_is_kept_at_the_phase_of_the_id(run):
    with Server(answer(OK)) as server:
        first = end(run([http(server.port, id="a", interval_s=1, timeout_ms=900)], "--duration", 3))[0]
        second = end(run([http(server.port, id="a", interval_s=1, timeout_ms=900)], "--duration", 3))[0]
    times = [json.loads(line)["at"] for line in (first + second).splitlines()]
    phases = [float("0." + at.split(".")[1].rstrip("Z")) for at in times]
    assert 4 <= len(times) <= 8
    spread = max(min(abs(a - b), 1 - abs(a - b)) for a in phases for b in phases)
    assert spread < 0.3, phases


@pytest.mark.slow
def test_check_never_overlaps_itself(run):
    with Server(hostile.hang) as server:
        out, _ = end(run([http(server.port, id="a", interval_s=1, timeout_ms=1000)], "--duration", 4, "--summary"))
        assert server.seen <= 4
    summary = json.loads(out)
    assert set(summary["by_outcome"]) <= {"timeout"}


def test_summary_has_its_fields(run):
    with Server(answer(OK)) as server:
        out, _ = end(run([http(server.port)], "--duration", 1, "--flood", 8, "--summary"))
    summary = json.loads(out)
    assert {"probes", "by_verdict", "by_outcome", "per_second", "cpu_us_per_probe", "start_lag_us", "rss_bytes"} <= set(summary)
    assert set(summary["start_lag_us"]) == {"p50", "p99", "max"}
    assert summary["probes"] == sum(summary["by_verdict"].values()) == sum(summary["by_outcome"].values()) > 50
    assert summary["by_verdict"]["ok"] == summary["probes"]


@contextmanager
def flooding(run, checks, in_flight, *options):
    child = run(checks, "--flood", in_flight, "--loops", 1, "--summary", *options)
    yield child
    if child.poll() is None:
        child.terminate()


def test_flood_leaks_no_descriptors(run):
    """Good, refusing, resetting and hanging targets together."""
    with Server(answer(OK)) as good, Server(hostile.reset) as bad, Server(hostile.hang) as silent:
        checks = [http(good.port), http(bad.port), http(silent.port, interval_s=1, timeout_ms=50), http(free_port())]
        with flooding(run, checks, 16) as child:
            wait_until(lambda: good.seen > 200, 20, what="200 probes")
            most = max(descriptors(child.pid) for _ in range(50))
            child.terminate()
            out, _ = end(child)
    assert most < 16 + 30
    summary = json.loads(out)
    assert set(summary["by_outcome"]) <= {"ok", "reset", "timeout", "connect_refused", "eof_early"}, summary


def test_idle_prober_holds_what_it_held_before(run):
    with Server(answer(OK)) as server:
        child = run([http(server.port, id=str(n), interval_s=1, timeout_ms=800) for n in range(50)])
        wait_until(lambda: server.seen > 60, 20, what="60 probes")
        counts = [descriptors(child.pid) for _ in range(200)]
        child.terminate()
        end(child)
    assert min(counts) <= 30


def test_ends_soon_with_probes_and_scripts_under_way(run):
    scripts = short_dir()
    (scripts / "stubborn").write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.05; done\n")
    (scripts / "stubborn").chmod(0o755)
    with Server(hostile.hang) as server:
        checks = [http(server.port, id=str(n), interval_s=20, timeout_ms=20000) for n in range(50)]
        checks += [{"id": f"s{n}", "kind": "script", "interval_s": 20, "timeout_ms": 20000, "spec": {"command": "stubborn"}}
                   for n in range(3)]
        child = run(checks, "--flood", 200, "--scripts", scripts, "--summary")
        wait_until(lambda: server.seen >= 100, 20, what="100 probes under way")
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        out, err = end(child)
    assert time.monotonic() - began < 5, err
    assert child.returncode == 0
    assert json.loads(out)["by_verdict"]["fail"] == 0, "what was cancelled is no result"


def test_running_out_of_descriptors_is_the_probers_trouble(tmp_path):
    with Server(hostile.hang) as server:
        checks = tmp_path / "checks.jsonl"
        checks.write_text("".join(json.dumps(http(server.port, id=str(n), timeout_ms=3000)) + "\n" for n in range(80)))
        limited = ["prlimit", "--nofile=48:48", EM_PROBER, "run", "--checks", checks, "--flood", "80", "--duration", "2",
                   "--loops", "1", "--summary"]
        done = subprocess.run(list(map(str, limited)), capture_output=True, text=True, timeout=30, check=False)
    outcomes = json.loads(done.stdout)["by_outcome"]
    assert outcomes.get("prober_error", 0) > 0
    assert set(outcomes) <= {"prober_error", "timeout"}, outcomes


@pytest.mark.parametrize("arguments, words", [
    (["run", "--checks", "/nonexistent"], "/nonexistent"), (["run", "--flood", "x"], "flood"), (["--surprise"], "surprise"),
    (["twice"], "twice"), ([], "--data"), (["--bus", "nonsense://x"], "bus"), (["run", "--log-level", "loud"], "loud"),
    (["run", "--log-format", "xml"], "text or json"), (["--log-format", "json"], '"event":"program.failed","detail":"Say where'),
])
def test_wrong_options_are_named(arguments, words):
    done = subprocess.run([EM_PROBER, *arguments], capture_output=True, text=True, timeout=20, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert words in done.stderr and len(done.stderr.splitlines()) <= 3


def test_version_and_help():
    assert subprocess.check_output([EM_PROBER, "--version"], text=True, timeout=10).startswith("em-prober ")
    assert "--flood" in subprocess.check_output([EM_PROBER, "--help"], text=True, timeout=10)
