"""The programs under test as child processes: started on free ports with temporary data, watched, stopped by pid.

Every wait here has a deadline. A program that does not stop when told, that exits by a signal, or that a sanitizer
complains about fails the test that used it.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import redis
import requests

import contract

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("EM_BUILD", ROOT / "build" / "dev")).resolve()
EM_CONTROL = BUILD / "control" / "em-control"
EM_PROBER = BUILD / "prober" / "em-prober"
SERVICE_USER = "environment-manager"

START_DEADLINE_S = 90  # initdb and the migrations, built with ASan, on a busy machine
STOP_DEADLINE_S = 30

running = []  # every Process that is alive; the report of a failed test shows their logs

folders = []  # what short_dir() made; removed when the session ends


def wait_until(condition, deadline_s=10, every_s=0.02, what="the condition"):
    """Calls `condition` until it returns something true, and returns that; fails after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {deadline_s} s")
        time.sleep(every_s)


def free_port():
    """A TCP port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def short_dir():
    """A new folder with a path short enough for sockets, which the service's user may pass through."""
    path = Path(tempfile.mkdtemp(prefix="em-", dir="/tmp"))
    folders.append(path)
    path.chmod(0o1777)  # sanitizers write their reports as the service's user
    return path


class Process:
    """One program: its output in a file, its sanitizer reports beside it."""

    def __init__(self, argv, folder, name, env=None, stop_signal=signal.SIGTERM):
        self.name = name
        self.stop_signal = stop_signal
        self.log = Path(folder) / f"{name}.log"
        self.sanitizer = Path(folder) / f"{name}.sanitizer"
        # exitcode tells a finding from any other end; leaks are looked for when the program ends.
        options = f"log_path={self.sanitizer}:exitcode=99:detect_leaks=1:abort_on_error=0"
        environment = {
            **os.environ,
            "ASAN_OPTIONS": options,
            "UBSAN_OPTIONS": f"{options}:print_stacktrace=1",
            "TSAN_OPTIONS": options,
            "LC_ALL": "C.UTF-8",
            **(env or {}),
        }
        with self.log.open("ab") as output:
            # The kernel ends the child when the test runner dies, however it dies.
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, argv)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=environment, start_new_session=True)
        running.append(self)

    @property
    def pid(self):
        return self.child.pid

    def is_running(self):
        return self.child.poll() is None

    def tail(self, lines=60):
        """The end of the log, and what the sanitizers wrote."""
        text = "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return text + "".join(self.findings())

    def findings(self):
        """What the sanitizers wrote, one text per process."""
        return [path.read_text(errors="replace") for path in self.sanitizer.parent.glob(self.sanitizer.name + ".*")]

    def kill(self):
        """kill -9, as the faults do; the rest of its group goes by itself or at stop()."""
        self.child.kill()
        self.child.wait(timeout=STOP_DEADLINE_S)

    def wait(self, deadline_s=STOP_DEADLINE_S):
        """Waits for an end that comes by itself; returns the exit status."""
        return self.child.wait(timeout=deadline_s)

    def stop(self):
        """Tells it to stop and waits; fails when it does not, or when a sanitizer found something."""
        if self in running:
            running.remove(self)
        stuck = False
        if self.is_running():
            self.child.send_signal(self.stop_signal)
            try:
                self.child.wait(timeout=STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                stuck = True
        try:
            os.killpg(self.child.pid, signal.SIGKILL)  # whatever it left behind in its group
        except ProcessLookupError:
            pass
        self.child.wait(timeout=STOP_DEADLINE_S)

        assert not stuck, f"{self.name} did not stop within {STOP_DEADLINE_S} s:\n{self.tail()}"
        assert not self.findings(), f"{self.name}: sanitizer report:\n{''.join(self.findings())}"


class Control(Process):
    """em-control with its embedded stores under a temporary folder, listening on a free port."""

    def __init__(self, *options, data=None, port=None, env=None):
        self.home = short_dir() if data is None else None
        self.data = Path(data) if data else self.home / "data"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = options
        super().__init__(
            [EM_CONTROL, "--data", self.data, "--listen", f"127.0.0.1:{self.port}", *options],
            self.data.parent, "em-control", env)

    def is_ready(self):
        """True when /readyz says so; fails at once when the program is gone."""
        assert self.is_running(), f"em-control ended with {self.child.returncode}:\n{self.tail()}"
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def wait_ready(self, deadline_s=START_DEADLINE_S):
        wait_until(self.is_ready, deadline_s, what="/readyz")
        return self

    @property
    def admin_key(self):
        return (self.data / "admin.key").read_text().strip()

    def client(self):
        """A client that holds the administrator's key."""
        return Client(self.url, self.admin_key)

    def metric(self, name):
        """One number of /metrics; 0 while it is not there."""
        lines = requests.get(f"{self.url}/metrics", timeout=5).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name + " ")), 0)

    def redis(self):
        """A connection to the embedded Redis, as its operator."""
        return redis.Redis(unix_socket_path=str(self.data / "redis.sock"), decode_responses=True,
                           username="default", password=(self.data / "redis" / "password").read_text().strip())

    def remove(self):
        """Deletes the temporary data; call after stop()."""
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)


class Prober(Process):
    """em-prober, linked to a control."""

    def __init__(self, control, *options, name="em-prober", env=None):
        super().__init__(
            [EM_PROBER, "--data", control.data, *options],
            control.data.parent, name, env)


class Client(requests.Session):
    """requests with a base URL, the bearer key, a deadline on each call, and replies held against the contract."""

    def __init__(self, url, key=None):
        super().__init__()
        self.url = url
        self.trust_env = False
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    def request(self, method, url, **arguments):
        arguments.setdefault("timeout", 20)
        reply = super().request(method, self.url + url if url.startswith("/") else url, **arguments)
        if not arguments.get("stream"):
            contract.check(reply)
        return reply

    def create(self, collection, **fields):
        """POSTs to a collection and returns the new object; fails with the problem's text."""
        reply = self.post(f"/api/v1/{collection}", json=fields)
        assert reply.status_code == 201, f"POST {collection} {fields}: {reply.status_code} {reply.text}"
        return reply.json()

    def read(self, path, **parameters):
        """GETs below /api/v1 and returns the JSON; fails when it is not 200."""
        reply = self.get(f"/api/v1/{path}", params=parameters)
        assert reply.status_code == 200, f"GET {path}: {reply.status_code} {reply.text}"
        return reply.json()


def make_service_user():
    """The user that the embedded stores run as when the tests are run by root."""
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam(SERVICE_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                        "--shell", "/usr/sbin/nologin", SERVICE_USER], check=True)
