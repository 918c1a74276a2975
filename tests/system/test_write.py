"""What every write can do: be tried out, be sent again without harm."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

import instance
import processes

DRY = {"dry_run": "true"}


def system_body(estate, **fields):
    return {"business_unit": estate.unit["id"], "key": f"s{uuid.uuid4().hex[:8]}", "name": "A system", **fields}


def repeatable(key=None):
    return {"Idempotency-Key": key or str(uuid.uuid4())}


# Trying out -----------------------------------------------------------------------------------------------------------

def test_dry_run_answers_as_the_real_thing_and_changes_nothing(api, estate):
    body = system_body(estate)
    tried = api.post("/api/v1/systems", params=DRY, json=body)
    assert tried.status_code == 201 and tried.headers["X-EM-Dry-Run"] == "true"
    assert tried.json()["key"] == body["key"]
    assert api.get(f"/api/v1/systems/{tried.json()['id']}").status_code == 404
    done = api.post("/api/v1/systems", json=body)
    assert done.status_code == 201 and "X-EM-Dry-Run" not in done.headers

    path = f"/api/v1/systems/{done.json()['id']}"
    assert api.patch(path, params=DRY, json={"name": "Other"}).json()["name"] == "Other"
    assert api.delete(path, params=DRY).status_code == 204
    assert api.get(path).json() == done.json()
    assert [entry["action"] for entry in api.get(f"{path}/history").json()["items"]] == ["create"]


def test_dry_run_tells_what_would_be_refused(api, estate):
    assert api.post("/api/v1/systems", params=DRY, json=system_body(estate, key="shop")).json()["code"] == "key_taken"
    assert api.post("/api/v1/systems", params=DRY, json={"key": "?"}).status_code == 422
    refused = api.delete(f"/api/v1/systems/{estate.system['id']}", params=DRY)
    assert refused.status_code == 409 and refused.json()["code"] == "has_children"


def test_dry_run_of_a_revocation_leaves_the_key_in_force(control, api):
    made = api.post("/api/v1/api-keys", json={"name": "tried", "scopes": ["inventory.read"]}).json()
    with processes.Client(control.url, made["key"]) as other:
        assert other.get("/api/v1/systems").status_code == 200
        assert api.delete(f"/api/v1/api-keys/{made['id']}", params=DRY).status_code == 204
        assert other.get("/api/v1/systems").status_code == 200
        assert api.delete(f"/api/v1/api-keys/{made['id']}").status_code == 204
        assert other.get("/api/v1/systems").status_code == 401


@pytest.mark.parametrize("method, path", [("get", "/api/v1/systems"), ("post", "/api/v1/session"), ("post", "/api/v1/checks/preview")])
def test_dry_run_of_what_is_no_write_is_refused(api, method, path):
    refused = api.request(method, path, params=DRY, json={} if method == "post" else None)
    assert refused.status_code == 400 and refused.json()["errors"][0]["pointer"] == "?dry_run"


def test_every_write_says_that_it_can_be_tried_out(api):
    document = api.get("/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            if "dry_run" in names:
                assert method != "get" and ("Idempotency-Key" in names) == (method == "post"), (method, path)
            assert ("X-EM-Reason" in names) == ("dry_run" in names), (method, path)
    assert "dry_run" in {p["name"] for p in document["paths"]["/api/v1/systems"]["post"]["parameters"]}


# Saying why -----------------------------------------------------------------------------------------------------------

def test_a_reason_stands_in_each_entry_of_the_request(api, estate):
    why = {"X-EM-Reason": "Gr%C3%B6%C3%9Fe: 100%25", "X-Request-Id": f"why-{uuid.uuid4()}"}
    assert api.delete(f"/api/v1/systems/{estate.system['id']}", params={"cascade": "true"}, headers=why).status_code == 204
    entries = api.read("journal", request_id=why["X-Request-Id"])["items"]
    assert len(entries) > 1 and {entry["reason"] for entry in entries} == {"Größe: 100%"}
    assert api.post(f"/api/v1/systems/{estate.system['id']}/restore").status_code == 200
    assert api.read(f"systems/{estate.system['id']}/history", limit=1)["items"][0]["reason"] is None


def test_a_reason_that_is_none_is_refused(api, estate):
    path = f"/api/v1/systems/{estate.system['id']}"
    for reason in ("", "100%", "two%0Alines", "x" * 501):
        refused = api.patch(path, json={"name": "Other"}, headers={"X-EM-Reason": reason})
        assert refused.status_code == 400 and refused.json()["code"] == "reason_invalid", refused.text
    assert "at most 500 characters" in refused.json()["detail"]
    assert api.get(path, headers={"X-EM-Reason": "100%"}).json()["name"] == estate.system["name"]


# Sending again --------------------------------------------------------------------------------------------------------

def test_the_same_request_again_gets_the_first_answer(api, estate):
    body, headers = system_body(estate), repeatable()
    first = api.post("/api/v1/systems", json=body, headers=headers)
    again = api.post("/api/v1/systems", json=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    for name in ("ETag", "Location", "Content-Type"):
        assert first.headers[name] == again.headers[name]
    assert len(api.get("/api/v1/systems", params={"key": body["key"]}).json()["items"]) == 1


def test_the_same_key_with_another_request_is_refused(api, estate):
    headers = repeatable()
    body = system_body(estate)
    assert api.post("/api/v1/systems", json=body, headers=headers).status_code == 201
    for path, other in (("/api/v1/systems", {**body, "name": "Another"}), ("/api/v1/component-definitions", body)):
        refused = api.post(path, json=other, headers=headers)
        if path.endswith("systems"):
            assert refused.status_code == 422 and refused.json()["code"] == "idempotency_reused"
        else:
            assert refused.status_code == 422


def test_what_failed_may_be_mended_under_the_same_key(api, estate):
    headers = repeatable()
    assert api.post("/api/v1/systems", json=system_body(estate, key="shop"), headers=headers).status_code == 409
    assert api.post("/api/v1/systems", json=system_body(estate), headers=headers).status_code == 201


def test_keys_are_those_of_a_person_not_of_a_credential(control, api, estate):
    headers, body = repeatable(), system_body(estate)
    made = api.post("/api/v1/api-keys", json={"name": "second", "scopes": ["inventory.read", "inventory.write"]}).json()
    assert api.post("/api/v1/systems", json=body, headers=headers).status_code == 201
    with processes.Client(control.url, made["key"]) as other:
        assert other.post("/api/v1/systems", json=body, headers=headers).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "with blank", "tab\there", "ünïcode".encode()])
def test_a_key_that_is_none_is_refused(api, estate, key):
    refused = api.post("/api/v1/systems", json=system_body(estate), headers={"Idempotency-Key": key})
    assert refused.status_code == 400 and refused.json()["code"] in ("idempotency_key_invalid", "request_malformed")


def test_many_at_once_do_it_once(control, estate):
    body, headers = system_body(estate), repeatable()
    barrier = threading.Barrier(12)

    def send(_):
        with control.client() as client:
            barrier.wait(timeout=30)
            return client.post("/api/v1/systems", json=body, headers=headers)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(12)))
    made = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(busy) == 12 and made
    assert len({answer.json()["id"] for answer in made}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in made) == 1
    assert all(answer.json()["code"] == "idempotency_busy" and "current" not in answer.json() for answer in busy)
    with control.client() as client:
        assert len(client.get("/api/v1/systems", params={"key": body["key"]}).json()["items"]) == 1


def test_a_second_one_meanwhile_is_told_to_come_again(control, api, estate):
    """The first waits for a row that somebody else has; the second does not wait for the first."""
    body, headers = system_body(estate), repeatable()
    with instance.Holding(control.data, f"SELECT 1 FROM business_unit WHERE id = '{estate.unit['id']}' FOR UPDATE") as holder, \
            ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: control.client().post("/api/v1/systems", json=body, headers=headers))
        processes.wait_until(lambda: instance.sql(control.data, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0",
                             what="the first to wait")
        second = api.post("/api/v1/systems", json=body, headers=headers)
        assert (second.status_code, second.json()["code"]) == (409, "idempotency_busy") and second.headers["Retry-After"] == "1"
        assert not first.done()
        holder.let_go()
        assert first.result(timeout=20).status_code == 201
    again = api.post("/api/v1/systems", json=body, headers=headers)
    assert again.json() == first.result().json() and again.headers["Idempotent-Replayed"] == "true"


def test_nothing_of_an_answer_can_be_read_in_the_database(control, api):
    headers = repeatable()
    body = {"name": "kept", "scopes": ["inventory.read"]}
    first = api.post("/api/v1/api-keys", json=body, headers=headers).json()
    assert api.post("/api/v1/api-keys", json=body, headers=headers).json()["key"] == first["key"]
    dump = instance.sql(control.data, "SELECT encode(key_hash, 'escape') || encode(sealed, 'escape') FROM idempotency_answer")
    assert dump and first["key"] not in dump and headers["Idempotency-Key"] not in dump


def test_an_answer_is_forgotten_after_a_day(control, api, estate):
    body, headers = system_body(estate), repeatable()
    first = api.post("/api/v1/systems", json=body, headers=headers)
    instance.sql(control.data, "UPDATE idempotency_answer SET created_at = created_at - interval '25 hours'")
    assert api.post("/api/v1/systems", json=body, headers=headers).json()["code"] == "key_taken"
    other = api.post("/api/v1/systems", json={**body, "key": "later"}, headers=headers)
    assert other.status_code == 201 and other.json()["id"] != first.json()["id"]
