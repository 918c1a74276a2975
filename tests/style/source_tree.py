"""The files of the project, and the way a style check reports: shared by all check_*.py here."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("EM_SOURCE", Path(__file__).resolve().parents[2]))
SKIPPED = {".git", "build", "node_modules", ".next", "out", "__pycache__", ".cache"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def files(*suffixes):
    """Every file of ours with one of the suffixes, relative to the root and sorted."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = [Path(name) for name in listed.stdout.split("\0") if name]
    else:
        names = [Path(folder, name).relative_to(ROOT)
                 for folder, folders, found in os.walk(ROOT)
                 if not folders.__setitem__(slice(None), [f for f in folders if f not in SKIPPED])
                 for name in found]
    return sorted({name for name in names
                   if (not suffixes or name.name.endswith(suffixes)) and (ROOT / name).is_file()})


def text_of(path):
    """The whole text; what is not UTF-8 shows as U+FFFD."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def line_of(text, offset):
    """The line number, from 1, of a place in a text."""
    return text.count("\n", 0, offset) + 1


def includes(path):
    """Each #include of a file as (line, "<" or '"', name)."""
    text = text_of(path)
    return [(line_of(text, match.start(2)), match[1], match[2]) for match in INCLUDE.finditer(text)]


def code_only(text):
    """C source with comments and the insides of literals blanked out; lines and columns stay."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def report(problems, looked_at):
    """Prints what was found and ends the program: 1 when there is anything, else 0."""
    for problem in sorted(problems):
        print(problem)
    print(f"{len(problems)} problems in {looked_at}")
    sys.exit(1 if problems else 0)
