"""What lists can be asked for: filters, order, pages, members, totals; and what they refuse."""

import uuid

import pytest

NAMES = ["Ledger", "Payments", "100% sure_thing", "Billing", "ledger archive", 'Quo"te\\d', "Zeta, with comma", "Ünïcode"]
LEVELS = ["critical", "non_critical", "informational"]


@pytest.fixture(scope="module")
def systems(control):
    """Eight systems of a business unit of their own: the query that names it, and they in the order of creation."""
    api = control.client()
    mark = uuid.uuid4().hex[:8]
    organisation = api.create("organisations", key=f"o{mark}", name="Lists")
    unit = api.create("business-units", organisation=organisation["id"], key="unit", name="Unit")
    made = []
    for number, name in enumerate(NAMES):
        attributes = {"rank": number, "owner": f"team-{number % 3}", "note": 'a "b" {c},\\d'} if number else {}
        made.append(api.create("systems", business_unit=unit["id"], key=f"s{number}", name=name, criticality=LEVELS[number % 3],
                               description=f"number {number}" if number % 2 else None, attributes=attributes,
                               tags=[["even", "odd"][number % 2], f"t{number}"], operational_at=0.5 + number / 100))
    return {"business_unit": unit["id"]}, made


@pytest.fixture
def found(api, systems):
    """found(name=value, …): the numbers of the systems that a query finds, in its order."""
    scope, _ = systems

    def ask(*pairs, **named):
        page = api.get("/api/v1/systems", params=[*scope.items(), *pairs, *named.items()])
        assert page.status_code == 200, page.text
        assert page.json()["next"] is None
        return [int(item["key"][1:]) for item in page.json()["items"]]

    return ask


ALL = list(range(len(NAMES)))


@pytest.mark.parametrize("query, expected", [
    ({}, ALL),
    ({"name": "Ledger"}, [0]),
    ({"name": "ledger"}, []),
    ({"name__ne": "Ledger"}, ALL[1:]),
    ({"name__in": "Ledger,Payments"}, [0, 1]),
    ({"name__contains": "LEDGER"}, [0, 4]),
    ({"name__contains": "%"}, [2]),
    ({"name__contains": "e_t"}, [2]),
    ({"name__contains": '"te\\'}, [5]),
    ({"name__contains": "ÜNÏ"}, [7]),
    ({"name__startswith": "led"}, [0, 4]),
    ({"name": "Zeta, with comma"}, [6]),
    ({"description__isnull": "true"}, [0, 2, 4, 6]),
    ({"description__isnull": "false"}, [1, 3, 5, 7]),
    ({"description__ne": "number 1"}, [0, 2, 3, 4, 5, 6, 7]),
    ({"criticality": "critical"}, [0, 3, 6]),
    ({"criticality__in": "critical,informational", "tag": "odd"}, [3, 5]),
    ({"operational_at__gte": "0.55"}, [5, 6, 7]),
    ({"operational_at__lt": "0.52", "operational_at__gt": "0.5"}, [1]),
    ({"created_at__lt": "2020-01-01T00:00:00Z"}, []),
    ({"created_at__gte": "2020-01-01T00:00:00Z"}, ALL),
    ({"version": "1"}, ALL),
    ({"tag": "t3"}, [3]),
    ({"tag__ne": "even"}, [1, 3, 5, 7]),
    ({"tag__all": "even"}, [0, 2, 4, 6]),
    ({"attributes.owner": "team-1"}, [1, 4, 7]),
    ({"attributes.owner__ne": "team-1"}, [0, 2, 3, 5, 6]),
    ({"attributes.owner__isnull": "true"}, [0]),
    ({"attributes.rank__gte": "6"}, [6, 7]),
    ({"attributes.rank__lt": "10"}, ALL[1:]),
    ({"attributes.owner__gt": "3"}, []),
    ({"attributes.note": 'a "b" {c},\\d'}, ALL[1:]),
    ({"attributes.note__contains": '"B" {'}, ALL[1:]),
    ({"attributes.it's": "x"}, []),
    ({"q": "archive"}, [4]),
    ({"sort": "-name", "name__contains": "ledger"}, [4, 0]),
    ({"sort": "criticality,-key"}, [6, 3, 0, 5, 2, 7, 4, 1]),
    ({"sort": "description", "tag": "t0"}, [0]),
])
def test_filters_and_order(found, query, expected):
    assert found(**query) == expected


def test_a_repeated_field_finds_any_of_its_values(found):
    assert found(("name", "Ledger"), ("name", "Billing")) == [0, 3]
    assert found(("tag", "t1"), ("tag", "t2")) == [1, 2]
    assert found(("tag__all", "odd"), ("tag__all", "t5")) == [5]
    assert found(("name__ne", "Ledger"), ("name__ne", "Billing")) == [1, 2, 4, 5, 6, 7]
    assert found(("name__contains", "pay"), ("name__contains", "bill")) == [1, 3]


@pytest.mark.parametrize("sort", [None, "name", "-criticality,name", "description", "-description,-operational_at", "-created_at"])
def test_pages_are_the_whole(api, systems, sort):
    scope, _ = systems
    query = {**scope, **({"sort": sort} if sort else {})}
    whole = [item["id"] for item in api.read("systems", **query)["items"]]
    assert len(whole) == len(NAMES)
    for limit in (1, 3, 8):
        seen, cursor = [], None
        while True:
            page = api.read("systems", **query, limit=limit, count="true", **({"cursor": cursor} if cursor else {}))
            assert page["total"] == len(NAMES)
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == whole


def test_a_cursor_holds_while_rows_change(api):
    mark = uuid.uuid4().hex[:8]
    organisation = api.create("organisations", key=f"o{mark}", name="Cursor")
    units = [api.create("business-units", organisation=organisation["id"], key=f"u{number}", name=f"Unit {number}") for number in range(4)]
    query = {"organisation": organisation["id"], "sort": "-name", "limit": 2}
    page = api.read("business-units", **query)
    assert [unit["name"] for unit in page["items"]] == ["Unit 3", "Unit 2"]
    assert api.delete(f"/api/v1/business-units/{units[2]['id']}").status_code == 204  # what the cursor points at
    api.create("business-units", organisation=organisation["id"], key="u9", name="Unit 9")
    page = api.read("business-units", **query, cursor=page["next"])
    assert [unit["name"] for unit in page["items"]] == ["Unit 1", "Unit 0"] and page["next"] is None


def test_only_the_wanted_members(api, systems):
    scope, made = systems
    page = api.read("systems", **scope, fields="key,name,attributes", limit=1)
    assert page["items"] == [{member: made[0][member] for member in ("key", "name", "attributes")}]


@pytest.mark.parametrize("query, pointer, detail", [
    ({"colour": "red"}, "?colour", "is no field of this list"),
    ({"name__like": "x"}, "?name__like", "is no field of this list"),
    ({"business_unit__lt": "x"}, "?business_unit__lt", "cannot be asked for in that way"),
    ({"tags": "x"}, "?tags", "is no field of this list"),
    ({"business_unit__ne": "x"}, "?business_unit__ne", "must be a UUID"),
    ({"version__gt": "1.5"}, "?version__gt", "must be a whole number"),
    ({"operational_at": "much"}, "?operational_at", "must be a number"),
    ({"created_at__lt": "yesterday"}, "?created_at__lt", "must be a time"),
    ({"name__isnull": "maybe"}, "?name__isnull", "must be true or false"),
    ({"attributes.rank__gt": "x"}, "?attributes.rank__gt", "must be a number"),
    ({"sort": "name,colour"}, "?sort", 'has "colour", which is no field to sort by'),
    ({"sort": "tags"}, "?sort", 'has "tags", which is no field to sort by'),
    ({"sort": "key,name,version,criticality,lifecycle"}, "?sort", "may have at most 4 fields"),
    ({"fields": "name,colour"}, "?fields", 'has "colour", which is no field of this'),
    ({"limit": "0"}, "?limit", "must be a number from 1 to 1000"),
    ({"name": "x" * 501}, "?name", "at most 500 bytes"),
])
def test_what_is_wrong_is_named(api, query, pointer, detail):
    reply = api.get("/api/v1/systems", params=query)
    assert reply.status_code == 400, reply.text
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]
    assert detail in reply.json()["errors"][0]["detail"]


def test_all_that_is_wrong_is_named_at_once(api):
    reply = api.get("/api/v1/systems", params={"colour": "red", "version": "x", "sort": "size"})
    assert [error["pointer"] for error in reply.json()["errors"]] == ["?colour", "?version", "?sort"]


@pytest.mark.parametrize("cursor", ["00", "zz", "5b5d", "abc", "5b2261222c2262225d", "01890a5d-ac96-774b-bcce-b302099a8057"])
def test_a_foreign_cursor_is_refused(api, cursor):
    reply = api.get("/api/v1/systems", params={"sort": "name,key", "cursor": cursor})
    assert reply.status_code == 400 and "cursor" in reply.json()["detail"], reply.text
    reply = api.get("/api/v1/systems", params={"cursor": "5b2261222c2262225d"})
    assert reply.status_code == 400 and "cursor" in reply.json()["detail"], reply.text


def test_more_parameters_than_there_may_be(api):
    reply = api.get("/api/v1/systems", params=[("tag", f"t{number}") for number in range(200)])
    assert reply.status_code == 400 and "more parameters" in reply.json()["errors"][-1]["detail"]
