"""A file is one noun: past 500 lines it is probably two (a warning), past 700 it is (a failure)."""

import re

from source_tree import files, report, text_of

WARN, FAIL = 500, 700
COUNTED = (".c", ".h", ".py", ".ts", ".tsx", ".sql", ".mjs")
# Tables are long because the list is long, and generated files because a program wrote them.
EXEMPT = re.compile(r"console/openapi/.*|.*/migrations/.*|tests/fuzz/corpus/.*|console/src/app/globals\.css")


def main():
    problems = []
    sources = [path for path in files(*COUNTED) if not EXEMPT.fullmatch(str(path))]
    for path in sources:
        text = text_of(path)
        # What is fenced off from clang-format is a const table and does not count.
        lines = re.sub(r"/\* clang-format off \*/.*?/\* clang-format on \*/", "", text, flags=re.S).count("\n")
        if lines > FAIL:
            problems.append(f"{path}:1: {lines} lines, more than {FAIL}")
        elif lines > WARN:
            print(f"warning: {path}: {lines} lines, more than {WARN}")
    report(problems, f"{len(sources)} files")


if __name__ == "__main__":
    main()
