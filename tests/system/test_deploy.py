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
from processes import ROOT, Client, free_port, short_dir, wait_until

BUILD_S = 900  # a first release build and the console, on a small machine
STATES = {"operational", "degraded", "down", "maintenance", "unknown"}


def up(*options, deadline_s=60):
    return subprocess.run([ROOT / "deploy" / "up", *map(str, options)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=deadline_s, check=False)


def down(data):
    return subprocess.run([ROOT / "deploy" / "down", "--data", data], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False)


@pytest.mark.parametrize("options, says", [
    (["--frobnicate"], "unknown option: --frobnicate"),
    (["--listen", "8080"], "--listen wants ADDR:PORT"),
    (["--listen", "127.0.0.1:99999"], "a port is 1 to 65535"),
    (["--data"], "--data needs a value"),
])
def test_up_refuses_wrong_options(options, says):
    ended = up(*options)
    assert ended.returncode == 1
    assert says in ended.stderr


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
    link = re.search(rf"{instance['url']}/login/#token=(\S+)", instance["said"])
    with Client(instance["url"]) as client:
        assert client.post("/api/v1/session", json={"token": link[1]}).status_code == 200
        assert client.post("/api/v1/session", json={"token": link[1]}).status_code == 401
    assert (instance["data"] / "admin.key").stat().st_mode & 0o777 == 0o600


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
