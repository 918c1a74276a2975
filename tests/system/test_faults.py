"""kill -9 of each part in turn while probing: the service heals by itself, and counting proves that nothing was lost,
nothing counted twice, and nobody was told of changes that there were not."""

import os
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

from conftest import make_estate
from health_tools import (LEVELS, Target, entity_of, events_of, redis_operator, results_of, sql, subscriber, tcp_check,
                          wait_state)
from processes import wait_until

pytestmark = pytest.mark.faults

CHECKS = 20


class World:
    """A control and a prober of the test's own, an estate, and checks that run every second."""

    def __init__(self, start_control, start_prober):
        self.start_control, self.start_prober = start_control, start_prober
        self.target = Target()
        self.control = start_control()
        with self.control.client() as api:
            self.estate = make_estate(api)
            self.checks = [tcp_check(api, self.estate, self.target, key=f"c{number}") for number in range(CHECKS)]
            # Only now: a check that is new makes a component unknown whose others have a result already.
            self.prober = start_prober(self.control)
            for check in self.checks:
                wait_state(api, "check", check, "operational")
            wait_state(api, "organisation", self.estate.organisation, "operational")
        self.wait_results(3)

    def restart_control(self):
        self.control = self.start_control(data=self.control.data, port=self.control.port)

    def results(self):
        """How many results are stored of each check."""
        return {check_id: int(count) for check_id, count in sql(self.control, "SELECT check_id, results FROM check_state")}

    def wait_results(self, more):
        """Waits until each check has so many results more than now."""
        before = self.results() if hasattr(self, "counted") else {}
        self.counted = True
        wait_until(lambda: all(self.results().get(check["id"], 0) >= before.get(check["id"], 0) + more
                               for check in self.checks), 40, every_s=0.3, what="new results")

    def assert_consistent(self):
        """What was acknowledged is what was counted, row by row."""
        acked, lost, stored = sql(self.control,
                                  "SELECT (SELECT sum(acked_seq) FROM ingest_position),"
                                  " (SELECT sum(lost) FROM ingest_position), (SELECT sum(results) FROM check_state)")[0]
        assert (acked, lost) == (stored, "0")
        in_ring = sql(self.control, "SELECT s.check_id FROM check_state s JOIN result_ring r USING (check_id)"
                                    " GROUP BY s.check_id, s.results HAVING count(*) <> least(s.results, 100)")
        assert in_ring == []

    def assert_nothing_told(self):
        """Every entity became operational once, and that was all."""
        with self.control.client() as api:
            events = events_of(api)
        assert {(event["from"], event["to"], event["version"]) for event in events} == {("unknown", "operational", 1)}
        assert len(events) == CHECKS + 6
        assert sql(self.control, "SELECT count(*) FROM announcement") == [["0"]]

    def assert_snapshot_whole(self):
        """Redis has every entity's state as the API has it."""
        redis = subscriber(self.control)
        entities = [("check", check) for check in self.checks]
        entities += [(kind, entity_of(self.estate, kind)) for kind in LEVELS]
        for kind, entity in entities:
            key = f"em:status:{kind}:{entity['id']}"
            snapshot = wait_until(lambda key=key: redis.hgetall(key), 10, what=key)
            assert (snapshot["state"], snapshot["version"]) == ("operational", "1")

    def longest_gap_s(self):
        """The longest time between two results of the first check."""
        with self.control.client() as api:
            times = [datetime.fromisoformat(result["at"]).timestamp() for result in results_of(api, self.checks[0])]
        return max(newer - older for newer, older in zip(times, times[1:]))


@pytest.fixture
def world(start_control, start_prober):
    world = World(start_control, start_prober)
    yield world
    world.target.socket.close()


def postgres_pid(control):
    return int((control.data / "postgres" / "postmaster.pid").read_text().split()[0])


def redis_pid(control):
    """The Redis server of this control's folder, found by its name and environment."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(f"/proc/{entry}/comm").read_text().strip() == "redis-server" and \
                    os.readlink(f"/proc/{entry}/cwd").startswith(str(control.data)):
                return int(entry)
        except OSError:
            continue
    raise AssertionError("there is no Redis of this control")


def test_the_prober_is_killed(world):
    world.prober.kill()
    time.sleep(2)
    world.prober = world.start_prober(world.control, name="em-prober-2")
    world.wait_results(3)
    world.assert_consistent()
    world.assert_nothing_told()


def test_control_is_killed(world):
    for _ in range(3):
        world.control.kill()
        world.restart_control()
        world.wait_results(2)
    world.assert_consistent()
    world.assert_nothing_told()
    assert world.longest_gap_s() < 3  # the prober kept everything meanwhile
    world.assert_snapshot_whole()


def test_postgres_is_killed(world):
    os.kill(postgres_pid(world.control), signal.SIGKILL)
    time.sleep(1)
    wait_until(world.control.is_ready, 30, what="/readyz")
    world.wait_results(3)
    world.assert_consistent()
    world.assert_nothing_told()
    assert world.longest_gap_s() < 3


def test_redis_is_killed_and_emptied(world):
    redis = subscriber(world.control)
    key = f"em:status:organisation:{world.estate.organisation['id']}"
    assert redis.hget(key, "state") == "operational"
    os.kill(redis_pid(world.control), signal.SIGKILL)

    def is_back():
        try:
            return redis.hget(key, "state") == "operational"
        except Exception:  # connection errors of all sorts while it is away
            return False
    wait_until(is_back, 20, what="the snapshot")
    redis_operator(world.control).flushall()
    wait_until(is_back, 10, what="the snapshot")
    for check in world.checks:
        assert redis.hget(f"em:status:check:{check['id']}", "version") == "1"
    world.wait_results(2)
    world.assert_consistent()
    world.assert_nothing_told()


def test_all_are_killed_at_once(world):
    pid = postgres_pid(world.control)
    world.prober.kill()
    world.control.kill()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    world.restart_control()
    world.prober = world.start_prober(world.control, name="em-prober-2")
    world.wait_results(3)
    world.assert_consistent()
    world.assert_nothing_told()


def test_a_real_change_during_the_outage_is_told_once(world):
    world.control.kill()
    world.target.down()
    time.sleep(2)
    world.restart_control()
    with world.control.client() as api:
        wait_state(api, "organisation", world.estate.organisation, "down", deadline_s=30)
        for check in world.checks:
            wait_state(api, "check", check, "down", deadline_s=30)
        events = [event for event in events_of(api) if event["to"] == "down"]
    assert len(events) == CHECKS + 6
    assert sql(world.control, "SELECT message, count(*) FROM announcement GROUP BY message") == [["problem", str(CHECKS)]]
    world.assert_consistent()
