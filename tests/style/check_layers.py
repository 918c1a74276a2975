"""Who may include whom (architecture, section 4), read from #include lines and the USES of control_domain().

A finding means that knowledge flows the wrong way: move the code, or let the upper part hand the lower one what it needs.
"""

import re

from source_tree import files, includes, line_of, report, text_of

# A part may include itself and the parts on the right; tests see everything, bench the plain parts
# and the engine that it measures.
PARTS = {
    "contract": set(),
    "shared": {"contract"},
    "prober": {"contract", "shared"},
    "agent": {"contract", "shared"},
    "cli": {"contract", "shared"},
    "control": {"contract", "shared"},
    "bench": {"contract", "shared", "prober"},
}

# Inside control, from the bottom up. A folder may use those below it, and one beside it when its USES says so.
LAYERS = [
    {"store"},
    {"journal"},
    {"api"},
    {"cmdb", "calendar", "settings", "audit"},
    {"access"},
    {"notify", "fleet", "health", "booking", "schedule", "cost"},
    {"release", "drift", "deployment", "integration", "dashboard", "knowledge"},
]
RANK = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}
FRAMEWORK = {"store", "journal", "api"}  # these offer several headers, a domain offers <domain>/<domain>.h only


def part_of(name):
    """The part that a root-relative path or an include name belongs to; None when it is not one of ours."""
    first = name.split("/")[0]
    if first == "include":
        return "contract"
    return first if first in PARTS else None


def domain_of(name):
    """The folder of control that a path lies in; None for the root of control and for other parts."""
    steps = name.split("/")
    return steps[1] if steps[0] == "control" and len(steps) > 2 else None


def domain_uses(paths):
    """The USES of each control_domain() call: {domain: (path, line, {used})}."""
    call = re.compile(r"control_domain\(\s*(\w+)(.*?)\)", re.S)
    uses = {}
    for path in paths:
        text = re.sub(r"#[^\n]*", "", text_of(path))
        for match in call.finditer(text):
            words = re.search(r"\bUSES\b(.*?)(?:\b[A-Z]{3,}\b|$)", match[2], re.S)
            uses[match[1]] = (path, line_of(text, match.start()), set(words[1].split()) if words else set())
    return uses


def uses_problems(uses):
    """USES that point upwards, name nothing, or go round in a circle."""
    problems = []
    for domain, (path, line, used) in uses.items():
        if domain not in RANK:
            problems.append(f"{path}:{line}: control_domain({domain}) has no place in LAYERS of check_layers.py")
            continue
        for other in used:
            if other not in RANK:
                problems.append(f"{path}:{line}: {domain} USES {other}, which is no folder of control")
            elif RANK[other] > RANK[domain]:
                problems.append(f"{path}:{line}: {domain} USES {other}, which is above it")
            elif reaches(uses, other, domain):
                problems.append(f"{path}:{line}: {domain} USES {other}, which uses {domain} again")
    return problems


def reaches(uses, start, goal):
    """True when following USES from `start` comes to `goal`."""
    seen, waiting = set(), [start]
    while waiting:
        domain = waiting.pop()
        if domain == goal:
            return True
        if domain not in seen:
            seen.add(domain)
            waiting.extend(uses.get(domain, (None, 0, set()))[2])
    return False


def include_problem(path, name, uses):
    """Why `path` may not include "name"; None when it may."""
    part, wanted = part_of(path), part_of(name)
    if wanted is None or part is None:
        return None if "/" in name else "an include names its folder: \"shared/buf.h\""
    if wanted != part:
        return None if wanted in PARTS[part] else f"{part} may not include {wanted}"
    if part != "control":
        return None

    domain, used = domain_of(path), domain_of(name)
    if re.search(r"_(rules|state)\.[ch]$", path) and used in {"api", "store"}:
        return f"rules are pure: they include neither api nor store"
    if domain is None or domain == used:
        return None
    if name == "control/permissions.h":
        return None  # a list of words that knows nobody
    if used is None:
        return f"{domain} may not include the root of control"
    if domain not in RANK or used not in RANK:
        return f"{domain if domain not in RANK else used} has no place in LAYERS of check_layers.py"
    if RANK[used] > RANK[domain]:
        return f"{domain} may not include {used}, which is above it"
    if domain in uses and used not in uses[domain][2]:
        return f"{domain} includes {used} without naming it in its USES"
    if used not in FRAMEWORK and name != f"control/{used}/{used}.h":
        return f"of {used}, others include control/{used}/{used}.h only"
    return None


def main():
    uses = domain_uses([path for path in files("CMakeLists.txt") if str(path).startswith("control/")])
    problems = uses_problems(uses)
    sources = [path for path in files(".c", ".h") if part_of(str(path))]
    for path in sources:
        for line, quote, name in includes(path):
            # Headers that are generated from SQL lie in the build folder under their source's name.
            if quote == '"' and (problem := include_problem(str(path), name, uses)):
                problems.append(f"{path}:{line}: {problem}")
    report(problems, f"{len(sources)} sources, {len(uses)} domains")


if __name__ == "__main__":
    main()
