"""Taking a deletion back: one item, or all that went with it; and what stands in the way."""

import pytest

import processes
from test_cmdb import KINDS, check_problem, new_body


@pytest.mark.parametrize("collection", sorted(KINDS))
def test_restored_as_it_was(api, estate, collection):
    made = api.create(collection, **new_body(collection, estate))
    path = f"/api/v1/{collection}/{made['id']}"
    check_problem(api.post(f"{path}/restore"), 409, "item_living")
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    back = api.post(f"{path}/restore")
    assert back.status_code == 200, back.text
    changing = ("version", "updated_at")
    assert {k: v for k, v in back.json().items() if k not in changing} == {k: v for k, v in made.items() if k not in changing}
    assert back.json()["version"] == made["version"] + 2 and back.headers["ETag"] == f'"{back.json()["version"]}"'
    assert api.get(path).json() == back.json()
    assert [entry["action"] for entry in api.get(f"{path}/history").json()["items"]] == ["restore", "delete", "create"]


def test_of_nothing_is_404(api):
    check_problem(api.post("/api/v1/systems/01890000-0000-7000-8000-000000000000/restore"), 404, "item_missing")


def all_of(estate):
    return [("business-units", estate.unit), ("systems", estate.system), ("environment-groups", estate.group),
            ("instances", estate.instance), ("component-definitions", estate.definition), ("components", estate.component)]


def living(api, estate):
    return [collection for collection, item in all_of(estate) if api.get(f"/api/v1/{collection}/{item['id']}").status_code == 200]


def test_cascade_brings_back_what_went_with_it_and_nothing_else(api, estate):
    earlier = api.create("systems", business_unit=estate.unit["id"], key="earlier", name="Earlier")
    api.delete(f"/api/v1/systems/{earlier['id']}")
    assert api.delete(f"/api/v1/business-units/{estate.unit['id']}?cascade=true").status_code == 204
    assert living(api, estate) == []

    for collection, item in all_of(estate)[1:]:
        check_problem(api.post(f"/api/v1/{collection}/{item['id']}/restore"), 409, "parent_deleted")
    assert api.post(f"/api/v1/business-units/{estate.unit['id']}/restore?cascade=true").status_code == 200
    assert living(api, estate) == [collection for collection, _ in all_of(estate)]
    assert api.get(f"/api/v1/systems/{earlier['id']}").status_code == 404


def test_without_cascade_only_the_one(api, estate):
    api.delete(f"/api/v1/business-units/{estate.unit['id']}?cascade=true")
    assert api.post(f"/api/v1/business-units/{estate.unit['id']}/restore").status_code == 200
    assert living(api, estate) == ["business-units"]
    # Each branch by itself, as long as what it refers to lives.
    assert api.post(f"/api/v1/environment-groups/{estate.group['id']}/restore").status_code == 200
    assert api.post(f"/api/v1/systems/{estate.system['id']}/restore?cascade=true").status_code == 200
    assert living(api, estate) == [collection for collection, _ in all_of(estate)]


def test_a_part_of_the_branch_that_needs_another_one_is_refused_whole(api, estate):
    api.delete(f"/api/v1/business-units/{estate.unit['id']}?cascade=true")
    api.post(f"/api/v1/business-units/{estate.unit['id']}/restore")
    # Its instances lie in an environment group that is still deleted.
    check_problem(api.post(f"/api/v1/systems/{estate.system['id']}/restore?cascade=true"), 409, "parent_deleted")
    assert living(api, estate) == ["business-units"]


def test_a_key_that_is_taken_by_now(api, estate):
    first = api.create("systems", business_unit=estate.unit["id"], key="reused", name="First")
    api.delete(f"/api/v1/systems/{first['id']}")
    second = api.create("systems", business_unit=estate.unit["id"], key="reused", name="Second")
    check_problem(api.post(f"/api/v1/systems/{first['id']}/restore"), 409, "key_taken")
    api.patch(f"/api/v1/systems/{second['id']}", json={"key": "other"})
    assert api.post(f"/api/v1/systems/{first['id']}/restore").status_code == 200


def test_tried_out_it_stays_deleted(api, estate):
    path = f"/api/v1/components/{estate.component['id']}"
    api.delete(path)
    assert api.post(f"{path}/restore?dry_run=true").status_code == 200
    assert api.get(path).status_code == 404


def test_its_checks_are_probed_again(control, prober, api, estate):
    check = api.create("checks", component=estate.component["id"], name="itself", kind="http", interval_s=1,
                       timeout_ms=900, spec={"url": f"{control.url}/healthz"})
    path = f"/api/v1/components/{estate.component['id']}"

    def state():
        return api.get(f"{path}/health").json().get("state")

    processes.wait_until(lambda: state() == "operational", what="the component is well")
    api.delete(f"{path}?cascade=true")
    assert api.get(f"{path}/health").status_code == 404
    assert api.post(f"{path}/restore?cascade=true").status_code == 200
    assert api.get(f"/api/v1/checks/{check['id']}").status_code == 200
    processes.wait_until(lambda: state() == "operational", what="the restored component is well")


def test_takes_the_permission_to_write(control, api, estate):
    key = api.post("/api/v1/api-keys", json={"name": "reader", "scopes": ["inventory.read"]}).json()["key"]
    with processes.Client(control.url, key) as reader:
        check_problem(reader.post(f"/api/v1/systems/{estate.system['id']}/restore"), 403, "permission_missing")
