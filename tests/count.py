"""Sums the reports of all suites: names what failed, ends with the counts on a line of their own, exits 1 if any failed."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


LINES_SHOWN = 25


def cases(report):
    """Each test of a JUnit report as (name, what became of it, what it wrote)."""
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed", case.findtext("system-out") or ""
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            yield name, "skipped", ""
        else:
            yield name, "passed", ""


def main():
    folder = Path(sys.argv[1])
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sorted(folder.iterdir()):
        found = [(path.stem, path.read_text().strip(), "")] if path.suffix == ".result" else []
        if path.suffix == ".xml":
            try:
                found = list(cases(path))
            except ElementTree.ParseError:
                found = [(f"{path.name} is no report", "failed", "")]
        for name, what, written in found:
            counts[what] += 1
            if what == "failed":
                print(f"  failed: {path.stem}: {name}")
                for line in written.splitlines()[-LINES_SHOWN:]:
                    print(f"        {line}")
    print(", ".join(f"{number} {what}" for what, number in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
