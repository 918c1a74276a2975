"""The style checks find what they are for and let good code pass."""

import unittest

from check_banned import BANNED, calls
from check_layers import include_problem, reaches, uses_problems
from check_logs import mistakes
from source_tree import code_only

USES = {
    "cmdb": ("control/cmdb/CMakeLists.txt", 1, {"journal", "api"}),
    "health": ("control/health/CMakeLists.txt", 1, {"cmdb", "journal"}),
}


class Layers(unittest.TestCase):
    def test_what_may_be_included(self):
        for path, name in [
            ("shared/bus.c", "contract/bus.h"),
            ("prober/probe.c", "shared/stream.h"),
            ("control/main.c", "control/health/health.h"),
            ("control/health/engine.c", "control/health/tree.h"),
            ("control/health/engine.c", "control/cmdb/cmdb.h"),
            ("control/health/check_rules.c", "control/health/check_rules.h"),
        ]:
            self.assertIsNone(include_problem(path, name, USES), f"{path} → {name}")

    def test_what_may_not_be_included(self):
        for path, name in [
            ("shared/bus.c", "prober/probe.h"),
            ("include/contract/bus.h", "shared/buf.h"),
            ("prober/probe.c", "control/store/db.h"),
            ("control/health/engine.c", "prober/probe.h"),
            ("control/store/db.c", "control/api/reply.h"),
            ("control/cmdb/cmdb.c", "control/health/health.h"),
            ("control/cmdb/cmdb.c", "control/routes.h"),
            ("control/health/engine.c", "control/cmdb/cmdb_store.h"),
            ("control/health/engine.c", "control/access/access.h"),
            ("control/health/check_rules.c", "control/store/db.h"),
            ("prober/probe.c", "probe.h"),
        ]:
            self.assertIsNotNone(include_problem(path, name, USES), f"{path} → {name}")

    def test_uses_go_down_and_never_round(self):
        self.assertEqual(uses_problems(USES), [])
        up = {"cmdb": ("x", 1, {"health"})}
        self.assertEqual(len(uses_problems(up)), 1)
        ring = {"fleet": ("x", 1, {"health"}), "health": ("y", 1, {"fleet"})}
        self.assertEqual(len(uses_problems(ring)), 2)
        self.assertTrue(reaches(ring, "fleet", "health"))


class Banned(unittest.TestCase):
    def test_calls_are_found_in_code_only(self):
        code = code_only('/* strcpy(a, b) */ x = "atoi(1)"; // gets(s)\nsprintf (a); my_system(b); p->signal(c);\n')
        self.assertEqual([name for _, name in calls(code, BANNED)], ["sprintf"])


class Logs(unittest.TestCase):
    def test_events_and_conversions_are_those_of_the_log(self):
        for good in ('log_info("a.b_c", "n=%zu m=%lld t=\\"%s\\" p=" STR_FMT, 1, x ? "yes" : "no", f("(%s)"));',
                     'log_info("a.b", "tls=no why=\\"two words, more\\" " "q=\\"" STR_FMT "\\"", STR_ARG(q));',
                     '#define ASKED "a=%s b=" STR_FMT " c=%d"\nlog_info("a.b", ASKED, ARGS);'):
            self.assertEqual(list(mistakes(good)), [])
        for bad in ('log_error(name, "n=%d", 1);', 'log_error("No event", "n=%d", 1);', 'log_info("a.b", "n=%ld", 1L);',
                    'log_info("a.b",\n "n=%5d", 1);', 'log_info("a.b", "n=%" PRId64, n);', 'log_info("a.b", "100%%");',
                    'log_info("a.b", "%s", line);', 'log_info("a.b", "done n=%d", 1);', 'log_info("a.b", "%s=%d", key, 1);',
                    'log_info("a.b", "at=%s:%d", file, 1);', 'log_info("a.b", "file=%s/key", folder);',
                    'log_info("a.b", "why=\\"is %s\\"", what);', 'log_info("a.b", "n=\\"%d\\"", 1);', 'log_info("a.b", "a=%d  b=%d", 1, 2);',
                    'log_info("a.b", "version=" VERSION);', 'log_info("a.b", format, 1);', 'log_info("a.b", x ? "a=%d" : "b=%d", 1);',
                    'log_info("a.b", "pid=%d", 1);', 'log_info("a.b", "a=%d a=%d", 1, 2);', 'log_info("a.b", "why=\\"a\\\\nb\\"");'):
            self.assertTrue(list(mistakes(bad)), bad)


if __name__ == "__main__":
    unittest.main()
