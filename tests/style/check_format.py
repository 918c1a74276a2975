"""clang-format 14 decides how C looks; `tests/style/check_format.py --fix` lets it."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from source_tree import ROOT, files, report

BATCH = 20


def formatter():
    """The program of the version that the project is formatted with: other versions format differently."""
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        if path and " version 14." in subprocess.run([path, "--version"], capture_output=True, text=True).stdout:
            return path
    sys.exit("clang-format 14 is not installed")


def main():
    program = formatter()
    sources = [str(path) for path in files(".c", ".h")]
    mode = ["-i"] if "--fix" in sys.argv else ["--dry-run", "-Werror"]

    def run(batch):
        return subprocess.run([program, *mode, *batch], cwd=ROOT, capture_output=True, text=True).stderr

    batches = [sources[at:at + BATCH] for at in range(0, len(sources), BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        output = "".join(pool.map(run, batches))
    report([line for line in output.splitlines() if ": error: " in line], f"{len(sources)} sources")


if __name__ == "__main__":
    main()
