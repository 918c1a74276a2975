"""The inventory through its API: the same matrix for each of the eight collections, generated from one table."""

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

_keys = itertools.count(1)

# collection → fields of a new item (text with {…} names the estate's items), a good change, bad fields and their pointers.
KINDS = {
    "organisations": dict(new={}, change={"time_zone": "Europe/London"}, bad={"time_zone": "Mars/Olympus"}),
    "business-units": dict(new={"organisation": "{organisation}"}, change={"parent": "{unit}"}, bad={"parent": "x/y"}),
    "systems": dict(new={"business_unit": "{unit}"}, change={"lifecycle": "sunset", "criticality": "non_critical"},
                    bad={"lifecycle": "dead", "policy": "best", "weight": 1}),
    "environment-groups": dict(new={"business_unit": "{unit}", "kind": "uat"}, change={"order": 7, "tier": "prod"},
                               bad={"kind": "moon", "order": "first"}),
    "instances": dict(new={"system": "{system}", "environment_group": "{group}"},
                      change={"url": "https://shop.test/", "weight": 3}, bad={"url": "ftp://x", "weight": -1}),
    "component-definitions": dict(new={"system": "{system}", "kind": "db"}, change={"repository": "git@host:a/b"},
                                  bad={"kind": "toaster"}),
    "components": dict(new={"instance": "{instance}", "definition": "{definition}"},
                       change={"host": "db1", "slice": "blue"}, bad={"slice": "red", "criticality": "so-so"}),
    "checks": dict(new={"component": "{component}", "kind": "tcp", "spec": {"address": "127.0.0.1", "port": 9}},
                   change={"enabled": False, "severity": "degraded"}, bad={"severity": "doom", "fall": 21}),
}
COLLECTIONS = sorted(KINDS)
PARENTS = {"business-units": "organisation", "systems": "unit", "environment-groups": "unit", "instances": "system",
           "component-definitions": "system", "components": "instance", "checks": "component"}


def filled(fields, estate):
    """The fields with the estate's ids in place of {names}."""
    ids = {name: item["id"] for name, item in vars(estate).items() if isinstance(item, dict)}
    return {name: value.format(**ids) if isinstance(value, str) else value for name, value in fields.items()}


def new_body(collection, estate, **fields):
    key = f"k{next(_keys)}-{uuid.uuid4().hex[:8]}"
    return {"key": key, "name": f"Name {key}", **filled(KINDS[collection]["new"], estate), **fields}


def pointers(reply):
    return sorted(error["pointer"] for error in reply.json()["errors"])


def check_problem(reply, status, code):
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    problem = reply.json()
    assert problem["status"] == status and problem["code"] == code and problem["request_id"]
    return problem


@pytest.fixture(params=COLLECTIONS)
def kind(request, api, estate):
    """One collection with a fresh item in it."""
    collection = request.param
    body = new_body(collection, estate)
    reply = api.post(f"/api/v1/{collection}", json=body)
    assert reply.status_code == 201, reply.text
    return SimpleNamespace(collection=collection, url=f"/api/v1/{collection}", estate=estate, body=body, reply=reply,
                           item=reply.json(), **KINDS[collection])


# --- the matrix: each test runs for each collection ---


def test_create_answers_with_the_object_and_its_place(api, kind):
    item = kind.item
    assert kind.reply.headers["Location"] == f"{kind.url}/{item['id']}"
    assert kind.reply.headers["ETag"] == '"1"'
    assert item["version"] == 1 and item["created_at"] == item["updated_at"] and item["created_at"].endswith("Z")
    assert {name: item[name] for name in kind.body} == kind.body
    assert item["description"] is None and item["attributes"] == {} and item["tags"] == []


def test_get_gives_what_create_gave(api, kind):
    reply = api.get(f"{kind.url}/{kind.item['id']}")
    assert reply.status_code == 200 and reply.json() == kind.item
    assert reply.headers["ETag"] == '"1"'


def test_unknown_id_is_404(api, kind):
    for method in ("GET", "PATCH", "DELETE"):
        body = {"name": "x"} if method == "PATCH" else None
        assert api.request(method, f"{kind.url}/{uuid.uuid4()}", json=body).status_code == 404


def test_list_pages_through_all_items(api, kind):
    more = [api.create(kind.collection, **new_body(kind.collection, kind.estate)) for _ in range(4)]
    wanted = {kind.item["id"], *(item["id"] for item in more)}
    parameters = {"limit": 2}
    if kind.collection in PARENTS:
        name = list(kind.new)[0]
        parameters[name] = kind.item[name]
    found, pages = [], 0
    while True:
        page = api.read(kind.collection, **parameters)
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        parameters["cursor"] = page["next"]
    assert wanted <= set(found) and len(found) == len(set(found)) and found == sorted(found) and pages >= 3


def test_list_filters_by_key_words_and_tag(api, kind):
    tag = f"tag {uuid.uuid4().hex}"
    word = uuid.uuid4().hex
    item = api.create(kind.collection, **new_body(kind.collection, kind.estate, tags=[tag], description=f"The {word}."))
    for filters in ({"key": item["key"]}, {"tag": tag}, {"q": word.upper()}, {"key": item["key"], "tag": tag}):
        assert [found["id"] for found in api.read(kind.collection, **filters)["items"]] == [item["id"]], filters
    assert api.read(kind.collection, key=item["key"], tag="none")["items"] == []
    for wrong in ({"colour": "red"}, {"cursor": "abc"}, {"limit": 0}, {"limit": 1001}):
        reply = api.get(kind.url, params=wrong)
        assert reply.status_code == 400 and "uuid" not in reply.text, (wrong, reply.text)
        assert next(iter(wrong)) in reply.text


def test_patch_changes_what_it_names(api, kind):
    change = {"name": "New name", "description": "New words", "tags": ["a", "b"], "attributes": {"x": 1, "y": {"z": 2}},
              **filled(kind.change, kind.estate)}
    reply = api.patch(f"{kind.url}/{kind.item['id']}", json=change)
    assert reply.status_code == 200, reply.text
    expected = {**kind.item, **change, "version": 2, "updated_at": reply.json()["updated_at"]}
    assert reply.json() == expected and reply.headers["ETag"] == '"2"'
    assert api.read(f"{kind.collection}/{kind.item['id']}") == expected


def test_patch_merges_objects_and_null_takes_the_default(api, kind):
    path = f"{kind.url}/{kind.item['id']}"
    api.patch(path, json={"attributes": {"a": 1, "b": 2}, "description": "words", "tags": ["x"],
                          **filled(kind.change, kind.estate)})
    reset = {name: None for name in kind.change}
    reply = api.patch(path, json={"attributes": {"a": None, "c": 3}, "description": None, "tags": None, **reset})
    assert reply.status_code == 200, reply.text
    assert reply.json()["attributes"] == {"b": 2, "c": 3}
    assert reply.json()["description"] is None and reply.json()["tags"] == []
    assert {name: reply.json()[name] for name in reset} == {name: kind.item[name] for name in reset}


def test_patch_that_changes_nothing_keeps_the_version(api, kind):
    for same in ({"name": kind.item["name"]}, {"description": None, "tags": None, "attributes": {"gone": None}}):
        reply = api.patch(f"{kind.url}/{kind.item['id']}", json=same)
        assert reply.status_code == 200 and reply.json() == kind.item


def test_lost_race_is_412_with_the_current_object(api, kind):
    path = f"{kind.url}/{kind.item['id']}"
    first = api.patch(path, json={"name": "first"}, headers={"If-Match": '"1"'})
    assert first.status_code == 200
    for method, body in (("PATCH", {"name": "second"}), ("DELETE", None)):
        problem = check_problem(api.request(method, path, json=body, headers={"If-Match": '"1"'}), 412,
                                "precondition_failed")
        assert problem["current"] == first.json()
    assert api.patch(path, json={"name": "third"}, headers={"If-Match": '"2"'}).status_code == 200
    assert api.patch(path, json={"name": "fourth"}, headers={"If-Match": "*"}).status_code == 200


def test_key_is_unique_among_the_living_of_one_parent(api, kind):
    again = {**kind.body, "name": "Again"}
    problem = check_problem(api.post(kind.url, json=again), 409, "key_taken")
    assert [error["pointer"] for error in problem["errors"]] == ["/key"]

    other = api.create(kind.collection, **new_body(kind.collection, kind.estate))
    check_problem(api.patch(f"{kind.url}/{other['id']}", json={"key": kind.item["key"]}), 409, "key_taken")

    assert api.delete(f"{kind.url}/{kind.item['id']}").status_code == 204
    assert api.post(kind.url, json=again).status_code == 201


def test_all_bad_fields_are_named_at_once(api, kind):
    body = new_body(kind.collection, kind.estate, colour="red", tags=["a", "a"], attributes=[], **kind.bad)
    body["key"] = "No Key"
    body["name"] = " "
    reply = api.post(kind.url, json=body)
    check_problem(reply, 422, reply.json()["code"])
    expected = {"/key", "/name", "/colour", "/tags", "/attributes", *(f"/{name}" for name in kind.bad)}
    assert {pointer if pointer.count("/") == 1 else "/" + pointer.split("/")[1] for pointer in pointers(reply)} == expected


def test_a_missing_parent_is_named_together_with_all_else(api, estate):
    reply = api.post("/api/v1/components", json={"instance": "nowhere/x", "definition": str(uuid.uuid4()), "weight": -1})
    pointers = {error["pointer"] for error in reply.json()["errors"]}
    assert reply.status_code == 422 and pointers == {"/instance", "/definition", "/weight", "/key", "/name"}
    reply = api.post("/api/v1/checks", json={"component": str(uuid.uuid4()), "name": "x", "kind": "http", "timeout_ms": 60000,
                                             "spec": {"url": "ftp://x"}, "colour": "red"})
    pointers = {error["pointer"] for error in reply.json()["errors"]}
    assert reply.status_code == 422 and pointers == {"/component", "/timeout_ms", "/spec/url", "/colour"}
    reply = api.patch(f"/api/v1/systems/{estate.system['id']}", json={"business_unit": "nowhere/x", "name": ""})
    pointers = {error["pointer"] for error in reply.json()["errors"]}
    assert reply.status_code == 422 and pointers == {"/business_unit", "/name"}


@pytest.mark.parametrize("condition, status", [('"1"', 200), ("1", 200), ("*", 200), ('W/"1.7"', 200), ('"8", "1"', 200),
                                               ('"2"', 412), ("2", 412), ('"2", "3"', 412), ("abc", 412)])
def test_every_form_of_if_match_counts(api, estate, condition, status):
    path = f"/api/v1/systems/{estate.system['id']}"
    reply = api.patch(path, json={"name": "Renamed"}, headers={"If-Match": condition})
    assert reply.status_code == status
    etag = api.get(path).headers["ETag"]
    for known, expected in [(etag, 304), (f'"x", {etag}', 304), ("*", 304), ('"x"', 200)]:
        assert api.get(path, headers={"If-None-Match": known}).status_code == expected


@pytest.mark.parametrize("kind", ["organisations", "business-units"], indirect=True)
def test_bad_fields_of_a_right_form_are_named(api, kind):
    bad = {name: value for name, value in kind.bad.items() if name in ("time_zone", "parent")}
    reply = api.post(kind.url, json=new_body(kind.collection, kind.estate, **bad))
    check_problem(reply, 422, "body_invalid")
    assert pointers(reply) == [f"/{name}" for name in bad]
    reply = api.patch(f"{kind.url}/{kind.item['id']}", json=bad)
    assert reply.status_code == 422 and pointers(reply) == [f"/{name}" for name in bad]


def test_missing_fields_are_named(api, kind):
    reply = api.post(kind.url, json={})
    required = {"name", *kind.new} if kind.collection == "checks" else {"key", "name", *kind.new}
    assert reply.status_code == 422 and set(pointers(reply)) == {f"/{name}" for name in required}


def test_what_cannot_change_is_refused(api, kind):
    for name in ("id", "version", "created_at"):
        reply = api.patch(f"{kind.url}/{kind.item['id']}", json={name: kind.item[name]})
        assert reply.status_code == 422 and pointers(reply) == [f"/{name}"]
    assert api.patch(f"{kind.url}/{kind.item['id']}", json={}).status_code == 422


def test_limits_in_bytes(api, kind):
    fits = {"name": "ü" * 100, "description": "ü" * 2000, "attributes": {"a": "x" * 16000},
            "tags": [f"t{i}" for i in range(50)]}
    reply = api.patch(f"{kind.url}/{kind.item['id']}", json=fits)
    assert reply.status_code == 200, reply.text
    reply = api.patch(f"{kind.url}/{kind.item['id']}", json={"name": "ü" * 101, "description": "ü" * 2001,
                                                            "attributes": {"a": "x" * 16384}})
    assert reply.status_code == 422 and pointers(reply) == ["/attributes", "/description", "/name"]
    assert api.patch(f"{kind.url}/{kind.item['id']}", json={"tags": [f"t{i}" for i in range(51)]}).status_code == 422


@pytest.mark.parametrize("number", ["1e30", "9007199254740993", "-1e-300"])
def test_numbers_that_readers_do_not_agree_on_are_refused(api, estate, number):
    path = f"/api/v1/systems/{estate.system['id']}"
    reply = api.patch(path, data='{"attributes": {"x": [%s]}}' % number, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422 and pointers(reply) == ["/attributes"]
    fine = {"x": [9007199254740991, 0.1, -2.5e-10, 1.5e15, 0]}
    assert api.patch(path, json={"attributes": fine}).json()["attributes"] == fine
    assert api.patch(path, json={"name": "again"}).json()["attributes"] == fine


@pytest.mark.parametrize("kind", sorted(PARENTS), indirect=True)
def test_a_missing_parent_is_named(api, kind):
    parents = [name for name, value in kind.new.items() if isinstance(value, str) and value.startswith("{")]
    for reference in (str(uuid.uuid4()), "no/such/path", "x", "/", "a//b"):
        reply = api.post(kind.url, json={**kind.body, "key": "other", **{name: reference for name in parents}})
        check_problem(reply, 422, "body_invalid")
        assert pointers(reply) == sorted(f"/{name}" for name in parents), reference


def test_delete_is_final_for_readers(api, kind):
    path = f"{kind.url}/{kind.item['id']}"
    reply = api.delete(path)
    assert reply.status_code == 204 and reply.content == b""
    assert api.get(path).status_code == 404
    assert api.patch(path, json={"name": "x"}).status_code == 404
    assert api.delete(path).status_code == 404
    assert api.read(kind.collection, key=kind.item["key"])["items"] == []


def test_history_shows_each_change(api, kind):
    path = f"{kind.url}/{kind.item['id']}"
    changed = api.patch(path, json={"name": "changed"}, headers={"X-Request-Id": "history-test"}).json()
    api.delete(path)
    history = api.read(f"{kind.collection}/{kind.item['id']}/history")["items"]
    assert [entry["action"] for entry in history] == ["delete", "update", "create"]
    assert [entry["before"] for entry in history] == [changed, kind.item, None]
    assert [entry["after"] for entry in history] == [None, changed, kind.item]
    assert history[1]["request_id"] == "history-test" and {entry["actor"] for entry in history} == {"administrator"}


# --- parents and paths ---


def test_parents_may_be_named_by_key_path(api, estate):
    organisation = estate.organisation["key"]
    unit = api.create("business-units", organisation=organisation, key="retail", name="Retail")
    nested = api.create("business-units", organisation=organisation, parent=f"{organisation}/retail", key="shops", name="S")
    system = api.create("systems", business_unit=f"{organisation}/shops", key="pay", name="Pay")
    group = api.create("environment-groups", business_unit=f"{organisation}/retail", key="sit", name="SIT", kind="sit")
    instance = api.create("instances", system=f"{organisation}/shops/pay", environment_group=f"{organisation}/retail/sit",
                          key="one", name="One")
    definition = api.create("component-definitions", system=f"{organisation}/shops/pay", key="api", name="A", kind="web")
    component = api.create("components", instance=f"{organisation}/shops/pay/one",
                           definition=f"{organisation}/shops/pay/api", key="api", name="API")
    check = api.create("checks", component=f"{organisation}/shops/pay/one/api", name="port", kind="tcp",
                       spec={"address": "127.0.0.1", "port": 9})
    assert nested["parent"] == unit["id"] and nested["organisation"] == estate.organisation["id"]
    assert system["business_unit"] == nested["id"] and group["business_unit"] == unit["id"]
    assert instance["system"] == system["id"] and instance["environment_group"] == group["id"]
    assert component["instance"] == instance["id"] and component["definition"] == definition["id"]
    assert check["component"] == component["id"]


def test_a_unit_cannot_come_to_lie_in_itself(api, estate):
    child = api.create("business-units", organisation=estate.organisation["id"], parent=estate.unit["id"], key="c", name="C")
    grandchild = api.create("business-units", organisation=estate.organisation["id"], parent=child["id"], key="g", name="G")
    for parent in (estate.unit["id"], grandchild["id"], child["id"]):
        reply = api.patch(f"/api/v1/business-units/{estate.unit['id']}", json={"parent": parent})
        assert reply.status_code == 422 and pointers(reply) == ["/parent"]
    assert api.patch(f"/api/v1/business-units/{grandchild['id']}", json={"parent": estate.unit["id"]}).status_code == 200
    assert api.patch(f"/api/v1/business-units/{child['id']}", json={"parent": grandchild["id"]}).status_code == 200


def test_a_component_and_its_definition_share_the_system(api, estate):
    other = api.create("systems", business_unit=estate.unit["id"], key="other", name="Other")
    definition = api.create("component-definitions", system=other["id"], key="web", name="Web", kind="web")
    reply = api.post("/api/v1/components", json={"instance": estate.instance["id"], "definition": definition["id"],
                                                 "key": "x", "name": "X"})
    check_problem(reply, 422, "body_invalid")
    assert pointers(reply) == ["/definition"]


def test_a_group_of_another_organisation_is_refused(api, estate):
    other = api.create("organisations", key=f"o-{uuid.uuid4().hex[:8]}", name="Other")
    unit = api.create("business-units", organisation=other["id"], key="u", name="U")
    group = api.create("environment-groups", business_unit=unit["id"], key="sit", name="SIT", kind="sit")
    reply = api.post("/api/v1/instances", json={"system": estate.system["id"], "environment_group": group["id"],
                                                "key": "x", "name": "X"})
    assert reply.status_code == 422 and pointers(reply) == ["/environment_group"]
    reply = api.patch(f"/api/v1/systems/{estate.system['id']}", json={"business_unit": unit["id"]})
    assert reply.status_code == 422 and pointers(reply) == ["/business_unit"]


def test_a_key_with_the_form_of_an_id_is_refused(api):
    reply = api.post("/api/v1/organisations", json={"key": str(uuid.uuid4()), "name": "X"})
    check_problem(reply, 422, "body_invalid")
    assert pointers(reply) == ["/key"]


def test_propagation_rules_between_fields(api, estate):
    path = f"/api/v1/systems/{estate.system['id']}"
    reply = api.patch(path, json={"policy": "quorum", "operational_at": 0.4, "down_below": 0.6})
    assert reply.status_code == 422 and pointers(reply) == ["/down_below", "/min_up"]
    reply = api.patch(path, json={"policy": "quorum", "min_up": 2, "operational_at": 0.9, "down_below": 0.333333})
    assert reply.status_code == 200
    assert {name: reply.json()[name] for name in ("policy", "min_up", "operational_at", "down_below", "unknown_share")} \
        == {"policy": "quorum", "min_up": 2, "operational_at": 0.9, "down_below": 0.333333, "unknown_share": 0.5}


# --- deletion ---


def test_delete_with_children_needs_cascade(api, estate):
    check = api.create("checks", component=estate.component["id"], name="c", kind="tcp",
                       spec={"address": "127.0.0.1", "port": 9})
    ways = [("organisations", estate.organisation), ("business-units", estate.unit), ("systems", estate.system),
            ("environment-groups", estate.group), ("component-definitions", estate.definition),
            ("instances", estate.instance), ("components", estate.component)]
    for collection, item in ways:
        check_problem(api.delete(f"/api/v1/{collection}/{item['id']}"), 409, "has_children")
    assert api.get(f"/api/v1/checks/{check['id']}").status_code == 200

    reply = api.delete(f"/api/v1/organisations/{estate.organisation['id']}", params={"cascade": "true"})
    assert reply.status_code == 204
    for collection, item in [*ways, ("checks", check)]:
        assert api.get(f"/api/v1/{collection}/{item['id']}").status_code == 404, collection
        assert api.read(f"{collection}/{item['id']}/history")["items"][0]["action"] == "delete"


def test_cascade_leaves_the_neighbours_alone(api, estate):
    other = api.create("instances", system=estate.system["id"], environment_group=estate.group["id"], key="two", name="Two")
    assert api.delete(f"/api/v1/instances/{estate.instance['id']}", params={"cascade": "true"}).status_code == 204
    assert api.get(f"/api/v1/components/{estate.component['id']}").status_code == 404
    assert api.get(f"/api/v1/instances/{other['id']}").status_code == 200
    assert api.get(f"/api/v1/component-definitions/{estate.definition['id']}").status_code == 200


def test_what_is_below_the_deleted_cannot_be_added_to(api, estate):
    api.delete(f"/api/v1/systems/{estate.system['id']}", params={"cascade": "true"})
    reply = api.post("/api/v1/components", json={"instance": estate.instance["id"], "definition": estate.definition["id"],
                                                 "key": "late", "name": "Late"})
    assert reply.status_code == 422 and pointers(reply) == ["/definition", "/instance"]


# --- races ---


def at_once(control, count, call):
    """Runs call(client, number) in `count` threads with a client each; returns the statuses, sorted."""

    def run(number):
        with control.client() as client:
            return call(client, number).status_code

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(run, range(count)))


def test_of_many_with_one_key_one_is_created(control, estate):
    body = {"business_unit": estate.unit["id"], "key": "race", "name": "Race"}
    assert at_once(control, 8, lambda client, _: client.post("/api/v1/systems", json=body)) == [201] + [409] * 7


def test_of_many_that_saw_one_version_one_changes_it(control, estate):
    path = f"/api/v1/systems/{estate.system['id']}"
    assert at_once(control, 8, lambda client, number: client.patch(
        path, json={"name": f"Name {number}"}, headers={"If-Match": '"1"'})) == [200] + [412] * 7


def test_nothing_is_left_below_what_was_deleted(control, api, estate):
    def call(client, number):
        if number == 4:
            return client.delete(f"/api/v1/instances/{estate.instance['id']}", params={"cascade": "true"})
        return client.post("/api/v1/components", json={"instance": estate.instance["id"], "key": f"c{number}", "name": "C",
                                                       "definition": estate.definition["id"]})

    assert set(at_once(control, 8, call)) <= {201, 204, 422}
    assert api.read("components", instance=estate.instance["id"])["items"] == []


def test_two_moves_do_not_make_a_circle(control, api, estate):
    units = [api.create("business-units", organisation=estate.organisation["id"], key=f"u{i}", name="U") for i in range(2)]
    moved = at_once(control, 2, lambda client, number: client.patch(
        f"/api/v1/business-units/{units[number]['id']}", json={"parent": units[1 - number]["id"]}))
    assert 422 in moved or 503 in moved, moved
    parents = [api.read(f"business-units/{unit['id']}")["parent"] for unit in units]
    assert None in parents


# --- what the API's description promises ---


def test_documented_defaults_are_the_stored_ones(api, estate):
    schemas = api.read("openapi.json")["components"]["schemas"]

    def resolved(schema):
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        return {**schemas[name], **schema} if name else schema

    for collection in COLLECTIONS:
        item = api.create(collection, **new_body(collection, estate))
        word = {"business-units": "business_unit", "environment-groups": "environment_group",
                "component-definitions": "component_definition"}.get(collection, collection[:-1])
        for name, schema in schemas[f"{word}_new"]["properties"].items():
            schema = resolved(schema)
            if "default" in schema:
                assert item[name] == schema["default"], f"{collection}.{name}"
        only_sometimes = {"heartbeat_path", "included"}
        assert set(schemas[word]["properties"]) - only_sometimes == set(item), collection
