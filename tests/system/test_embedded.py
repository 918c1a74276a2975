"""The private PostgreSQL and Redis: what an instance looks like, and that one instance owns its folder."""

import os
import signal
import stat
import subprocess
import time

import pytest
import redis
from instance import as_service, children, postgres_pid, processes_in, redis_pid, run, sql, user_of
from processes import EM_CONTROL, SERVICE_USER, short_dir, wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user to give up")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_nothing_of_an_instance_runs_as_root_or_is_open_to_others(control):
    everybody = [control.pid, *children(control.pid)]
    assert len(everybody) > 5
    assert {user_of(pid) for pid in everybody} == {SERVICE_USER if os.geteuid() == 0 else user_of(os.getpid())}
    assert mode(control.data) == 0o700
    assert mode(control.data / "postgres") == 0o700
    assert mode(control.data / ".s.PGSQL.5432") == 0o700
    assert mode(control.data / "redis.sock") == 0o770
    assert mode(control.data / "redis" / "password") == 0o600


def test_stores_listen_on_no_network(control):
    """Of all processes of an instance only em-control itself has listening TCP sockets."""
    listening = {line.split()[9] for name in ("tcp", "tcp6") for line in open(f"/proc/net/{name}").readlines()[1:]
                 if line.split()[3] == "0A"}
    for pid in children(control.pid):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            except OSError:
                continue
            assert target.removeprefix("socket:[").rstrip("]") not in listening, f"process {pid} listens"


def test_postgres_is_set_to_lose_nothing(control):
    for name, value in {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on",
                        "listen_addresses": "", "server_encoding": "UTF8", "data_sync_retry": "off"}.items():
        assert sql(control.data, f"SHOW {name}") == value
    assert sql(control.data, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C.UTF-8"


@needs_root
def test_postgres_lets_nobody_else_in(control):
    """The kernel tells who connects: even root is not the service."""
    ended = subprocess.run(["psql", "-X", "-h", control.data, "-U", "em", "-c", "SELECT 1", "environment_manager"],
                           capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode != 0
    assert "Peer authentication failed" in ended.stderr


def test_subscriber_may_read_and_subscribe_and_nothing_else(control):
    owner = control.redis()
    owner.set("em:test", "1")
    owner.set("other", "2")
    reader = redis.Redis(unix_socket_path=str(control.data / "redis.sock"), username="subscriber", password="none",
                         decode_responses=True)
    assert reader.get("em:test") == "1"
    listener = reader.pubsub()
    listener.subscribe("em:status")
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    for refused in (lambda: reader.get("other"), lambda: reader.set("em:test", "3"), lambda: reader.delete("em:test"),
                    reader.flushall, lambda: reader.publish("em:status", "{}"), reader.config_get, reader.keys,
                    reader.acl_list, lambda: reader.eval("return 1", 0), reader.randomkey, reader.scan, reader.info,
                    reader.client_list, lambda: reader.execute_command("SUBSCRIBE", "other")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            refused()
    owner.delete("em:test", "other")


def test_second_start_is_kept_out(control):
    second = run("--data", control.data, "--listen", "127.0.0.1:0")
    assert second.returncode == 1
    assert f"another em-control (pid {control.pid}) runs on {control.data}" in second.stderr
    assert control.is_ready()


@pytest.mark.slow
def test_start_and_stop_are_quick(start_control):
    control = start_control()
    control.client().create("organisations", key="kept", name="Kept")
    for _ in range(3):
        started = time.monotonic()
        control.child.send_signal(signal.SIGTERM)
        assert control.wait() == 0
        stopped = time.monotonic()
        assert not processes_in(control.data)
        control = start_control(data=control.data, port=control.port)
        ready = time.monotonic()
        print(f"stopped in {stopped - started:.2f} s, ready in {ready - stopped:.2f} s")
        assert stopped - started < 10
        assert ready - stopped < 10  # sanitizers, and other tests beside this one; 0.3 s by itself
        assert [item["key"] for item in control.client().read("organisations")["items"]] == ["kept"]


@pytest.mark.slow
def test_interrupt_of_the_whole_group_stops_in_order(start_control):
    """Ctrl-C reaches every process of the group at once, the spawner and the stores too."""
    control = start_control()
    os.killpg(control.pid, signal.SIGINT)
    assert control.wait() == 0
    assert "database system is shut down" in (control.data / "log" / "postgres.log").read_text()
    assert "ready to exit" in (control.data / "log" / "redis.log").read_text()


@pytest.mark.slow
def test_half_made_files_of_a_killed_first_start_are_thrown_away(start_control):
    home = short_dir()
    data = home / "data"
    first = start_control(data=data, ready=False)
    wait_until((data / "postgres.new").exists, 30, every_s=0.001)
    first.kill()
    wait_until(lambda: not processes_in(data), 30)
    assert not (data / "postgres").exists()
    start_control(data=data)
    assert not (data / "postgres.new").exists()


@pytest.mark.faults
def test_killed_postgres_comes_back_with_everything_acknowledged(start_control):
    control = start_control()
    client = control.client()
    client.create("organisations", key="acme", name="Acme")
    for number in range(20):
        unit = client.create("business-units", organisation="acme", key=f"unit-{number}", name="Unit")
    killed = postgres_pid(control.data)
    needed = control.data / "postgres" / "PG_VERSION"
    needed.rename(control.data / "away")  # it cannot come back before a write was refused
    os.kill(killed, signal.SIGKILL)
    path = f"/api/v1/business-units/{unit['id']}"  # told nothing of the inside, see contract.py
    wait_until(lambda: client.patch(path, json={"name": "Other"}).status_code == 503, 20, what="a refused write")
    (control.data / "away").rename(needed)
    started = time.monotonic()
    wait_until(lambda: postgres_pid(control.data) not in (killed, None), 10)  # sessions may outlive it for a moment

    def write_works():
        reply = client.post("/api/v1/business-units", json={"organisation": "acme", "key": "after", "name": "After"})
        assert reply.status_code in (201, 409, 503), reply.text
        return reply.status_code == 201

    wait_until(write_works, 30)
    print(f"writes back after {time.monotonic() - started:.2f} s")
    assert time.monotonic() - started < 10
    wait_until(control.is_ready, 10)
    wait_until(lambda: client.get("/api/v1/business-units").status_code == 200, 10)
    keys = {item["key"] for item in client.read("business-units", limit=100)["items"]}
    assert keys == {"after", *(f"unit-{number}" for number in range(20))}


@pytest.mark.faults
def test_killed_backend_is_not_noticed_by_who_comes_next(start_control):
    control = start_control()
    client = control.client()
    sql(control.data, "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND backend_type = 'client backend'")
    client.create("organisations", key="acme", name="Acme")
    assert [item["key"] for item in client.read("organisations")["items"]] == ["acme"]


@pytest.mark.faults
def test_killed_redis_comes_back(start_control):
    control = start_control()
    control.redis().set("em:test", "kept")
    time.sleep(1.1)  # the append-only file is written through once a second
    os.kill(redis_pid(control.data), signal.SIGKILL)
    started = time.monotonic()

    def answers():
        try:
            return control.redis().get("em:test") == "kept"
        except redis.exceptions.RedisError:
            return False

    wait_until(answers, 10)
    print(f"Redis back after {time.monotonic() - started:.2f} s")
    assert control.is_ready()


@pytest.mark.faults
def test_stores_end_with_a_killed_control_and_start_again_at_once(start_control):
    control = start_control()
    control.client().create("organisations", key="acme", name="Acme")
    control.kill()
    again = start_control(data=control.data, port=control.port)  # without waiting for the old stores to end
    assert [item["key"] for item in again.client().read("organisations")["items"]] == ["acme"]
    again.kill()
    wait_until(lambda: not processes_in(control.data), 15, what="the end of the stores")


@pytest.mark.faults
def test_stores_end_when_control_and_spawner_are_killed_together(start_control):
    control = start_control()
    spawner = next(pid for pid in children(control.pid) if open(f"/proc/{pid}/comm").read() == "em-spawner\n")
    os.kill(spawner, signal.SIGKILL)
    control.kill()
    start_control(data=control.data, port=control.port)


@pytest.mark.faults
def test_control_ends_when_its_spawner_is_killed(start_control):
    control = start_control()
    spawner = next(pid for pid in children(control.pid) if open(f"/proc/{pid}/comm").read() == "em-spawner\n")
    os.kill(spawner, signal.SIGKILL)
    assert control.wait(15) == 1
    wait_until(lambda: not processes_in(control.data), 15)


@pytest.mark.faults
def test_stale_servers_are_stopped_at_start(start_control):
    """Servers whose em-control and spawner are long gone, as after a debugger or a lost namespace."""
    control = start_control()
    control.stop()
    log = open(control.data.parent / "stale.log", "wb")
    stale = subprocess.Popen(as_service("/usr/lib/postgresql/15/bin/postgres", "-D", control.data / "postgres", "-c",
                                        "listen_addresses=", "-c", f"unix_socket_directories={control.data}"),
                             stdout=log, stderr=log, cwd="/")
    wait_until(lambda: "ready to accept" in (control.data.parent / "stale.log").read_text(), 20)
    again = start_control(data=control.data, port=control.port)
    assert stale.wait(timeout=10) == 0
    assert "embedded.stale server=postgres" in again.tail(200)


@pytest.mark.faults
def test_redis_file_that_cannot_be_read_is_thrown_away(start_control):
    control = start_control()
    control.redis().set("em:test", "x" * 1000)
    control.stop()
    for path in (control.data / "redis" / "appendonlydir").glob("*.incr.aof"):
        path.write_bytes(b"*3\r\n$3\r\nnonsense" + path.read_bytes())
    again = start_control(data=control.data, port=control.port)
    assert "embedded.redis_forgets" in again.tail(200)
    assert again.redis().get("em:test") is None


@needs_root
@pytest.mark.faults
@pytest.mark.slow
def test_full_disk_refuses_writes_and_loses_nothing(start_control):
    data = short_dir() / "data"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", data], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        fill_and_free(start_control(data=data))
    finally:
        subprocess.run(["umount", "-l", data], check=True)


def fill_and_free(control):
    client = control.client()
    client.create("organisations", key="acme", name="Acme")
    acknowledged = []

    def write(number):
        reply = client.post("/api/v1/business-units", json={"organisation": "acme", "key": f"unit-{number}", "name": "x",
                                                            "description": os.urandom(1900).hex()})
        assert reply.status_code in (201, 503), reply.text
        if reply.status_code == 201:
            acknowledged.append(f"unit-{number}")
        return reply.status_code == 201

    ballast = control.data / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
    except OSError:
        pass
    os.truncate(ballast, ballast.stat().st_size - 12 * 1024 * 1024)
    refused = 0
    for number in range(6000):
        refused += not write(number)
        if refused >= 20:
            break
    assert refused >= 20 and len(acknowledged) > 100
    assert client.get("/healthz").status_code == 200
    ballast.unlink()
    freed = time.monotonic()
    wait_until(lambda: write("last"), 20)
    print(f"{len(acknowledged)} acknowledged; writes back {time.monotonic() - freed:.2f} s after there was room")
    stored = sql(control.data, "SELECT key FROM business_unit").split()
    assert set(acknowledged) <= set(stored)
    control.stop()


# What is wrong with a folder is said before anything starts. --------------------------------------------------------------


def refusal(data, *options):
    ended = run("--data", data, "--listen", "127.0.0.1:0", *options, deadline_s=30)
    assert ended.returncode in (1, 2)
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


@needs_root
def test_folder_that_the_service_cannot_reach():
    home = short_dir()
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    text = refusal(closed / "data")
    assert f"may not pass through {closed}" in text
    assert f"chmod o+x {closed}" in text


@needs_root
def test_folder_of_another_user_says_how_to_go_on(control):
    ended = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", EM_CONTROL, "--data",
                            control.data, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30, check=False)
    assert f"which belongs to {SERVICE_USER} (Permission denied): start this as {SERVICE_USER}" in ended.stderr


def test_folder_with_other_files_is_left_as_it_is():
    home = short_dir()
    (home / "letter").write_text("mine")
    before = (home.stat().st_mode, home.stat().st_uid)
    assert f"{home} has files in it, and they are no instance" in refusal(home)
    assert (home.stat().st_mode, home.stat().st_uid) == before
    assert [entry.name for entry in home.iterdir()] == ["letter"]


@pytest.mark.slow
def test_empty_folder_is_taken(start_control):
    data = short_dir() / "data"
    data.mkdir(mode=0o755)
    start_control(data=data)
    assert mode(data) == 0o700


def test_folder_with_too_long_a_path():
    text = refusal("/tmp/" + "x" * 90)
    assert "is too long" in text and "at most 93 bytes, not 95" in text


def test_folder_with_a_comma():
    assert "character that may not be in it" in refusal("/tmp/em-a,b")


def test_file_in_place_of_a_folder():
    home = short_dir()
    (home / "data").write_text("")
    assert "data" in refusal(home / "data")


@needs_root
def test_folder_of_somebody_else():
    home = short_dir()
    data = home / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    text = refusal(data)
    assert "belongs to nobody" in text and f"chown -R {SERVICE_USER}: {data}" in text


@needs_root
def test_user_that_does_not_exist_and_root():
    home = short_dir()
    assert "--user names root" in refusal(home / "data", "--user", "root")


@pytest.mark.slow
def test_control_may_be_started_by_the_service_user_itself(start_control):
    """Not as root: nothing is given up, everything else is the same."""
    if os.geteuid() != 0:
        pytest.skip("every test is this one")
    control = start_control()
    control.stop()
    again = subprocess.Popen(as_service("env", *(f"{name}={value}" for name, value in os.environ.items()),
                                        EM_CONTROL, "--data", control.data, "--listen",
                                        f"127.0.0.1:{control.port}"),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        def is_up():
            try:
                return control.client().get("/readyz").status_code == 200
            except OSError:
                return False

        wait_until(is_up, 30)
    finally:
        again.terminate()
        assert again.wait(timeout=20) == 0

