"""deploy/up and deploy/down as people use them: refusals that say what to do, and a whole life of one instance."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from instance import sql
from processes import ROOT, Client, free_port, short_dir, wait_until

EM_CONTROL = ROOT / "build" / "release" / "control" / "em-control"
BUILD_S = 900  # a first release build and the console, on a small machine
STATES = {"operational", "degraded", "down", "maintenance", "unknown"}


def up(*options, deadline_s=60, **environment):
    return subprocess.run([ROOT / "deploy" / "up", *map(str, options)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=deadline_s, check=False, env={**os.environ, **environment})


def down(data, *before):
    return subprocess.run([*before, ROOT / "deploy" / "down", "--data", data], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False)


@pytest.mark.parametrize("options, says", [
    (["--frobnicate"], "unknown option: --frobnicate"),
    (["--listen", "8080"], "--listen wants ADDR:PORT"),
    (["--listen", "127.0.0.1:99999"], "a port is 1 to 65535"),
    (["--data"], "--data needs a value"),
    (["--data", ""], "--data needs a value"),
    (["--data="], "--data needs a value"),
])
def test_up_refuses_wrong_options(options, says):
    ended = up(*options)
    assert ended.returncode == 1
    assert says in ended.stderr


def test_down_refuses_an_empty_folder_name():
    ended = down("")
    assert ended.returncode == 1 and "--data needs a value" in ended.stderr


def test_up_names_the_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = up("--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}")
    assert ended.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in ended.stderr
    assert "--listen" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_down_without_an_instance_is_no_error(tmp_path):
    ended = down(tmp_path)
    assert ended.returncode == 0
    assert "nothing runs" in ended.stdout


@pytest.fixture(scope="module")
def instance():
    """A detached instance with the sample estate."""
    home = short_dir()
    data, port = home / "data", free_port()
    ended = up("--data", data, "--listen", f"127.0.0.1:{port}", "--detach", deadline_s=BUILD_S)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    yield {"data": data, "port": port, "said": ended.stdout, "url": f"http://127.0.0.1:{port}"}
    stopped = down(data)
    shutil.rmtree(home, ignore_errors=True)
    assert stopped.returncode == 0, stopped.stderr


@pytest.mark.slow
def test_up_says_where_it_is(instance):
    assert instance["url"] in instance["said"]
    assert_signs_in_once(instance["said"], instance["url"])
    another = re.search(r"another: (.+)", instance["said"])[1]
    printed = subprocess.run(another, shell=True, capture_output=True, text=True, timeout=60, check=True)
    assert_signs_in_once(printed.stdout, instance["url"])
    assert (instance["data"] / "admin.key").stat().st_mode & 0o777 == 0o600


def assert_signs_in_once(said, url):
    token = re.search(rf"{url}/login/#token=(\S+)", said)[1]
    with Client(url) as client:
        assert client.post("/api/v1/session", json={"token": token}).status_code == 200
        assert client.post("/api/v1/session", json={"token": token}).status_code == 401


@pytest.mark.slow
def test_console_is_served(instance):
    with Client(instance["url"]) as client:
        page = client.get("/")
    assert page.status_code == 200
    assert "<html" in page.text


@pytest.mark.slow
def test_sample_estate_shows_all_five_states_within_a_minute(instance):
    with Client(instance["url"], (instance["data"] / "admin.key").read_text().strip()) as client:
        wait_until(lambda: states_of(client.read("tree", include="health")["items"]) == STATES, 60, 0.5, "all five states")


def states_of(nodes):
    """The states of all instances in a tree."""
    found = {node["health"]["state"] for node in nodes if node["kind"] == "instance"}
    return found.union(*(states_of(node.get("children", [])) for node in nodes)) if nodes else found


@pytest.mark.slow
def test_nothing_of_it_runs_as_root(instance):
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in pids_naming(instance["data"])}
    assert owners and (0 not in owners or os.geteuid() != 0)


def pids_naming(data):
    """The processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(data).encode() in words and b"pytest" not in words:
                found.append(int(entry.name))
    return found


def wait_until_gone(data):
    """A spawner may need a moment more than its owner; what is still there after that is named."""
    try:
        wait_until(lambda: not pids_naming(data), 5)
    except AssertionError:
        left = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ") for pid in pids_naming(data)}
        raise AssertionError(f"still running: {left}") from None


@pytest.mark.slow
@pytest.mark.parametrize("options, says", [
    (["--data", "/etc"], "/etc has files in it, and they are no instance"),
    (["--data", "/etc/hostname"], "/etc/hostname is not a folder"),
    (["--listen", "0.0.0.0:{port}"], "is not a loopback address"),
    (["--listen", "localhost:{port}"], "is not an address and port"),
    (["--", "--nonsense"], "There is no option --nonsense"),
    (["--", "--log-format", "json", "--workers", "0"], "workers has to be a number from 1 to 64, not \"0\""),
    (["--", "--database", "nonsense"], "the address of the database cannot be read"),
])
def test_what_cannot_work_is_refused_before_anything_is_made(instance, options, says):
    home = short_dir()
    port = free_port()
    ended = up("--data", home / "data", "--listen", f"127.0.0.1:{port}", *(word.format(port=port) for word in options))
    assert ended.returncode == 1
    assert says in ended.stderr and ended.stderr.count("\n") == 1, ended.stderr
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_start_that_fails_says_why_in_one_line(instance):
    home = short_dir()
    for attempt, log_format in enumerate(("text", "json")):
        ended = up("--data", home / "data", "--listen", f"127.0.0.1:{free_port()}", "--", "--database",
                   f"host=/nowhere-{attempt}", "--log-format", log_format)
        assert ended.returncode == 1
        assert re.fullmatch(rf"error: no connection to PostgreSQL: .*/nowhere-{attempt}/.*the logs are in .*\n", ended.stderr)
    wait_until_gone(home)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user to give up")
def test_down_says_when_it_may_not_look(instance):
    ended = down(instance["data"], "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    assert ended.returncode == 1
    assert "nobody may not look into" in ended.stderr


@pytest.mark.slow
def test_logs_are_the_services_alone(instance):
    assert {path.stat().st_mode & 0o077 for path in (instance["data"] / "log").iterdir()} == {0}


@pytest.mark.slow
def test_second_up_is_refused_while_it_runs(instance):
    ended = up("--data", instance["data"], "--listen", f"127.0.0.1:{free_port()}")
    assert ended.returncode == 1
    assert "runs" in ended.stderr and "deploy/down" in ended.stderr


@pytest.mark.slow
@pytest.mark.faults
def test_killed_programs_come_back(instance):
    before = program_pids(instance)
    for pid in before.values():
        os.kill(pid, 9)
    wait_until(lambda: all(program_pids(instance).get(name) not in (None, pid) for name, pid in before.items()), 20,
               what="new processes")
    with Client(instance["url"]) as client:
        wait_until(lambda: is_ready(client), 30, what="/readyz")


def program_pids(instance):
    """The pids of the supervisor's programs, from its log."""
    started = re.findall(r"(\S+): started, pid (\d+)", (instance["data"] / "log" / "supervisor.log").read_text())
    return {name: int(pid) for name, pid in started}


def is_ready(client):
    try:
        return client.get("/readyz").status_code == 200
    except OSError:
        return False


@pytest.mark.slow
def test_down_leaves_nothing_and_the_next_up_is_ready_within_5_s(instance):
    assert down(instance["data"]).returncode == 0
    wait_until_gone(instance["data"])

    began = time.monotonic()
    ended = up("--data", instance["data"], "--listen", f"127.0.0.1:{instance['port']}", "--detach")
    took = time.monotonic() - began
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert took < 5, f"{took:.1f} s\n{ended.stdout}"


@pytest.mark.slow
def test_two_instances_run_side_by_side(instance):
    home = short_dir()
    data, port = home / "other", free_port()
    try:
        ended = up("--data", data, "--listen", f"127.0.0.1:{port}", "--empty", "--detach")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        for url, folder, wanted in [(instance["url"], instance["data"], 1), (f"http://127.0.0.1:{port}", data, 0)]:
            with Client(url, (folder / "admin.key").read_text().strip()) as client:
                organisations = client.read("organisations")["items"]
            assert len([row for row in organisations if row["key"] == "acme"]) == wanted, json.dumps(organisations)
    finally:
        assert down(data).returncode == 0
        shutil.rmtree(home, ignore_errors=True)


def started(data, *options, **environment):
    """Starts an instance, and returns a client of it for whoever signs in by the link that it prints."""
    port = free_port()
    ended = up("--data", data, "--listen", f"127.0.0.1:{port}", "--detach", *options, **environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    client = Client(f"http://127.0.0.1:{port}")
    token = re.search(r"#token=(\S+)", ended.stdout)[1]
    assert client.post("/api/v1/session", json={"token": token}).status_code == 200
    return client


@pytest.mark.slow
def test_instance_that_began_empty_never_gets_the_sample():
    home = short_dir()
    for options in (["--empty"], []):
        with started(home / "data", *options, http_proxy="http://127.0.0.1:1") as client:
            assert client.read("organisations")["items"] == []
        assert down(home / "data").returncode == 0
    assert not (home / "data" / "sample").exists()
    shutil.rmtree(home)


@pytest.mark.slow
def test_backup_restored_elsewhere_is_started_and_stays_as_it_is(instance):
    home = short_dir()
    for command in (["backup", home / "em.dump", "--data", instance["data"]],
                    ["restore", home / "em.dump", "--data", home / "data"]):
        subprocess.run([EM_CONTROL, *command], capture_output=True, timeout=60, check=True)
    with started(home / "data") as client:
        assert [row["key"] for row in client.read("organisations")["items"]] == ["acme"]
    assert down(home / "data").returncode == 0
    assert not (home / "data" / "sample").exists()
    shutil.rmtree(home)


@pytest.mark.slow
def test_sample_beside_a_database_of_ones_own_does_not_watch_an_embedded_one(instance):
    home = short_dir()
    sql(instance["data"], "CREATE DATABASE given")
    with started(home / "data", "--", "--database", f"host={instance['data']} user=em dbname=given") as client:
        keys = {row["key"] for row in client.read("components", limit=1000)["items"]}
    assert {"control", "redis"} <= keys and "postgres" not in keys
    assert down(home / "data").returncode == 0
    sql(instance["data"], "DROP DATABASE given")
    shutil.rmtree(home)


def heed_interrupts():
    """As in a terminal: a job in the background starts with SIGINT ignored, and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_interrupt_stops_all_of_it():
    home = short_dir()
    data, port = home / "data", free_port()
    child = subprocess.Popen([ROOT / "deploy" / "up", "--data", data, "--listen", f"127.0.0.1:{port}", "--empty"],
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
                             preexec_fn=heed_interrupts)
    try:
        for line in child.stdout:
            if "Ctrl-C stops it" in line:
                break
        child.send_signal(signal.SIGINT)
        rest, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        assert "stopped" in rest
        wait_until_gone(data)
    finally:
        if child.poll() is None:
            child.kill()
        shutil.rmtree(home, ignore_errors=True)
