"""`em-prober run`, looked at while it runs: its results as they come, and what it holds on to."""

import json
import os
import resource
import signal
import subprocess
import threading
from pathlib import Path

import processes


class Running:
    """`em-prober run` over checks: its results as they come."""

    def __init__(self, checks, *options, program=processes.EM_PROBER, within=(), files=None, **environment):
        self.results, self.lock = [], threading.Lock()

        def limit():
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        self.child = subprocess.Popen([*within, program, "run", "--loops", "1", *map(str, options)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit,
                                      env={**os.environ, **environment})
        self.child.stdin.write("".join(json.dumps(check) + "\n" for check in checks).encode())
        self.child.stdin.close()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            with self.lock:
                self.results.append(json.loads(line))

    def taken(self):
        """The results so far; they are not given again."""
        with self.lock:
            results, self.results = self.results, []
        return results

    def cpu_s(self):
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    def children(self):
        """The processes below it, at any depth."""
        found, new = [], [self.child.pid]
        while new:
            found += new
            new = [int(child) for pid in new for child in offspring(pid)]
        return found[1:]

    def resident_kib(self):
        """Of the prober alone."""
        lines = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(timeout=20)
        finally:
            self.child.kill()
            self.child.wait()
            self.reader.join(5)
        assert self.child.returncode == 0, self.child.stderr.read().decode()


def offspring(pid):
    try:
        return [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return []  # it has ended


def verdicts(results):
    return {(result["verdict"], result["outcome"]) for result in results}
