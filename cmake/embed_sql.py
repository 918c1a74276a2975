"""Turns a file of named SQL statements into C constants.

A statement starts at a comment line `-- name(a, b): what it is for` and runs to the next such line.
The names in the brackets are the parameters $1, $2, … in order.
"""
import re
import sys

HEAD = re.compile(r"^-- ([a-z][a-z0-9_]*)\(([a-z0-9_, ]*)\): (.+)$")


def c_string(text):
    lines = text.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    return "\n".join(f'    "{line}\\n"' for line in lines)


def parse(path):
    statements, current = [], None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        head = HEAD.match(line)
        if head:
            name, parameters, purpose = head.groups()
            names = [p.strip() for p in parameters.split(",") if p.strip()]
            current = (name, names, purpose, [])
            statements.append(current)
        elif current is not None:
            current[3].append(line.rstrip("\n"))
        elif line.strip() and not line.startswith("--"):
            sys.exit(f"{path}:{number}: SQL before the first `-- name(parameters): purpose` line")
    for name, names, _, body in statements:
        text = "\n".join(body)
        used = {int(n) for n in re.findall(r"\$(\d+)", text)}
        if used != set(range(1, len(names) + 1)):
            sys.exit(f"{path}: {name} names {len(names)} parameters but uses {sorted(used)}")
    return statements


def main():
    source, relative, base = sys.argv[1:4]
    statements = parse(source)
    with open(base + ".h", "w", encoding="utf-8") as out:
        out.write(f"/* The statements of {relative}. */\n#pragma once\n\n#include \"shared/statement.h\"\n\n")
        for name, names, purpose, _ in statements:
            out.write(f"/* ({', '.join(names)}) {purpose} */\nextern const struct statement sql_{name};\n")
        out.write(f"extern const struct statement *const sql_file_{re.sub('[^a-z0-9]', '_', relative)}[];\n")
    with open(base + ".c", "w", encoding="utf-8") as out:
        out.write(f'#include "{relative}.h"\n\n#include <stddef.h>\n\n')
        for name, names, _, body in statements:
            text = "\n".join(body).strip().rstrip(";")
            listed = "".join(f'"{n}", ' for n in names)
            out.write(f"const struct statement sql_{name} = {{\n    .name = \"{name}\",\n"
                      f"    .parameters = (const char *const[]){{{listed}NULL}},\n"
                      f"    .parameter_count = {len(names)},\n    .text =\n{c_string(text)},\n}};\n\n")
        listed = "".join(f"&sql_{name}, " for name, *_ in statements)
        out.write(f"const struct statement *const sql_file_{re.sub('[^a-z0-9]', '_', relative)}[] = {{{listed}NULL}};\n")


main()
