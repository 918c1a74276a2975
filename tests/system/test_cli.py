"""em-control's command line: options, what is wrong with them, backups, restores and sign-in links."""

import json
import os
import re
import signal
import subprocess

import pytest
import requests
from instance import processes_in, run, sql
from processes import EM_CONTROL, short_dir, wait_until


def test_help_names_every_option_and_command():
    ended = run("--help")
    assert ended.returncode == 0 and ended.stderr == ""
    for word in ("--data DIR", "--listen ADDRESS:PORT", "--database URL", "--redis URL", "--tls-cert FILE",
                 "--insecure-http", "--log-level LEVEL", "--log-format FORMAT", "--workers N", "--console DIR",
                 "--check-config", "--config FILE", "backup", "restore", "sign-in-link", "--version", "--openapi", "--test-socketio-echo"):
        assert word in ended.stdout, word


def test_version():
    assert re.fullmatch(r"em-control \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize("arguments, sentence", [
    (["--nonsense"], "no option --nonsense"),
    (["--workers", "many"], "workers has to be a number from 1 to 64"),
    (["--workers", "0"], "workers has to be a number from 1 to 64"),
    (["--listen"], "--listen needs a value"),
    (["dance"], '"dance" is not understood'),
    (["--log-level", "loud"], "--log-level has to be error, warning, info or debug"),
    (["--log-format", "xml"], "--log-format has to be text or json"),
    (["--tls-cert", "/etc/hostname"], "--tls-cert and --tls-key belong together"),
    (["--tls-cert", "/none", "--tls-key", "/none"], "the file /none cannot be read"),
    (["--database", "postgresql://["], "the address of the database cannot be read"),
    (["--redis", "http://127.0.0.1"], "The Redis URL has an unknown scheme"),
    (["--redis", "redis://localhost"], "The Redis URL has no IP address with a port"),
    (["--bus", "bus.sock"], "--bus has to be ipc:///path or tcp://address:port"),
    (["--config", "/none"], "The config file /none cannot be read"),
    (["restore"], "say what to restore"),
    (["restore", "/none"], "cannot read /none"),
    (["restore", "/etc/hostname"], "/etc/hostname is not what `em-control backup` writes"),
    (["restore", "/tmp"], "/tmp is not what `em-control backup` writes"),
    (["backup", "/none/file"], "holds no instance"),
])
def test_wrong_options_are_explained_and_change_nothing(arguments, sentence):
    home = short_dir()
    ended = run("--data", home / "data", *arguments)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert ended.stderr.startswith("em-control: ") and ended.stderr.count("\n") == 1
    assert not (home / "data").exists()


def test_check_config():
    home = short_dir()
    config = home / "em.conf"
    config.write_text("# a comment\nlisten = 127.0.0.1:1234\nworkers = 3\n")
    good = run("--check-config", "--config", config)
    assert (good.returncode, good.stdout) == (0, "ok\n")
    config.write_text("listne = 127.0.0.1:1234\n")
    bad = run("--check-config", "--config", config)
    assert bad.returncode == 2
    assert f'{config}:1: there is no option "listne"' in bad.stderr
    assert run("--check-config", env={"EM_WORKERS": "99"}).returncode == 2
    assert run("--check-config", env={"EM_DATABASE": ""}).returncode == 0


@pytest.mark.parametrize("options, sentence", [
    (["--listen", "localhost:8080"], "is not an address and port such as 127.0.0.1:8080"),
    (["--listen", "0.0.0.0:8080"], "is not a loopback address"),
    (["--tls-cert", "/etc/hostname", "--tls-key", "/etc/hostname"], "cannot be used: no start line"),
    (["--console", "/etc"], "holds no built console"),
    (["--data", "/etc"], "/etc has files in it, and they are no instance"),
    (["--data", "/etc/hostname"], "/etc/hostname is not a folder"),
    (["--data", "/tmp/a,b"], "a character that may not be in it"),
    (["--data", ""], "--data needs a value"),
])
def test_check_config_finds_what_a_start_would(options, sentence):
    ended = run("--check-config", *options)
    assert ended.returncode == 2 and ended.stdout == ""
    assert sentence in ended.stderr


def logged(process, event):
    """The lines of a log in JSON with one event; fails when a line is no object with the fields that each has."""
    lines = [json.loads(line) for line in process.log.read_text().rpartition("\n")[0].splitlines()]
    for line in lines:
        assert list(line)[:5] == ["time", "level", "program", "pid", "event"], line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]), line
        assert line["program"] == process.name and isinstance(line["pid"], int), line
    return [line for line in lines if line["event"] == event]


@pytest.mark.slow
def test_hangup_reads_the_config_file_again_and_the_log_is_json(start_control, start_prober):
    config = short_dir() / "em.conf"
    config.write_text("log-level = info\nlog-format = json\n")
    control = start_control("--config", config)
    prober = start_prober(control, env={"EM_LOG_FORMAT": "json", "EM_LOG_LEVEL": "debug"})
    ready, = wait_until(lambda: logged(control, "service.ready"))
    assert (ready["level"], ready["pid"], ready["port"]) == ("info", control.pid, control.port)
    config.write_text("log-level = debug\nlog-format = text\nworkers = 9\n")
    control.child.send_signal(signal.SIGHUP)
    reloaded, = wait_until(lambda: logged(control, "service.reloaded"))
    assert reloaded["log_level"] == "debug"
    assert {line["option"] for line in logged(control, "options.needs_restart")} == {"log-format", "workers"}
    config.write_text("log-level = loud\nlog-format = json\n")
    control.child.send_signal(signal.SIGHUP)
    failed, = wait_until(lambda: logged(control, "service.reload_failed"))
    assert failed["detail"] == '--log-level has to be error, warning, info or debug, not "loud"'
    assert control.is_ready()
    wait_until(lambda: logged(control, "request.done"))
    wait_until(lambda: logged(prober, "prober.started"))
    prober.stop()
    assert logged(prober, "prober.stopping")
    control.stop()
    assert logged(control, "service.stopping")[-1]["signal"] == signal.SIGTERM


def test_openapi_needs_no_instance():
    ended = run("--openapi", "--data", "/none")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["openapi"].startswith("3.1")


@pytest.mark.parametrize("options, sentence", [
    (["--listen", "localhost"], "listen"),
    (["--listen", "0.0.0.0:0"], "TLS"),
    (["--console", "/tmp"], "holds no built console"),
    (["--redis", "redis://somewhere"], "redis"),
])
def test_start_with_what_cannot_work_says_so(options, sentence):
    home = short_dir()
    words = ["--data", home / "data", *options]
    if "--listen" not in options:
        words += ["--listen", "127.0.0.1:0"]
    ended = run(*words)
    assert ended.returncode in (1, 2)
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("em-control: ") and sentence.lower() in last.lower()
    assert not processes_in(home / "data")


@pytest.mark.parametrize("url, status, sentence", [
    ("postgresql://u:secret@127.0.0.1:1/x", 1, "Connection refused"),
    ("host={data} user=em dbname=missing", 2, 'database "missing" does not exist'),
    ("host={data} user=nobody dbname=environment_manager", 2, "no pg_hba.conf entry"),
])
@pytest.mark.slow
def test_wrong_database_is_explained(control, url, status, sentence):
    home = short_dir()
    ended = run("--data", home / "data", "--listen", "127.0.0.1:0", "--database", url.format(data=control.data))
    assert ended.returncode == status
    assert sentence in ended.stderr.strip()
    assert "secret" not in ended.stderr


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_port_that_is_taken_leaves_nothing_half_done(control, log_format):
    home = short_dir()
    ended = run("--data", home / "data", "--listen", f"127.0.0.1:{control.port}", "--log-format", log_format)
    assert ended.returncode == 1
    why = f"Cannot listen on 127.0.0.1:{control.port}: Address already in use"
    if log_format == "json":
        said = json.loads(ended.stderr)
        assert (said["program"], said["level"], said["event"], said["detail"]) == ("em-control", "error", "program.failed", why)
    else:
        assert ended.stderr == f"em-control: {why}\n"
    assert not (home / "data").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a capability to lose")
def test_the_spawner_logs_as_the_program_does():
    ended = subprocess.run(["setpriv", "--bounding-set=-setgid", "--inh-caps=-setgid", EM_CONTROL, "--log-format", "json",
                            "--data", short_dir() / "data", "--listen", "0.0.0.0:0"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    failed, spawner = sorted((json.loads(line) for line in ended.stderr.splitlines()), key=lambda line: line["event"])
    assert (failed["program"], failed["event"]) == ("em-control", "program.failed")
    assert (spawner["program"], spawner["event"]) == ("em-control", "spawner.keeps_groups")
    assert spawner["pid"] != failed["pid"]


@pytest.mark.slow
def test_password_that_the_given_redis_refuses_is_said_once(control, start_control):
    other = start_control("--redis", f"unix://{control.data}/redis.sock")
    wait_until(lambda: "redis.unavailable" in other.tail(200))
    said = [line for line in other.tail(200).splitlines() if " redis." in line]
    assert len(said) == 1 and "NOAUTH Authentication required" in said[0], said


# Sign-in links -------------------------------------------------------------------------------------------------------------


def sign_in(url, token):
    return requests.post(f"{url}/api/v1/session", json={"token": token}, timeout=10)


def test_sign_in_link_of_a_running_instance_works_once(control):
    ended = run("sign-in-link", "--data", control.data)
    assert ended.returncode == 0, ended.stderr
    link, token = re.fullmatch(r"(http://127\.0\.0\.1:\d+/login/)#token=([\w-]{40,})\n", ended.stdout).groups()
    assert link == f"{control.url}/login/"
    assert sign_in(control.url, token).status_code == 200
    assert sign_in(control.url, token).status_code == 401


@pytest.mark.slow
def test_sign_in_link_may_be_made_before_the_start(start_control):
    data = short_dir() / "data"
    ended = run("sign-in-link", "--data", data)
    assert ended.returncode == 0, ended.stderr
    assert not processes_in(data)
    control = start_control(data=data)
    assert sign_in(control.url, ended.stdout.strip().partition("#token=")[2]).status_code == 200


@pytest.mark.slow
def test_sign_in_link_leads_to_this_machine_when_every_address_is_listened_on():
    ended = run("sign-in-link", "--data", short_dir() / "data", "--listen", "0.0.0.0:8080", "--insecure-http")
    assert ended.stdout.startswith("http://127.0.0.1:8080/login/"), ended.stderr


# Backups -------------------------------------------------------------------------------------------------------------------


def keys(control):
    return sorted(item["key"] for item in control.client().read("organisations")["items"])


@pytest.mark.slow
def test_backup_and_restore(start_control):
    control = start_control()
    home = short_dir()
    home.chmod(0o700)  # the service's user may not write there: root may
    client = control.client()
    for key in ("first", "second"):
        client.create("organisations", key=key, name=key)
    backup = run("backup", home / "em.dump", "--data", control.data)  # while it runs
    assert (backup.returncode, backup.stdout) == (0, f"{home / 'em.dump'}\n"), backup.stderr
    assert (home / "em.dump").stat().st_mode & 0o777 == 0o600
    client.create("organisations", key="third", name="third")

    running = run("restore", home / "em.dump", "--data", control.data)
    assert running.returncode == 1
    assert f"another em-control (pid {control.pid}) runs on" in running.stderr
    assert keys(control) == ["first", "second", "third"]

    control.stop()
    restore = run("restore", home / "em.dump", "--data", control.data)
    assert restore.returncode == 0, restore.stderr
    control = start_control(data=control.data, port=control.port)
    assert keys(control) == ["first", "second"]
    control.stop()

    safety = re.search(r"what was there before is in (\S+)", restore.stdout)[1]
    assert run("restore", safety, "--data", control.data).returncode == 0
    control = start_control(data=control.data, port=control.port)
    assert keys(control) == ["first", "second", "third"]


@pytest.mark.slow
def test_restore_into_a_new_folder(start_control):
    control = start_control()
    control.client().create("organisations", key="moved", name="Moved")
    backup = run("backup", "--data", control.data)
    path = backup.stdout.strip()
    assert re.fullmatch(rf"{control.data}/backups/backup-\d{{8}}T\d{{6}}Z\.dump", path), backup.stderr
    data = short_dir() / "data"
    restore = run("restore", path, "--data", data)
    assert restore.returncode == 0, restore.stderr
    start_control(data=data)
    assert sql(data, "SELECT key FROM organisation") == "moved"
    assert not (data / "admin.key").exists()  # the key of the other folder is the one that works


@pytest.mark.slow
def test_restore_of_something_else_changes_nothing(start_control):
    control = start_control()
    control.client().create("organisations", key="kept", name="Kept")
    control.stop()
    junk = short_dir() / "junk"
    junk.write_bytes(b"PGDMP" + os.urandom(1000))
    ended = run("restore", junk, "--data", control.data)
    assert ended.returncode == 1
    assert "pg_restore ended with status 1" in ended.stderr
    control = start_control(data=control.data, port=control.port)
    assert keys(control) == ["kept"]
    assert sql(control.data, "SELECT count(*) FROM pg_database WHERE datname LIKE 'em\\_%'") in ("0", "1")


def test_backup_of_a_mistyped_folder_makes_no_instance():
    home = short_dir()
    ended = run("backup", home / "em.dump", "--data", home / "typo")
    assert ended.returncode == 2
    assert ended.stderr == f"em-control: {home}/typo holds no instance: say where it is with --data DIR\n"
    assert list(home.iterdir()) == []


def test_backup_does_not_overwrite(control):
    path = short_dir() / "em.dump"
    path.write_text("mine")
    ended = run("backup", path, "--data", control.data)
    assert ended.returncode == 2 and "File exists" in ended.stderr
    assert path.read_text() == "mine"
    nowhere = run("backup", "/none/file", "--data", control.data)
    assert nowhere.returncode == 2 and "cannot make /none/file" in nowhere.stderr


@pytest.mark.slow
def test_backup_and_restore_of_a_given_database(start_control):
    owner = start_control()
    sql(owner.data, "CREATE DATABASE given")
    url = f"host={owner.data} user=em dbname=given"
    control = start_control("--database", url)
    control.client().create("organisations", key="first", name="First")
    path = short_dir() / "em.dump"
    assert run("backup", path, "--data", control.data, "--database", url).returncode == 0
    control.client().create("organisations", key="second", name="Second")
    control.stop()
    restore = run("restore", path, "--data", control.data, "--database", url)
    assert restore.returncode == 0, restore.stderr
    control = start_control("--database", url, data=control.data, port=control.port)
    assert keys(control) == ["first"]
