"""Formats of log lines: a constant name of an event, then the pairs that shared/log.c can write as text and as JSON."""

import re

from source_tree import files, line_of, report, text_of

CALL = re.compile(r"\blog_(?:error|warning|info|debug)\((.*?)\);", re.DOTALL)
WORD = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|([A-Za-z_]\w*))')
DEFINE = re.compile(r'^#define (\w+)[ \t]+(".*")$', re.MULTILINE)
EVENT = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
PAIR = r'([a-z][a-z0-9_]*)=(?:%(?:\.\*s|s|d|u|zu|lld|llu)|[^\s"%\\]+|"(?:%s|%\.\*s|[^"%\\]*)")'
PAIRS = re.compile(f"{PAIR}(?: {PAIR})*")
KEYS_OF_ALL_LINES = {"time", "level", "program", "pid", "event", "format", "suppressed", "cut"}


def constant(text, macros):
    """What string literals and macros of such say, and what comes after them. Any other word is `%word`, which is nowhere right."""
    said = ""
    at = 0
    while word := WORD.match(text, at):
        literal, macro = word.groups()
        if macro:
            said += constant(macros[macro], macros)[0] if macro in macros else f"%{macro}"
        else:
            said += literal.replace('\\"', '"')
        at = word.end()
    return said, text[at:].lstrip()


def mistakes(text):
    """What is wrong with each call in a source, as (offset, why)."""
    macros = {"STR_FMT": '"%.*s"', **dict(DEFINE.findall(text))}
    for call in CALL.finditer(text):
        event, rest = constant(call[1], macros)
        pairs, _ = constant(rest.removeprefix(","), macros)
        keys = re.findall(PAIR, pairs)
        if not EVENT.fullmatch(event):
            yield call.start(), "the first argument is the constant name of an event"
        if not PAIRS.fullmatch(pairs):
            yield call.start(), (f"{pairs}: a line is `key=value key=value`; a value is one of %s %.*s %d %u %zu %lld %llu "
                                 "and nothing else, or words without any, and stands in quotes when it has blanks")
        elif wrong := {key for key in keys if key in KEYS_OF_ALL_LINES or keys.count(key) > 1}:
            yield call.start(), f"{', '.join(sorted(wrong))}: a key is in a line once, and none of those that shared/log.c writes"


def main():
    sources = [path for path in files(".c", ".h") if path.parts[0] not in ("tests", "bench") and path.name != "log.h"]
    report([f"{path}:{line_of(text, at)}: {why}" for path in sources for text in [text_of(path)] for at, why in mistakes(text)],
           f"{len(sources)} sources")


if __name__ == "__main__":
    main()
