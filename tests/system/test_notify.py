"""The outgoing webhook: every status change arrives, also at a receiver that was away, each under one id."""

import pytest

from conftest import make_estate
from health_tools import Target, events_of, tcp_check, wait_state
from processes import wait_until
from servers.webhook import WebhookReceiver


@pytest.fixture
def receiver():
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def target():
    target = Target()
    yield target
    target.socket.close()


def set_webhook(client, url):
    reply = client.patch("/api/v1/settings", json={"webhook": {"url": url}})
    assert reply.status_code == 200, reply.text


def metric(client, name):
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return int(line.split()[1])
    raise AssertionError(f"no metric {name}")


@pytest.mark.slow
def test_each_change_arrives_once_though_the_receiver_fails(start_control, start_prober, receiver, target):
    control = start_control()
    start_prober(control)
    receiver.answers.extend([500, 503])
    with control.client() as client:
        set_webhook(client, receiver.url)
        estate = make_estate(client)
        tcp_check(client, estate, target)
        wait_state(client, "organisation", estate.organisation, "operational")
        target.down()
        wait_state(client, "organisation", estate.organisation, "down")

        events = {event["seq"]: event for event in events_of(client)}
        assert len(events) >= 14  # seven levels, two changes each
        wait_until(lambda: len(receiver.delivered()) >= len(events), 30, what="all deliveries")
        told = {body["data"]["seq"]: body for body in receiver.delivered().values()}
        assert set(told) == set(events)
        for seq, body in told.items():
            event = events[seq]
            assert body["type"] == "health.status_changed"
            assert {name: body["data"][name] for name in ("kind", "id", "key", "from", "to", "version", "reason")} == \
                   {name: event[name] for name in ("kind", "id", "key", "from", "to", "version", "reason")}
        failed = [attempt.id for attempt in receiver.attempts if attempt.status != 204]
        assert len(failed) == 2
        assert set(failed) <= set(receiver.delivered()), "a failed attempt is repeated under its own id"
        wait_until(lambda: metric(client, "em_notify_delivered_total") == len(events), 10, what="all to be recorded")
        assert metric(client, "em_notify_failed_attempts_total") == 2


@pytest.mark.slow
def test_nothing_is_told_before_there_is_a_receiver_and_nothing_twice_after_a_restart(
        start_control, start_prober, receiver, target):
    control = start_control()
    prober = start_prober(control)
    with control.client() as client:
        estate = make_estate(client)
        tcp_check(client, estate, target)
        wait_state(client, "organisation", estate.organisation, "operational")
        before = max(event["seq"] for event in events_of(client))
        set_webhook(client, receiver.url)
        target.down()
        wait_state(client, "organisation", estate.organisation, "down")
        wait_until(lambda: len(receiver.delivered()) >= 7, 30, what="the changes after the receiver was named")
        assert min(body["data"]["seq"] for body in receiver.delivered().values()) > before
        wait_until(lambda: metric(client, "em_notify_delivered_total") == 7, 10, what="the deliveries to be recorded")
        prober.stop()

    control.kill()
    again = start_control(data=control.data)
    with again.client() as client:
        wait_state(client, "organisation", estate.organisation, "down")
        assert metric(client, "em_notify_delivered_total") == 0
        assert metric(client, "em_notify_failed_attempts_total") == 0
    assert len(receiver.attempts) == 7


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "not a url", "http://user:secret@127.0.0.1/", ""])
def test_an_address_that_cannot_be_one_is_refused(api, url):
    reply = api.patch("/api/v1/settings", json={"webhook": {"url": url}})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "/webhook/url"
