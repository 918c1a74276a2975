"""Each library has one door: only the files named here include its headers (architecture, section 4)."""

import re

from source_tree import files, includes, report

# These own watchers of a loop; everybody else gets what is ready from them.
LOOP_OWNERS = r"prober/(engine|link|probe|schedule)\.[ch]|control/(api/(server|connection)|health/status_publisher|store/pipeline[a-z_]*)\.[ch]"

# header → the files that may include it; a pattern matches the whole path.
DOORS = [
    (r"nanomsg/.*", r"shared/bus\.c"),
    (r"hiredis/.*", r"shared/redis\.[ch]"),
    (r"libpq-fe\.h", r"control/store/[^/]+\.[ch]"),
    (r"openssl/.*", r"shared/(tls|tls_alert|tls_client|tls_private|tls_socket|stream|crypto|seal)\.[ch]|bench/.*"),
    (r"ares\.h", r"shared/resolver\w*\.[ch]|prober/kinds/probe_dns\.c"),
    (r"ev\.h", r"shared/[^/]+\.[ch]|" + LOOP_OWNERS),
    (r"pcre2\.h", r"shared/regex\.[ch]"),
    (r"zlib\.h|brotli/.*", r"(shared|tests/unit/shared)/(test_)?[id][en]flate\.c"),
    (r"curl/.*", r"control/notify/outbound\.c|cli/http_client\.c"),
    (r"uthash\.h", r"shared/map\.h"),
    (r"nghttp2/.*", r"shared/http2(_server)?(_library|_request)?\.c|shared/http2_memory\.[ch]|tests/unit/shared/test_http2\.c"),
    (r"jq\.h|jv\.h", r"shared/jq_helper\.c"),
    (r"cjose/.*", r"control/access/jwt\.c"),
    (r"ldap\.h", r"control/access/ldap\.c"),
    (r"libical/.*", r"control/calendar/[^/]+\.c"),
    (r"cmocka\.h", r"tests/unit/unit_test\.h"),
]


def main():
    problems = []
    sources = files(".c", ".h")
    for path in sources:
        for line, _, name in includes(path):
            for header, doors in DOORS:
                if re.fullmatch(header, name) and not re.fullmatch(doors, str(path)):
                    problems.append(f"{path}:{line}: <{name}> belongs behind {doors}")
    report(problems, f"{len(sources)} sources, {len(DOORS)} libraries")


if __name__ == "__main__":
    main()
