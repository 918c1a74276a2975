"""Reading the journal through the API: lists, differences, histories, chains and exports."""

import json

import pytest

from instance import sql
from journal_chain import BEGIN, batch_hash, record_hash
from processes import wait_until

NIL = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def changed(api, estate):
    """A system of the estate that was changed twice; the second time with a request id of its own."""
    path = f"/api/v1/systems/{estate.system['id']}"
    assert api.patch(path, json={"name": "Second", "attributes": {"a/b": {"x": 1, "y": [1]}, "gone": 1}}).status_code == 200
    request = f"request-{estate.system['id']}"
    assert api.patch(path, json={"attributes": {"a/b": {"x": 2, "y": [1, 2]}, "gone": None}, "tags": ["t"]},
                     headers={"X-Request-Id": request}).status_code == 200
    return estate, request


def entries(api, **filters):
    return api.read("journal", **filters)["items"]


def test_differences_name_each_member(api, changed):
    estate, request = changed
    [entry] = entries(api, request_id=request)
    assert entry["changes"] == [
        {"pointer": "/attributes/a~1b/x", "from": 1, "to": 2},
        {"pointer": "/attributes/a~1b/y", "from": [1], "to": [1, 2]},
        {"pointer": "/attributes/gone", "from": 1, "to": None},
        {"pointer": "/tags", "from": [], "to": ["t"]},
    ]
    assert entry["before"]["attributes"]["gone"] == 1 and entry["after"]["tags"] == ["t"]
    assert entry["actor"] == "administrator" and entry["credential_id"] and entry["address"] == "127.0.0.1" and entry["organisation"] == estate.organisation["id"]
    assert {**api.read(f"journal/{entry['id']}"), "sequence": entry["sequence"]} == entry  # it may be sealed by now
    [created] = entries(api, entity=estate.system["id"], action="create")
    assert created["changes"] == [] and created["before"] is None


@pytest.mark.parametrize("filters, found", [
    ({"action": "update"}, 2), ({"kind": "system", "action__ne": "create"}, 2), ({"kind__in": "system,instance"}, 4),
    ({"actor": "administrator"}, 9), ({"actor": "nobody"}, 0), ({"at__gte": "2100-01-01T00:00:00Z"}, 0),
    ({"at__lt": "2100-01-01T00:00:00Z", "kind": "system"}, 3), ({"q": "Second"}, 2), ({"sequence__lte": 3}, 3),
    ({"sequence__isnull": "true"}, 0), ({"actor_id__isnull": "true"}, 0),
    ({"address": "127.0.0.1"}, 9), ({"address__startswith": "192."}, 0),
])
def test_entries_are_found(control, api, changed, filters, found):
    organisation = changed[0].organisation["id"]
    wait_until(lambda: not entries(api, organisation=organisation, sequence__isnull="true"), what="the sealer")
    assert len(entries(api, organisation=organisation, **filters)) == found


def test_pages_go_on_from_the_newest(api, changed):
    organisation = changed[0].organisation["id"]
    wait_until(lambda: not entries(api, organisation=organisation, sequence__isnull="true"), what="the sealer")
    whole = entries(api, organisation=organisation, sort="-id")
    first = api.read("journal", organisation=organisation, sort="-id", limit=4, count="true")
    rest = api.read("journal", organisation=organisation, sort="-id", limit=100, cursor=first["next"])
    assert first["total"] == len(whole) == 9 and first["items"] + rest["items"] == whole and rest["next"] is None
    assert [entry["id"] for entry in whole] == sorted((entry["id"] for entry in whole), reverse=True)


def test_the_order_of_ids_needs_no_sorting(control, api, changed):
    plan = sql(control.data, "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; EXPLAIN SELECT base.id FROM change_base base WHERE base.deleted_at IS NULL"
                             " ORDER BY base.id DESC, base.id LIMIT 51")
    assert "Sort" not in plan and "Backward" in plan, plan


@pytest.mark.parametrize("filters", [{"colour": "red"}, {"entity": "x"}, {"at__gte": "yesterday"}, {"sort": "before"}])
def test_wrong_filters_are_refused(api, filters):
    assert api.get("/api/v1/journal", params=filters).status_code in (400, 422)


def test_histories_of_all_that_has_no_kind_of_the_inventory(api, estate):
    window = api.create("maintenance-windows", scope={"system": estate.system["id"]}, starts_at="2100-01-01T00:00:00Z",
                        ends_at="2100-01-02T00:00:00Z", reason="why")
    key = api.create("api-keys", name="history", scopes=["health.read"])
    before = api.read("settings")["retention"]["event_days"]
    assert api.patch("/api/v1/settings", json={"retention": {"event_days": before + 1}}).status_code == 200
    assert api.patch("/api/v1/settings", json={"retention": {"event_days": before}}).status_code == 200
    assert api.delete(f"/api/v1/api-keys/{key['id']}").status_code == 204
    assert [entry["action"] for entry in api.read(f"maintenance-windows/{window['id']}/history")["items"]] == ["create"]
    keys = api.read(f"api-keys/{key['id']}/history")["items"]
    assert [entry["action"] for entry in keys] == ["revoke", "create"] and key["key"] not in json.dumps(keys)
    newest = api.read("settings/history", limit=1)
    assert newest["items"][0]["changes"] == [{"pointer": "/retention/event_days", "from": before + 1, "to": before}]
    assert api.read("settings/history", limit=1, cursor=newest["next"])["items"][0]["after"]["retention"]["event_days"] == before + 1


def exported(api, chain, **parameters):
    """All lines of a chain, page by page."""
    lines, after = [], 0
    while True:
        reply = api.get("/api/v1/journal/export", params={"chain": chain, "after": after, **parameters})
        assert reply.status_code == 200 and reply.headers["Content-Type"] == "application/x-ndjson"
        page = [json.loads(line) for line in reply.text.splitlines()]
        if not page:
            return lines
        lines += page
        after = max(line["record"]["sequence"] for line in page if "record" in line)


@pytest.mark.parametrize("limit", [1, 4, 1000])
def test_an_export_can_be_verified(api, changed, limit):
    organisation = changed[0].organisation["id"]
    wait_until(lambda: not entries(api, organisation=organisation, sequence__isnull="true"), what="the sealer")
    lines = exported(api, organisation, limit=limit)
    records = [line["record"] for line in lines if "record" in line]
    batches = [line["batch"] for line in lines if "batch" in line]
    assert [record["sequence"] for record in records] == list(range(1, 10))
    assert all(record["hash"] == record_hash(record) for record in records)
    previous = BEGIN
    for batch in batches:
        assert batch["hash"] == batch_hash(batch, previous, [r["hash"] for r in records[batch["first"] - 1:batch["last"]]])
        previous = batch["hash"]
    [head] = [item for item in api.read("journal/chain")["items"] if item["organisation"] == organisation]
    assert (head["chain"], head["sequence"], head["hash"], head["key"]) == (
        organisation, 9, previous, changed[0].organisation["key"])
    assert "batch" in lines[-1]


def test_the_installations_chain_is_there_too(api):
    api.delete(f"/api/v1/api-keys/{api.create('api-keys', name='chain', scopes=['health.read'])['id']}")
    wait_until(lambda: any(item["chain"] == NIL for item in api.read("journal/chain")["items"]), what="the chain")
    whole = exported(api, NIL)
    assert exported(api, NIL, limit=2)[:len(whole)] == whole
    assert api.get("/api/v1/journal/export", params={"chain": "x"}).status_code in (400, 422)


def test_reading_takes_the_permission(control, api):
    key = api.create("api-keys", name="no journal", scopes=["inventory.read"])["key"]
    for path in ("journal", "journal/chain", "journal/export", f"journal/{NIL}"):
        reply = api.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})
        assert reply.status_code == 403 and "journal.read" in reply.text
