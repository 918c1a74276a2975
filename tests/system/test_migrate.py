"""Migrations as they happen to real instances: killed in the middle, a newer schema, and the backup before."""

import os
import shutil
import time

import pytest
import requests
from instance import processes_in, run, sql
from processes import ROOT, SERVICE_USER, Client, short_dir, wait_until

MIGRATIONS = sorted((ROOT / "control" / "store" / "migrations").glob("*.sql"))


def applied(data):
    return sql(data, "SELECT string_agg(name, ' ' ORDER BY number) FROM schema_migration")


def test_all_migrations_are_applied_in_order(control):
    assert applied(control.data) == " ".join(path.name for path in MIGRATIONS)


@pytest.mark.faults
def test_start_killed_at_any_moment_is_harmless(start_control):
    """kill -9 after 20, 60, 100 … ms, until a start gets through; then everything is there once."""
    data = short_dir() / "data"
    for milliseconds in range(20, 900, 80):
        control = start_control(data=data, ready=False)
        time.sleep(milliseconds / 1000)
        control.kill()
    control = start_control(data=data)
    assert applied(data) == " ".join(path.name for path in MIGRATIONS)
    assert sql(data, "SELECT count(*) FROM principal") == "1"
    assert control.client().get("/api/v1/organisations").status_code == 200


@pytest.mark.slow
def test_newer_schema_is_refused(start_control):
    control = start_control()
    sql(control.data, "INSERT INTO schema_migration VALUES (9999, '9999_future.sql', 'x', '99.0', now())")
    control.stop()
    ended = run("--data", control.data, "--listen", "127.0.0.1:0")
    assert ended.returncode == 2
    assert "9999_future.sql, which this em-control" in ended.stderr
    assert "start the newer program, or restore a backup" in ended.stderr
    assert not processes_in(control.data)


def make_older(data):
    """Makes the schema anew without the last migration, with one organisation in it."""
    notes = "; ".join(sql(data, "SELECT format('INSERT INTO schema_migration (number, name, checksum, program)"
                                " VALUES (%L, %L, %L, %L)', number, name, checksum, program) FROM schema_migration"
                                f" WHERE name <> '{MIGRATIONS[-1].name}' ORDER BY number").splitlines())
    sql(data, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    for migration in MIGRATIONS[:-1]:
        sql(data, migration.read_text())
    sql(data, notes)
    sql(data, "INSERT INTO organisation (id, organisation_id, key, name, time_zone)"
              " SELECT id, id, 'kept', 'Kept', 'UTC' FROM (SELECT gen_random_uuid() AS id) new")
    (data / "admin.key").unlink()


@pytest.mark.slow
def test_backup_is_made_before_a_migration_and_old_ones_go(start_control):
    control = start_control()
    backups = control.data / "backups"
    assert not backups.exists()  # there was nothing to lose at the first start
    make_older(control.data)
    control.stop()
    backups.mkdir()
    for second in range(6):
        (backups / f"before-migration-20200101T00000{second}Z.dump").write_text("old")
    if os.geteuid() == 0:
        shutil.chown(backups, SERVICE_USER, SERVICE_USER)

    again = start_control(data=control.data, port=control.port)
    names = sorted(path.name for path in backups.iterdir())
    assert len(names) == 5
    assert names[:4] == [f"before-migration-20200101T00000{second}Z.dump" for second in range(2, 6)]
    assert (backups / names[4]).read_bytes().startswith(b"PGDMP")
    assert [item["key"] for item in again.client().read("organisations")["items"]] == ["kept"]


def lead_lost(owner, database):
    """Ends the connections that have the lead of a database."""
    sql(owner.data, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    f" WHERE application_name = 'em-control engine' AND datname = '{database}'")


def is_listening(control):
    """True when it answers at all, ready or not."""
    try:
        return requests.get(f"{control.url}/healthz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def pair(start_control):
    """Two on one given database, started at the same time: the one that is ready, the other, and whose database it is."""
    owner = start_control()
    sql(owner.data, "CREATE DATABASE shared")
    url = f"host={owner.data} user=em dbname=shared"
    both = [start_control("--database", url, ready=False) for _ in range(2)]
    wait_until(lambda: any(control.is_ready() for control in both), 60)
    wait_until(lambda: all(is_listening(control) for control in both), 60, what="the one that comes second")
    ready, waiting = sorted(both, key=lambda control: not control.is_ready())
    return ready, waiting, owner


@pytest.mark.slow
def test_two_starts_on_one_database_migrate_once_and_one_works(pair):
    ready, waiting, owner = pair
    assert sql(owner.data, "SELECT count(*) FROM schema_migration", "shared") == str(len(MIGRATIONS))
    assert not (ready.data / "postgres").exists()
    first = ready if (ready.data / "admin.key").exists() else waiting  # the administrator is the database's
    at_ready, at_waiting = (Client(control.url, first.admin_key) for control in pair[:2])
    assert "another em-control works with this database" in at_waiting.get("/readyz").text
    assert at_waiting.get("/api/v1/tree").json()["code"] == "health_loading"

    # What is written through the other is found by the one that works; and the other takes over when that ends.
    at_waiting.create("organisations", key="both", name="Both")
    wait_until(lambda: [item["key"] for item in at_ready.read("tree")["items"]] == ["both"], what="the tree")
    assert not waiting.is_ready()
    ready.stop()
    wait_until(waiting.is_ready, 20, what="the takeover")
    assert [item["key"] for item in at_waiting.read("tree")["items"]] == ["both"]


@pytest.mark.faults
def test_who_lost_the_lead_ends_and_who_only_lost_the_connection_goes_on(pair):
    ready, waiting, owner = pair
    waiting.stop()
    lead_lost(owner, "shared")
    wait_until(ready.is_ready, 20, what="the connection")

    # Somebody else had the lead meanwhile: what this one remembers is not true any more.
    sql(owner.data, "UPDATE follower SET sequence = sequence + 1 WHERE name = 'engine'", "shared")
    lead_lost(owner, "shared")
    assert ready.wait(20) != 0
    assert "Another em-control has taken this database over" in ready.tail()
