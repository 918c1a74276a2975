"""Many changes in one request: each row for itself, or all or nothing."""

import uuid

import pytest

import processes
from test_cmdb import KINDS, check_problem, new_body


def bulk(api, collection, expect=200, **body):
    reply = api.post(f"/api/v1/{collection}/bulk", json=body)
    assert reply.status_code == expect, reply.text
    return reply.json()


def statuses(answer):
    return [(row["action"], row["index"], row["status"]) for row in answer["results"]]


def systems_of(api, estate):
    return {item["key"]: item for item in api.read("systems", business_unit=estate.unit["id"])["items"]}


def system(estate, key, **fields):
    return {"business_unit": estate.unit["id"], "key": key, "name": key.title(), **fields}


@pytest.mark.parametrize("collection", sorted(KINDS))
def test_each_kind_takes_all_three(api, estate, collection):
    first, second = (api.create(collection, **new_body(collection, estate)) for _ in range(2))
    answer = bulk(api, collection, create=[new_body(collection, estate)], delete=[second["id"]],
                  update=[{"id": first["id"], **KINDS[collection]["change"]}] if collection != "business-units" else
                         [{"id": first["id"], "name": "Another"}])
    assert statuses(answer) == [("delete", 0, 204), ("update", 0, 200), ("create", 0, 201)]
    assert (answer["succeeded"], answer["failed"]) == (3, 0)
    _, updated, created = answer["results"]
    assert api.read(f"{collection}/{first['id']}") == updated["object"] and updated["object"]["version"] == 2
    assert api.read(f"{collection}/{created['object']['id']}") == created["object"]
    assert api.get(f"/api/v1/{collection}/{second['id']}").status_code == 404


def test_each_row_stands_for_itself(api, estate):
    taken = estate.system
    answer = bulk(api, "systems",
                  create=[system(estate, "one"), system(estate, "shop"), system(estate, "Bad Key", weight=1), system(estate, "two")],
                  update=[{"id": taken["id"], "name": "New"}, {"id": str(uuid.uuid4()), "name": "x"},
                          {"id": taken["id"], "version": 1, "name": "Lost"}, {"id": taken["id"], "lifecycle": "dead"}],
                  delete=[str(uuid.uuid4()), taken["id"]])
    assert statuses(answer) == [
        ("delete", 0, 404), ("delete", 1, 409), ("update", 0, 200), ("update", 1, 404), ("update", 2, 412), ("update", 3, 422),
        ("create", 0, 201), ("create", 1, 409), ("create", 2, 422), ("create", 3, 201)]
    assert (answer["succeeded"], answer["failed"]) == (3, 7)
    problems = [row["problem"]["code"] for row in answer["results"] if "problem" in row]
    assert problems == ["item_missing", "has_children", "item_missing", "precondition_failed", "body_invalid", "key_taken", "body_invalid"]
    assert sorted(error["pointer"] for error in answer["results"][8]["problem"]["errors"]) == ["/key", "/weight"]
    assert {key: item["name"] for key, item in systems_of(api, estate).items()} == {"shop": "New", "one": "One", "two": "Two"}


def test_atomic_tells_all_that_is_wrong_and_changes_nothing(api, estate):
    before = systems_of(api, estate)
    problem = check_problem(api.post("/api/v1/systems/bulk", json={
        "atomic": True,
        "create": [system(estate, "one"), system(estate, "one"), system(estate, "Bad Key", weight=1)],
        "update": [{"id": estate.system["id"], "name": "New"}, {"id": estate.system["id"], "version": 7, "name": "x"}],
        "delete": [estate.system["id"]]}), 422, "bulk_failed")
    assert [error["pointer"] for error in problem["errors"]] == ["/delete/0", "/update/1", "/create/1/key", "/create/2/key", "/create/2/weight"]
    assert systems_of(api, estate) == before
    assert [entry["action"] for entry in api.read(f"systems/{estate.system['id']}/history")["items"]] == ["create"]


def test_atomic_does_all(api, estate):
    answer = bulk(api, "systems", atomic=True, create=[system(estate, f"s{n}") for n in range(20)],
                  update=[{"id": estate.system["id"], "version": 1, "name": "New"}])
    assert answer["succeeded"] == 21 and len(systems_of(api, estate)) == 21
    for row in answer["results"]:
        assert [entry["action"] for entry in api.read(f"systems/{row['object']['id']}/history")["items"]][-1] == "create"


def test_later_rows_see_earlier_ones(api, estate):
    path = f"{estate.organisation['key']}/"
    answer = bulk(api, "business-units", create=[
        {"organisation": estate.organisation["id"], "key": "upper", "name": "Upper"},
        {"organisation": estate.organisation["id"], "key": "lower", "name": "Lower", "parent": f"{path}upper"}])
    assert answer["succeeded"] == 2
    assert answer["results"][1]["object"]["parent"] == answer["results"][0]["object"]["id"]
    # What is deleted first leaves its key to what is created later.
    answer = bulk(api, "business-units", atomic=True, delete=[{"id": answer["results"][0]["object"]["id"], "cascade": True}],
                  create=[{"organisation": estate.organisation["id"], "key": "upper", "name": "Again"}])
    assert statuses(answer) == [("delete", 0, 204), ("create", 0, 201)]


def test_nothing_changed_is_no_version(api, estate):
    answer = bulk(api, "systems", update=[{"id": estate.system["id"], "name": estate.system["name"]}])
    assert answer["results"][0]["object"]["version"] == 1


def test_dry_run_and_idempotency_key_hold_for_it(api, estate):
    path, body = "/api/v1/systems/bulk", {"create": [system(estate, "one")]}
    assert api.post(path, params={"dry_run": "true"}, json=body).json()["succeeded"] == 1
    assert "one" not in systems_of(api, estate)
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (api.post(path, json=body, headers=headers) for _ in range(2))
    assert first.json() == again.json() and first.json()["failed"] == 0


@pytest.mark.parametrize("body, pointer", [
    ({}, ""), ({"create": {}}, "/create"), ({"create": [1]}, "/create/0"), ({"update": [{}]}, "/update/0/id"),
    ({"update": [{"id": "x"}]}, "/update/0/id"), ({"delete": [1]}, "/delete/0"), ({"remove": []}, "/remove"),
    ({"create": [], "atomic": "yes"}, "/atomic"), ({"create": [{}] * 1001}, "/create")])
def test_a_body_that_is_none(api, body, pointer):
    problem = check_problem(api.post("/api/v1/systems/bulk", json=body), 422, "body_invalid")
    assert problem["errors"][0]["pointer"] == pointer


def test_a_thousand_rows(api, estate):
    answer = bulk(api, "systems", atomic=True, create=[system(estate, f"s{n}", tags=["many"]) for n in range(1000)])
    assert answer["succeeded"] == 1000
    assert api.read("systems", business_unit=estate.unit["id"], tag="many", count="true", limit=1)["total"] == 1000


def test_secrets_stay_secret(api, estate):
    check = {"component": estate.component["id"], "name": "with a secret", "kind": "http",
             "spec": {"url": "http://127.0.0.1:9/", "auth": {"basic": {"user": "u", "password": "hidden-word"}}}}
    answer = bulk(api, "checks", create=[check])
    made = answer["results"][0]["object"]
    assert "hidden-word" not in str(answer) and made["spec"]["auth"]["basic"]["password"] == "********"
    answer = bulk(api, "checks", update=[{"id": made["id"], "spec": {"method": "HEAD"}}])
    assert answer["succeeded"] == 1 and "hidden-word" not in str(answer)


def test_takes_the_permission_to_write(control, api, estate):
    key = api.post("/api/v1/api-keys", json={"name": "reader", "scopes": ["inventory.read"]}).json()["key"]
    with processes.Client(control.url, key) as reader:
        check_problem(reader.post("/api/v1/systems/bulk", json={"delete": [estate.system["id"]]}), 403, "permission_missing")
