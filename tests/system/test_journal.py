"""The journal: sealed in order whatever happens, and only ever added to."""

import subprocess
import threading

import pytest
import requests

import processes
from instance import as_service, run, sql
from journal_chain import check_database, rows
from processes import short_dir, wait_until

UNSEALED = "SELECT count(*) FROM change WHERE id NOT IN (SELECT change_id FROM change_seal)"


def wait_sealed(control, database="environment_manager"):
    wait_until(lambda: sql(control.data, UNSEALED, database) == "0", 30, what="the sealer")


def write_at_once(control, writers, each, keep_going=False):
    """Changes of `writers` clients at a time, each in an organisation shared by four; returns the ids that were answered 201."""
    written = []

    def write(number):
        with control.client() as client:
            for turn in range(each):
                try:
                    reply = client.post("/api/v1/business-units", json={
                        "organisation": f"org{number % 4}", "key": f"u{number}-{turn}", "name": "U"}, timeout=20)
                except requests.RequestException:
                    assert keep_going
                    return
                assert reply.status_code == 201 or (keep_going and reply.status_code == 503), reply.text
                if reply.status_code == 201:
                    written.append(reply.json()["id"])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    return threads, written


@pytest.fixture
def organisations(start_control):
    """A control of the test's own with four organisations."""
    control = start_control("--workers", "16")
    for number in range(4):
        control.client().create("organisations", key=f"org{number}", name="O")
    return control


@pytest.mark.slow
def test_sixteen_writers_lose_and_skip_nothing(organisations):
    control = organisations
    threads, written = write_at_once(control, 16, 12)
    for thread in threads:
        thread.join()
    wait_sealed(control)
    records = check_database(control.data)
    assert len(written) == 16 * 12 and records >= 4 + len(written)
    journal = {row["entity_id"] for row in rows(control.data, "SELECT entity_id FROM change")}
    assert journal.issuperset(written)
    assert control.metric("em_journal_sealed_total") == records


@pytest.mark.faults
def test_kill_in_the_middle_loses_and_doubles_nothing(organisations, start_control):
    control = organisations
    threads, written = write_at_once(control, 16, 400, keep_going=True)
    wait_until(lambda: len(written) > 100, 30, what="the first hundred")
    control.kill()
    for thread in threads:
        thread.join()
    again = start_control(data=control.data, port=control.port)
    wait_sealed(again)
    check_database(again.data)
    journal = {row["entity_id"] for row in rows(again.data, "SELECT entity_id FROM change")}
    assert journal.issuperset(written)


@pytest.mark.slow
def test_what_one_entity_went_through_keeps_its_order(organisations):
    client = organisations.client()
    unit = client.create("business-units", organisation="org0", key="unit", name="0")
    for turn in range(1, 30):
        assert client.patch(f"/api/v1/business-units/{unit['id']}", json={"name": str(turn)}).status_code == 200
    wait_sealed(organisations)
    names = rows(organisations.data, "SELECT t.after::json ->> 'name' AS name FROM change_seal s JOIN change_text t"
                                     f" USING (change_id) WHERE t.entity = '{unit['id']}' ORDER BY s.position")
    assert [row["name"] for row in names] == [str(turn) for turn in range(30)]


def service_sql(data, statement):
    """The statement as the service's own role; what psql says."""
    ended = subprocess.run(as_service("psql", "-X", "-q", "-A", "-t", "-h", data, "-U", "em_service", "-c", statement,
                                      "environment_manager"), capture_output=True, text=True, timeout=30, check=False, cwd="/")
    return ended.stdout + ended.stderr


TAMPERING = [
    "UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}",
    "ALTER TABLE {table} DISABLE TRIGGER ALL", "DROP TABLE {table}",
]
TABLES = [("change", "actor"), ("change_seal", "hash"), ("change_batch", "hash")]


@pytest.mark.parametrize("statement", [text.format(table=table, column=column) for table, column in TABLES for text in TAMPERING])
def test_the_service_can_only_add_to_the_journal(control, estate, statement):
    said = service_sql(control.data, statement)
    assert "permission denied" in said or "must be owner" in said, said


def test_the_services_connections_have_the_services_role(control, api):
    roles = dict(line.split("|") for line in sql(
        control.data, "SELECT DISTINCT application_name, usename FROM pg_stat_activity"
                      " WHERE application_name LIKE 'em-control %'").splitlines())
    assert {"em-control sealer", "em-control engine"} <= set(roles) and set(roles.values()) == {"em_service"}
    assert service_sql(control.data, "SET em.org = '*'; SELECT count(*) > 0 FROM change").strip() == "t"
    assert "permission denied" in service_sql(control.data, "UPDATE installation_key SET key = key")
    assert "permission denied" in service_sql(control.data, "DELETE FROM schema_migration")


def test_without_its_record_a_write_is_refused(control, api, estate):
    """Whatever the reason that none can be written."""
    body = {"business_unit": estate.unit["id"], "key": "unseen", "name": "Nobody saw it"}
    path = f"/api/v1/systems/{estate.system['id']}"
    tables = "change, organisation, business_unit, system, environment_group, instance, component, api_key, idempotency_answer"
    count = " UNION ALL ".join(f"SELECT count(*) FROM {table.strip()}" for table in tables.split(","))
    before = sql(control.data, count)
    sql(control.data, "REVOKE INSERT ON change FROM em_service")
    try:
        for method, target, fields in (("POST", "/api/v1/systems", body), ("PATCH", path, {"name": "Other"}),
                                       ("DELETE", f"/api/v1/components/{estate.component['id']}", None),
                                       ("POST", "/api/v1/api-keys", {"name": "unseen"})):
            headers = {"Idempotency-Key": f"{estate.system['id']}-{target}"} if method == "POST" else {}
            refused = api.request(method, target, json=fields, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (503, "database_denied"), (method, target)
        assert sql(control.data, count) == before
        assert api.get(path).json() == estate.system
    finally:
        sql(control.data, "GRANT INSERT ON change TO em_service")
    assert api.post("/api/v1/systems", json=body).status_code == 201
    assert api.patch(path, json={"name": "Other"}).status_code == 200


def test_not_even_the_owner_changes_the_journal_by_mistake(control, estate):
    for table, column in TABLES:
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table} WHERE false", f"TRUNCATE {table}"):
            with pytest.raises(AssertionError, match="the journal is only ever added to"):
                sql(control.data, statement)


def given_urls(owner, name):
    """A database in the owner's server for roles that may do nothing else: (owner's URL, service's URL)."""
    data = owner.data
    for role in ("their_owner", "their_service"):
        if sql(data, f"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'") == "0":
            sql(data, f"CREATE ROLE {role} LOGIN")
    sql(data, f"CREATE DATABASE {name} OWNER their_owner")
    (data / "postgres" / "pg_hba.conf").write_text(
        (data / "postgres" / "pg_hba.conf").read_text() + f"local {name} their_owner,their_service trust\n")
    sql(data, "SELECT pg_reload_conf()")
    return [f"host={data} user={role} dbname={name}" for role in ("their_owner", "their_service")]


@pytest.mark.slow
def test_a_given_database_with_two_roles(start_control):
    owner = start_control()
    owner_url, service_url = given_urls(owner, "two")
    control = start_control("--database", service_url, "--database-owner", owner_url)
    control.client().create("organisations", key="first", name="First")
    wait_sealed(owner, "two")
    assert check_database(owner.data, "two") >= 1
    ended = subprocess.run(as_service("psql", "-X", "-c", "DELETE FROM change", service_url), capture_output=True, text=True,
                           timeout=30, check=False, cwd="/")
    assert "permission denied for table change" in ended.stderr


@pytest.mark.slow
def test_a_given_database_with_one_role_that_gives_up_its_right(start_control):
    owner = start_control()
    url, _ = given_urls(owner, "one")
    control = start_control("--database", url)
    control.client().create("organisations", key="first", name="First")
    wait_sealed(owner, "one")
    for statement in ("DELETE FROM change", "UPDATE change SET actor = ''", "TRUNCATE change_seal"):
        ended = subprocess.run(as_service("psql", "-X", "-c", statement, url), capture_output=True, text=True, timeout=30,
                               check=False, cwd="/")
        assert "permission denied for table change" in ended.stderr


@pytest.mark.slow
def test_the_chain_goes_on_in_another_server(start_control):
    control = start_control()
    control.client().create("organisations", key="first", name="First")
    # Transactions are counted much further here than in the server that the backup goes to.
    sql(control.data, "DO $$ BEGIN FOR i IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
    control.client().create("organisations", key="second", name="Second")
    wait_sealed(control)
    path = short_dir() / "em.dump"
    assert run("backup", path, "--data", control.data).returncode == 0
    other = start_control()
    other.stop()
    restored = run("restore", path, "--data", other.data)
    assert restored.returncode == 0, restored.stderr
    other = start_control(data=other.data)
    key = (control.data / "admin.key").read_text().strip()
    with processes.Client(other.url, key) as client:
        client.create("organisations", key="third", name="Third")
    wait_sealed(other)
    assert check_database(other.data) >= 3
