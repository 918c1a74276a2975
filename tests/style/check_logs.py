"""Formats of log lines: an event that is a constant name, and only the conversions that shared/log.c reads."""

import re

from source_tree import files, line_of, report, text_of

CALL = re.compile(r"\blog_(?:error|warning|info|debug)\((.*?)\);", re.DOTALL)
WORD = re.compile(r'"((?:\\.|[^"\\])*)"|\b(PRI[a-zA-Z]\w*)\b')
EVENT = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
CONVERSION = re.compile(r"%(?:\.\*s|s|d|u|zu|lld|llu)")


def mistakes(text):
    """What is wrong with each call in a source, as (offset, why)."""
    for call in CALL.finditer(text):
        words = WORD.findall(call[1])
        if not words or not EVENT.fullmatch(words[0][0]):
            yield call.start(), "the first argument is the constant name of an event"
        if [literal for literal, _ in words[1:2]] == ["%s"]:
            yield call.start(), "a line that is one value is quoted as one: key=value, each value by itself"
        for literal, macro in words:
            if macro or "%" in CONVERSION.sub("", literal):
                yield call.start(), f"{macro or literal}: a line takes %s %.*s %d %u %zu %lld %llu and nothing else"


def main():
    sources = [path for path in files(".c", ".h") if path.parts[0] not in ("tests", "bench") and path.name != "log.h"]
    report([f"{path}:{line_of(text, at)}: {why}" for path in sources for text in [text_of(path)] for at, why in mistakes(text)],
           f"{len(sources)} sources")


if __name__ == "__main__":
    main()
