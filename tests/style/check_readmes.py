"""READMEs stay true: every file or folder that one names is there."""

import re

from source_tree import ROOT, files, report, text_of

SUFFIXES = r"\.(?:c|h|py|sh|ts|tsx|mjs|json|sql|md|txt|yml|cmake|service)"
NAMED = re.compile(r"`([\w./-]+(?:" + SUFFIXES + r"|/))`|\]\(([^)#:]+)\)")
# Made while running or installed, so not in the tree.
ELSEWHERE = re.compile(r"build/.*|DIR/.*|/.*|~.*|node_modules/.*|console/(out|node_modules)/.*|out/.*|admin\.key|.*\.sock")


def is_there(readme, name):
    """True when `name` exists beside the README, at the root, or as a file of that name below the README's folder."""
    folder = (ROOT / readme).parent
    if (folder / name).exists() or (ROOT / name).exists():
        return True
    return "/" not in name.rstrip("/") and any(True for _ in folder.rglob(name.rstrip("/")))


def main():
    problems = []
    readmes = [path for path in files("README.md")]
    for readme in readmes:
        for number, line in enumerate(text_of(readme).splitlines(), 1):
            for match in NAMED.finditer(line):
                name = match[1] or match[2]
                if not ELSEWHERE.fullmatch(name) and not is_there(readme, name):
                    problems.append(f"{readme}:{number}: {name} is not there")
    report(problems, f"{len(readmes)} READMEs")


if __name__ == "__main__":
    main()
