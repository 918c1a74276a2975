"""From probe to state: judged, carried upwards, remembered, published, and shown."""

import json
import time
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from health_tools import (LEVELS, Target, entity_of, events_of, health_of, largest_script_spec, metrics_of, results_of, sql,
                          subscriber, tcp_check, wait_state)
from processes import Client, wait_until
from servers import hostile

pytestmark = pytest.mark.usefixtures("prober")


@pytest.fixture
def target():
    target = Target()
    yield target
    target.socket.close()


def in_seconds(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def test_a_new_check_is_probed_within_two_seconds(api, estate, target):
    started = time.monotonic()
    check = tcp_check(api, estate, target, interval_s=3600, stale_after_s=10000)
    wait_state(api, "check", check, "operational")
    assert time.monotonic() - started < 2


def test_a_failure_reaches_every_level_and_comes_back(api, estate, target):
    check = tcp_check(api, estate, target)
    for kind in LEVELS:
        wait_state(api, kind, entity_of(estate, kind), "operational")
    target.down()
    component = wait_state(api, "component", estate.component, "down")
    for kind in LEVELS:
        health = wait_state(api, kind, entity_of(estate, kind), "down")
        assert health["version"] == 2
        assert health["since"] == component["since"]
        assert len(health["because"]) == 1
    assert component["because"][0]["id"] == check["id"]
    assert component["checks"][0]["last"]["outcome"] == "connect_refused"
    assert [step["kind"] for step in component["path"]] == ["organisation", "business_unit", "system", "instance"]

    target.up()
    for kind in LEVELS:
        wait_state(api, kind, entity_of(estate, kind), "operational")
    events = events_of(api, scope=estate.organisation["id"])
    by_kind = {}
    for event in events:
        by_kind.setdefault(event["kind"], []).append((event["version"], event["from"], event["to"]))
    assert set(by_kind) == {"check", *LEVELS}
    for changes in by_kind.values():
        assert changes == [(1, "unknown", "operational"), (2, "operational", "down"), (3, "down", "operational")]
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)


def test_soft_failures_are_confirmed_sooner_and_dated_back(api, estate, target):
    check = tcp_check(api, estate, target, interval_s=20, retry_interval_s=1, stale_after_s=100, fall=3, rise=2)
    wait_state(api, "check", check, "operational")
    target.down()
    assert api.post(f"/api/v1/checks/{check['id']}/run").status_code == 202
    down = wait_state(api, "check", check, "down", deadline_s=12)
    bad = [result for result in results_of(api, check) if result["verdict"] == "fail"]
    assert len(bad) == 3
    assert down["since"] == bad[-1]["at"]
    event = events_of(api, id=check["id"])[-1]
    assert event["at"] == down["since"] < event["noted_at"]
    assert event["path"] == down["path"] and event["path"][-1]["id"] == estate.component["id"]


def test_severity_degraded_softens_what_the_component_sees(api, estate, target):
    check = tcp_check(api, estate, target, severity="degraded")
    wait_state(api, "component", estate.component, "operational")
    target.down()
    wait_state(api, "check", check, "down")
    wait_state(api, "component", estate.component, "degraded")


def test_a_paused_check_does_not_count(api, estate, target):
    check = tcp_check(api, estate, target)
    wait_state(api, "component", estate.component, "operational")
    reply = api.patch(f"/api/v1/checks/{check['id']}", json={"enabled": False})
    assert reply.status_code == 200
    assert health_of(api, "component", estate.component)["state"] == "unknown"
    assert health_of(api, "check", check)["reason"] == "the check is paused"
    assert api.post(f"/api/v1/checks/{check['id']}/run").status_code == 409
    assert api.patch(f"/api/v1/checks/{check['id']}", json={"enabled": True}).status_code == 200
    wait_state(api, "component", estate.component, "operational")


def test_a_check_that_begins_paused_says_so(control, api, estate, target):
    check = tcp_check(api, estate, target, enabled=False)
    redis = subscriber(control)
    assert health_of(api, "check", check)["reason"] == "the check is paused"
    wait_until(lambda: redis.hget(f"em:status:check:{check['id']}", "reason") == "the check is paused", what="Redis")
    assert api.patch(f"/api/v1/checks/{check['id']}", json={"enabled": True}).status_code == 200
    assert "paused" not in wait_state(api, "check", check, "operational")["reason"]


def test_what_was_just_written_is_read_at_once(api, estate):
    for number in range(20):
        component = api.create("components", instance=estate.instance["id"], definition=estate.definition["id"],
                               key=f"c{number}", name=f"Component {number}")
        assert health_of(api, "component", component)["state"] == "unknown"
        assert api.patch(f"/api/v1/components/{component['id']}", json={"name": "Renamed"}).status_code == 200
        assert health_of(api, "component", component)["name"] == "Renamed"
        assert api.delete(f"/api/v1/components/{component['id']}").status_code == 204
        assert api.get(f"/api/v1/components/{component['id']}/health").status_code == 404


def test_a_deleted_check_leaves_the_component_unknown(api, estate, target):
    check = tcp_check(api, estate, target)
    wait_state(api, "component", estate.component, "operational")
    assert api.delete(f"/api/v1/checks/{check['id']}").status_code == 204
    assert health_of(api, "component", estate.component)["state"] == "unknown"
    assert api.get(f"/api/v1/checks/{check['id']}/health").status_code == 404


@pytest.mark.slow
def test_maintenance_begins_and_ends_at_its_time(api, estate, target):
    check = tcp_check(api, estate, target)
    wait_state(api, "component", estate.component, "operational")
    window = api.create("maintenance-windows", scope={"instance": estate.instance["id"]}, starts_at=in_seconds(1),
                        ends_at=in_seconds(4), reason="new disks")
    assert health_of(api, "instance", estate.instance)["state"] == "operational"
    inside = wait_state(api, "instance", estate.instance, "maintenance", deadline_s=3)
    assert inside["under_maintenance"] and inside["measured"] == "operational"
    assert abs(datetime.fromisoformat(inside["since"]) - datetime.fromisoformat(window["starts_at"])) \
        < timedelta(seconds=0.2)

    # What is below keeps its state and is flagged; what is above sees Maintenance.
    component = health_of(api, "component", estate.component)
    assert (component["state"], component["under_maintenance"]) == ("operational", True)
    system = health_of(api, "system", estate.system)
    assert (system["state"], system["under_maintenance"]) == ("maintenance", False)

    target.down()
    wait_state(api, "check", check, "down")
    assert health_of(api, "system", estate.system)["measured"] == "down"
    assert health_of(api, "system", estate.system)["state"] == "maintenance"
    wait_state(api, "system", estate.system, "down", deadline_s=8)
    assert not health_of(api, "component", estate.component)["under_maintenance"]


def test_maintenance_is_ended_early_and_taken_away(api, estate, target):
    tcp_check(api, estate, target)
    wait_state(api, "component", estate.component, "operational")
    window = api.create("maintenance-windows", scope={"component": estate.component["id"]}, starts_at=in_seconds(-60),
                        ends_at=in_seconds(3600))
    assert health_of(api, "component", estate.component)["state"] == "maintenance"
    ended = api.post(f"/api/v1/maintenance-windows/{window['id']}/end")
    assert ended.status_code == 200 and ended.json()["ended_at"]
    assert health_of(api, "component", estate.component)["state"] == "operational"
    assert api.post(f"/api/v1/maintenance-windows/{window['id']}/end").status_code == 409

    other = api.create("maintenance-windows", scope={"environment_group": estate.group["id"]},
                       starts_at=in_seconds(-60), ends_at=in_seconds(3600))
    assert health_of(api, "environment_group", estate.group)["state"] == "maintenance"
    assert health_of(api, "system", estate.system)["state"] == "operational"
    assert [item["id"] for item in api.read("maintenance-windows", scope=estate.group["id"])["items"]] == [other["id"]]
    assert api.delete(f"/api/v1/maintenance-windows/{other['id']}").status_code == 204
    assert health_of(api, "environment_group", estate.group)["state"] == "operational"


@pytest.mark.parametrize("body, pointer", [
    ({"scope": {}}, "/scope"),
    ({"scope": {"organisation": "01938f2e-5d7a-7c31-9f7e-2f6f0d1b7a55"}}, "/scope"),
    ({"scope": {"system": "01938f2e-5d7a-7c31-9f7e-2f6f0d1b7a55"}}, "/scope"),
    ({"ends_at": "2020-01-01T00:00:00Z"}, "/ends_at"),
    ({"starts_at": "yesterday"}, "/starts_at"),
    ({"colour": "red"}, "/colour"),
])
def test_a_wrong_window_is_refused(api, estate, body, pointer):
    good = {"scope": {"system": estate.system["id"]}, "starts_at": "2026-01-01T00:00:00Z",
            "ends_at": "2027-01-01T00:00:00Z"}
    reply = api.post("/api/v1/maintenance-windows", json={**good, **body})
    assert reply.status_code == 422
    assert any(error["pointer"].startswith(pointer) for error in reply.json()["errors"]), reply.text


def test_all_that_is_wrong_with_a_window_is_named_at_once(api):
    window = {"scope": {"system": "01938f2e-5d7a-7c31-9f7e-2f6f0d1b7a55"}, "starts_at": "2027-01-01T00:00:00Z",
              "ends_at": "2026-01-01T00:00:00Z"}
    for body, extra in [(window, set()), ({**window, "colour": "red"}, {"/colour"})]:
        reply = api.post("/api/v1/maintenance-windows", json=body)
        assert reply.status_code == 422
        assert {error["pointer"] for error in reply.json()["errors"]} == {"/scope/system", "/ends_at"} | extra


def test_redis_has_the_snapshot_and_each_change_once(control, api, estate, target):
    redis = subscriber(control)
    messages = redis.pubsub()
    messages.subscribe("em:status")
    wait_until(lambda: messages.get_message(timeout=0.1), what="the subscription")
    check = tcp_check(api, estate, target)
    wait_state(api, "organisation", estate.organisation, "operational")
    target.down()
    wait_state(api, "organisation", estate.organisation, "down")

    seen = {}
    ours = {check["id"], *(entity_of(estate, kind)["id"] for kind in LEVELS)}

    def collect():
        message = messages.get_message(timeout=0.1)
        if message and message["type"] == "message":
            change = json.loads(message["data"])
            if change["id"] in ours:
                assert set(change) == {"kind", "id", "key", "from", "to", "at", "version", "reason"}
                seen.setdefault(change["id"], []).append((change["version"], change["from"], change["to"]))
        return len(seen) == len(ours) and all(len(changes) == 2 for changes in seen.values())
    wait_until(collect, what="all messages")
    for changes in seen.values():
        assert changes == [(1, "unknown", "operational"), (2, "operational", "down")]
    new = api.create("systems", business_unit=estate.unit["id"], key="new", name="New")
    wait_until(lambda: redis.hget(f"em:status:system:{new['id']}", "state") == "unknown", what="the new one's snapshot")
    snapshot = redis.hgetall(f"em:status:system:{estate.system['id']}")
    assert snapshot["state"] == "down" and snapshot["version"] == "2" and set(snapshot) == {
        "state", "since", "version", "reason"}


@pytest.mark.slow
def test_results_survive_in_full_or_packed(api, estate, target):
    # A hundred and more results by running it again and again; every outcome that is new is kept in full.
    check = tcp_check(api, estate, target, interval_s=1)
    wait_state(api, "check", check, "operational")
    for _ in range(200):
        api.post(f"/api/v1/checks/{check['id']}/run")
        time.sleep(0.02)
    results = results_of(api, check)
    times = [result["at"] for result in results]
    assert times == sorted(times, reverse=True) and len(set(times)) == len(times)
    page = api.read(f"checks/{check['id']}/results", limit=5)
    assert page["items"] == results[:5] or len(page["items"]) == 5
    following = api.read(f"checks/{check['id']}/results", limit=5, cursor=page["next"])
    assert following["items"][0]["at"] < page["items"][-1]["at"]
    middle = times[len(times) // 2]
    older = api.read(f"checks/{check['id']}/results", to=middle, limit=1000)["items"]
    assert older and all(result["at"] < middle for result in older)
    newer = api.read(f"checks/{check['id']}/results", **{"from": middle}, limit=1000)["items"]
    assert newer and all(result["at"] >= middle for result in newer)
    assert api.get(f"/api/v1/checks/{estate.system['id']}/results").status_code == 404


def test_a_check_is_tried_out(api, target):
    spec = {"address": "127.0.0.1", "port": target.port}
    reply = api.post("/api/v1/checks/preview", json={"kind": "tcp", "spec": spec, "timeout_ms": 1000})
    assert reply.status_code == 200, reply.text
    assert reply.json()["result"]["verdict"] == "ok" and reply.json()["steps"]
    target.down()
    reply = api.post("/api/v1/checks/preview", json={"kind": "tcp", "spec": spec, "timeout_ms": 1000})
    assert reply.json()["result"]["outcome"] == "connect_refused"
    reply = api.post("/api/v1/checks/preview", json={"kind": "tcp", "spec": {"address": "127.0.0.1"}})
    assert reply.status_code == 422 and reply.json()["errors"][0]["pointer"].startswith("/spec")


def test_a_change_is_tried_out_with_the_secrets_that_are_there(api, estate):
    """The target only answers who has the key, which nobody can read from the check."""
    def handle(connection):
        head = hostile.read_head(connection)
        connection.sendall(hostile.OK if b"X-Api-Key: the-secret" in head else b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    with hostile.Server(handle) as server:
        check = api.create("checks", component=estate.component["id"], name="keyed", kind="http", enabled=False,
                           spec={"url": f"http://127.0.0.1:{server.port}/", "headers": [["X-Api-Key", "the-secret"]]})
        change = {"kind": "http", "spec": {**check["spec"], "method": "HEAD"}}
        tried = api.post("/api/v1/checks/preview", json={**change, "id": check["id"]})
        assert tried.status_code == 200 and tried.json()["result"]["outcome"] == "ok", tried.text
        assert "the-secret" not in tried.text
        masked = api.post("/api/v1/checks/preview", json=change)
        assert masked.status_code == 422 and masked.json()["errors"][0]["code"] == "masked"
        wrong = api.post("/api/v1/checks/preview", json={**change, "id": check["id"], "spec": {**change["spec"], "colour": 1}})
        assert wrong.status_code == 422 and [error["pointer"] for error in wrong.json()["errors"]] == ["/spec/colour"]
        stranger = api.post("/api/v1/checks/preview", json={**change, "id": estate.component["id"]})
        assert stranger.status_code == 422 and stranger.json()["errors"][0]["code"] == "masked"
        key = api.create("api-keys", name="operator", scopes=["check.run", "check.read"])
        with Client(api.url, key["key"]) as operator:
            assert operator.post("/api/v1/checks/preview", json={**change, "id": check["id"]}).status_code == 403


def test_a_check_that_is_described_at_length_is_tried_out(api):
    attributes = {f"a{number}": "v" * 1000 for number in range(50)}
    reply = api.post("/api/v1/checks/preview", json={"kind": "script", "spec": largest_script_spec(), "stale_after_s": 1000000,
                                                     "description": "d" * 2000, "attributes": attributes})
    assert reply.status_code == 200, reply.text
    assert reply.json()["result"]["outcome"] == "policy"


def test_events_are_filtered(api, estate, target):
    check = tcp_check(api, estate, target)
    wait_state(api, "organisation", estate.organisation, "operational")
    assert {event["kind"] for event in events_of(api, scope=estate.component["id"])} == {"component", "check"}
    assert [event["id"] for event in events_of(api, id=check["id"])] == [check["id"]]
    assert not events_of(api, scope=estate.organisation["id"], state="down")
    assert len(events_of(api, scope=estate.organisation["id"], kind="system")) == 1


def entry_of(kind, entity):
    """The statement that notes a change of another program in the journal."""
    at_ms = f"{time.time_ns() // 1_000_000:012x}"  # ids of entries begin with their time
    return ("INSERT INTO change (id, actor, action, kind, entity_id) VALUES"
            f" ('{at_ms[:8]}-{at_ms[8:]}-7{uuid.uuid4().hex[:3]}-8000-{uuid.uuid4().hex[:12]}', 'another', 'update', '{kind}',"
            f" '{entity}');")


def node_of(api, entity):
    return api.get(f"/api/v1/tree?root={entity}").json()["items"][0]


def test_what_nobody_told_of_is_found_in_the_journal_and_only_that(control, api, estate):
    instance = estate.instance["id"]
    for number in range(20):
        assert api.patch(f"/api/v1/components/{estate.component['id']}", json={"description": f"{number}"}).status_code == 200
    before = metrics_of(control)["em_engine_entities_read_total"]
    sql(control, f"UPDATE instance SET name = 'By another' WHERE id = '{instance}'; {entry_of('instance', instance)}")
    wait_until(lambda: node_of(api, instance)["name"] == "By another", 10, what="the look into the journal")
    assert metrics_of(control)["em_engine_entities_read_total"] == before + 1


def test_what_moves_out_stays_when_that_is_deleted_at_once(control, api, estate):
    unit, system = estate.unit["id"], estate.system["id"]
    other = api.create("business-units", organisation=estate.organisation["id"], key="other", name="Other")["id"]
    sql(control, f"UPDATE environment_group SET business_unit_id = '{other}' WHERE business_unit_id = '{unit}';"
                 f"UPDATE system SET business_unit_id = '{other}' WHERE id = '{system}';"
                 f"UPDATE business_unit SET deleted_at = now() WHERE id = '{unit}';"
                 + entry_of("environment_group", estate.group["id"]) + entry_of("system", system) + entry_of("business_unit", unit))
    wait_until(lambda: api.get(f"/api/v1/tree?root={unit}").status_code == 404, 10, what="the unit to be gone")
    moved = next(child for child in node_of(api, other)["children"] if child["id"] == system)
    assert moved["children"][0]["id"] == estate.instance["id"]
    assert moved["children"][0]["children"][0]["id"] == estate.component["id"]


def test_units_that_change_places_are_linked(control, api, estate):
    upper = api.create("business-units", organisation=estate.organisation["id"], key="upper", name="Upper")["id"]
    lower = api.create("business-units", organisation=estate.organisation["id"], parent=f"{estate.organisation['key']}/upper",
                       key="lower", name="Lower")["id"]
    for above, below in ((lower, upper), (upper, lower)):  # one of them comes first by its id
        sql(control, f"UPDATE business_unit SET parent_id = NULL WHERE id = '{above}';"
                     f"UPDATE business_unit SET parent_id = '{above}' WHERE id = '{below}';"
                     + entry_of("business_unit", above) + entry_of("business_unit", below))
        wait_until(lambda: [child["id"] for child in node_of(api, above)["children"]] == [below], 10, what="the exchange")  # noqa: B023


def test_a_parent_that_nobody_told_of_comes_with_its_child(control, api, estate):
    made = str(uuid.uuid4())
    sql(control, f"INSERT INTO instance (id, organisation_id, key, name, system_id, environment_group_id) VALUES ('{made}',"
                 f" '{estate.organisation['id']}', 'untold', 'Untold', '{estate.system['id']}', '{estate.group['id']}')")
    component = api.create("components", instance=made, definition=estate.definition["id"], key="web", name="Web")
    assert node_of(api, made)["children"][0]["id"] == component["id"]
    assert health_of(api, "component", component)["path"][-1]["id"] == made
