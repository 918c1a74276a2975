"""Script checks: exit codes, performance data, and scripts that will not behave."""

import os
import stat
import time
from pathlib import Path

import pytest

SCRIPTS = {
    "ok": "echo \"OK - fine | 'load 1'=0.5;1;2;0;10 users=3 broken== time=5ms\"",
    "warn": "echo careful; exit 1", "fail": "echo down; exit 2", "unknown": "echo who knows; exit 3",
    "four": "echo four; exit 4", "not-found": "exit 127", "segv": "kill -SEGV $$",
    "silent": "", "stderr": "echo wrong >&2; exit 2", "data-only": "echo '|a=1'",
    "stubborn": "trap '' TERM; while :; do sleep 0.05; done",
    "slow": "exec sleep 30", "flood": "exec yes", "flood-stderr": "yes >&2; exit 0",
    "line": "head -c 1000000 /dev/zero | tr '\\0' x", "escapes": "printf '\\033[31mred\\033[0m \\000nul \\377'",
    "daemon": "sleep 3 & echo left one behind", "reads": "cat; echo read",
    "environment": "env | cut -d= -f1 | sort | tr '\\n' ' '", "arguments": "echo \"$#:$1:$2\"",
    "parents": "sleep 60 & sleep 60 & wait",
}


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    for name, text in SCRIPTS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / "no-interpreter").write_text("#!/nonexistent\n")
    (folder / "no-interpreter").chmod(0o755)
    (folder / "not-executable").write_text("#!/bin/sh\n")
    (folder / "escape").symlink_to("/bin/true")
    (folder / "inside").symlink_to("ok")
    (folder / "folder").mkdir()
    return folder


def check(command, *, timeout_ms=1500, **spec):
    return {"id": command, "kind": "script", "timeout_ms": timeout_ms, "spec": {"command": command, **spec}}


def living(text):
    """The processes with `text` on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and text in (entry / "cmdline").read_bytes().decode("latin-1"):
                found.append(entry.name)
        except OSError:
            pass
    return found


WANTED = {
    "ok": ("ok", "ok", "OK - fine"), "warn": ("warn", "script_exit", "careful"), "fail": ("fail", "script_exit", "down"),
    "unknown": ("error", "script_exit", "who knows"), "four": ("error", "script_exit", "four"),
    "not-found": ("error", "script_exit", "exit status 127"), "segv": ("error", "script_signal", "signal 11 (SEGV)"),
    "silent": ("ok", "ok", "exit status 0"), "stderr": ("fail", "script_exit", "wrong"), "data-only": ("ok", "ok", ""),
    "stubborn": ("fail", "script_timeout", "within 1500 ms"), "slow": ("fail", "script_timeout", "within 1500 ms"),
    "flood": ("fail", "limit_exceeded", "16 MiB"), "line": ("ok", "ok", "xxx"), "escapes": ("ok", "ok", "\\x1b[31mred"),
    "daemon": ("ok", "ok", "left one behind"), "reads": ("ok", "ok", "read"),
    "no-interpreter": ("error", "prober_error", "could not be started"),
    "not-executable": ("error", "prober_error", "cannot be run"), "escape": ("error", "policy", "leads out of"),
    "inside": ("ok", "ok", "OK - fine"), "missing": ("error", "prober_error", "cannot be found"),
    "parents": ("fail", "script_timeout", ""),
}


def test_scripts_have_their_verdict(prober_once, scripts):
    run = prober_once([check(name) for name in WANTED], "--scripts", scripts)
    wrong = {name: run.results[name] for name, (verdict, outcome, message) in WANTED.items()
             if (run.results[name]["verdict"], run.results[name]["outcome"]) != (verdict, outcome)
             or message not in run.results[name]["message"] or run.results[name]["timings_us"]["total"] > 2_300_000}
    assert not wrong
    assert run.results["ok"]["perfdata"] == {
        "load 1": {"value": 0.5, "warn": "1", "crit": "2", "min": 0, "max": 10}, "users": {"value": 3},
        "time": {"value": 5, "uom": "ms"}}
    assert run.results["data-only"]["perfdata"] == {"a": {"value": 1}}


def test_nothing_is_left_behind(prober_once, scripts):
    prober_once([check(name, timeout_ms=300) for name in ("stubborn", "slow", "flood", "flood-stderr", "parents")],
                "--scripts", scripts)
    end = time.monotonic() + 5
    while living(str(scripts)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not living(str(scripts))


def test_arguments_and_environment_are_exactly_what_was_given(prober_once, scripts, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_PROBER", "x")
    run = prober_once([check("environment", env={"TARGET": "a"}), check("arguments", args=["a b", "$(id)"])],
                      "--scripts", scripts)
    assert run.results["environment"]["message"].split() == ["CHECK_ID", "CHECK_TIMEOUT_MS", "LANG", "PATH", "PWD", "TARGET"]
    assert run.results["arguments"]["message"] == "2:a b:$(id)"


def test_warn_codes_are_warnings(prober_once, scripts):
    run = prober_once([check("four", warn_codes=[4, 77])], "--scripts", scripts)
    assert run.results["four"]["verdict"] == "warn"


def test_without_a_directory_no_script_runs(prober_once, scripts):
    run = prober_once([check("ok")])
    assert (run.results["ok"]["verdict"], run.results["ok"]["outcome"]) == ("error", "policy")


@pytest.mark.parametrize("command", ["../x", "a/b", "/bin/true", "", ".hidden", "a\u0000b", "-x"])
def test_names_that_are_no_plain_file_names_are_refused(prober_once, scripts, command):
    run = prober_once([check(command)], "--scripts", scripts)
    assert run.status == 2 and not run.results


def test_folder_is_no_script(prober_once, scripts):
    run = prober_once([check("folder")], "--scripts", scripts)
    assert run.results["folder"]["verdict"] == "error"
    assert stat.S_ISDIR(os.stat(scripts / "folder").st_mode)
