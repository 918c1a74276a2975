"""What does not belong in the tree: paths of one machine, unfinished work, hosts of registries, stray white space."""

import re

from source_tree import files, line_of, report, text_of

TEXTS = (".c", ".h", ".py", ".sh", ".md", ".cmake", ".txt", ".json", ".sql", ".ts", ".tsx", ".mjs", ".css", ".service")
WORDS = [
    (r"(?<![\w.}$])/(?:work|home/\w+|Users/\w+)/", "a path of one machine"),
    (r"\b(?:FIXME|XXX|HACK)\b", "unfinished work"),
    (r"\bTODO\b(?!\(#\d+\))", "TODO(#issue) or none"),
    (r'"resolved": "http', "the host of a registry in a lock file"),
    (r"[ \t]+$", "white space at the end of a line"),
    (r"\r", "a carriage return"),
    (r"^(?:<{7}|>{7}) ", "a merge mark"),
]
# These talk about the words themselves, or hold bytes on purpose.
EXEMPT = re.compile(r"tests/style/.*|tests/fuzz/corpus/.*|LICENSE|console/src/.*\.snap")


def main():
    problems = []
    sources = [path for path in files() if not EXEMPT.fullmatch(str(path))
               and (path.name.endswith(TEXTS) or path.suffix == "")]
    for path in sources:
        text = text_of(path)
        for pattern, why in WORDS:
            problems += [f"{path}:{line_of(text, match.start())}: {why}: {match[0].strip()[:60]}"
                         for match in re.finditer(pattern, text, re.M)]
    report(problems, f"{len(sources)} files")


if __name__ == "__main__":
    main()
