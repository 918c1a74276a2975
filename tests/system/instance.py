"""Looking inside an instance: its processes, its database, and em-control's commands on it."""

import os
import pwd
import subprocess
from pathlib import Path

from processes import EM_CONTROL, SERVICE_USER


def run(*arguments, deadline_s=60, env=None, cwd=None):
    """Runs em-control to its end; the result has returncode, stdout and stderr."""
    ended = subprocess.run([EM_CONTROL, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=deadline_s, check=False, env={**os.environ, **(env or {})}, cwd=cwd)
    assert "Sanitizer" not in ended.stderr, ended.stderr
    return ended


def as_service(*command):
    """The command line that runs a command as the user whom the service runs as, until its parent ends."""
    if os.geteuid() != 0:
        return list(map(str, command))
    return ["setpriv", f"--reuid={SERVICE_USER}", f"--regid={SERVICE_USER}", "--clear-groups", "--pdeathsig", "TERM",
            *map(str, command)]


def sql(data, statement, database="environment_manager"):
    """Runs a statement in the embedded PostgreSQL as its owner; the rows as text, columns separated by "|"."""
    ended = subprocess.run(as_service("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", data, "-U", "em",
                                      "-c", statement, database),
                           capture_output=True, text=True, timeout=30, check=False, cwd="/")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


class Holding:
    """A transaction that has run a statement, and stays open until let_go() or the end of `with`."""

    def __init__(self, data, statement):
        self.psql = subprocess.Popen(as_service("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", data, "-U", "em",
                                                "environment_manager"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
        self.psql.stdin.write(f"BEGIN; {statement};\n\\echo holds\n")
        self.psql.stdin.flush()

    def __enter__(self):
        while (line := self.psql.stdout.readline()).strip() != "holds":
            assert line, "psql has ended"
        return self

    def let_go(self):
        if not self.psql.stdin.closed:
            self.psql.communicate("ROLLBACK;\n", timeout=30)

    def __exit__(self, *_):
        self.let_go()


def pid_in(path):
    """The pid in the first line of a file; None when there is no such process."""
    try:
        pid = int(Path(path).read_text().split()[0])
        os.kill(pid, 0)
        return pid
    except (OSError, ValueError, IndexError):
        return None


def postgres_pid(data):
    return pid_in(data / "postgres" / "postmaster.pid")


def redis_pid(data):
    return pid_in(data / "redis" / "redis.pid")


def children(pid):
    """The pids of all descendants of a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(folder.name), *children(int(folder.name))]
    return found


def processes_in(data):
    """The pids of all living processes that work below a data folder, or name it in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            place = os.readlink(folder / "cwd")
        except OSError:
            continue
        if str(data).encode() in words or place.startswith(str(data)):
            found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def user_of(pid):
    return pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name
