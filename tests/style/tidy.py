"""Runs clang-tidy over what the build folder compiles: tests/style/tidy.py BUILD.

A file that passed is not looked at again until it, a header of ours that it includes, or the rules change: the
digests of those that passed lie in BUILD/tidy.json.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from source_tree import ROOT, includes, report, text_of


@lru_cache(maxsize=None)
def headers_of(path):
    """Every header of ours that a file sees, itself included."""
    seen = {path}
    for _, quote, name in includes(path):
        for header in (Path(name), Path("include", name)):
            if quote == '"' and (ROOT / header).is_file() and header not in seen:
                seen |= headers_of(header)
    return frozenset(seen)


def digest_of(path, rules):
    """Changes with the file, its headers and the rules."""
    digest = hashlib.sha256(rules.encode())
    for name in sorted(headers_of(path)):
        digest.update(f"{name}\0{text_of(name)}\0".encode())
    return digest.hexdigest()


def main():
    build = Path(sys.argv[1]).resolve()
    program = shutil.which("clang-tidy-14") or shutil.which("clang-tidy") or sys.exit("clang-tidy is not installed")
    rules = text_of(".clang-tidy")
    compiled = {Path(entry["file"]) for entry in json.loads((build / "compile_commands.json").read_text())}
    sources = sorted(path.relative_to(ROOT) for path in compiled if path.is_relative_to(ROOT)
                     and not path.is_relative_to(build) and path.relative_to(ROOT).parts[0] not in ("tests", "bench"))

    stamp = build / "tidy.json"
    passed = set(json.loads(stamp.read_text())) if stamp.exists() else set()
    digests = {path: digest_of(path, rules) for path in sources}
    wanted = [path for path in sources if digests[path] not in passed]

    def look(path):
        ended = subprocess.run([program, "--quiet", "-p", str(build), "--extra-arg=-Wno-unknown-warning-option", str(ROOT / path)],
                               capture_output=True, text=True, check=False)
        return path, ended

    problems = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (path, ended) in enumerate(pool.map(look, wanted), 1):
            if number % 10 == 0:
                print(f"{number} of {len(wanted)}", flush=True)
            if ended.returncode == 0:
                passed.add(digests[path])
            else:
                problems += [line.replace(f"{ROOT}/", "") for line in ended.stdout.splitlines()
                             if ": error: " in line or ": warning: " in line] or [f"{path}: {ended.stderr[-500:]}"]
    stamp.write_text(json.dumps(sorted(passed & set(digests.values()))))
    report(set(problems), f"{len(sources)} files, {len(wanted)} of them new or changed")


if __name__ == "__main__":
    main()
