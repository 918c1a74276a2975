"""The rules of health (control/health/RULES.md) a second time, from their text alone: small, slow and obvious.

It shares no idea of how things are kept with control/health/*_rules.c, so that a misreading in one of the two shows
as a difference between their answers. test_health_model.py compares them.
"""

from fractions import Fraction

SEVERITY = {"ok": "operational", "warn": "degraded", "fail": "down"}
ORDER = ["operational", "degraded", "down"]


class Check:
    """Section 1: one check, fed entry by entry."""

    def __init__(self, fall=3, rise=2, unknown_after=3, interval_s=60, retry_interval_s=20, stale_after_s=180,
                 flap=False, flap_high=30, flap_low=25):
        self.p = dict(fall=fall, rise=rise, unknown_after=unknown_after, interval_s=interval_s,
                      retry_interval_s=retry_interval_s, stale_after_s=stale_after_s, flap=flap,
                      flap_high=flap_high, flap_low=flap_low)
        self.hard = "unknown"
        self.window = []
        self.errors = 0
        self.last = None            # when the last result came
        self.maintenance = False
        self.bits = [0] * 20        # oldest first
        self.previous = None        # the last non-error verdict, across Unknown
        self.flapping = False
        # What people know: the open problem's level, whether the present is Unknown to them, and by a message.
        self.problem = None
        self.told_unknown = True
        self.unknown_sent = False
        self.told_flapping = False

    def forget(self):
        self.hard, self.window, self.errors = "unknown", [], 0

    def difference(self):
        """The one message between what was last told and H; afterwards H is what was told."""
        message = None
        if self.hard == "unknown":
            if not self.told_unknown:
                message, self.told_unknown, self.unknown_sent = "unknown", True, True
            return [message] if message else []
        if self.hard == "operational":
            if self.problem:
                message = "recovery"
            elif self.unknown_sent:
                message = "known"
            self.problem = None
        else:
            if not self.problem:
                message = "problem"
            elif self.problem != self.hard:
                message = "change"
            self.problem = self.hard
        self.told_unknown = self.unknown_sent = False
        return [message] if message else []

    def tell(self):
        """What is sent now, if anything may be."""
        if self.maintenance:
            return []
        if self.flapping and not self.told_flapping:
            self.told_flapping = True
            return ["flap_start"]
        if self.flapping:
            return []
        if self.told_flapping:
            self.told_flapping = False
            return ["flap_end"] + self.difference()
        return self.difference()

    def flap_value(self):
        return sum(Fraction(80 + 2 * i, 20) for i, bit in enumerate(self.bits) if bit)

    def step(self, t, what):
        events, answer = [], {}
        if self.last is not None and t >= self.last + self.p["stale_after_s"]:
            known = self.hard != "unknown"
            at = self.last + self.p["stale_after_s"]
            self.forget()
            self.last = None
            if known:
                events.append(f"stale@{at}")
                events += self.tell()

        if what == "maint_start":
            self.maintenance = True
        elif what == "maint_end":
            self.maintenance = False
        elif what == "error":
            self.last = t
            self.errors += 1
            if self.errors >= self.p["unknown_after"]:
                self.hard, self.window = "unknown", []
            answer["next_in_s"] = self.p["retry_interval_s"]
        elif what != "tick":
            self.last = t
            answer = self.verdict(what)

        events += self.tell()
        return {"published": "maintenance" if self.maintenance else self.hard, "hard": self.hard, "events": events,
                **answer}

    def verdict(self, what):
        self.errors = 0
        state = SEVERITY[what]
        self.bits = self.bits[1:] + [int(self.previous is not None and self.previous != what)]
        self.previous = what
        before = self.hard
        self.window.append(state)
        fall, rise = self.p["fall"], self.p["rise"]
        least = min(self.window[-fall:], key=ORDER.index) if len(self.window) >= fall else None
        most = max(self.window[-rise:], key=ORDER.index) if len(self.window) >= rise else None
        if before == "unknown":
            if state == "operational":
                self.hard = "operational"
            elif least:
                self.hard = least
        elif least and ORDER.index(least) > ORDER.index(before):
            self.hard = least
        elif most and ORDER.index(most) < ORDER.index(before):
            self.hard = most

        soft = self.hard != "unknown" and state != self.hard and self.hard == before
        retry = soft or self.hard == "unknown"
        answer = {"soft": soft, "next_in_s": self.p["retry_interval_s" if retry else "interval_s"]}
        if self.p["flap"]:
            value = self.flap_value()
            answer["flap_pct"] = float(value)
            if not self.flapping and value > self.p["flap_high"]:
                self.flapping = True
            elif self.flapping and value <= self.p["flap_low"]:
                self.flapping = False
        return answer


def transitions(body):
    check = Check(**(body.get("params") or {}))
    return {"steps": [check.step(t, what) for t, what in body["input"]]}


def locations(body):
    """Section 2."""
    votes = [v["verdict"] for v in body["verdicts"] if v["age_s"] <= body["stale_after_s"] and v["verdict"] != "error"]
    if not votes:
        return {"state": "unknown"}
    min_fail = body.get("min_fail") or len(votes) // 2 + 1
    fails = votes.count("fail")
    if fails >= min_fail:
        return {"state": "down"}
    return {"state": "degraded" if fails or "warn" in votes else "operational"}


def effective(children):
    """Section 3, rule 1: id → {effective, suppressed, root_cause?} of the enabled children."""
    there = {c["id"]: c for c in children if c.get("enabled", True)}
    direct = {i: [d for d in c.get("depends_on", []) if d in there] for i, c in there.items()}

    def reach(start):
        seen, todo = set(), list(direct[start])
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += direct[one]
        return seen

    reached = {i: reach(i) for i in there}
    needs = {i: {d for d in reached[i] if d != i and i not in reached[d]} for i in there}
    own = {i: "maintenance" if c.get("maintenance") else c["state"] for i, c in there.items()}

    state = {}

    def state_of(i):
        if i not in state:
            state[i] = own[i]
            if own[i] != "operational" and any(state_of(d) == "maintenance" for d in needs[i]):
                state[i] = "maintenance"
        return state[i]

    answer = {}
    for i in there:
        down = {d for d in needs[i] if state_of(d) == "down"}
        suppressed = state_of(i) in ("down", "unknown") and bool(down)
        answer[i] = {"effective": state_of(i), "suppressed": suppressed}
        if suppressed:
            answer[i]["root_cause"] = sorted(d for d in down if not any(state_of(x) == "down" for x in needs[d]))
    return answer


def exact(value, default):
    return default if value is None else Fraction(str(value))


def judge(parent, below):
    """Section 3, rules 2 to 7: (state, partial_maintenance, score or None)."""
    children = [c for c in parent["children"] if c.get("enabled", True)]
    counted = [(c, below[c["id"]]["effective"]) for c in children if c.get("criticality") != "informational"]
    states = [s for _, s in counted]
    state, score = decide(parent, counted, states)
    return state, state != "maintenance" and "maintenance" in states, score


def decide(parent, counted, states):
    if parent.get("maintenance"):
        return "maintenance", None
    if not counted:
        return "unknown", None
    policy = parent.get("policy") or "worst"
    if policy == "worst":
        return worst(counted, states), None
    if policy == "quorum":
        return quorum(parent["min_up"], states), None
    return weighted(parent, counted, states)


def worst(counted, states):
    softer = {"down": "degraded", "degraded": "operational", "operational": "operational"}
    present = {softer.get(s) if c.get("criticality") == "non_critical" else s for c, s in counted} - {None}
    for state in ("down", "maintenance", "degraded", "unknown", "operational"):
        if state in present:
            return state
    return "maintenance" if set(states) == {"maintenance"} else "unknown"


def quorum(k, states):
    up = states.count("operational") + states.count("degraded")
    m, u, d = states.count("maintenance"), states.count("unknown"), states.count("down")
    if up >= k:
        return "degraded" if d or "degraded" in states else "operational"
    if up + m + u < k:
        return "down"
    if d == 0 and u == 0:
        return "maintenance"
    if up + u >= k:
        return "unknown"
    return "down" if d else "maintenance"


def weighted(parent, counted, states):
    value = {"operational": Fraction(1), "degraded": Fraction(1, 2), "down": Fraction(0)}
    weight = lambda c: exact(c.get("weight"), Fraction(1))
    if any(s == "down" and c.get("criticality", "critical") == "critical" for c, s in counted):
        return "down", None
    if set(states) == {"maintenance"}:
        return "maintenance", None
    total = sum(weight(c) for c, s in counted if s in value)
    unknown = sum(weight(c) for c, s in counted if s == "unknown")
    if total == 0 or unknown > exact(parent.get("unknown_share"), Fraction(1, 2)) * (total + unknown):
        return "unknown", None
    score = sum(weight(c) * value[s] for c, s in counted if s in value) / total
    if score >= exact(parent.get("operational_at"), Fraction(1)):
        state = "operational"
    else:
        state = "down" if score < exact(parent.get("down_below"), Fraction(1, 2)) else "degraded"
    return state, f"{score.numerator}/{score.denominator}"


def propagation(body):
    if "parent" in body:
        below = effective(body["parent"]["children"])
        state, partial, score = judge(body["parent"], below)
        return {"state": state, "partial_maintenance": partial, "children": below,
                **({"score": score} if score is not None else {})}
    answer = {}
    node_state(body["root"], False, answer)
    return answer


def node_state(node, under, answer):
    if node.get("children") is None:
        return node["state"]
    under = under or bool(node.get("maintenance"))
    children = [{**c, "state": node_state(c, under, answer)} for c in node["children"]]
    state, partial, _ = judge({**node, "children": children}, effective(children))
    answer[node["id"]] = {"state": state, "partial_maintenance": partial, "under_maintenance": under}
    return state
