"""Journaled writes from 16 connections: as the service does it, without the sealer, and with numbers given under a lock.

At the database, by pgbench: a transaction that changes a row and records it. The sealer is em-control's own, beside it; it is
taken away by stopping that process for the time. Then the same through the API.
"""

import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from routes import make_components, script_of, wrk
from tools import Row, service, wait_until

from instance import as_service, sql

CONNECTIONS = 16
PGBENCH = next(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
WRITE = """BEGIN;
UPDATE bench_row SET value = value + 1 WHERE id = :client_id;
{lock}INSERT INTO change (id, actor, action, kind, entity_id, before, after)
VALUES (gen_random_uuid(), 'bench', 'update', 'component', gen_random_uuid(), '{{"name": "before", "version": 1}}', '{{"name": "after", "version": 2}}');
COMMIT;
"""
LOCK = "SELECT pg_advisory_xact_lock(4711);\n"


def pgbench(control, script, seconds):
    """Transactions a second."""
    argv = as_service(PGBENCH, "-n", "-M", "prepared", "-c", CONNECTIONS, "-j", 2, "-T", seconds, "-f", script, "-h", control.data,
                      "-U", "em", "environment_manager")
    ended = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=seconds + 60, check=True, cwd="/")
    return float(re.search(r"tps = ([\d.]+)", ended.stdout)[1])


def all_sealed(control):
    return sql(control.data, "SELECT count(*) FROM change") == sql(control.data, "SELECT count(*) FROM change_seal")


def measure(quick):
    seconds = 4 if quick else 10
    with service("--workers", str(CONNECTIONS)) as control, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        sql(control.data, "CREATE TABLE bench_row (id integer PRIMARY KEY, value bigint NOT NULL); "
                          f"INSERT INTO bench_row SELECT id, 0 FROM generate_series(0, {CONNECTIONS}) id")
        scripts = {}
        for what, lock in (("free", ""), ("locked", LOCK)):
            scripts[what] = folder / f"{what}.sql"
            scripts[what].write_text(WRITE.format(lock=lock))
        pgbench(control, scripts["free"], 1)

        chained = pgbench(control, scripts["free"], seconds)
        wait_until(lambda: all_sealed(control), 60, what="the chain")
        os.kill(control.pid, signal.SIGSTOP)
        try:
            bare = pgbench(control, scripts["free"], seconds)
            locked = pgbench(control, scripts["locked"], seconds)
        finally:
            os.kill(control.pid, signal.SIGCONT)
        wait_until(lambda: all_sealed(control), 120, what="the chain")

        ids = make_components(control.client())[:CONNECTIONS]
        rate, slowest = wrk(control.url, seconds, script_of(folder, "write", "PATCH", control.admin_key, ids,
                                                            "/api/v1/components/%s", {"description": "change %d"}), CONNECTIONS)
    return [Row(f"journaled writes, {CONNECTIONS} connections, numbered and chained by the sealer", f"{chained:,.0f}/s",
                "≥ 4,000/s where 8,200/s without a chain: 0.49", chained / bare >= 0.49),
            Row("the same without a sealer", f"{bare:,.0f}/s; with it {chained / bare:.2f} of that"),
            Row("the same with a lock held over the commit", f"{locked:,.0f}/s; the sealer's {chained / locked:.1f} times"),
            Row("through the API: PATCH of a component", f"{rate:,.0f}/s, p99 {slowest}")]
