"""The bus from outside: garbage is counted and dropped, results count once, and gaps are noticed."""

import ctypes
import ctypes.util
import os
import struct
import time
import uuid
from datetime import datetime
from types import SimpleNamespace

import pytest

from conftest import make_estate
from health_tools import Target, events_of, largest_script_spec, metrics_of, results_of, sql, tcp_check, wait_state
from processes import Control, wait_until

nn = ctypes.CDLL(ctypes.util.find_library("nanomsg"), use_errno=True)
AF_SP, NN_REQ, NN_SOL_SOCKET, NN_RCVTIMEO, NN_REQ_RESEND_IVL = 1, 48, 0, 5, 1
VERDICTS = {"ok": 0, "fail": 2}


class FakeProber:
    """A prober that speaks the bus by hand (include/contract/bus.h)."""

    def __init__(self, control, prober_id=None):
        self.id, self.boot = prober_id or uuid.uuid4().bytes, int.from_bytes(os.urandom(8), "little")
        self.socket = nn.nn_socket(AF_SP, NN_REQ)
        for level, option, value in [(NN_SOL_SOCKET, NN_RCVTIMEO, 5000), (NN_REQ, NN_REQ_RESEND_IVL, 60000)]:
            number = ctypes.c_int(value)
            nn.nn_setsockopt(self.socket, level, option, ctypes.byref(number), 4)
        assert nn.nn_connect(self.socket, f"ipc://{control.data}/bus.sock".encode()) >= 0

    def close(self):
        nn.nn_close(self.socket)

    def send(self, frame):
        assert nn.nn_send(self.socket, frame, len(frame), 0) == len(frame)

    def receive(self):
        """The next reply; None when none comes."""
        data = ctypes.create_string_buffer(256 * 1024)
        length = nn.nn_recv(self.socket, data, len(data), 0)
        if length < 0:
            return None
        magic, version, kind, flags, boot, acked, plan, _, credit, items, _, _ = struct.unpack_from(
            "<4sBBHQQQqIHHI", data.raw)
        assert (magic, version, kind) == (b"EMB1", 1, 2)
        return {"flags": flags, "boot": boot, "acked": acked, "plan": plan, "credit": credit, "items": items}

    def report(self, first_seq, records=(), plan=0):
        body = b"".join(records)
        return struct.pack("<4sBBH16sQQQqHHI", b"EMB1", 1, 1, 0, self.id, self.boot, first_seq, plan,
                           int(time.time() * 1000), len(records), 0, len(body)) + body

    def ask(self, first_seq, records=(), plan=0):
        self.send(self.report(first_seq, records, plan))
        return self.receive()


def record(check, at_ms, verdict="ok"):
    message = b"made by a test"
    body = uuid.UUID(check["id"]).bytes + struct.pack("<qqBBBB7I", at_ms, at_ms, VERDICTS[verdict],
                                                      0 if verdict == "ok" else 7, 2, 0, *[5] * 7)
    body += struct.pack("<H", len(message)) + message
    return struct.pack("<H", len(body)) + body


@pytest.fixture(scope="module")
def control(service_user):
    """A control that no real prober works for: whatever it hears, these tests said."""
    program = Control().wait_ready()
    yield program
    program.stop()
    program.remove()


@pytest.fixture
def fake(control):
    prober = FakeProber(control)
    yield prober
    prober.close()


@pytest.fixture
def check(api, estate):
    target = Target()
    yield tcp_check(api, estate, target, interval_s=3600, stale_after_s=10000, fall=2)
    target.socket.close()


REWIND, BUSY = 2, 4


def now_ms():
    return int(time.time() * 1000)


def at_ms(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.slow
def test_results_count_once_and_are_acknowledged_after_the_commit(control, api, fake, check):
    start = now_ms() - 5000
    first = fake.ask(1, [record(check, start), record(check, start + 1000)])
    assert (first["acked"], first["flags"]) == (2, 0)
    assert len(results_of(api, check)) == 2

    # Sent again, alone and together with a new one.
    again = fake.ask(1, [record(check, start), record(check, start + 1000)])
    assert again["acked"] == 2
    more = fake.ask(2, [record(check, start + 1000), record(check, start + 2000)])
    assert more["acked"] == 3
    assert len(results_of(api, check)) == 3
    stored = sql(control, f"SELECT results FROM check_state WHERE check_id = '{check['id']}'")
    assert stored == [["3"]]


def test_a_gap_is_refused_once_and_then_believed(control, fake, check):
    assert fake.ask(1, [record(check, now_ms())])["acked"] == 1
    lost = metrics_of(control)["em_results_lost_total"]
    refused = fake.ask(5, [record(check, now_ms())])
    assert refused["flags"] & REWIND and refused["acked"] == 1
    believed = fake.ask(5, [record(check, now_ms())])
    assert believed["acked"] == 5 and not believed["flags"] & REWIND
    assert metrics_of(control)["em_results_lost_total"] == lost + 3


def test_late_results_are_history_only(api, fake, check):
    now = now_ms()
    fake.ask(1, [record(check, now - 2000)])
    wait_state(api, "check", check, "operational")
    fake.ask(2, [record(check, now - 9000, "fail"), record(check, now - 8000, "fail"), record(check, now - 7000, "fail")])
    assert len(results_of(api, check)) == 4
    assert wait_state(api, "check", check, "operational")["version"] == 1


@pytest.mark.slow
def test_silence_between_two_results_of_one_report_is_history(control, api, fake, estate):
    # The prober was away, and so were we: staleness is found when its results come, and dated to when it was.
    check = tcp_check(api, estate, SimpleNamespace(port=1), stale_after_s=1)
    first = now_ms()
    wait_until(lambda: now_ms() > first + 2100, every_s=0.1)
    fake.ask(1, [record(check, first), record(check, first + 2000)])
    wait_until(lambda: len(events_of(api, id=check["id"])) == 4, what="the last change")
    changes = [(at_ms(event["at"]) - first, event["from"], event["to"]) for event in events_of(api, id=check["id"])]
    assert changes == [(0, "unknown", "operational"), (1000, "operational", "unknown"),
                       (2000, "unknown", "operational"), (3000, "operational", "unknown")]
    told = sql(control, f"SELECT message FROM announcement WHERE check_id = '{check['id']}' ORDER BY seq")
    assert told == [["unknown"], ["known"], ["unknown"]]


@pytest.mark.slow
def test_a_check_goes_stale_at_the_exact_second(api, fake, estate):
    check = tcp_check(api, estate, SimpleNamespace(port=1), stale_after_s=2)
    for number in (1, 2):
        last = now_ms()
        fake.ask(number, [record(check, last)])
        wait_state(api, "check", check, "operational")
        health = wait_state(api, "check", check, "unknown")  # not in the first 10 s after a start: then it comes late
        event = events_of(api, id=check["id"])[-1]
        assert at_ms(event["at"]) == at_ms(health["since"]) == last + 2000
        assert health["reason"] == "no result for too long"
    assert 0 <= at_ms(event["noted_at"]) - (last + 2000) < 500


def test_results_of_impossible_times_and_unknown_checks_are_dropped_and_acknowledged(control, api, fake, check):
    before = metrics_of(control)
    stranger = {"id": str(uuid.uuid4())}
    reply = fake.ask(1, [record(check, 5), record(check, now_ms() + 10**9), record(stranger, now_ms()),
                         record(check, 2**62), record(check, -(2**62))])
    assert reply["acked"] == 5
    after = metrics_of(control)
    assert after["em_results_misdated_total"] == before["em_results_misdated_total"] + 4
    assert after["em_results_orphaned_total"] == before["em_results_orphaned_total"] + 1
    assert results_of(api, check) == []


def test_the_plan_comes_whole_to_who_has_none_and_in_parts_afterwards(api, fake, check):
    whole = fake.ask(1)
    assert whole["items"] >= 2  # the reset and this check
    nothing = fake.ask(1, plan=whole["plan"])
    assert (nothing["items"], nothing["plan"]) == (0, whole["plan"])
    assert api.patch(f"/api/v1/checks/{check['id']}", json={"timeout_ms": 400}).status_code == 200
    part = fake.ask(1, plan=whole["plan"])
    assert part["items"] == 1 and part["plan"] > whole["plan"]
    assert api.delete(f"/api/v1/checks/{check['id']}").status_code == 204
    gone = fake.ask(1, plan=part["plan"])
    assert gone["items"] == 1 and gone["plan"] > part["plan"]
    assert fake.ask(1, plan=2**63)["items"] >= 1  # a version of nobody: everything anew


def test_two_probers_of_one_id_are_both_heard(control, api, fake, check):
    twin = FakeProber(control, fake.id)
    plan = fake.ask(1)["plan"]
    start = now_ms() - 1000
    try:
        for number in range(20):
            # Both under way at once; each is answered, and told what it has not heard yet of the plan.
            fake.send(fake.report(number + 1, [record(check, start + 2 * number)], plan))
            twin.send(twin.report(number + 1, [record(check, start + 2 * number + 1)], 0))
            first, second = fake.receive(), twin.receive()
            assert (first["acked"], first["boot"], first["items"]) == (number + 1, fake.boot, 0)
            assert (second["acked"], second["boot"]) == (number + 1, twin.boot) and second["items"] >= 2
    finally:
        twin.close()
    assert len(results_of(api, check)) == 40
    assert "fleet.prober_twice" in control.tail()


def test_the_largest_spec_fits_into_the_plan(api, fake, estate):
    known = fake.ask(1)["plan"]
    api.create("checks", component=estate.component["id"], name="Large", kind="script", spec=largest_script_spec())
    part = fake.ask(1, plan=known)
    assert part["items"] == 1 and part["plan"] > known


def test_garbage_is_counted_and_dropped(control, api, fake, check):
    good = fake.report(1, [record(check, now_ms())])
    garbage = [b"", b"x", b"EMB1", os.urandom(64), os.urandom(5000), good[:-1], good + b"x", b"EMB2" + good[4:],
               good[:4] + b"\x09" + good[5:], good[:5] + b"\x02" + good[6:], good[:56] + b"\xff\xff" + good[58:],
               good[:64] + b"\xff\xff" + good[66:]]
    bad = metrics_of(control)["em_bus_frames_bad_total"]
    for frame in garbage:
        fake.send(frame)
        time.sleep(0.02)  # REQ drops a request that has not left yet when the next one comes
    wait_until(lambda: metrics_of(control)["em_bus_frames_bad_total"] >= bad + len(garbage), what="the counter")
    assert fake.ask(1, [record(check, now_ms())])["acked"] == 1
    assert control.is_running()


def test_a_frame_over_the_limit_does_no_harm(control, fake, check):
    other = FakeProber(control)
    other.send(b"\0" * (2 * 1024 * 1024))
    assert fake.ask(1, [record(check, now_ms())])["acked"] == 1
    other.close()


def test_many_results_of_one_check_become_chunks(control, api, fake, check):
    # More than a ring at once: each 96 are packed before the ring turns over.
    start = now_ms() - 1000 * 1000
    records = [record(check, start + 1000 * number, "fail" if number % 50 == 0 else "ok") for number in range(1000)]
    assert fake.ask(1, records[:500])["acked"] == 500
    assert fake.ask(501, records[500:])["acked"] == 1000
    results = results_of(api, check)
    assert len(results) == 1000
    assert [result["verdict"] for result in reversed(results)] == \
        ["fail" if number % 50 == 0 else "ok" for number in range(1000)]
    assert sum("compact" not in result for result in results) >= 100 + 2 * 17
    rows = sql(control, "SELECT count(*), sum(octet_length(samples)) FROM sample_chunk"
                        f" WHERE check_id = '{check['id']}'")
    assert rows[0][0] == "10"
    assert int(rows[0][1]) / 960 < 4  # bytes per sample, without the row's own 60
    assert sql(control, f"SELECT count(*) FROM result_ring WHERE check_id = '{check['id']}'") == [["100"]]


@pytest.mark.faults
def test_what_was_committed_before_a_crash_counts_once_and_streaks_go_on(start_control):
    control = start_control()
    fake = FakeProber(control)
    with control.client() as api:
        check = tcp_check(api, make_estate(api), SimpleNamespace(port=1), interval_s=3600, stale_after_s=10000, fall=3)
    start = now_ms()
    frames = [fake.report(1, [record(check, start)]),
              fake.report(2, [record(check, start + 1, "fail"), record(check, start + 2, "fail")])]
    for frame, stored in zip(frames, ["1", "3"]):
        fake.send(frame)
        wait_until(lambda stored=stored: sql(control, "SELECT results FROM check_state") == [[stored]], what="the commit")
    control.kill()  # between the COMMIT and the acknowledgement, or right after it: the prober cannot know

    fake.close()
    control = start_control(data=control.data, port=control.port)
    again = FakeProber(control, fake.id)
    again.boot = fake.boot
    try:
        with control.client() as api:
            assert wait_state(api, "check", check, "operational")["version"] == 1
            again.send(frames[1])
            assert again.receive()["acked"] == 3
            assert sql(control, "SELECT results FROM check_state") == [["3"]]
            assert len(results_of(api, check)) == 3

            # Two of three were before the crash: one more makes it hard, dated to the first of them, and told once.
            again.ask(4, [record(check, now_ms(), "fail")])
            health = wait_state(api, "check", check, "down")
            assert (health["version"], at_ms(health["since"])) == (2, start + 1)
            assert sql(control, "SELECT message FROM announcement") == [["problem"]]
    finally:
        again.close()


@pytest.mark.slow
def test_a_stop_in_the_middle_of_a_commit_leaves_nothing_behind(start_control):
    # What the engine cannot store is given back, not acknowledged; the sanitizers look for what is left.
    control = start_control()
    fake = FakeProber(control)
    try:
        with control.client() as api:
            check = tcp_check(api, make_estate(api), SimpleNamespace(port=1), interval_s=3600, stale_after_s=10000)
            sql(control, "ALTER TABLE check_state RENAME TO check_state_away")
            fake.send(fake.report(1, [record(check, now_ms())]))
            wait_until(lambda: control.metric("em_engine_commit_retries_total") > 0, what="a commit that fails")
        control.stop()
        assert fake.receive() is None
    finally:
        fake.close()
