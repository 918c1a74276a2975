"""The inventory as it stood, and what can be shown beside an object."""

import pytest

import instance
import processes
from health_tools import sql
from test_cmdb import COLLECTIONS, KINDS, check_problem, new_body

BEFORE = "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_each_version_can_be_seen_again(api, estate, collection):
    first = api.create(collection, **new_body(collection, estate))
    path = f"/api/v1/{collection}/{first['id']}"
    versions = [first]
    for n in range(3):
        versions.append(api.patch(path, json={"name": f"Name {n}"}).json())
    api.delete(path)
    for version in versions:
        seen = api.get(path, params={"as_of": version["updated_at"]})
        assert seen.json() == version and seen.headers["ETag"] == f'"{version["version"]}"'
    assert api.get(path).status_code == 404
    check_problem(api.get(path, params={"as_of": BEFORE}), 404, "not_found")
    assert api.post(f"{path}/restore").status_code == 200
    assert api.get(path, params={"as_of": versions[1]["updated_at"]}).json() == versions[1]


def test_a_list_as_it_stood(api, estate):
    scope = {"business_unit": estate.unit["id"]}

    def keys(**query):
        return [item["key"] for item in api.read("systems", **scope, **query)["items"]]

    one = api.create("systems", **scope, key="one", name="B", tags=["old"])
    two = api.create("systems", **scope, key="two", name="A")
    moment = two["updated_at"]
    api.patch(f"/api/v1/systems/{one['id']}", json={"name": "Z", "tags": ["new"], "key": "uno"})
    api.delete(f"/api/v1/systems/{two['id']}")
    api.create("systems", **scope, key="three", name="C")
    assert keys() == ["shop", "uno", "three"]
    assert keys(as_of=moment) == ["shop", "one", "two"]
    assert keys(as_of=moment, sort="name") == ["two", "one", "shop"]
    assert keys(as_of=moment, tag="old") == ["one"] and keys(as_of=moment, tag="new") == []
    assert keys(as_of=moment, q="b") == ["one"]
    assert keys(as_of=BEFORE) == []
    page = api.read("systems", **scope, as_of=moment, limit=2, count="true", fields="key")
    assert page["items"] == [{"key": "shop"}, {"key": "one"}] and page["total"] == 3
    page = api.read("systems", **scope, as_of=moment, limit=2, cursor=page["next"])
    assert [item["key"] for item in page["items"]] == ["two"] and page["next"] is None


def test_a_moved_item_is_where_it_was(api, estate):
    other = api.create("environment-groups", business_unit=estate.unit["id"], key="uat", name="UAT", kind="uat")
    moment = other["updated_at"]
    api.patch(f"/api/v1/instances/{estate.instance['id']}", json={"environment_group": other["id"]})
    assert api.read("instances", environment_group=other["id"], as_of=moment)["items"] == []
    assert [i["id"] for i in api.read("instances", environment_group=estate.group["id"], as_of=moment)["items"]] == [estate.instance["id"]]
    then = api.read(f"instances/{estate.instance['id']}", as_of=moment, include="environment_group")
    assert then["included"]["environment_group"] == estate.group
    now = api.read(f"instances/{estate.instance['id']}", include="environment_group")
    assert now["included"]["environment_group"] == other


def test_writers_at_once_leave_no_gap_and_no_overlap(control, api, estate):
    system = estate.system
    path = f"/api/v1/systems/{system['id']}"

    def write(n):
        with control.client() as client:
            return [client.patch(path, json={"name": f"{n}-{i}"}).json() for i in range(10)]

    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(8) as pool:
        versions = sorted((v for vs in pool.map(write, range(8)) for v in vs), key=lambda v: v["version"])
    assert [v["version"] for v in versions] == list(range(2, 82))
    assert sorted(v["updated_at"] for v in versions) == [v["updated_at"] for v in versions]
    for version in versions:
        assert api.read(f"systems/{system['id']}", as_of=version["updated_at"]) == version
    gaps = sql(control, "SELECT count(*) FROM (SELECT upper(valid) AS ended, lead(lower(valid)) OVER (ORDER BY version) AS began"
                        f" FROM system_history WHERE id = '{system['id']}') v WHERE ended <> began")
    assert gaps == [["0"]]


def test_secrets_are_not_in_the_history(control, api, estate):
    check = api.create("checks", component=estate.component["id"], name="c", kind="http",
                       spec={"url": "http://127.0.0.1:9/", "auth": {"bearer": "first-secret-word"}})
    api.patch(f"/api/v1/checks/{check['id']}", json={"spec": {"auth": {"bearer": "second-secret-word"}}})
    assert "first-secret-word" not in instance.sql(control.data, "SELECT health_check_history::text FROM health_check_history")


# What is shown beside an object -----------------------------------------------------------------------------------------

def test_related_objects(api, estate):
    one = api.read(f"components/{estate.component['id']}", include="instance,definition")
    assert one["included"] == {"instance": estate.instance, "definition": estate.definition}
    assert {k: v for k, v in one.items() if k != "included"} == estate.component
    page = api.read("components", instance=estate.instance["id"], include="instance")
    assert page["items"] == [{**estate.component, "included": {"instance": estate.instance}}]
    assert api.read(f"business-units/{estate.unit['id']}", include="parent")["included"] == {"parent": None}


def test_with_some_fields_it_is_still_there(api, estate):
    page = api.read("components", instance=estate.instance["id"], include="instance", fields="key")
    assert page["items"] == [{"key": "web", "included": {"instance": estate.instance}}]
    assert api.read(f"components/{estate.component['id']}", fields="key,name") == {"key": "web", "name": "Web"}


@pytest.mark.parametrize("query", [{"include": "checks"}, {"include": "instance,moon"}, {"fields": "moon"}, {"as_of": "yesterday"},
                                   {"name": "x"}, {"sort": "name"}])
def test_what_cannot_be_asked_of_one_object(api, estate, query):
    problem = check_problem(api.get(f"/api/v1/components/{estate.component['id']}", params=query), 400, "parameters_invalid")
    assert problem["errors"][0]["pointer"] == f"?{next(iter(query))}"


def test_the_state_and_its_version_in_the_tag(control, prober, api, estate):
    path = f"/api/v1/components/{estate.component['id']}"
    api.create("checks", component=estate.component["id"], name="itself", kind="http", interval_s=1, timeout_ms=900,
               spec={"url": f"{control.url}/healthz"})

    def asked():
        return api.get(path, params={"include": "health"})

    def state():
        return (asked().json()["included"]["health"] or {}).get("state")

    processes.wait_until(lambda: state() == "operational", what="the component is well")
    reply = asked()
    health = reply.json()["included"]["health"]
    assert set(health) == {"state", "since", "reason", "version"}
    assert reply.headers["ETag"] == f'"{estate.component["version"]}.{health["version"]}"'
    assert api.get(path, params={"include": "health"}, headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304
    # The part before the dot is that of the object.
    assert api.patch(path, json={"name": "New"}, headers={"If-Match": reply.headers["ETag"]}).status_code == 200
    assert api.patch(path, json={"name": "Newer"}, headers={"If-Match": reply.headers["ETag"]}).status_code == 412
    assert api.read(f"components/{estate.component['id']}", include="health", as_of=health["since"])["included"]["health"]["state"] == "operational"
    assert api.read(f"components/{estate.component['id']}", include="health", as_of=estate.component["created_at"])["included"]["health"] is None


def test_the_path_of_a_heartbeat_is_for_writers(control, api, estate):
    check = api.create("checks", component=estate.component["id"], name="job", kind="heartbeat", spec={"interval_s": 60, "grace_s": 5})
    path = f"/api/v1/checks/{check['id']}"
    assert api.get(path).json()["heartbeat_path"] == check["heartbeat_path"]
    assert "heartbeat_path" in api.get(path, params={"include": "component"}).json()
    assert "heartbeat_path" not in api.get(path, params={"fields": "key"}).json()
    assert "heartbeat_path" not in api.get(path, params={"as_of": check["updated_at"]}).json()
    key = api.post("/api/v1/api-keys", json={"name": "reader", "scopes": ["check.read"]}).json()["key"]
    with processes.Client(control.url, key) as reader:
        assert "heartbeat_path" not in reader.get(path).json()
    other = api.create("checks", component=estate.component["id"], name="no job", **{k: v for k, v in KINDS["checks"]["new"].items() if k != "component"})
    assert "heartbeat_path" not in api.get(f"/api/v1/checks/{other['id']}").json()
