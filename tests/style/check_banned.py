"""Functions that nobody calls here, each with what to use instead. Names are looked for in code, not in comments."""

import re

from source_tree import code_only, files, line_of, report, text_of

BANNED = {
    "strcpy": "struct buf", "strcat": "struct buf", "strncpy": "struct buf", "strncat": "struct buf",
    "stpcpy": "struct buf", "sprintf": "buf_printf or snprintf", "vsprintf": "vsnprintf", "gets": "a bounded read",
    "strtok": "str_split", "strtok_r": "str_split", "atoi": "a parser that reports errors",
    "atol": "a parser that reports errors", "atoll": "a parser that reports errors",
    "atof": "a parser that reports errors", "alloca": "the heap or a fixed array", "scanf": "a parser that reports errors",
    "sscanf": "a parser that reports errors", "fscanf": "a parser that reports errors", "mktemp": "mkstemp",
    "tmpnam": "mkstemp", "tempnam": "mkstemp", "system": "shared/spawner", "popen": "shared/spawner",
    "gethostbyname": "shared/resolver", "ctime": "timestamp_format", "asctime": "timestamp_format",
    "localtime": "UTC", "rand": "shared/crypto", "srand": "shared/crypto", "signal": "sigaction",
}
# Tests may run what they like, but nothing else differs for them.
IN_TESTS = {"system", "popen"}
# Memory comes from shared/mem.h, which aborts when there is none; tests and benches may do as they like.
MEMORY = {name: "shared/mem.h" for name in ("malloc", "calloc", "realloc", "strdup", "strndup", "asprintf", "vasprintf")}
OUR_MEMORY = "shared/mem.c"


def calls(code, names):
    """Each call of one of the names in blanked code, as (offset, name)."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    return [(match.start(1), match[1]) for match in pattern.finditer(code)]


def main():
    problems = []
    sources = files(".c", ".h")
    for path in sources:
        text = text_of(path)
        banned = dict(BANNED)
        if path.parts[0] in ("tests", "bench"):
            banned = {name: instead for name, instead in banned.items() if name not in IN_TESTS}
        elif str(path) != OUR_MEMORY:
            banned.update(MEMORY)
        code = code_only(text)
        problems += [f"{path}:{line_of(code, at)}: {name}() is banned: use {banned[name]}"
                     for at, name in calls(code, banned)]
    report(problems, f"{len(sources)} sources")


if __name__ == "__main__":
    main()
