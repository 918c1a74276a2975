"""Heartbeats: targets that call us. What a call says, what its absence does, and who learns of the address."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from conftest import make_estate
from health_tools import events_of, health_of, metrics_of, results_of, sql, subscriber, wait_state
from instance import children, postgres_pid
from processes import Client, wait_until
from test_bus import FakeProber

pytestmark = pytest.mark.usefixtures("service_user")


def heartbeat(client, estate, interval_s=3600, grace_s=3600, key="beat", **fields):
    return client.create("checks", component=estate.component["id"], key=key, name=key, kind="heartbeat",
                         spec={"interval_s": interval_s, "grace_s": grace_s}, **fields)


@pytest.fixture
def caller(control):
    """A client without any credential."""
    with Client(control.url) as client:
        yield client


@pytest.fixture
def beat(api, estate):
    """A heartbeat that nothing is soon expected of."""
    return heartbeat(api, estate)


def wait_results(client, check, count):
    """The results of a check once there are so many, the newest first."""
    return wait_until(lambda: (found := results_of(client, check)) and len(found) >= count and found, 10,
                      what=f"{count} results")


def milliseconds(text):
    return datetime.fromisoformat(text).timestamp() * 1000


# --- the check and its address ---


def test_defaults_of_the_kind(api, estate):
    check = heartbeat(api, estate, interval_s=600, grace_s=None)
    assert {name: check[name] for name in ("interval_s", "retry_interval_s", "fall", "rise", "enabled")} == {
        "interval_s": 600, "retry_interval_s": 600, "fall": 1, "rise": 1, "enabled": True}
    assert heartbeat(api, estate, key="weekly", interval_s=7 * 86400)["interval_s"] == 86400
    assert heartbeat(api, estate, key="own", fall=2, rise=3, interval_s=60)["fall"] == 2
    plain = api.create("checks", component=estate.component["id"], name="plain", kind="heartbeat", spec={})
    assert (plain["interval_s"], plain["fall"]) == (30, 1)


def test_the_interval_follows_the_spec(api, estate):
    check = heartbeat(api, estate, interval_s=600)
    url = f"/api/v1/checks/{check['id']}"
    changed = api.patch(url, json={"spec": {"interval_s": 60}}).json()
    assert (changed["interval_s"], changed["retry_interval_s"]) == (60, 60)
    chosen = api.patch(url, json={"interval_s": 20}).json()
    assert (chosen["interval_s"], chosen["spec"]["interval_s"]) == (20, 60)
    assert api.patch(url, json={"spec": {"interval_s": 90}}).json()["interval_s"] == 20
    assert api.patch(url, json={"fall": None}).json()["fall"] == 1


@pytest.mark.parametrize("spec, pointer", [
    ({"interval_s": 0}, "/spec/interval_s"), ({"interval_s": 31622401}, "/spec/interval_s"),
    ({"grace_s": -1}, "/spec/grace_s"), ({"url": "http://x/"}, "/spec/url"),
])
def test_mistakes_have_their_pointers(api, estate, spec, pointer):
    for collection in ("checks", "checks/preview"):
        reply = api.post(f"/api/v1/{collection}", json={"component": estate.component["id"], "name": "beat",
                                                        "kind": "heartbeat", "spec": spec})
        assert reply.status_code == 422, reply.text
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]


def test_the_address_is_for_who_may_write_the_check(control, api, caller, beat):
    path = beat["heartbeat_path"]
    assert path.startswith("/hooks/heartbeats/") and len(path) == len("/hooks/heartbeats/") + 43
    assert api.read(f"checks/{beat['id']}") == beat
    key = api.create("api-keys", name="reader", scopes=["check.read", "journal.read", "inventory.read"])["key"]
    with Client(control.url, key) as reader:
        seen = reader.read(f"checks/{beat['id']}")
        assert seen == {name: value for name, value in beat.items() if name != "heartbeat_path"}
    # Where there are many, and in what is kept, there is none.
    for place in (f"checks?component={beat['component']}", f"checks/{beat['id']}/history", f"checks/{beat['id']}/health"):
        assert path.rpartition("/")[2] not in api.get(f"/api/v1/{place}").text
    assert caller.get(f"/api/v1/checks/{beat['id']}").status_code == 401


def test_other_kinds_have_no_address(api, estate):
    check = api.create("checks", component=estate.component["id"], name="tcp", kind="tcp",
                       spec={"address": "127.0.0.1", "port": 9}, enabled=False)
    assert "heartbeat_path" not in check and "heartbeat_path" not in api.read(f"checks/{check['id']}")
    reply = api.post(f"/api/v1/checks/{check['id']}/heartbeat/rotate")
    assert (reply.status_code, reply.json()["code"]) == (409, "not_a_heartbeat")


def test_a_rotated_address_leads_nowhere(api, caller, beat):
    url = f"/api/v1/checks/{beat['id']}"
    assert caller.get(beat["heartbeat_path"]).status_code == 200
    assert caller.post(f"{url}/heartbeat/rotate").status_code == 401
    lost = api.post(f"{url}/heartbeat/rotate", headers={"If-Match": '"7"'})
    assert lost.status_code == 412 and "heartbeat_path" not in lost.json()["current"]
    reply = api.post(f"{url}/heartbeat/rotate", headers={"If-Match": '"1"'})
    assert reply.status_code == 200 and reply.headers["ETag"] == '"2"'
    changed = reply.json()
    assert changed["heartbeat_path"] != beat["heartbeat_path"] and changed == api.read(f"checks/{beat['id']}")
    assert caller.get(beat["heartbeat_path"]).status_code == 404
    assert caller.get(changed["heartbeat_path"]).status_code == 200
    last = api.read(f"checks/{beat['id']}/history")["items"]
    assert "rotate" in [change["action"] for change in last] and "hooks/" not in json.dumps(last)


def test_unknown_addresses_are_all_the_same(control, caller, beat):
    before = metrics_of(control)["em_heartbeat_unknown_total"]
    near = beat["heartbeat_path"][:-1] + ("A" if beat["heartbeat_path"][-1] != "A" else "B")
    problems = []
    for path in (near, "/hooks/heartbeats/x", "/hooks/heartbeats/" + "x" * 4000, near + "/fail", near + "/start"):
        for method in ("GET", "POST"):
            reply = caller.request(method, path)
            assert reply.status_code == 404
            problems.append({name: value for name, value in reply.json().items() if name != "request_id"})
    assert all(problem == problems[0] for problem in problems)
    assert metrics_of(control)["em_heartbeat_unknown_total"] == before + len(problems)
    assert caller.get("/hooks/heartbeats/").status_code == 404 and caller.get("/hooks/x").status_code == 404


def test_a_deleted_check_is_not_called_any_more(api, caller, beat):
    assert api.delete(f"/api/v1/checks/{beat['id']}").status_code == 204
    assert caller.get(beat["heartbeat_path"]).status_code == 404


def test_probers_do_not_see_it(control, api, estate):
    prober = FakeProber(control)
    try:
        plan = prober.ask(1)["plan"]
        while (reply := prober.ask(1, plan=plan))["plan"] != plan:
            plan = reply["plan"]
        check = heartbeat(api, estate)
        api.patch(f"/api/v1/checks/{check['id']}", json={"enabled": False})
        api.patch(f"/api/v1/checks/{check['id']}", json={"enabled": True})
        reply = prober.ask(1, plan=plan)
        assert (reply["items"], reply["plan"]) == (0, plan)
        api.delete(f"/api/v1/checks/{check['id']}")
        assert prober.ask(1, plan=plan)["items"] == 0
    finally:
        prober.close()


def test_it_cannot_be_run_or_tried_out(api, beat):
    reply = api.post(f"/api/v1/checks/{beat['id']}/run")
    assert (reply.status_code, reply.json()["code"]) == (409, "check_not_probed")
    reply = api.post("/api/v1/checks/preview", json={"kind": "heartbeat", "spec": {"interval_s": 60}})
    assert (reply.status_code, reply.json()["code"]) == (422, "check_not_probed")
    assert [(error["pointer"], error["code"]) for error in reply.json()["errors"]] == [("/kind", "not_probed")]


def test_the_prober_names_who_serves_it(prober_once):
    ended = prober_once([{"id": "beat", "kind": "heartbeat", "spec": {"interval_s": 60, "grace_s": 5}}])
    assert ended.status == 2 and not ended.results
    (line,) = ended.errors
    assert [(error["pointer"], error["code"]) for error in line["errors"]] == [("/kind", "kind_not_probed")]
    assert "em-control" in line["errors"][0]["detail"]


# --- calls ---


def test_each_way_of_calling_is_a_result(control, api, caller, estate, beat):
    assert health_of(api, "check", beat)["state"] == "unknown"
    feed = subscriber(control).pubsub()
    feed.subscribe(f"em:status:check:{beat['id']}")
    calls = [caller.get(beat["heartbeat_path"]), caller.head(beat["heartbeat_path"]), caller.post(beat["heartbeat_path"])]
    assert [reply.status_code for reply in calls] == [200, 200, 200]
    answer = calls[0].json()
    assert answer["heard"] and abs(milliseconds(answer["next_by"]) - time.time() * 1000 - 7200e3) < 30e3
    assert calls[1].content == b"" and "no-store" in calls[0].headers["Cache-Control"]

    for kind, entity in (("check", beat), ("component", estate.component), ("organisation", estate.organisation)):
        wait_state(api, kind, entity, "operational")
    results = wait_results(api, beat, 3)
    assert {(r["verdict"], r["outcome"], r["location"], r["prober"], r["phase"], r["address"]) for r in results} == {
        ("ok", "ok", "default", None, "request", "127.0.0.1")}
    assert health_of(api, "check", beat)["checks"][0]["last"]["prober"] is None
    told = wait_until(lambda: feed.get_message(ignore_subscribe_messages=True, timeout=1), 10, what="the news in Redis")
    assert json.loads(told["data"])["to"] == "operational"
    # Neither what a path can do, nor other methods, are calls.
    assert caller.options(beat["heartbeat_path"]).status_code == 204
    assert caller.delete(beat["heartbeat_path"]).status_code == 405
    assert len(results_of(api, beat)) == 3


def test_stray_credentials_do_not_matter(caller, api, beat):
    for headers in ({"Authorization": "Bearer em_key_nonsense"}, {"Cookie": "em_session=nonsense"},
                    {"Origin": "https://elsewhere.test"}):
        assert caller.post(beat["heartbeat_path"], headers=headers).status_code == 200
    wait_results(api, beat, 3)


REPORTS = [
    (dict(params={"status": "warn", "message": "slow disk"}), "warn", "slow disk", None),
    (dict(json={"status": "fail", "message": "disk full", "duration_ms": 1500, "exit_code": 4}), "fail", "disk full", 1500),
    (dict(data={"status": "fail", "message": "a form & more"}), "fail", "a form & more", None),
    (dict(data="line one\nand two\x00\n", headers={"Content-Type": "text/plain"}), "ok", "line one\\x0aand two\\x00", None),
    (dict(data=b"\xff" * 1000, headers={"Content-Type": "text/plain"}), "ok", "\\xff" * 128, None),
    (dict(params={"exit_code": 3, "duration_ms": 12}), "fail", "", 12),
    (dict(params={"exit_code": 0}), "ok", "", None),
    (dict(json={"exit_code": 1, "status": "ok", "message": None}), "ok", "", None),
    (dict(json={"exit_code": -1}), "fail", "", None),
    (dict(json={}), "ok", "", None),
    (dict(params={"message": "ü" * 400}), "ok", "ü" * 256, None),
    # A status in the query goes before a body that may be anybody's.
    (dict(params={"status": "ok"}, json={"status": "firing", "alerts": [1]}), "ok", "", None),
    (dict(json={"duration_ms": 90000000}), "ok", "", 90000000),
]


@pytest.mark.parametrize("report, verdict, message, duration_ms", REPORTS)
def test_a_call_may_say_how_it_went(api, caller, beat, report, verdict, message, duration_ms):
    reply = caller.post(beat["heartbeat_path"], **report)
    assert reply.status_code == 200, reply.text
    (result,) = wait_results(api, beat, 1)
    assert (result["verdict"], result["message"]) == (verdict, message)
    assert result["outcome"] == ("ok" if verdict == "ok" else "reported")
    assert result["timings_us"]["total"] == min(duration_ms or 0, 4294967) * 1000
    assert result.get("perfdata", {}).get("duration", {}).get("value") == duration_ms
    wait_state(api, "check", beat, {"ok": "operational", "warn": "degraded", "fail": "down"}[verdict])


@pytest.mark.parametrize("report, status, pointer", [
    (dict(params={"status": "fine"}), 400, "?status"),
    (dict(params={"stauts": "fail"}), 400, "?stauts"),
    (dict(params={"exit_code": "one"}), 400, "?exit_code"),
    (dict(json={"status": "firing"}), 422, "/status"),
    (dict(json={"stauts": "fail"}), 422, "/stauts"),
    (dict(json={"duration_ms": -1}), 422, "/duration_ms"),
    (dict(json=[]), 422, ""),
    (dict(data="{", headers={"Content-Type": "application/json"}), 400, None),
    (dict(data={"stauts": "fail"}), 400, "?stauts"),
    (dict(data="x", headers={"Content-Type": "application/xml"}), 415, None),
    (dict(data="x", headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"}), 415, None),
    (dict(data="x" * (1024 * 1024 + 1), headers={"Content-Type": "text/plain"}), 413, None),
])
def test_a_report_that_is_not_understood_is_no_call(api, caller, beat, report, status, pointer):
    reply = caller.post(beat["heartbeat_path"], **report)
    assert reply.status_code == status, reply.text
    if pointer is not None:
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]
    assert caller.get(beat["heartbeat_path"]).status_code == 200
    assert len(wait_results(api, beat, 1)) == 1


def test_fail_and_start(api, caller, beat):
    path = beat["heartbeat_path"]
    assert caller.get(path + "/start").json() == {"heard": True, "next_by": None}
    assert health_of(api, "check", beat)["state"] == "unknown"
    time.sleep(0.05)
    assert caller.get(path).status_code == 200
    assert caller.post(path + "/start").json()["next_by"]
    assert caller.post(path + "/fail", data={"message": "broken"}).status_code == 200
    assert caller.get(path + "/fail").status_code == 200
    third, second, first = wait_results(api, beat, 3)
    assert first["verdict"] == "ok" and 50000 <= first["timings_us"]["total"] < 5e6
    assert (second["verdict"], second["message"]) == ("fail", "broken") and "perfdata" in second
    assert third["verdict"] == "fail" and "perfdata" not in third
    wait_state(api, "check", beat, "down")


def test_a_flood_of_one_does_not_concern_others(control, api, caller, estate, beat):
    quiet = heartbeat(api, estate, key="quiet")
    refused = metrics_of(control)["em_heartbeat_refused_total"]

    def call(number):
        with Client(control.url) as client:
            return [client.get(beat["heartbeat_path"]) for _ in range(100)]

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        flood = pool.map(call, range(8))
        assert caller.get(quiet["heartbeat_path"]).status_code == 200
        replies = [reply for part in flood for reply in part]
    took_s = time.monotonic() - started
    heard = sum(reply.status_code == 200 for reply in replies)
    limited = [reply for reply in replies if reply.status_code == 429]
    assert heard + len(limited) == 800 and 10 <= heard <= 11 + took_s
    assert limited[0].json()["code"] == "heartbeat_flood" and int(limited[0].headers["Retry-After"]) == 1
    assert metrics_of(control)["em_heartbeat_refused_total"] == refused + len(limited)
    assert len(wait_results(api, beat, heard)) == heard
    time.sleep(1.1)
    assert caller.get(beat["heartbeat_path"]).status_code == 200


# --- silence ---


def test_never_heard_is_unknown(api, estate):
    check = heartbeat(api, estate, interval_s=1, grace_s=0)
    time.sleep(2.5)
    health = health_of(api, "check", check)
    assert (health["state"], health["checks"][0]["last"]) == ("unknown", None)
    assert events_of(api, scope=estate.organisation["id"]) == []


@pytest.mark.slow
def test_silence_is_down_after_the_grace_and_a_call_mends_it(api, caller, estate):
    check = heartbeat(api, estate, interval_s=1, grace_s=1, stale_after_s=1)
    caller.get(check["heartbeat_path"])
    wait_state(api, "check", check, "operational")
    down = wait_state(api, "check", check, "down")
    wait_state(api, "organisation", estate.organisation, "down")
    results = wait_results(api, check, 4)
    heard = results[-1]
    assert [(r["verdict"], r["outcome"], r["prober"]) for r in results[:-1]] == [
        ("fail", "heartbeat_missed", None)] * (len(results) - 1)
    times = [milliseconds(result["at"]) for result in reversed(results)]
    assert 2000 <= times[1] - times[0] < 3500, "late after interval and grace"
    assert all(950 <= later - earlier < 2500 for earlier, later in zip(times[1:], times[2:])), "and again each interval"
    assert milliseconds(down["since"]) == times[1]
    assert heard["at"] in down["reason"] and "heartbeat_missed" in down["reason"]

    caller.get(check["heartbeat_path"])
    wait_state(api, "check", check, "operational")
    states = [event["to"] for event in events_of(api, kind="check", scope=estate.organisation["id"])]
    assert states[:3] == ["operational", "down", "operational"] and "unknown" not in states


@pytest.mark.slow
def test_a_target_that_calls_stays_up(api, caller, estate):
    check = heartbeat(api, estate, interval_s=1, grace_s=2)
    for _ in range(5):
        caller.get(check["heartbeat_path"])
        time.sleep(1)
    assert {result["outcome"] for result in results_of(api, check)} == {"ok"}
    assert [event["to"] for event in events_of(api, kind="check", scope=estate.organisation["id"])] == ["operational"]


def test_fall_asks_for_more_than_one_miss(api, caller, estate):
    check = heartbeat(api, estate, interval_s=1, grace_s=0, fall=3)
    caller.get(check["heartbeat_path"])
    wait_state(api, "check", check, "operational")
    wait_state(api, "check", check, "down")
    results = results_of(api, check)
    assert [result["outcome"] for result in results] == ["heartbeat_missed"] * 3 + ["ok"]


@pytest.mark.slow
def test_a_paused_check_misses_nothing(api, caller, estate):
    check = heartbeat(api, estate, interval_s=1, grace_s=1)
    url = f"/api/v1/checks/{check['id']}"
    caller.get(check["heartbeat_path"])
    wait_state(api, "check", check, "operational")
    assert api.patch(url, json={"enabled": False}).status_code == 200
    assert caller.get(check["heartbeat_path"]).json() == {"heard": False, "next_by": None}
    time.sleep(2.5)
    assert len(results_of(api, check)) == 1 and health_of(api, "check", check)["state"] == "unknown"

    # Resumed, it has all its time again, and then it is missed: it used to call.
    assert api.patch(url, json={"enabled": True}).status_code == 200
    resumed_ms = time.time() * 1000
    wait_state(api, "check", check, "down")
    assert 1900 <= milliseconds(results_of(api, check)[0]["at"]) - resumed_ms < 4000


def test_a_changed_interval_counts_at_once(api, caller, estate):
    check = heartbeat(api, estate, interval_s=3600, grace_s=0)
    url = f"/api/v1/checks/{check['id']}"
    caller.get(check["heartbeat_path"])
    wait_state(api, "check", check, "operational")
    time.sleep(1.2)
    assert api.patch(url, json={"spec": {"interval_s": 1}}).status_code == 200
    wait_state(api, "check", check, "down", deadline_s=3)

    caller.get(check["heartbeat_path"])
    wait_state(api, "check", check, "operational")
    assert api.patch(url, json={"spec": {"interval_s": 3600}}).status_code == 200
    missed = sum(result["outcome"] == "heartbeat_missed" for result in results_of(api, check))
    time.sleep(2)
    assert sum(result["outcome"] == "heartbeat_missed" for result in results_of(api, check)) == missed


def test_in_maintenance_nobody_is_told(api, caller, estate):
    check = heartbeat(api, estate, interval_s=1, grace_s=0)
    caller.get(check["heartbeat_path"])
    wait_state(api, "component", estate.component, "operational")
    now = datetime.now(timezone.utc)
    window = api.create("maintenance-windows", scope={"component": estate.component["id"]},
                        starts_at=(now - timedelta(seconds=5)).isoformat(timespec="milliseconds"),
                        ends_at=(now + timedelta(hours=1)).isoformat(timespec="milliseconds"), reason="works")
    wait_state(api, "component", estate.component, "maintenance")
    wait_until(lambda: health_of(api, "component", estate.component)["measured"] == "down", what="a miss")
    assert health_of(api, "component", estate.component)["state"] == "maintenance"
    assert api.post(f"/api/v1/maintenance-windows/{window['id']}/end").status_code == 200
    wait_state(api, "component", estate.component, "down")


# --- control itself fails ---


@pytest.mark.faults
@pytest.mark.slow
def test_a_restart_is_no_silence_of_the_target(start_control):
    control = start_control()
    with control.client() as api:
        estate = make_estate(api)
        lively, dead = (heartbeat(api, estate, interval_s=3, grace_s=2, key=key) for key in ("lively", "dead"))
        for check in (lively, dead):
            api.get(check["heartbeat_path"])
            wait_state(api, "check", check, "operational")
    control.kill()
    time.sleep(6)  # longer than both of them may be silent
    again = start_control(data=control.data, port=control.port)
    ready_ms = time.time() * 1000
    with again.client() as api:
        end = time.monotonic() + 4
        while time.monotonic() < end:
            assert api.get(lively["heartbeat_path"]).status_code == 200
            assert health_of(api, "check", dead)["state"] == "operational"
            time.sleep(0.9)
        # The time since the start is held against who is silent in it.
        wait_state(api, "check", dead, "down", deadline_s=6)
        missed = results_of(api, dead)[0]
        assert missed["outcome"] == "heartbeat_missed" and "no call since" not in missed["message"]
        assert 2000 <= milliseconds(missed["at"]) - ready_ms < 6000
        told = [(event["id"], event["to"]) for event in events_of(api, kind="check")]
        assert told == [(lively["id"], "operational"), (dead["id"], "operational"), (dead["id"], "down")]


@pytest.mark.faults
@pytest.mark.slow
def test_calls_do_not_wait_for_the_database(start_control):
    control = start_control()
    with control.client() as api, Client(control.url) as caller:
        estate = make_estate(api)
        check = heartbeat(api, estate, interval_s=2, grace_s=1)
        caller.get(check["heartbeat_path"])
        wait_state(api, "check", check, "operational")
        postmaster = postgres_pid(control.data)
        frozen = [postmaster, *children(postmaster)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(6):
                started = time.monotonic()
                assert caller.get(check["heartbeat_path"]).status_code == 200
                assert time.monotonic() - started < 1
                time.sleep(1)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        results = wait_results(api, check, 7)
        assert {result["outcome"] for result in results} == {"ok"}
        assert [event["to"] for event in events_of(api, kind="check")] == ["operational"]


@pytest.mark.slow
def test_a_loop_that_stood_still_heard_nobody(start_control):
    control = start_control()
    with control.client() as api:
        estate = make_estate(api)
        check = heartbeat(api, estate, interval_s=3, grace_s=1)
        api.get(check["heartbeat_path"])
        wait_state(api, "check", check, "operational")
        os.kill(control.pid, signal.SIGSTOP)
        time.sleep(6)
        os.kill(control.pid, signal.SIGCONT)
        resumed_ms = time.time() * 1000
        wait_state(api, "check", check, "down")
        assert 3500 <= milliseconds(results_of(api, check)[0]["at"]) - resumed_ms < 8000


@pytest.mark.slow
def test_the_address_is_in_no_log(start_control):
    control = start_control("--log-level", "debug")
    with control.client() as api:
        check = heartbeat(api, make_estate(api))
        token = check["heartbeat_path"].rpartition("/")[2]
        for path in ("", "/fail", "/start", "/typo"):
            api.get(check["heartbeat_path"] + path)
        wait_state(api, "check", check, "down")
    assert sql(control, f"SELECT count(*) FROM health_check WHERE heartbeat_token = '{token}'") == [["1"]]
    control.stop()
    log = control.log.read_text()
    assert "request.done" in log and "/hooks/..." in log and token not in log
