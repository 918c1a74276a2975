"""What is older than the settings want goes, and nothing else."""

import uuid

import pytest

from health_tools import sql
from processes import wait_until

# One row of each table of the history, so many days old; {id} is the row's check or entity.
ROWS = {
    "result_kept": "INSERT INTO result_kept VALUES ('{id}', now() - interval '{days} days', '{id}', '')",
    "sample_chunk": "INSERT INTO sample_chunk VALUES ('{id}', now() - interval '{days} days 1 hour',"
                    " now() - interval '{days} days', '')",
    "status_event": "INSERT INTO status_event SELECT coalesce(max(seq), 0) + 1, now() - interval '{days} days', now(), 'check',"
                    " '{id}', 'k', 'n', '{{}}', 'unknown', 'down', 1, '' FROM status_event",
    "announcement": "INSERT INTO announcement SELECT coalesce(max(seq), 0) + 1, now() - interval '{days} days', '{id}',"
                    " 'problem', 'down' FROM announcement",
    "ingest_position": "INSERT INTO ingest_position VALUES ('{id}', 1, 1, 0, now() - interval '{days} days')",
    "entity_status": "INSERT INTO entity_status VALUES ('{id}', 'system', 'down', 'down', now() - interval '{days} days', 1, '',"
                     " false, false)",
    "organisation_history": "INSERT INTO organisation_history (valid, id, organisation_id, key, name, attributes, tags, version,"
                            " created_at, updated_at, time_zone) VALUES (tstzrange(NULL, now() - interval '{days} days'), '{id}',"
                            " '{id}', 'k', 'n', '{{}}', '{{}}', 1, now(), now(), 'UTC')",
    "idempotency_answer": "INSERT INTO idempotency_answer SELECT id, uuid_send('{id}') || uuid_send('{id}'), sha256('x'), 200, '',"
                          " now() - interval '{days} days' + interval '1 hour' FROM principal LIMIT 1",
}
KEPT_DAYS = {"result_kept": 30, "sample_chunk": 90, "status_event": 400, "announcement": 400, "ingest_position": 30,
             "entity_status": 400, "organisation_history": 400, "idempotency_answer": 1}
ID_COLUMN = {"result_kept": "check_id", "sample_chunk": "check_id", "announcement": "check_id", "ingest_position": "prober_id",
             "organisation_history": "id", "idempotency_answer": "encode(substr(key_hash, 1, 16), 'hex')::uuid"}


NO_HISTORY = {"ingest_position", "idempotency_answer"}


@pytest.mark.slow
def test_old_history_goes_and_the_rest_stays(start_control):
    """At first a hold is on: then no history goes."""
    control = start_control()
    with control.client() as api:
        assert api.patch("/api/v1/settings", json={"retention": {"hold": True}}).json()["retention"]["hold"]
    gone = {table: str(uuid.uuid4()) for table in ROWS}
    kept = {table: str(uuid.uuid4()) for table in ROWS}
    for table, insert in ROWS.items():
        sql(control, insert.format(id=gone[table], days=KEPT_DAYS[table] + 1))
        sql(control, insert.format(id=kept[table], days=KEPT_DAYS[table] - 1))
    # What was remembered of a check that is long gone: its memory, and its ring after that.
    orphan = str(uuid.uuid4())
    sql(control, f"INSERT INTO check_state VALUES ('{orphan}', 1, '')")
    sql(control, f"INSERT INTO result_ring VALUES ('{orphan}', 0, now(), '{orphan}', '')")

    def ids(table):
        return {row[0] for row in sql(control, f"SELECT {ID_COLUMN.get(table, 'entity_id')} FROM {table}")}

    wait_until(lambda: gone["idempotency_answer"] not in ids("idempotency_answer"), 30, every_s=0.5, what="a run under the hold")
    control.stop()  # it ends its run
    control = start_control(data=control.data)
    assert all(gone[table] in ids(table) for table in ROWS if table not in NO_HISTORY)
    assert sql(control, "SELECT count(*) FROM result_ring") == sql(control, "SELECT count(*) FROM check_state") == [["1"]]
    with control.client() as api:
        assert not api.patch("/api/v1/settings", json={"retention": {"hold": None}}).json()["retention"]["hold"]

    def is_done():
        return not any(gone[table] in ids(table) for table in ROWS) and \
            sql(control, "SELECT count(*) FROM result_ring") == [["0"]]
    wait_until(is_done, 30, every_s=0.5, what="the first run of retention")
    assert all(kept[table] in ids(table) for table in ROWS)
    assert sql(control, "SELECT count(*) FROM check_state") == [["0"]]

    assert control.metric("em_retention_rows_dropped_total") >= len(ROWS)
