"""deploy/supervisor.py with small programs in place of ours: restarts, order of the stop, one supervisor per folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT, Process, wait_until

SUPERVISOR = [sys.executable, ROOT / "deploy" / "supervisor.py"]


@pytest.fixture
def supervise(tmp_path):
    """supervise(NAME, [COMMAND…], …) starts a supervisor on a folder of the test's own; .events() is its log."""
    started = []

    def start(*programs):
        words = []
        for name, command in programs:
            words += ["--", name, *command]
        process = Process([*SUPERVISOR, tmp_path, *words], tmp_path, "supervisor")
        process.events = lambda: (tmp_path / "log" / "supervisor.log").read_text().splitlines()
        wait_until((tmp_path / "log" / "supervisor.log").exists)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


def count(process, text):
    return sum(text in line for line in process.events())


def test_program_that_ends_is_started_again_with_back_off(supervise):
    supervisor = supervise(("short", ["false"]))
    wait_until(lambda: count(supervisor, "short: started") == 3, 15)
    assert [line.rsplit(" ", 2)[1] for line in supervisor.events() if "starts again" in line][:2] == ["1", "2"]


def test_stops_in_reverse_order(supervise):
    supervisor = supervise(("first", ["sleep", "60"]), ("second", ["sleep", "60"]))
    wait_until(lambda: count(supervisor, "started") == 2)
    supervisor.stop()
    assert [line.split()[1] for line in supervisor.events() if "stopped" in line] == ["second:", "first:"]


def test_second_supervisor_is_refused(supervise, tmp_path):
    supervisor = supervise(("one", ["sleep", "60"]))
    wait_until(lambda: count(supervisor, "started") == 1)
    second = subprocess.run([*SUPERVISOR, tmp_path, "--", "two", "true"], timeout=10, check=False)
    assert second.returncode == 1
    assert count(supervisor, "another supervisor has") == 1


def test_programs_end_when_the_supervisor_is_killed(supervise):
    supervisor = supervise(("one", ["sleep", "60"]))
    started = wait_until(lambda: [line for line in supervisor.events() if "started" in line])
    program = int(started[0].rsplit(" ", 1)[1])
    supervisor.kill()
    wait_until(lambda: not is_alive(program), 5, what="the end of the program")


def is_alive(pid):
    """Whether the program still runs: not one that has ended and waits for somebody to ask, nor another of the same number."""
    try:
        return b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_log_of_a_program_that_runs_on_is_kept_small(supervise, tmp_path):
    supervisor = supervise(("loud", ["sh", "-c", "head -c 17000000 /dev/zero; echo more; sleep 60"]), ("waker", ["false"]))
    log = tmp_path / "log" / "loud.log"
    wait_until(lambda: log.with_suffix(".log.1").exists() and log.stat().st_size < 1000000, 15)
    assert count(supervisor, "loud: started") == 1


def test_down_stops_it_and_says_so(supervise, tmp_path):
    supervisor = supervise(("one", ["sleep", "60"]))
    wait_until(lambda: count(supervisor, "started") == 1)
    for wanted in (f"stopped {tmp_path}", f"nothing runs on {tmp_path}"):
        ended = subprocess.run([ROOT / "deploy" / "down", "--data", tmp_path], capture_output=True, text=True, timeout=30,
                               check=True)
        assert ended.stdout.strip() == wanted
    assert supervisor.wait() == 0
