"""The preview calls: what the rules say of given facts, exactly as the engine would do."""

import pytest


def ask(api, what, body, status=200):
    reply = api.post(f"/api/v1/health/preview/{what}", json=body)
    assert reply.status_code == status, reply.text
    return reply.json()


def transitions(api, entries, **params):
    return ask(api, "transitions", {"params": params, "input": entries})["steps"]


def test_transitions_with_defaults(api):
    steps = transitions(api, [[0, "ok"], [60, "fail"], [80, "fail"], [100, "fail"], [160, "ok"], [180, "ok"]])
    assert steps == [
        {"published": "operational", "hard": "operational", "events": [], "soft": False, "next_in_s": 60},
        {"published": "operational", "hard": "operational", "events": [], "soft": True, "next_in_s": 20},
        {"published": "operational", "hard": "operational", "events": [], "soft": True, "next_in_s": 20},
        {"published": "down", "hard": "down", "events": ["problem"], "soft": False, "next_in_s": 60},
        {"published": "down", "hard": "down", "events": [], "soft": True, "next_in_s": 20},
        {"published": "operational", "hard": "operational", "events": ["recovery"], "soft": False, "next_in_s": 60},
    ]


def test_transitions_tick_error_and_maintenance_have_fewer_fields(api):
    steps = transitions(api, [[0, "ok"], [10, "maint_start"], [180, "tick"], [190, "error"], [200, "maint_end"]])
    assert steps[1] == {"published": "maintenance", "hard": "operational", "events": []}
    assert steps[2] == {"published": "maintenance", "hard": "unknown", "events": ["stale@180"]}
    assert steps[3] == {"published": "maintenance", "hard": "unknown", "events": [], "next_in_s": 20}
    assert steps[4] == {"published": "unknown", "hard": "unknown", "events": ["unknown"]}


def test_transitions_flapping(api):
    entries = [[second * 60, "ok" if second % 2 == 0 else "fail"] for second in range(7)]
    steps = transitions(api, entries, flap=True, fall=1, rise=1)
    assert [step["flap_pct"] for step in steps] == [0, 5.9, 11.7, 17.4, 23, 28.5, 33.9]
    assert steps[-1]["events"] == ["flap_start"]


@pytest.mark.parametrize("body, pointer", [
    ({"input": [[0, "fine"]]}, "/input/0"),
    ({"input": [[0, "ok", 1]]}, "/input/0"),
    ({"input": [["now", "ok"]]}, "/input/0"),
    ({"input": [[5, "ok"], [4, "ok"]]}, "/input/1"),
    ({"params": {"fall": 0}, "input": []}, "/params/fall"),
    ({"params": {"speed": 1}, "input": []}, "/params/speed"),
    ({}, ""),
])
def test_transitions_refuses(api, body, pointer):
    problem = ask(api, "transitions", body, 422)
    assert any(error["pointer"].startswith(pointer) for error in problem["errors"])


def children(*words):
    """"a=down", "b=operational!" (own maintenance), "c=down~" (disabled), "d=down>a,b" (depends), "e=down-" (softened)."""
    made = []
    for word in words:
        word, _, needs = word.partition(">")
        child = {"id": word.split("=")[0], "state": word.split("=")[1].rstrip("!~-")}
        if word.endswith("!"):
            child["maintenance"] = True
        if word.endswith("~"):
            child["enabled"] = False
        if word.endswith("-"):
            child["criticality"] = "non_critical"
        if needs:
            child["depends_on"] = needs.split(",")
        made.append(child)
    return made


def parent(api, *words, status=200, **fields):
    return ask(api, "propagation", {"parent": {**fields, "children": children(*words)}}, status)


def test_propagation_worst(api):
    assert parent(api, "a=operational", "b=down-") == {
        "state": "degraded", "partial_maintenance": False,
        "children": {"a": {"effective": "operational", "suppressed": False},
                     "b": {"effective": "down", "suppressed": False}}}
    assert parent(api)["state"] == "unknown"
    assert parent(api, "a=operational", "b=degraded!")["state"] == "maintenance"
    partial = parent(api, "a=down", "b=operational!")
    assert (partial["state"], partial["partial_maintenance"]) == ("down", True)
    assert parent(api, "a=down", maintenance=True)["state"] == "maintenance"
    assert set(parent(api, "a=operational", "b=down~")["children"]) == {"a"}


def test_propagation_dependencies(api):
    made = parent(api, "a=down>b", "b=down>c,d", "c=down", "d=down", "e=unknown>a")
    assert made["children"]["a"] == {"effective": "down", "suppressed": True, "root_cause": ["c", "d"]}
    assert made["children"]["e"]["root_cause"] == ["c", "d"]
    assert not made["children"]["c"]["suppressed"]
    made = parent(api, "a=down>b", "b=operational!", "c=down>nobody")
    assert made["children"]["a"]["effective"] == "maintenance"
    assert made["state"] == "down"


def test_propagation_quorum_and_weighted(api):
    assert parent(api, "a=operational", "b=down", "c=operational", policy="quorum", min_up=2)["state"] == "degraded"
    assert parent(api, "a=down", status=422, policy="quorum")["errors"][0]["pointer"] == "/parent/min_up"
    body = {"policy": "weighted", "operational_at": 0.9, "down_below": "1/3", "children": [
        {"id": "a", "state": "operational", "weight": 3, "criticality": "non_critical"},
        {"id": "b", "state": "down", "weight": 4, "criticality": "non_critical"}]}
    made = ask(api, "propagation", {"parent": body})
    assert (made["state"], made["score"]) == ("degraded", "3/7")
    body["down_below"] = "3/7"
    assert ask(api, "propagation", {"parent": body})["state"] == "degraded"
    body["down_below"] = 0.43
    assert ask(api, "propagation", {"parent": body})["state"] == "down"
    body["children"][1]["criticality"] = "critical"
    assert "score" not in ask(api, "propagation", {"parent": body})
    body["down_below"] = "7/3"
    assert ask(api, "propagation", {"parent": body}, 422)["errors"][0]["pointer"] == "/parent/down_below"


def test_propagation_of_a_tree(api):
    tree = {"id": "organisation", "children": [
        {"id": "shop", "children": [
            {"id": "web", "children": [{"id": "x", "state": "down"}]},
            {"id": "db", "maintenance": True, "children": [{"id": "x", "state": "down"}]}]},
        {"id": "blog", "criticality": "non_critical", "maintenance": True, "children": [
            {"id": "web2", "children": [{"id": "x", "state": "operational"}]}]}]}
    assert ask(api, "propagation", {"root": tree}) == {
        "organisation": {"state": "down", "partial_maintenance": True, "under_maintenance": False},
        "shop": {"state": "down", "partial_maintenance": True, "under_maintenance": False},
        "web": {"state": "down", "partial_maintenance": False, "under_maintenance": False},
        "db": {"state": "maintenance", "partial_maintenance": False, "under_maintenance": True},
        "blog": {"state": "maintenance", "partial_maintenance": False, "under_maintenance": True},
        "web2": {"state": "operational", "partial_maintenance": False, "under_maintenance": True},
    }


@pytest.mark.parametrize("body", [
    {}, {"parent": {}}, {"parent": {"children": [{"id": "a"}]}},
    {"parent": {"children": [{"id": "a", "state": "down"}, {"id": "a", "state": "down"}]}},
    {"parent": {"children": []}, "root": {"id": "a"}}, {"root": {"children": []}},
    {"parent": {"children": [{"id": "a", "state": "down", "weight": 0.00000001}]}},
    {"parent": {"policy": "median", "children": []}},
    {"root": {"id": "a", "children": [{"id": "b"}]}},
    {"root": {"id": "a", "children": [{"id": "b", "children": []}, {"id": "b", "children": []}]}},
])
def test_propagation_refuses(api, body):
    ask(api, "propagation", body, 422)


@pytest.mark.parametrize("verdicts, min_fail, state", [
    ([], None, "unknown"), (["ok", "fail", "fail"], None, "down"), (["ok", "ok", "fail"], None, "degraded"),
    (["ok", "ok", "fail"], 1, "down"), (["ok", "warn"], None, "degraded"), (["error"], None, "unknown"),
    (["ok", "error"], None, "operational"),
])
def test_locations(api, verdicts, min_fail, state):
    body = {"stale_after_s": 95, "min_fail": min_fail,
            "verdicts": [{"location": f"l{n}", "verdict": verdict, "age_s": 95} for n, verdict in enumerate(verdicts)]
            + [{"location": "old", "verdict": "fail", "age_s": 95.001}]}
    assert ask(api, "locations", body) == {"state": state}
