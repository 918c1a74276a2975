"""READMEs stay true: every file or folder that one names is there."""

import re

from source_tree import ROOT, files, report, text_of

SUFFIXES = r"\.(?:c|h|py|sh|ts|tsx|mjs|json|sql|md|txt|yml|cmake|service)"
NAMED = re.compile(r"`([\w./-]+(?:" + SUFFIXES + r"|/))`|\]\(([^)#:]+)\)")
# Made while running or installed, so not in the tree.
ELSEWHERE = re.compile(r"build/.*|DIR/.*|/.*|~.*|node_modules/.*|console/(out|node_modules)/.*|out/.*|admin\.key|.*\.sock")


def is_there(readme, name, known):
    """True when `name` is there beside the README, in a folder above, or as the end of a path below its folder."""
    if any((ROOT / folder / name).exists() for folder in readme.parents):
        return True
    below = "" if readme.parent.name == "" else f"{readme.parent}/"
    return any(path.startswith(below) and f"/{path}/".find(f"/{name.strip('/')}/") >= 0 for path in known)


def main():
    problems = []
    known = [str(path) for path in files()]
    readmes = files("README.md")
    for readme in readmes:
        for number, line in enumerate(text_of(readme).splitlines(), 1):
            for match in NAMED.finditer(line):
                name = match[1] or match[2]
                if not ELSEWHERE.fullmatch(name) and not is_there(readme, name, known):
                    problems.append(f"{readme}:{number}: {name} is not there")
    report(problems, f"{len(readmes)} READMEs")


if __name__ == "__main__":
    main()
