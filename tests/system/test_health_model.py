"""The previews of health against a second, independent writing of the rules, over random inputs.

A difference shows its input; `SEED=…` in the environment tries others.
"""

import os
import random
from fractions import Fraction

import pytest

import health_model

CASES = 700
SEED = os.environ.get("SEED", "1")

ENTRIES = ["ok", "warn", "fail", "error", "tick", "maint_start", "maint_end"]
WEIGHTS_OF_ENTRIES = [[6, 2, 6, 1, 1, .5, .5], [5, 0, 5, 0, 0, .3, .6], [3, 3, 3, 3, 1, 1, 1], [4, 1, 4, 3, 2, .2, .2]]
STATES = ["operational", "operational", "degraded", "down", "down", "unknown", "maintenance"]


def random_transitions(dice):
    ranges = {"fall": (1, 5), "rise": (1, 5), "unknown_after": (1, 4), "interval_s": (1, 90), "retry_interval_s": (1, 90)}
    params = {name: dice.randint(*span) for name, span in ranges.items() if dice.random() < .6}
    params.update(flap=dice.random() < .7, stale_after_s=dice.choice([1, 5, 20, 60, 180]))
    if dice.random() < .5:
        params["flap_high"] = dice.choice([5, 10, 15, 23, 40])
        params["flap_low"] = dice.randint(0, params["flap_high"])
    weights = dice.choice(WEIGHTS_OF_ENTRIES)
    entries, second = [], dice.randint(0, 5)
    for _ in range(dice.randint(1, 60)):
        entries.append([second, dice.choices(ENTRIES, weights)[0]])
        second += dice.choice([0, 5, 20, 60, 180]) if dice.random() < .3 else dice.randint(0, 12)
    return {"params": params, "input": entries}


def random_locations(dice):
    ages = [0, 9.999, 10, 10.001, 95.5, 95.501, 100, 101]
    body = {"stale_after_s": dice.choice([0, 10, 95.5, 100]), "verdicts": [
        {"location": f"l{i}", "verdict": dice.choice(["ok", "ok", "warn", "fail", "fail", "error"]), "age_s": dice.choice(ages)}
        for i in range(dice.randint(0, 8))]}
    if dice.random() < .5:
        body["min_fail"] = dice.choice([None, 1, 2, 3, 5])
    return body


def random_policy(dice):
    policy = {"policy": dice.choice(["worst", "quorum", "weighted", None]), "maintenance": dice.random() < .1}
    if policy["policy"] == "quorum":
        policy["min_up"] = dice.randint(0, 5)
    if policy["policy"] == "weighted":
        shares = [dice.choice([0, 1, .5, .25, "1/3", "2/3", "3/7", .9]) for _ in range(2)]
        policy["down_below"], policy["operational_at"] = sorted(shares, key=lambda share: Fraction(str(share)))
        policy["unknown_share"] = dice.choice([None, 0, .25, "2/3", 1])
    return policy


def random_child(dice, name, siblings):
    child = {"id": name, "maintenance": dice.random() < .15, "enabled": dice.random() > .15}
    if dice.random() < .6:
        child["criticality"] = dice.choice(["critical", "non_critical", "non_critical", "informational"])
    if dice.random() < .5:
        child["weight"] = dice.choice([0, 1, 2, 3, .5, .1, 7])
    if dice.random() < .5:
        child["depends_on"] = dice.sample([*siblings, "nobody"], dice.randint(0, min(3, len(siblings))))
    return child


def random_parent(dice):
    names = [f"c{i}" for i in range(dice.randint(0, 7))]
    children = [{**random_child(dice, name, names), "state": dice.choice(STATES)} for name in names]
    return {"parent": {**random_policy(dice), "children": children}}


def random_tree(dice):
    def with_children(node, depth):
        if depth > 3 or (depth and dice.random() < .4):
            return {**node, "state": dice.choice(STATES)}
        names = [f"{node['id']}.{i}" for i in range(dice.randint(0, 4))]
        children = [with_children(random_child(dice, name, names), depth + 1) for name in names]
        return {**node, **random_policy(dice), "children": children}
    return {"root": with_children({"id": "n"}, 0)}


@pytest.mark.parametrize("preview, make, model", [
    ("transitions", random_transitions, health_model.transitions),
    ("locations", random_locations, health_model.locations),
    ("propagation", random_parent, health_model.propagation),
    ("propagation", random_tree, health_model.propagation),
], ids=["transitions", "locations", "parent", "tree"])
@pytest.mark.slow
def test_preview_is_what_the_rules_say(api, preview, make, model):
    for case in range(CASES):
        body = make(random.Random(f"{preview} {SEED} {case}"))
        reply = api.post(f"/api/v1/health/preview/{preview}", json=body)
        assert reply.status_code == 200, f"{body}: {reply.text}"
        assert reply.json() == model(body), body
