"""How much a caller may ask: set by the API, told by headers, held for each by themselves."""

import uuid

import pytest

import processes
from test_cmdb import check_problem


@pytest.fixture(scope="module")
def own(service_user):
    """A control of these tests' own: limits would hold for all others, too."""
    control = processes.Control().wait_ready()
    yield control
    control.stop()
    control.remove()


@pytest.fixture
def limits(own):
    """limits(class_, subject, quota, window_s) sets one; all are as they were afterwards."""
    with own.client() as api:
        before = {(row["class"], row["subject"]): row for row in api.read("rate-limits")["items"]}

        def change(class_, subject, quota, window_s=60):
            row = before[class_, subject]
            reply = api.patch(f"/api/v1/rate-limits/{row['id']}", json={"quota": quota, "window_s": window_s})
            assert reply.status_code == 200, reply.text
            return reply

        yield change
        for row in before.values():
            path = f"/api/v1/rate-limits/{row['id']}"
            fields = {"quota": row["quota"], "window_s": row["window_s"]}
            assert api.patch(path, json=fields).status_code == 200


def new_key(own, *scopes):
    with own.client() as api:
        made = api.post("/api/v1/api-keys", json={"name": "k", "scopes": list(scopes)}).json()
    return processes.Client(own.url, made["key"])


def test_there_is_one_for_each_class_and_subject(own):
    with own.client() as api:
        rows = api.read("rate-limits")["items"]
        assert {(row["class"], row["subject"]) for row in rows} == {
            (class_, subject) for class_ in ("browse", "change", "expensive", "sign_in") for subject in ("key", "user", "address")}
        assert api.read(f"rate-limits/{rows[0]['id']}") == rows[0]
        limited = {(row["class"], row["subject"]): (row["quota"], row["window_s"]) for row in rows if row["quota"]}
        assert limited == {("expensive", "key"): (100, 5), ("sign_in", "address"): (30, 30)}


def test_a_key_is_held_to_its_quota_and_others_are_not(own, limits):
    limits("browse", "key", 5, 3600)
    first, second = new_key(own, "inventory.read"), new_key(own, "inventory.read")
    for left in range(4, -1, -1):
        reply = first.get("/api/v1/systems")
        assert reply.status_code == 200
        assert reply.headers["RateLimit-Policy"] == '"browse-key";q=5;w=3600'
        assert reply.headers["RateLimit"].startswith(f'"browse-key";r={left};t=')
    refused = first.get("/api/v1/systems")
    check_problem(refused, 429, "rate_limited")
    assert 600 < int(refused.headers["Retry-After"]) <= 720 and refused.headers["RateLimit"].startswith('"browse-key";r=0;')
    assert second.get("/api/v1/systems").status_code == 200


@pytest.mark.parametrize("path, cost", [("systems?limit=1", 1), ("systems?limit=1&q=pay", 3), ("tree", 5), ("journal/export", 10)])
def test_what_reads_much_costs_more(own, limits, path, cost):
    limits("browse", "key", 12, 3600)
    client = new_key(own, "inventory.read", "health.read", "journal.read")
    for left in (12 - cost, max(12 - 2 * cost, 0)):
        reply = client.get(f"/api/v1/{path}")
        assert reply.status_code == 200 and reply.headers["RateLimit"].startswith(f'"browse-key";r={left};t=')
    assert client.get("/api/v1/systems").status_code == (200 if 2 * cost < 12 else 429)


def test_a_person_is_held_over_all_keys(own, limits):
    limits("change", "user", 40, 3600)
    clients = [new_key(own, "inventory.write", "inventory.read") for _ in range(3)]  # three changes, too
    answers = [clients[n % 3].post("/api/v1/organisations", json={"key": f"o{uuid.uuid4().hex[:8]}", "name": "O"}).status_code
               for n in range(60)]
    assert set(answers) == {201, 429} and answers.count(201) <= 37


def test_addresses_are_held_without_any_credential(own, limits):
    limits("sign_in", "address", 3, 3600)
    answers = [processes.Client(own.url).post("/api/v1/session", json={"api_key": "em_key_" + "x" * 40}).status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]


def test_a_change_holds_at_once_and_is_in_the_journal(own, limits):
    reply = limits("browse", "user", 1000000, 60)
    assert reply.json()["quota"] == 1000000
    with own.client() as api:
        assert '"browse-user";q=1000000;w=60' in api.get("/api/v1/systems").headers["RateLimit-Policy"]
    limits("browse", "user", None)
    with own.client() as api:
        assert "RateLimit-Policy" not in api.get("/api/v1/systems").headers


@pytest.mark.slow
def test_it_is_kept_over_a_restart(start_control):
    control = start_control()
    with control.client() as api:
        row = next(row for row in api.read("rate-limits")["items"] if (row["class"], row["subject"]) == ("browse", "key"))
        api.patch(f"/api/v1/rate-limits/{row['id']}", json={"quota": 500})
    control.stop()
    again = start_control(data=control.data)
    with again.client() as api:
        assert api.get("/api/v1/systems").headers["RateLimit-Policy"] == '"browse-key";q=500;w=60'


@pytest.mark.parametrize("body, pointer", [({"quota": 0}, "/quota"), ({"quota": 10**10}, "/quota"), ({"window_s": 0}, "/window_s"),
                                           ({"window_s": 86401}, "/window_s"), ({"class": "x"}, "/class"), ({}, "")])
def test_wrong_limits_are_refused(own, body, pointer):
    with own.client() as api:
        row = api.read("rate-limits")["items"][0]
        problem = check_problem(api.patch(f"/api/v1/rate-limits/{row['id']}", json=body), 422, "body_invalid")
        assert problem["errors"][0]["pointer"] == pointer


def test_who_has_set_one_too_low_can_mend_it(own, limits):
    for subject in ("key", "user", "address"):
        limits("browse", subject, 1, 86400)
        limits("change", subject, 1, 86400)
    with own.client() as api:
        assert [api.get("/api/v1/systems").status_code for _ in range(2)][1] == 429
        for _ in range(5):
            assert api.get("/api/v1/rate-limits").status_code == 200


def test_dry_run_and_lost_races(own):
    with own.client() as api:
        row = api.read("rate-limits")["items"][0]
        path = f"/api/v1/rate-limits/{row['id']}"
        assert api.patch(f"{path}?dry_run=true", json={"quota": 1}).json()["quota"] == 1
        assert api.get(path).json() == row
        lost = api.patch(path, json={"quota": 5}, headers={"If-Match": '"99"'})
        assert lost.status_code == 412 and lost.json()["current"] == row
        check_problem(api.patch("/api/v1/rate-limits/01890000-0000-7000-8000-000000000000", json={"quota": 5}), 404, "row_missing")


def test_takes_the_permission(own):
    reader = new_key(own, "settings.read")
    rows = reader.get("/api/v1/rate-limits").json()["items"]
    check_problem(reader.patch(f"/api/v1/rate-limits/{rows[0]['id']}", json={"quota": 5}), 403, "permission_missing")
