"""Checks that are changed, run, paused and deleted while their probes are under way."""

import time

from health_tools import wait_state
from processes import wait_until
from servers.hostile import Server


def ready_soon(connection):
    connection.recv(100)
    time.sleep(0.2)
    connection.sendall(b"ready")


def results_of(api, check):
    """All results of a check, page by page."""
    results, cursor = [], {}
    while True:
        page = api.read(f"checks/{check['id']}/results", limit=1000, **cursor)
        results += page["items"]
        if not page.get("next"):
            return results
        cursor = {"cursor": page["next"]}


def test_each_probe_has_one_result_whatever_becomes_of_its_check(api, estate, prober):
    with Server(ready_soon) as server:
        fields = {"component": estate.component["id"], "kind": "tcp", "interval_s": 1, "retry_interval_s": 1, "timeout_ms": 900, "fall": 1,
                  "rise": 1}
        check = api.create("checks", name="changing", spec={"address": "127.0.0.1", "port": server.port, "send": "0", "expect_regex": "ready"},
                           **fields)
        wait_state(api, "check", check, "operational")
        for number in range(20):
            assert api.patch(f"/api/v1/checks/{check['id']}", json={"spec": {"send": str(number)}}).status_code == 200
            assert api.post(f"/api/v1/checks/{check['id']}/run").status_code in (202, 409)
            time.sleep(0.07)
        # What is under way when a check is paused has no result.
        assert api.patch(f"/api/v1/checks/{check['id']}", json={"enabled": False}).status_code == 200
        time.sleep(1.2)
        begun, results = server.seen, results_of(api, check)
        times = [result["at"] for result in results]
        assert begun > 5, "hardly a probe was under way: the test says nothing"
        assert begun - 1 <= len(results) <= begun and len(set(times)) == len(times), (begun, len(results))
        assert {result["verdict"] for result in results} == {"ok"}

        # The same check is gone and comes back, as others do, all the while.
        for number in range(10):
            short = api.create("checks", name=f"short {number}", spec={"address": "127.0.0.1", "port": server.port, "send": "x",
                                                                       "expect_regex": "ready"}, **fields)
            api.post(f"/api/v1/checks/{short['id']}/run")
            assert api.delete(f"/api/v1/checks/{short['id']}").status_code == 204
        assert api.patch(f"/api/v1/checks/{check['id']}", json={"enabled": True}).status_code == 200
        wait_until(lambda: len(results_of(api, check)) > len(results), what="results after all that")
