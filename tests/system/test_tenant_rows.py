"""The wall behind the API: what the service's role sees of the tables is what em.org says, whatever the statement is."""

import json
import subprocess
import uuid

import pytest
from instance import as_service, run, sql
from processes import short_dir
from tenants import Tenant
from test_journal import given_urls

# Tables without rows of an organisation, or whose rows nothing lists: seen by every statement of the service.
OPEN = {
    "schema_migration": "which migrations there are",
    "settings": "of the installation",
    "rate_limit": "of the installation",
    "follower": "positions of the service's own threads",
    "installation_key": "of the installation",
    "ingest_position": "how far the probers, which work for all, are heard",
    "session": "found by the hash of a secret only",
    "sign_in_link": "found by the hash of a secret only",
}
OPEN_VIEWS = {"rate_limit_item", "kept_days"}

# What is seen by whoever sees all, and by nobody else.
OF_ALL = {"principal"}

NAMES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ({kinds}) {more} ORDER BY relname"


@pytest.fixture(scope="module")
def two(control):
    with control.client() as admin:
        tenants = [Tenant(control, admin, colour) for colour in ("amber", "teal")]
    yield tenants
    for tenant in tenants:
        tenant.close()


def as_role(control, organisation, statement):
    """Runs a statement as the service's role, with em.org set when it is not None: (ended well, output or error)."""
    setting = [] if organisation is None else ["-c", f"SET em.org = '{organisation}'"]
    ended = subprocess.run(as_service("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", control.data, "-U", "em_service", *setting,
                                      "-c", statement, "environment_manager"),
                           capture_output=True, text=True, timeout=30, check=False, cwd="/")
    return ended.returncode == 0, ended.stdout + ended.stderr


def names(control, *kinds, more=""):
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    return sql(control.data, NAMES.format(kinds=listed, more=more)).split()


def rows(control, organisation, *tables):
    """What is seen of each table, as one text."""
    each = " UNION ALL ".join(f"SELECT json_build_array('{table}', shown::text)::text FROM {table} shown" for table in tables)
    good, text = as_role(control, organisation, each)
    assert good, text
    found = dict.fromkeys(tables, "")
    for line in text.splitlines():
        table, row = json.loads(line)
        found[table] += row + "\n"
    return found


def test_every_table_has_a_wall_or_a_reason(control):
    walled = names(control, "r", "p", more="AND relrowsecurity")
    assert sorted(set(names(control, "r", "p")) - set(walled)) == sorted(OPEN)
    without_policy = "AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"
    assert names(control, "r", "p", more=f"AND relrowsecurity {without_policy}") == []


def test_views_read_with_the_rights_of_who_asks(control):
    """All but those that find by an index that policies do not allow, and have the condition themselves."""
    owned = names(control, "v", more="AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)")
    assert owned and all(name.endswith("_seen") for name in owned)


def test_one_sees_its_own_rows_and_no_others(control, two):
    tables = names(control, "r", "p", more="AND relrowsecurity") + names(control, "v")
    whole, seen = rows(control, "*", *tables), set()
    for own, other in (two, two[::-1]):
        shown = rows(control, own.id, *tables)
        assert {table: other.seen_in(text) for table, text in shown.items() if other.seen_in(text)} == {}
        seen |= {table for table, text in shown.items() if own.seen_in(text)}
        assert all(own.seen_in(whole[table]) for table in seen)
    # Each of these has been looked into where there was something to see.
    expected = {"organisation", "system", "system_history", "component", "health_check", "maintenance_window", "change", "change_seal",
                "change_batch", "api_key", "entity_status", "status_event", "result_ring", "check_state", "system_history_seen",
                "status_event_seen", "change_item", "system_item", "health_node",
                "webhook", "webhook_status", "delivery", "webhook_item", "delivery_item", "change_event"}
    assert expected <= seen, expected - seen


@pytest.mark.parametrize("organisation", [None, "", "nobody", "**", "00000000-0000-0000-0000-000000000000", "%"])
def test_whoever_is_not_named_sees_nothing(control, two, organisation):
    walled = names(control, "r", "p", more="AND relrowsecurity")
    shown = rows(control, organisation, *walled, *(name for name in names(control, "v") if name not in OPEN_VIEWS))
    assert {table for table, text in shown.items() if text} == set()


def test_what_is_no_id_is_an_error(control):
    good, text = as_role(control, "x" * 36, "SELECT * FROM system")
    assert not good and "invalid input syntax for type uuid" in text


def test_of_all_is_for_who_sees_all(control, two):
    assert set(rows(control, two[0].id, *OF_ALL).values()) == {""}
    assert "administrator" in rows(control, "*", *OF_ALL)["principal"]


def test_others_rows_cannot_be_written(control, two):
    own, other = two
    before = other.fingerprint()
    tables = names(control, "r", "p", more="AND relrowsecurity")
    whole = rows(control, other.id, *tables)
    for table in tables:
        good, left = as_role(control, own.id, f"""BEGIN; DELETE FROM {table}; SET LOCAL em.org = '{other.id}';
                                                  SELECT shown::text FROM {table} shown; ROLLBACK""")
        if good:
            assert other.seen_in(left) == other.seen_in(whole[table]), table
        else:  # something refers to its own rows, or nobody may delete there
            assert "foreign key" in left or "permission denied" in left, (table, left)
    good, text = as_role(control, own.id, f"UPDATE system SET name = 'x' WHERE organisation_id = '{other.id}' RETURNING 1")
    assert good and text == ""
    good, text = as_role(control, own.id, f"UPDATE system SET organisation_id = '{other.id}'")
    assert not good and "violates row-level security policy" in text
    good, text = as_role(control, own.id, f"""INSERT INTO organisation (id, organisation_id, key, name)
                                              SELECT id, id, 'x', 'x' FROM (SELECT '{uuid.uuid4()}'::uuid AS id) new""")
    assert not good and "violates row-level security policy" in text
    assert other.fingerprint() == before


def test_webhooks_are_counted_over_all_and_nothing_more_is_seen(control, two):
    good, text = as_role(control, two[0].id, "BEGIN; SELECT webhook_total(); SELECT count(*) FROM webhook; ROLLBACK")
    total, seen = map(int, text.split())
    assert good and total >= 2 and seen == 2  # one of them is deleted


@pytest.mark.parametrize("table, key", [
    ("system", "id"), ("health_check", "id"), ("component_history", "id"), ("change", "id"), ("entity_status", "entity_id"),
    ("status_event", "entity_id"), ("result_ring", "check_id"), ("sample_chunk", "check_id"), ("api_key", "hash"),
])
def test_a_row_is_found_by_its_index(control, two, table, key):
    """The wall is a filter on the rows that the index finds, and whose they are to be is looked up once for a statement."""
    value = f"'{two[0].id}'" if key != "hash" else "'\\x00'"
    good, plan = as_role(control, two[0].id, f"SET enable_seqscan = off; EXPLAIN SELECT * FROM {table} WHERE {key} = {value}")
    assert good and f"Index Cond: ({key} = " in plan and "InitPlan" in plan, plan
    assert "Seq Scan" not in plan and "current_setting" not in plan, plan


@pytest.mark.slow
def test_the_owner_that_serves_has_the_same_walls(start_control):
    """Policies are made to hold for it, and its backups have everything all the same."""
    owner = start_control()
    url, _ = given_urls(owner, "walled")
    control = start_control("--database", url)

    def ask(statement, *settings):
        ended = subprocess.run(as_service("psql", "-XAtq", *(word for text in settings for word in ("-c", text)), "-c", statement, url),
                               capture_output=True, text=True, timeout=30, check=False, cwd="/")
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.split()

    with control.client() as admin:
        first = admin.create("organisations", key="first", name="First")
        admin.create("organisations", key="second", name="Second")
        key = admin.create("api-keys", name="first", organisation="first")
    assert ask("SELECT key FROM organisation ORDER BY key") == []
    assert ask("SELECT key FROM organisation ORDER BY key", "SET em.org = '*'") == ["first", "second"]
    assert ask("SELECT key FROM organisation", f"SET em.org = '{first['id']}'") == ["first"]
    assert ask("SELECT key FROM organisation_history_seen") == []

    path = short_dir() / "walled.dump"
    made = run("backup", path, "--data", control.data, "--database", url)
    assert made.returncode == 0, made.stderr
    control.stop()
    restored = run("restore", path, "--data", control.data, "--database", url)
    assert restored.returncode == 0, restored.stderr
    control = start_control("--database", url, data=control.data, port=control.port)
    with control.client() as admin:
        assert [item["key"] for item in admin.read("organisations")["items"]] == ["first", "second"]
        admin.headers["Authorization"] = f"Bearer {key['key']}"
        assert [item["key"] for item in admin.read("organisations")["items"]] == ["first"]


@pytest.mark.slow
def test_a_role_that_no_policy_holds_is_warned_of(start_control):
    owner = start_control()
    sql(owner.data, "CREATE DATABASE mighty")
    control = start_control("--database", f"host={owner.data} user=em dbname=mighty")
    assert "migrate.role_too_mighty" in control.log.read_text()
    assert "migrate.role_too_mighty" not in owner.log.read_text()
