"""Script checks: exit codes, performance data, secrets, and scripts that will not behave."""

import json
import os
import pty
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from processes import EM_PROBER, short_dir, wait_until

SCRIPTS = {
    "ok": "echo \"OK - fine | 'load 1'=0.5;1;2;0;10 users=3 broken== time=5ms\"",
    "warn": "echo careful; exit 1", "fail": "echo down; exit 2", "unknown": "echo who knows; exit 3",
    "four": "echo four; exit 4", "not-runnable": "exit 126", "not-found": "exit 127", "segv": "kill -SEGV $$",
    "silent": "", "stderr": "echo wrong >&2; exit 2", "data-only": "echo '|a=1'", "bad-data": "echo 'x|a= b==2 c=1;;;;; =3 d=4'",
    "stubborn": "trap '' TERM; while :; do sleep 0.05; done",
    "slow": "exec sleep 30", "flood": "exec yes", "flood-stderr": "exec yes >&2", "flood-both": "yes & yes >&2 & wait",
    "line": "head -c 1000000 /dev/zero | tr '\\0' x", "escapes": "printf '\\033[31mred\\033[0m \\000nul \\377'",
    "daemon": "sleep 30 & echo left one behind", "reads": "cat; echo read",
    "runaway": "(setsid sh -c '(setsid sleep 30 &)' &); echo ran away",
    "long": "printf 'first\\nsecond\\n\\033third | a=1\\n'; echo complaint >&2",
    "environment": "env | cut -d= -f1 | sort | tr '\\n' ' '", "arguments": "echo \"$#:$1:$2\"",
    "password": "read -r word; printf 'Password: ' >/dev/tty; read -r word </dev/tty; echo \"got $word\"",
    "parents": "sleep 60 & sleep 60 & wait",
    "seen": "tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$$/environ",
    "secrets": "read -r given <&\"$CHECK_SECRETS_FD\"; case $given in *'\"s3cret value\"'*) echo \"knows s3cret value\";; "
               "*) exit 2;; esac; echo; echo \"again: s3cret value\"; cat <&\"$CHECK_SECRETS_FD\"",
    "limits": "until [ $(nice) = 5 ]; do sleep 0.01; done; ulimit -c; ulimit -n; ulimit -v; umask; nice; pwd; grep NoNewPrivs /proc/self/status",
    "who": "id -un", "bomb": "bomb() { bomb | bomb & }; bomb; sleep 30",
    "once-only": "exec 9>\"$1/lock\"; flock -n 9 || echo twice >>\"$1/twice\"; echo run >>\"$1/runs\"; trap '' TERM; "
                 "while :; do sleep 0.05; done",
}
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def scripts():
    """A directory of scripts that any user may run, as they do when root runs the prober."""
    folder = short_dir() / "scripts"
    folder.mkdir()
    for name, text in SCRIPTS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / "no-interpreter").write_text("#!/nonexistent\n")
    (folder / "no-program").write_text("neither this nor that\n")
    for path in folder.iterdir():
        path.chmod(0o755)
    (folder / "not-executable").write_text("#!/bin/sh\n")
    (folder / "escape").symlink_to("/bin/true")
    (folder / "escape-relative").symlink_to("../../../bin/true")
    (folder / "inside").symlink_to("ok")
    (folder / "inside-absolute").symlink_to(folder / "ok")
    (folder / "folder").mkdir()
    shutil.copy("/usr/bin/id", folder / "privileged")
    (folder / "privileged").chmod(0o4755)
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
    "not-runnable": ("error", "script_exit", "exit status 126"), "not-found": ("error", "script_exit", "exit status 127"),
    "segv": ("error", "script_signal", "signal 11 (SEGV)"),
    "silent": ("ok", "ok", "exit status 0"), "stderr": ("fail", "script_exit", "wrong"), "data-only": ("ok", "ok", ""),
    "bad-data": ("ok", "ok", "x"), "long": ("ok", "ok", "first"),
    "stubborn": ("fail", "script_timeout", "within 1500 ms"), "slow": ("fail", "script_timeout", "within 1500 ms"),
    "flood": ("fail", "limit_exceeded", "16 MiB"), "flood-stderr": ("fail", "limit_exceeded", "16 MiB"),
    "flood-both": ("fail", "limit_exceeded", "16 MiB"),
    "line": ("ok", "ok", "xxx"), "escapes": ("ok", "ok", "\\x1b[31mred\\x1b[0m \\x00nul \\xff"),
    "daemon": ("ok", "ok", "left one behind"), "runaway": ("ok", "ok", "ran away"), "reads": ("ok", "ok", "read"),
    "no-interpreter": ("error", "prober_error", "No such file or directory (the interpreter"),
    "no-program": ("error", "prober_error", "Exec format error"),
    "not-executable": ("error", "prober_error", "Permission denied"), "missing": ("error", "prober_error", "cannot be found"),
    "folder": ("error", "prober_error", "Permission denied"), "escape": ("error", "policy", "leads out of"),
    "escape-relative": ("error", "policy", "leads out of"), "inside": ("ok", "ok", "OK - fine"),
    "inside-absolute": ("ok", "ok", "OK - fine"),
    "parents": ("fail", "script_timeout", ""), "password": ("ok", "ok", "got"),
}


@pytest.mark.slow
def test_scripts_have_their_verdict(prober_once, scripts):
    run = prober_once([check(name) for name in WANTED], "--scripts", scripts)
    wrong = {name: run.results[name] for name, (verdict, outcome, message) in WANTED.items()
             if (run.results[name]["verdict"], run.results[name]["outcome"]) != (verdict, outcome)
             or message not in run.results[name]["message"] or run.results[name]["timings_us"]["total"] > 1_600_000}
    assert not wrong
    assert run.results["ok"]["perfdata"] == {
        "load 1": {"value": 0.5, "warn": "1", "crit": "2", "min": 0, "max": 10}, "users": {"value": 3},
        "time": {"value": 5, "uom": "ms"}}
    assert run.results["data-only"]["perfdata"] == {"a": {"value": 1}}
    assert run.results["bad-data"]["perfdata"] == {"c": {"value": 1}, "d": {"value": 4}}
    assert not living(str(scripts))


def test_nothing_is_left_behind_when_the_prober_is_killed(scripts):
    lines = "".join(json.dumps(check(name, timeout_ms=20000)) + "\n" for name in ("stubborn", "slow", "parents"))
    with subprocess.Popen([EM_PROBER, "once", "--scripts", scripts], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          text=True) as child:
        child.stdin.write(lines)
        child.stdin.close()
        wait_until(lambda: len(living(str(scripts))) >= 4, what="three scripts and the prober")
        child.kill()
        child.wait(timeout=10)
    wait_until(lambda: not living(str(scripts)), 5, what="the end of all scripts")


def numbers(child):
    """Descriptors and resident KiB of the prober and of its spawner, as they are now."""
    spawner = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()[0])
    files = [len(os.listdir(f"/proc/{pid}/fd")) for pid in (child.pid, spawner)]
    resident = [int(line.split()[1]) for pid in (child.pid, spawner)
                for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return (*files, *resident)


@pytest.mark.slow
def test_descriptors_and_memory_return(scripts, tmp_path):
    """The least over some seconds is what is held while no script runs."""
    hostile = ("ok", "segv", "slow", "flood", "flood-stderr", "line", "escapes", "daemon", "runaway", "no-interpreter",
               "missing", "parents", "secrets", "long")
    checks = tmp_path / "checks.jsonl"
    checks.write_text("".join(json.dumps({**check(name, timeout_ms=300, stdin="x", secrets={"word": "s3cret value"}),
                                          "interval_s": 2}) + "\n" for name in hostile))
    environment = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"}
    with subprocess.Popen([EM_PROBER, "run", "--checks", checks, "--scripts", scripts, "--summary"], env=environment,
                          stdout=subprocess.PIPE, text=True) as child:
        try:
            time.sleep(2.5)  # every check has run, and every buffer has its size
            phases = [[], []]
            for phase in phases:
                end = time.monotonic() + 4
                while time.monotonic() < end:
                    phase.append(numbers(child))
                    time.sleep(0.005)
            child.terminate()
            summary = json.loads(child.communicate(timeout=20)[0])
        finally:
            child.kill()
    first, last = ([min(column) for column in zip(*phase)] for phase in phases)
    assert last[:2] == first[:2], f"descriptors: {first} then {last}"
    assert last[2] < first[2] + 4096 and last[3] < first[3] + 1024, f"KiB: {first} then {last}"
    assert summary["probes"] > 4 * len(hostile)


def test_arguments_and_environment_are_exactly_what_was_given(prober_once, scripts, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_PROBER", "x")
    run = prober_once([check("environment", env={"CHECK_TARGET": "a"}), check("arguments", args=["a b", "$(id)"])],
                      "--scripts", scripts)
    assert run.results["environment"]["message"].split() == [
        "CHECK_ID", "CHECK_TARGET", "CHECK_TIMEOUT_MS", "LANG", "PATH", "PWD"]
    assert run.results["arguments"]["message"] == "2:a b:$(id)"


@pytest.mark.parametrize("spec, pointer", [
    ({"env": {"BASH_ENV": "$(id)"}}, "/spec/env/BASH_ENV"), ({"env": {"CHECK_ID": "x"}}, "/spec/env/CHECK_ID"),
    ({"secrets": {"a": "x" * 8190}}, "/spec/secrets"), ({"secrets": {"a": 1}}, "/spec/secrets/a"),
    ({"unknown_exit": "ok"}, "/spec/unknown_exit"), ({"warn_codes": [0]}, "/spec/warn_codes/0"),
    ({"args": "x"}, "/spec/args"), ({"stdin": 5}, "/spec/stdin"),
])
def test_wrong_specs_are_refused_with_their_pointer(prober_once, scripts, spec, pointer):
    run = prober_once([check("ok", **spec)], "--scripts", scripts)
    assert run.status == 2 and not run.results
    assert [error["pointer"] for error in run.errors[0]["errors"]] == [pointer]


def test_secrets_are_seen_by_the_script_alone(prober_once, scripts):
    secrets = {"word": "s3cret value", "other": "\u00e4 \"quoted\"\nline"}
    run = prober_once([check("secrets", secrets=secrets), check("seen", secrets=secrets)], "--scripts", scripts, "--explain")
    assert run.results["secrets"]["message"] == "knows ***"
    assert "again: ***" in json.dumps(run.results["secrets"]["steps"])
    assert "secret word=***" in run.results["secrets"]["steps"][0]["detail"]
    assert "CHECK_SECRETS_FD=3" in run.results["seen"]["message"]
    assert "s3cret" not in json.dumps(run.order)
    # What was read once is gone, and a script without secrets has no descriptor for them.
    assert "again: ***\n\"" not in json.dumps(run.results["secrets"]["steps"])
    assert prober_once([check("secrets")], "--scripts", scripts).results["secrets"]["verdict"] != "ok"


def test_standard_input_is_the_payload(prober_once, scripts):
    run = prober_once([check("reads", stdin="line one\nline two")], "--scripts", scripts, "--explain")
    assert run.results["reads"]["message"] == "line one"
    assert "line two" in run.results["reads"]["steps"][-1]["detail"]
    payload = "x" * 32000
    assert prober_once([check("reads", stdin=payload)], "--scripts", scripts).results["reads"]["message"].startswith("xxx")


def test_explain_shows_the_long_output(prober_once, scripts):
    run = prober_once([check("long")], "--scripts", scripts, "--explain")
    detail = run.results["long"]["steps"][-1]["detail"]
    assert "output:\nsecond\n\\x1bthird" in detail and "standard error:\ncomplaint" in detail
    assert [step["step"] for step in run.results["long"]["steps"]] == ["start", "run"]


def test_limits_are_set(prober_once, scripts):
    run = prober_once([check("limits")], "--scripts", scripts, "--explain")
    lines = [run.results["limits"]["message"], *run.results["limits"]["steps"][-1]["detail"].split("\n")[1:]]
    assert [line.split("\\x09")[-1] for line in lines[:7]] == ["0", "256", str(4 << 20), "0077", "5", "/", "1"]


def test_other_exits_mean_what_the_check_says(prober_once, scripts):
    run = prober_once([check("four", warn_codes=[4, 77], unknown_exit="fail"), check("not-found", unknown_exit="fail"),
                       check("segv", unknown_exit="fail"), check("unknown", unknown_exit="fail"),
                       check("fail", warn_codes=[2])], "--scripts", scripts)
    assert {name: result["verdict"] for name, result in run.results.items()} == {
        "four": "warn", "not-found": "fail", "segv": "fail", "unknown": "error", "fail": "warn"}


def test_program_that_is_being_written_is_the_probers_trouble(prober_once, scripts):
    program = scripts / "busy"
    program.write_bytes(Path("/bin/true").read_bytes())
    program.chmod(0o755)
    with program.open("ab"):
        run = prober_once([check("busy")], "--scripts", scripts)
    assert (run.results["busy"]["verdict"], run.results["busy"]["outcome"]) == ("error", "prober_error")
    assert "Text file busy" in run.results["busy"]["message"]


def test_terminal_of_the_prober_is_out_of_reach(scripts):
    pid, terminal = pty.fork()
    if pid == 0:
        (scripts / "check.jsonl").write_text(json.dumps(check("password")) + "\n")
        os.execv(EM_PROBER, [str(EM_PROBER), "once", "--scripts", str(scripts), "--checks", str(scripts / "check.jsonl"),
                             "--explain"])
    said = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # how a terminal says that nobody is left
            break
        if not piece:
            break
        said += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    assert b"/dev/tty: No such device or address" in said and b"Password: " not in said.replace(b"'Password: '", b"")


@pytest.mark.slow
def test_a_check_never_overlaps_itself(scripts):
    """At its deadline the verdict is known; the script ignores TERM, and lives on for the grace of 2 s."""
    notes = short_dir()
    line = json.dumps({**check("once-only", timeout_ms=1000, args=[str(notes)]), "interval_s": 1})
    ended = subprocess.run([EM_PROBER, "run", "--scripts", scripts, "--duration", "8"], input=line + "\n",
                           capture_output=True, text=True, timeout=60, check=False)
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    assert not (notes / "twice").exists()
    assert len((notes / "runs").read_text().splitlines()) >= 2
    assert {result["outcome"] for result in results} == {"script_timeout", "prober_error"}
    assert all("has not ended yet" in result["message"] for result in results if result["outcome"] == "prober_error")
    assert all(result["timings_us"]["total"] < 1_100_000 for result in results)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give scripts a user of their own")
def test_scripts_run_as_somebody_else_when_root_runs_the_prober(prober_once, scripts):
    assert prober_once([check("who")], "--scripts", scripts).results["who"]["message"] == "nobody"
    run = prober_once([check("who")], "--scripts", scripts, "--scripts-user", "environment-manager")
    assert run.results["who"]["message"] == "environment-manager"
    for user, words in (("no-such-user", "useradd"), ("root", "unprivileged")):
        run = prober_once([check("who")], "--scripts", scripts, "--scripts-user", user)
        assert run.status == 2 and words in run.stderr and not run.results


@pytest.mark.skipif(not IS_ROOT, reason="only root can become a user who has no process yet")
def test_no_process_to_be_had_is_the_probers_trouble(prober_once, scripts):
    """One for the first thread, one for the loop, one for what starts scripts, and none for a script."""
    alone = ("setpriv", "--reuid", "54323", "--regid", "54323", "--clear-groups", "prlimit", "--nproc=3:3")
    run = prober_once([check("ok"), check("warn"), {"id": "tcp", "kind": "tcp", "spec": {"address": "127.0.0.1", "port": 9}}],
                      "--scripts", scripts, "--loops", 1, within=alone)
    for name in ("ok", "warn"):
        assert (run.results[name]["verdict"], run.results[name]["outcome"]) == ("error", "prober_error"), run.results[name]
        assert "Resource temporarily unavailable" in run.results[name]["message"]
    assert run.results["tcp"]["verdict"] == "fail", "others go on"
    assert "scripts.held" in run.stderr, "it tells its people, and waits before it tries again"


@pytest.mark.skipif(not IS_ROOT, reason="only root can give scripts a user of their own")
def test_a_set_user_id_program_gains_nothing(prober_once, scripts):
    """So there is no script that the prober may not end; what if there were one, test_spawner_bounds.c shows."""
    run = prober_once([check("privileged", args=["-un"])], "--scripts", scripts)
    assert (run.results["privileged"]["outcome"], run.results["privileged"]["message"]) == ("ok", "nobody")


@pytest.mark.slow
@pytest.mark.skipif(not IS_ROOT, reason="only root can give scripts a user of their own")
def test_fork_bomb_is_bounded_and_killed(scripts):
    """The hard limit of processes that the prober itself has goes for scripts, too; root is not bound by it.

    It counts all processes of the user, those of tests beside this one, too.
    """
    ended = subprocess.run(["prlimit", "--nproc=300:300", EM_PROBER, "once", "--scripts", scripts],
                           input=json.dumps(check("bomb")) + "\n", capture_output=True, text=True, timeout=60, check=False)
    result = json.loads(ended.stdout)
    assert result["outcome"] == "script_timeout" and result["timings_us"]["total"] < 2_500_000, result
    assert not living(str(scripts))


def test_wrong_directories_are_named(prober_once, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for directory, words in ((tmp_path / "missing", "No such file"), (file, "not a directory")):
        run = prober_once([check("ok")], "--scripts", directory)
        assert run.status == 2 and words in run.stderr and str(directory) in run.stderr


def test_without_a_directory_no_script_runs(prober_once):
    run = prober_once([check("ok")])
    assert (run.results["ok"]["verdict"], run.results["ok"]["outcome"]) == ("error", "policy")


@pytest.mark.parametrize("command", ["../x", "a/b", "/bin/true", "", ".hidden", "a\u0000b", "-x"])
def test_names_that_are_no_plain_file_names_are_refused(prober_once, scripts, command):
    run = prober_once([check(command)], "--scripts", scripts)
    assert run.status == 2 and not run.results


@pytest.mark.slow
def test_many_scripts_make_no_other_check_late(scripts):
    """200 scripts every 2 s beside other checks, on all loops: their lag counts, too."""
    lines = [{**check("ok"), "id": f"script-{number}", "interval_s": 2} for number in range(200)]
    lines += [{"id": f"tcp-{number}", "kind": "tcp", "interval_s": 1, "timeout_ms": 900,
               "spec": {"address": "127.0.0.1", "port": 9}} for number in range(50)]
    ended = subprocess.run([EM_PROBER, "run", "--scripts", scripts, "--duration", "8", "--summary"],
                           input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True, text=True,
                           timeout=60, check=False)
    summary = json.loads(ended.stdout)
    assert summary["by_outcome"].keys() <= {"ok", "connect_refused"}, summary
    assert summary["by_outcome"]["ok"] >= 3 * 200 and summary["by_outcome"]["connect_refused"] >= 6 * 50, summary
    assert summary["start_lag_us"]["max"] < 1_000_000, summary
    assert summary["perfdata_dropped"] == summary["by_outcome"]["ok"], "each script prints one bad item"
