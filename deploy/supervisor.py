"""Keeps the programs of one instance running; started by deploy/up, stopped by deploy/down or a signal.

    supervisor.py DIR -- NAME COMMAND… [-- NAME COMMAND…]…

Each program is a child with its output in DIR/log/NAME.log; what the supervisor does itself is in
DIR/log/supervisor.log, each of bounded size. A program that ends is started again after a back-off of 1 s, doubled up
to 30 s and back to 1 s once it ran for a minute. TERM or INT stops them in the reverse order of the command line, each
with a deadline.
DIR/supervisor.pid names this process while it lives and is locked by it.
"""

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BACK_OFF_S, BACK_OFF_MAX_S, STEADY_S = 1, 30, 60
STOP_S = 30
LOG_BYTES = 16 * 1024 * 1024  # a log past this goes on from empty; what it had is kept once
LOOK_S = 60  # how often the logs are looked at when nothing else happens


class Program:
    """One child, and when to start it next."""

    def __init__(self, name, command, logs):
        self.name, self.command = name, command
        self.log = logs / f"{name}.log"
        self.child = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.back_off_s = BACK_OFF_S

    def start(self):
        with self.log.open("ab") as output:
            # The kernel tells the child to stop when the supervisor dies, however it dies.
            self.child = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *self.command], stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        self.started_at = time.monotonic()
        say(f"{self.name}: started, pid {self.child.pid}")

    def look_after(self):
        """Starts it when it is time, and notices its end."""
        now = time.monotonic()
        if self.child is None:
            if now >= self.start_at:
                self.start()
        elif self.child.poll() is not None:
            if now - self.started_at > STEADY_S:
                self.back_off_s = BACK_OFF_S
            say(f"{self.name}: ended with {self.child.returncode}, starts again in {self.back_off_s} s")
            self.start_at = now + self.back_off_s
            self.back_off_s = min(self.back_off_s * 2, BACK_OFF_MAX_S)
            self.child = None

    def stop(self):
        if self.child is None or self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(STOP_S)
            say(f"{self.name}: stopped with {self.child.returncode}")
        except subprocess.TimeoutExpired:
            say(f"{self.name}: did not stop within {STOP_S} s and is killed")
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait(STOP_S)


def log_to(path):
    """From here on, standard output and error are this file."""
    with path.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


def keep_small(log):
    """Moves what is in a large log to NAME.log.1. Its program appends to the same file, so it need not know."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def say(text):
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), text, flush=True)


def split_programs(words, logs):
    """The programs of a command line `-- NAME COMMAND… -- NAME COMMAND…`."""
    groups = []
    for word in words:
        if word == "--":
            groups.append([])
        else:
            groups[-1].append(word)
    return [Program(group[0], group[1:], logs) for group in groups]


def own_pid_file(path):
    """Takes the instance: ends when another supervisor has it. The lock goes with the process, the text may be stale."""
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another supervisor has {path}")
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def main():
    os.umask(0o077)  # logs are the service's alone, also where others may pass through DIR
    folder = Path(sys.argv[1])
    logs = folder / "log"
    logs.mkdir(exist_ok=True)
    log_to(logs / "supervisor.log")
    pid_file = own_pid_file(folder / "supervisor.pid")
    programs = split_programs(sys.argv[2:], logs)

    # Signals arrive as bytes in a pipe, so the loop below wakes up at once for a child's end and for a stop.
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal may close

    stopping = False
    while not stopping:
        for program in programs:
            program.look_after()
        for log in (logs / "supervisor.log", *(program.log for program in programs)):
            keep_small(log)
        waiting = [program.start_at - time.monotonic() for program in programs if program.child is None]
        timeout = max(0.0, min([LOOK_S, *waiting]))
        if select.select([wake_read], [], [], timeout)[0]:
            stopping = bool({signal.SIGTERM, signal.SIGINT} & set(os.read(wake_read, 1024)))

    for program in reversed(programs):
        program.stop()
    (folder / "supervisor.pid").unlink(missing_ok=True)
    pid_file.close()


if __name__ == "__main__":
    main()
