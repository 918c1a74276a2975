"""Who belongs to an organisation sees nothing of another: each operation of the document is tried with what is another's.

Two organisations have the same content; `mine` asks for what is `theirs`. An operation that the tables here do not know how to
ask for fails the test: whoever adds a route says what it does between organisations.
"""

import json
import uuid

import pytest

import contract
from instance import sql
from processes import Client
from tenants import Tenant, in_the_future
from test_live import Live
from test_live import pytestmark as needs_node

INSTALLATION = {"settings.read", "settings.write", "metrics.read", "fleet.read", "fleet.write"}

# Of the service itself: the same for everybody, also for nobody.
OF_THE_SERVICE = {"get_liveness", "get_readiness", "get_metrics", "get_openapi", "list_webhook_events"}
# Work out their answer from the body alone.
PURE = {"preview_health_transitions", "preview_health_locations", "preview_health_propagation"}
# Answers about the caller.
OF_THE_CALLER = {"get_session", "create_session", "delete_session"}
# Shows that an id is unknown by showing nothing, as for any id.
EMPTY_FOR_ANY = {"get_settings_history", "get_rate_limit_history"}

COLLECTIONS = {"organisations": "organisation", "business-units": "business_unit", "systems": "system",
               "environment-groups": "environment_group", "instances": "instance",
               "component-definitions": "component_definition", "components": "component", "checks": "check"}
INCLUDES = {"organisations": "", "business-units": "organisation,parent", "systems": "business_unit,health",
            "environment-groups": "business_unit,health", "instances": "system,environment_group,health",
            "component-definitions": "system", "components": "instance,definition,health", "checks": "component",
            "webhooks": "status"}


FIELDS = {"journal": "id,entity,after", "webhooks": "id,name,url", "webhook-deliveries": "id,webhook"}


def operations():
    return [pytest.param(method.upper(), path, operation, id=operation["operationId"])
            for path, methods in contract.document()["paths"].items()
            for method, operation in methods.items() if method in ("get", "post", "patch", "put", "delete")]


def of(*methods, with_id):
    return pytest.mark.parametrize("method, path, operation", [
        case for case in operations() if case.values[0] in methods and ("{" in case.values[1]) == with_id])


@pytest.fixture(scope="module")
def admin(control):
    with control.client() as client:
        yield client


@pytest.fixture(scope="module")
def mine(control, admin):
    tenant = Tenant(control, admin, "green")
    yield tenant
    tenant.close()


@pytest.fixture(scope="module")
def theirs(control, admin):
    tenant = Tenant(control, admin, "violet")
    yield tenant
    tenant.close()


def collection_of(path):
    return path.strip("/").removeprefix("api/v1/").split("/")[0]


def one_of(tenant, name, collection):
    """The id of the tenant's thing that the operation is about."""
    if name.startswith("restore_") and collection in tenant.fallen:
        return tenant.fallen[collection]["id"]
    return tenant.things["beats" if name in ("rotate_heartbeat", "run_check", "list_check_results") else collection]["id"]


def is_refused(reply, operation):
    """What concerns the installation is answered by the permission that nobody in an organisation has."""
    assert reply.status_code == 403 and reply.json()["code"] == "permission_missing", reply.text
    assert operation["x-permission"] in reply.json()["detail"]


def comparable(reply, named):
    """An answer without what is another one each time, and without the id that was asked for."""
    text = reply.text.replace(named, "<id>")
    body = json.loads(text) if text and "json" in reply.headers.get("Content-Type", "") else text
    if isinstance(body, dict):
        body.pop("request_id", None)
    return reply.status_code, body


# --- reading ---


def value_for(name, tenant, collection):
    """A value of a query parameter that leads to the tenant's things; fails for one that nobody has thought of."""
    thing = tenant.things.get(collection, {})
    known = {"limit": 1000, "sort": "-id", "fields": FIELDS.get(collection, "id,key,name"), "count": "true", "q": tenant.word,
             "include": INCLUDES.get(collection), "as_of": tenant.before, "organisation": tenant.id, "root": tenant.id,
             "depth": 9, "chain": tenant.id, "after": 0, "tag": tenant.word, "scope": tenant.things["components"]["id"],
             "from": "2020-01-01T00:00:00Z", "to": in_the_future(1), "state": "down", "kind": thing.get("kind", "component"),
             "id": thing.get("id", tenant.things["components"]["id"]), "cursor": None}
    if name in known:
        return known[name]
    if name == "attributes":
        return tenant.word  # asked for by its own name
    assert name in thing, f"what does ?{name}= of {collection} show of another organisation?"
    return thing[name] if not isinstance(thing[name], (list, dict)) else None


def queries_for(operation, tenant, collection):
    yield {}
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "query":
            continue
        name = parameter["name"]
        value = value_for(name, tenant, collection)
        if name == "attributes":
            yield {"attributes.mark": value}
        elif value not in (None, ""):
            yield {name: str(value).lower() if isinstance(value, bool) else value}


@of("GET", with_id=False)
def test_lists_have_nothing_of_theirs(mine, theirs, admin, method, path, operation):
    name, collection = operation["operationId"], collection_of(path)
    if operation.get("x-permission") in INSTALLATION:
        is_refused(mine.client.get(path), operation)
        return
    for query in queries_for(operation, theirs, collection):
        reply = mine.client.get(path, params=query)
        missing = set(query) & {"root", "chain"} or name == "export_journal"  # whose chain is the installation's, if none is named
        assert reply.status_code == 200 or (reply.status_code == 404 and missing), (query, reply.text)
        assert not theirs.seen_in(reply.text), (query, theirs.seen_in(reply.text))
    if name in OF_THE_SERVICE | OF_THE_CALLER | EMPTY_FOR_ANY:
        return
    known = {parameter["name"] for parameter in operation.get("parameters", [])}
    everything = {"limit": 1000} if "limit" in known else {}
    if "sort" in known:
        everything["sort"] = "-id"  # others may have made more than a page
    if name == "export_journal":
        everything["chain"] = theirs.id
    # The same question does show what there is to who may see it.
    assert theirs.seen_in(theirs.client.get(path, params=everything).text)
    assert name == "list_journal" or theirs.seen_in(admin.get(path, params=everything).text)


@of("GET", with_id=True)
def test_their_things_are_not_there(mine, theirs, method, path, operation):
    name, collection = operation["operationId"], collection_of(path)
    if operation.get("x-permission") in INSTALLATION:
        is_refused(mine.client.get(path.format(id=uuid.uuid4())), operation)
        return
    if collection == "hooks":
        is_secret_address(path, theirs, mine)
        return
    unknown = str(uuid.uuid4())
    wanted = unknown if collection == "rate-limits" else one_of(theirs, name, collection)
    for query in queries_for(operation, theirs, collection):
        reply = mine.client.get(path.format(id=wanted), params=query)
        assert comparable(reply, wanted) == comparable(mine.client.get(path.format(id=unknown), params=query), unknown)
        assert not theirs.seen_in(reply.text.replace(wanted, "<id>"))
    if name in EMPTY_FOR_ANY:
        return
    own = theirs.client.get(path.format(id=wanted))
    assert own.status_code == 200 and theirs.seen_in(own.text.replace(wanted, "<id>") if name != "get_journal_entry" else own.text)
    assert mine.client.get(path.format(id=one_of(mine, name, collection))).status_code == 200


def is_secret_address(path, theirs, mine):
    """Whoever knows the address may call it, and nobody is told: it is in none of the answers to others (`marks` has it)."""
    assert "{token}" in path and theirs.things["tokens"]["id"] in theirs.marks
    assert mine.client.get(path.format(token=theirs.things["tokens"]["id"][::-1])).status_code == 404


def test_totals_count_only_what_one_sees(mine, theirs, admin):
    for collection in COLLECTIONS:
        own = mine.client.read(collection, count="true")
        assert own["total"] == theirs.client.read(collection, count="true")["total"] == len(own["items"])
        assert admin.read(collection, count="true")["total"] >= 2 * own["total"]


def test_the_tree_is_of_one_organisation(mine, theirs, admin):
    assert [item["id"] for item in mine.client.read("tree")["items"]] == [mine.id]
    assert {mine.id, theirs.id} <= {item["id"] for item in admin.read("tree")["items"]}


# --- writing ---

def new_thing(collection, tenant):
    """The body of a new thing below the tenant's."""
    things = {name: thing["id"] for name, thing in tenant.things.items()}
    below = {
        "organisations": {}, "business-units": {"organisation": tenant.id}, "systems": {"business_unit": things["business-units"]},
        "environment-groups": {"business_unit": things["business-units"], "kind": "dev"},
        "instances": {"system": things["systems"], "environment_group": things["environment-groups"]},
        "component-definitions": {"system": things["systems"], "kind": "db"},
        "components": {"instance": things["instances"], "definition": things["component-definitions"]},
        "checks": {"component": things["components"], "kind": "tcp", "spec": {"address": "127.0.0.1", "port": 1}},
    }[collection]
    return {"key": f"new{uuid.uuid4().hex[:8]}", "name": "New", **below}


def windows(tenant):
    return {"scope": {"component": tenant.things["components"]["id"]}, "starts_at": in_the_future(2), "ends_at": in_the_future(3)}


def body_for(name, collection, tenant):
    """The body of a write that the tenant's own client may send; fails for an operation that nobody has thought of."""
    if collection in COLLECTIONS and name == f"create_{COLLECTIONS[collection]}":
        return new_thing(collection, tenant)
    if collection in COLLECTIONS and name == f"update_{COLLECTIONS[collection]}":
        return {"description": "Changed by another"}
    bodies = {
        "create_maintenance_window": windows(tenant), "update_settings": {}, "update_rate_limit": {"quota": None},
        "create_api_key": {"name": "Another", "organisation": tenant.id, "scopes": ["inventory.read"]},
        "create_webhook": {"name": "Hook", "url": "https://x.test/", "events": ["system.created"], "organisation": tenant.id},
        "update_webhook": {"description": "Changed by another"}, "rotate_webhook_secret": {},
        "replay_webhook": {"from": "2020-01-01T00:00:00Z", "until": in_the_future(1)},
        "preview_check": {"id": tenant.things["checks"]["id"], "kind": "http",
                          "spec": {"url": "https://x.test/", "auth": {"bearer": "********"}}},
    }
    without_body = ("delete_", "restore_", "rotate_", "end_", "run_", "test_", "replay_")
    assert name in bodies or name.startswith(without_body), f"what does {name} do to another organisation?"
    return bodies.get(name)


@of("POST", "PATCH", "PUT", "DELETE", with_id=True)
def test_their_things_cannot_be_written(mine, theirs, method, path, operation):
    name, collection = operation["operationId"], collection_of(path)
    if operation.get("x-permission") in INSTALLATION:
        is_refused(mine.client.request(method, path.format(id=uuid.uuid4()), json=body_for(name, collection, theirs)), operation)
        return
    if collection == "hooks":
        assert "{token}" in path  # see is_secret_address()
        return
    wanted, unknown = one_of(theirs, name, collection), str(uuid.uuid4())
    body, before = body_for(name, collection, theirs), theirs.fingerprint()
    for query in ("", "?dry_run=true", "?cascade=true"):
        if "?" in query and query[1:].split("=")[0] not in {p["name"] for p in operation.get("parameters", [])}:
            continue
        reply = mine.client.request(method, path.format(id=wanted) + query, json=body)
        assert reply.status_code == 404, reply.text
        assert comparable(reply, wanted) == comparable(mine.client.request(method, path.format(id=unknown) + query, json=body), unknown)
    assert theirs.fingerprint() == before
    if "dry_run" in {parameter["name"] for parameter in operation.get("parameters", [])}:
        own = theirs.client.request(method, path.format(id=wanted) + "?dry_run=true", json=body)
        # What is wrong for its owner is not the body, nor that it is not there.
        assert own.status_code in (200, 202, 204, 409) or name in ("delete_organisation", "restore_organisation"), own.text


@of("POST", "PATCH", "PUT", "DELETE", with_id=False)
def test_nothing_can_be_put_below_theirs(mine, theirs, method, path, operation):
    name, collection = operation["operationId"], collection_of(path)
    if name in PURE | OF_THE_CALLER:
        assert not theirs.seen_in(mine.client.request(method, path, json={}).text)
        return
    if name.startswith("bulk_"):
        bulk_is_refused(mine, theirs, path, collection)
        return
    if name == "verify_journal":
        unknown = str(uuid.uuid4())
        assert told_of_chain(mine, path, theirs.id) == told_of_chain(mine, path, unknown).replace(unknown, theirs.id)
        return
    body = body_for(name, collection, theirs)
    before = theirs.fingerprint()
    reply = mine.client.request(method, path, json=body)
    assert theirs.fingerprint() == before
    if operation.get("x-permission") in INSTALLATION:
        is_refused(reply, operation)
    elif name == "create_organisation":
        assert reply.status_code == 403 and reply.json()["code"] == "organisation_denied"
    elif name == "preview_check":
        assert reply.status_code == 404
    else:
        assert reply.status_code == 422, reply.text
        assert "not_found" in {error["code"] for error in reply.json()["errors"]}
        own = theirs.client.request(method, f"{path}?dry_run=true", json=body)
        assert own.status_code == 201, own.text


def told_of_chain(tenant, path, chain):
    """What is found in an export that claims to have a chain's first record."""
    batch = {"chain": chain, "first": 1, "last": 1, "count": 1, "sealed_at": in_the_future(0), "hash": "1" * 64}
    lines = "".join(json.dumps(line) + "\n" for line in ({"journal": 1}, {"batch": batch}, {"heads": []}))
    reply = tenant.client.post(path, data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status_code == 200 and "chain_unknown" in reply.text, reply.text
    return json.dumps(reply.json()["findings"])


def bulk_is_refused(mine, theirs, path, collection):
    wanted, before = theirs.things[collection]["id"], theirs.fingerprint()
    rows = {"delete": [wanted, {"id": wanted, "cascade": True}], "update": [{"id": wanted, "name": "Other"}],
            "create": [new_thing(collection, theirs)]}
    reply = mine.client.post(path, json=rows)
    assert reply.status_code == 200 and reply.json()["succeeded"] == 0, reply.text
    statuses = [row["status"] for row in reply.json()["results"]]
    assert statuses == [404, 404, 404, 403 if collection == "organisations" else 422], reply.text
    assert not theirs.seen_in(reply.text)
    assert mine.client.post(path, json={**rows, "atomic": True}).status_code == 422
    assert theirs.fingerprint() == before


@pytest.mark.parametrize("collection, field, to", [
    ("business-units", "parent", "business-units"), ("systems", "business_unit", "business-units"),
    ("environment-groups", "business_unit", "business-units"), ("instances", "environment_group", "environment-groups"),
])
def test_mine_cannot_be_moved_to_theirs(mine, theirs, collection, field, to):
    for reference in (theirs.things[to]["id"], f"{theirs.word}/{theirs.things['business-units']['key']}"):
        reply = mine.client.patch(f"/api/v1/{collection}/{mine.things[collection]['id']}", json={field: reference})
        assert reply.status_code == 422 and reply.json()["errors"][0]["code"] == "not_found", reply.text


def test_paths_of_keys_do_not_lead_to_theirs(mine, theirs):
    body = {"name": "New", "kind": "tcp", "spec": {"address": "127.0.0.1", "port": 1}}
    assert mine.client.post("/api/v1/checks?dry_run=true", json={**body, "component": mine.path}).status_code == 201
    reply = mine.client.post("/api/v1/checks?dry_run=true", json={**body, "component": theirs.path})
    assert reply.status_code == 422 and [error["pointer"] for error in reply.json()["errors"]] == ["/component"]


def test_an_organisation_does_not_decide_on_organisations(mine):
    path = f"/api/v1/organisations/{mine.id}"
    for reply in (mine.client.patch(path, json={"key": f"{mine.word}-other"}), mine.client.delete(path),
                  mine.client.delete(f"{path}?cascade=true"), mine.client.post(f"{path}/restore")):
        assert reply.status_code == 403 and reply.json()["code"] == "organisation_denied"
    reply = mine.client.patch(f"{path}?dry_run=true", json={"description": "Ours"})
    assert reply.status_code == 200


# --- live ---


@pytest.fixture
def follow(control):
    """follow(tenant): a live connection by a session that the tenant's key has opened."""
    clients = []

    def connect(tenant):
        reply = tenant.client.post("/api/v1/session", json={"api_key": tenant.key["key"]})
        tenant.client.cookies.clear()
        client = Live(control, reply.headers["Set-Cookie"].split(";")[0])
        clients.append(client)
        client.expect("connect")
        return client

    yield connect
    for client in clients:
        client.close()


def rooms_of(tenant):
    return [f"{kind}:{thing['id']}" for kind in ("entity", "health") for collection, thing in tenant.things.items()
            if collection in set(COLLECTIONS) - {"component-definitions"}] + [f"journal:{tenant.id}"]


@needs_node
def test_their_changes_are_not_told(follow, mine, theirs, admin):
    client = follow(mine)
    denied = [*rooms_of(theirs), f"journal:{uuid.UUID(int=0)}"]
    answer = client.subscribe(*rooms_of(mine), *denied)
    assert sorted(answer["ok"]) == sorted(rooms_of(mine)) and sorted(answer["denied"]) == sorted(denied)
    for tenant in (theirs, mine):
        reply = admin.patch(f"/api/v1/systems/{tenant.things['systems']['id']}", json={"description": f"{tenant.word} told"})
        assert reply.status_code == 200
    # Theirs came first, so it would be here by now. The system and its record in the journal are told.
    changes = [client.expect("change")["change"] for _ in range(2)]
    assert {change["id"] for change in changes} == {mine.things["systems"]["id"]}
    assert sorted(name for change in changes for name in change["changed"]) == ["entity", "journal"]

    again = client.subscribe(f"health:{theirs.id}", f"health:{mine.id}", seq=answer["seq"])
    assert again["denied"] == [f"health:{theirs.id}"]
    assert client.expect("change")["change"]["id"] == mine.things["systems"]["id"]


@needs_node
def test_who_comes_to_belong_elsewhere_is_disconnected(control, follow, admin, theirs):
    """A key does not move by the API; whoever moves it in the database finds its connections ended within a second or so."""
    moved = Tenant(control, admin, "grey")
    client = follow(moved)
    assert client.subscribe(f"health:{moved.id}")["denied"] == []
    sql(control.data, f"UPDATE api_key SET organisation_id = '{theirs.id}' WHERE id = '{moved.key['id']}'")
    client.expect("disconnect", deadline_s=10)
    moved.close()


# --- keys, sessions and answers that are kept ---


def test_a_key_says_where_it_belongs(mine, theirs, admin):
    assert mine.key["organisation"] == mine.things["api-keys"]["organisation"] == mine.id
    session = mine.client.read("session")
    assert session["organisation"] == mine.id and admin.read("session")["organisation"] is None
    assert "inventory.write" in session["permissions"] and not INSTALLATION & set(session["permissions"])
    listed = {key["id"]: key["organisation"] for key in admin.read("api-keys", limit=1000)["items"]}
    assert listed[mine.key["id"]] == mine.id and listed[theirs.key["id"]] == theirs.id


@pytest.mark.parametrize("fields, pointer, code", [
    ({"organisation": None}, "/organisation", "denied"), ({"organisation": "theirs"}, "/organisation", "not_found"),
    ({"organisation": "nowhere"}, "/organisation", "not_found"), ({"scopes": ["settings.read"]}, "/scopes/0", "of_installation"),
])
def test_nobody_makes_a_wider_key(mine, theirs, fields, pointer, code):
    if fields.get("organisation") == "theirs":
        fields = {"organisation": theirs.word}
    reply = mine.client.post("/api/v1/api-keys", json={"name": "wider", **fields})
    assert reply.status_code == 422
    assert [(error["pointer"], error["code"]) for error in reply.json()["errors"]] == [(pointer, code)]


def test_a_key_made_by_a_key_stays_inside(control, mine, theirs):
    made = mine.client.create("api-keys", name="child", scopes=["*"])
    with Client(control.url, made["key"]) as child:
        assert child.read("session")["organisation"] == mine.id
        assert [item["id"] for item in child.read("organisations")["items"]] == [mine.id]
        assert child.get(f"/api/v1/systems/{theirs.things['systems']['id']}").status_code == 404
        assert child.get("/api/v1/settings").status_code == 403
    assert mine.client.delete(f"/api/v1/api-keys/{made['id']}").status_code == 204
    history = mine.client.read(f"api-keys/{made['id']}/history")["items"]
    assert [entry["action"] for entry in history] == ["revoke", "create"]
    assert theirs.client.read(f"api-keys/{made['id']}/history")["items"] == []


def test_a_session_is_where_its_key_is(control, mine, theirs):
    with Client(control.url) as browser:
        reply = browser.post("/api/v1/session", json={"api_key": mine.key["key"]})
        assert reply.status_code == 200 and reply.json()["organisation"] == mine.id
        assert [item["id"] for item in browser.read("organisations")["items"]] == [mine.id]
        assert browser.get(f"/api/v1/components/{theirs.things['components']['id']}").status_code == 404
        csrf = {"X-CSRF-Token": reply.json()["csrf_token"]}
        refused = browser.patch(f"/api/v1/systems/{theirs.things['systems']['id']}", json={"name": "x"}, headers=csrf)
        assert refused.status_code == 404
        assert browser.delete("/api/v1/session", headers=csrf).status_code == 204


def test_an_answer_that_is_kept_is_of_one_organisation(mine, theirs):
    """The two keys have the same owner; what was answered to one is none of the other's."""
    once = {"Idempotency-Key": f"once-{uuid.uuid4()}"}
    body = new_thing("systems", mine)
    first = mine.client.post("/api/v1/systems", json=body, headers=once)
    assert first.status_code == 201
    again = mine.client.post("/api/v1/systems", json=body, headers=once)
    assert again.json() == first.json() and again.headers["Idempotent-Replayed"] == "true"
    reply = theirs.client.post("/api/v1/systems", json=body, headers=once)
    assert reply.status_code == 422 and not mine.seen_in(reply.text.replace(body["business_unit"], ""))
    assert reply.json()["code"] == "body_invalid"


def test_the_installation_sees_and_changes_both(mine, theirs, admin):
    for tenant in (mine, theirs):
        path = f"/api/v1/systems/{tenant.things['systems']['id']}"
        assert admin.get(path).status_code == 200
        assert admin.patch(f"{path}?dry_run=true", json={"name": "Ours"}).status_code == 200


# --- what is written of it ---

# A write that adds nothing to the journal, and why.
SILENT = {
    **dict.fromkeys(PURE | {"preview_check", "verify_journal"}, "changes nothing"),
    "run_check": "changes nothing: a result comes sooner",
    "test_webhook": "changes nothing: its delivery stands in the log of deliveries",
    "create_session": "who signs in or out changes nothing that others see",
    "delete_session": "likewise",
    **dict.fromkeys(("post_heartbeat", "post_heartbeat_fail", "post_heartbeat_start"), "is a result, and stands among those"),
}
VERBS = ["create", "bulk", "update", "rotate", "replay", "end", "delete", "restore"]
BEGINNING = list(reversed(COLLECTIONS))  # what is below is deleted, and restored, first


def writes():
    """(method, path, operationId, collection) of all that has to be in the journal, in an order in which all can be done."""
    found = []
    for case in operations():
        method, path, operation = case.values
        name, collection = operation["operationId"], collection_of(path)
        if method != "GET" and name not in SILENT:
            assert name.split("_")[0] in VERBS, f"when is {name} to be done, or why is it not in the journal?"
            place = BEGINNING.index(collection) if collection in BEGINNING else -1
            found.append((place, collection, VERBS.index(name.split("_")[0]), method, path, name))
    return [(method, path, name, collection) for *_, collection, _, method, path, name in sorted(found)]


def test_each_write_is_in_the_journal(mine, admin):
    hook = f"/api/v1/webhooks/{mine.things['webhooks']['id']}"
    for enabled in (False, True):  # what waited has ended, and can be replayed
        assert admin.patch(hook, json={"enabled": enabled}).status_code == 200
    row = admin.read("rate-limits")["items"][0]
    running = admin.create("maintenance-windows", **{**windows(mine), "starts_at": in_the_future(-1)})
    targets = {"update_rate_limit": row["id"], "end_maintenance_window": running["id"]}
    bodies = {"update_rate_limit": {"window_s": row["window_s"]}, "update_settings": {"retention": admin.read("settings")["retention"]}}
    missing = []
    for method, path, name, collection in writes():
        if "{id}" in path:
            path = path.format(id=targets.get(name) or mine.things["beats" if name == "rotate_heartbeat" else collection]["id"])
        body = {"create": [new_thing(collection, mine)]} if name.startswith("bulk_") else bodies.get(name)
        reply = admin.request(method, path, json=body or body_for(name, collection, mine),
                              params={"cascade": "true"} if name == f"delete_{COLLECTIONS.get(collection)}" else None,
                              headers={"X-Request-Id": f"{mine.word}-{name}"})
        assert reply.status_code in (200, 201, 202, 204), f"{name}: {reply.text}"
        if not admin.read("journal", request_id=f"{mine.word}-{name}", limit=1)["items"]:
            missing.append(name)
    assert missing == []
    assert set(SILENT) <= {case.values[2]["operationId"] for case in operations()}
