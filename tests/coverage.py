"""Prints gcovr's text report summed by folder: lines reached, of how many, and the files below the folder's mean by far."""

import re
import sys
from collections import defaultdict
from pathlib import Path

FAR_BELOW = 15  # points
ROW = re.compile(r"^(\S+)\s+(\d+)\s+(\d+)\s+(\d+)%")


def rows(text):
    """(file, lines, reached) of each file; gcovr breaks a line after a long name."""
    joined = re.sub(r"^(\S+\.[ch])\n\s+", r"\1 ", text, flags=re.M)
    for line in joined.splitlines():
        match = ROW.match(line)
        if match and "/" in match[1]:
            yield match[1], int(match[2]), int(match[3])


def main():
    folders = defaultdict(list)
    for name, lines, reached in rows(Path(sys.argv[1]).read_text()):
        folders[str(Path(name).parent)].append((name, lines, reached))
    for folder, files in sorted(folders.items()):
        lines, reached = sum(row[1] for row in files), sum(row[2] for row in files)
        print(f"        {folder}: {reached / lines:.1%} of {lines} lines")
        for name, of_file, reached_of_file in files:
            if reached_of_file / of_file < reached / lines - FAR_BELOW / 100:
                print(f"            {name}: {reached_of_file / of_file:.0%} of {of_file}")


if __name__ == "__main__":
    main()
