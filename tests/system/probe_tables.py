"""Tables of targets and what has to become of a probe of each."""

from servers.hostile import Server

LATE_MS = 600  # what a busy machine with sanitizers may add to a deadline


def assert_result(result, outcome, phase, message):
    """`outcome` and `phase` may name several with | between them; `message` is a part of it."""
    assert result["outcome"] in outcome.split("|") and result["phase"] in phase.split("|"), result
    assert message in result["message"], result


def assert_results(run, table):
    """{id: (outcome, phase, part of the message)}, for each check of the run."""
    assert set(run.results) == set(table), run.stderr
    for name, row in table.items():
        assert_result(run.results[name], *row)


def probe_hostile(prober_once, check, table, timeout_ms=2000):
    """Probes all servers of [(name, handler, outcome, phase, part of the message, spec)] at once, and judges them."""
    servers = {row[0]: Server(row[1]).__enter__() for row in table}
    try:
        run = prober_once([check(servers[name].port, id=name, timeout_ms=timeout_ms, **spec) for name, *_, spec in table])
    finally:
        for server in servers.values():
            server.__exit__()
    assert_results(run, {name: row for name, _, *row, _ in table})
    for result in run.results.values():
        assert result["timings_us"]["total"] < (timeout_ms + LATE_MS) * 1000, result
    return run
