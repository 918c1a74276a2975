"""Webhooks: who asks for an event gets it, signed, until it has answered; and who does not, does not."""

import json
import os
import signal
import socket
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from conftest import make_estate
from instance import postgres_pid, sql
from processes import Client, wait_until
from servers.webhook import WebhookReceiver

NODE = Path(__file__).parent / "node"


@pytest.fixture
def receiver():
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def webhook(api, receiver):
    """webhook(**fields): a webhook to the receiver, deleted at the end."""
    made = []

    def make(client=api, **fields):
        fields = {"name": "Test", "url": receiver.url, "events": ["*"], **fields}
        made.append((client, client.create("webhooks", **fields)))
        return made[-1][1]

    yield make
    for client, one in made:
        client.delete(f"/api/v1/webhooks/{one['id']}")


@pytest.fixture(scope="module")
def verify():
    """verify(attempts, secret): what the reference library says of each."""
    if not (NODE / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=NODE, check=True, timeout=120)

    def run(attempts, secret):
        lines = "".join(json.dumps({"secret": secret, "headers": one.headers, "body": one.raw}) + "\n"
                        for one in attempts)
        ended = subprocess.run(["node", "verify.mjs"], cwd=NODE, input=lines, capture_output=True, text=True,
                               timeout=60, check=True)
        return ended.stdout.splitlines()

    return run


def refusal(reply, status=422):
    assert reply.status_code == status, reply.text
    return {error["pointer"]: error["code"] for error in reply.json()["errors"]}


def deliveries(api, webhook, **filters):
    return api.read("webhook-deliveries", webhook=webhook["id"], limit=1000, **filters)["items"]


def wait_delivered(receiver, count, deadline_s=10):
    wait_until(lambda: len(receiver.delivered()) >= count, deadline_s, what=f"{count} deliveries")


def rename(api, system, name):
    reply = api.patch(f"/api/v1/systems/{system['id']}", json={"name": name})
    assert reply.status_code == 200, reply.text


# --- the resource ---

def test_a_webhook_shows_its_secret_once(api, webhook):
    made = webhook(filter="kind=system", description="for a test")
    assert made["secret"].startswith("whsec_") and len(made["secret"]) > 40
    shown = api.read(f"webhooks/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert shown["concurrency"] == 4 and shown["enabled"] and shown["organisation"] is None
    assert made["id"] in [one["id"] for one in api.read("webhooks", limit=1000)["items"]]
    history = api.read(f"webhooks/{made['id']}/history")["items"]
    assert [entry["action"] for entry in history] == ["create"]
    assert history[0]["after"]["secret"].startswith("hmac-sha256:")
    assert made["secret"][6:] not in json.dumps(history)


def test_a_webhook_is_changed_deleted_and_restored(api, webhook):
    made = webhook()
    path = f"/api/v1/webhooks/{made['id']}"
    reply = api.patch(path, json={"events": ["system.*"], "enabled": False}, headers={"if-match": '"1"'})
    assert reply.status_code == 200 and reply.json()["events"] == ["system.*"] and reply.json()["disabled_at"]
    assert reply.json()["disabled_reason"] is None
    lost = api.patch(path, json={"name": "Other"}, headers={"if-match": '"1"'})
    assert lost.status_code == 412 and lost.json()["current"]["version"] == 2
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.post(path + "/restore").json()["events"] == ["system.*"]
    assert api.post(path + "/restore").status_code == 404
    actions = [entry["action"] for entry in api.read(f"webhooks/{made['id']}/history")["items"]]
    assert actions == ["restore", "delete", "update", "create"]


@pytest.mark.parametrize("fields, pointer, code", [
    ({"events": ["system.made"]}, "/events/0", "unknown"),
    ({"events": ["system.*", "sys*"]}, "/events/1", "pattern"),
    ({"events": []}, "/events", "too_few"),
    ({"url": "ftp://127.0.0.1/"}, "/url", "format"),
    ({"url": "http://user:secret@127.0.0.1/"}, "/url", "format"),
    ({"filter": "colour=red"}, "/filter", "unknown_parameter"),
    ({"filter": "scope=shop"}, "/filter", "invalid"),
    ({"filter": "&".join(f"kind=a{number}" for number in range(21))}, "/filter", "too_many"),
    ({"secret": "whsec_c2hvcnQ="}, "/secret", "invalid"),
    ({"organisation": "00000000-0000-0000-0000-000000000001"}, "/organisation", "not_found"),
    ({"concurrency": 17}, "/concurrency", "too_large"),
])
def test_what_cannot_be_right_is_refused(api, fields, pointer, code):
    reply = api.post("/api/v1/webhooks", json={"name": "x", "url": "http://127.0.0.1:9/", "events": ["*"], **fields})
    assert list(refusal(reply).items())[0][0] == pointer, reply.text
    assert code in reply.text or code in ("pattern", "too_few", "format", "too_large")


def test_nobody_hears_by_a_webhook_what_he_may_not_read(api, control):
    key = api.create("api-keys", name="hooks", scopes=["webhook.read", "webhook.write", "health.read"])
    with Client(control.url, key["key"]) as mine:
        body = {"name": "x", "url": "http://127.0.0.1:9/", "events": ["health.*", "system.*", "*"]}
        assert refusal(mine.post("/api/v1/webhooks", json=body)) == {"/events/1": "denied", "/events/2": "denied"}
        made = mine.create("webhooks", name="x", url="http://127.0.0.1:9/", events=["health.*"])
        assert refusal(mine.patch(f"/api/v1/webhooks/{made['id']}", json={"events": ["*"]})) == {"/events/0": "denied"}
        assert mine.delete(f"/api/v1/webhooks/{made['id']}").status_code == 204
    with Client(control.url, api.create("api-keys", name="none", scopes=["health.read"])["key"]) as other:
        assert other.get("/api/v1/webhooks").json()["detail"].find("webhook.read") > 0


def test_the_events_are_listed(api):
    types = [item["type"] for item in api.read("webhook-events")["items"]]
    assert "health.status_changed" in types and "maintenance_window.ended" in types and len(set(types)) == len(types)


# --- what is told ---

def test_a_change_is_told_signed_and_with_what_changed(api, estate, webhook, receiver, verify):
    made = webhook(events=["system.updated"], filter=f"entity={estate.system['id']}")
    rename(api, estate.system, "Renamed")
    wait_delivered(receiver, 1)
    attempt = receiver.attempts[0]
    assert attempt.headers["content-type"] == "application/json"
    assert abs(int(attempt.headers["webhook-timestamp"]) - time.time()) < 30
    assert verify([attempt], made["secret"]) == ["ok"]
    assert verify([attempt], "whsec_" + "A" * 43 + "=") != ["ok"]
    data = attempt.body["data"]
    assert attempt.body["type"] == "system.updated" and attempt.body["stream"] == "change"
    assert (data["kind"], data["id"], data["key"], data["action"]) == ("system", estate.system["id"], "shop", "update")
    assert data["changes"] == [{"pointer": "/name", "from": "Shop", "to": "Renamed"}]
    entry = api.read("journal", entity=estate.system["id"], action="update")["items"][0]
    assert data["request_id"] == entry["request_id"] and data["organisation"] == estate.organisation["id"]
    log = deliveries(api, made)
    wait_until(lambda: deliveries(api, made)[0]["state"] == "delivered", what="the log")
    assert [one["id"] for one in log] == [attempt.id]
    detail = api.read(f"webhook-deliveries/{attempt.id}")
    assert detail["payload"] == attempt.body
    assert [(one["number"], one["status"], one["error"]) for one in detail["tries"]] == [(1, 204, None)]


def test_filters_choose_by_scope_tag_attribute_and_words(api, estate, receiver):
    """Each filter to a path of its own; one system has what they ask for, the other has not."""
    other = make_estate(api)
    wanted = {
        "scope": f"scope={estate.unit['id']}",
        "tag": "tag=pci&tag=gdpr",
        "attribute": "attributes.owner=payments",
        "organisation": f"organisation={estate.organisation['id']}",
        "not": f"scope__ne={other.organisation['id']}&organisation__in={estate.organisation['id']},{other.organisation['id']}",
        "words": "q=till",
        "actor": f"actor__isnull=false&entity__in={estate.system['id']}",
    }
    made = [api.create("webhooks", name=name, url=f"{receiver.url}/{name}", events=["system.updated"], filter=text)
            for name, text in wanted.items()]
    try:
        for system in (other.system, estate.system):
            fields = {"tags": ["pci"], "attributes": {"owner": "payments"}, "name": "Tills"} if system is estate.system \
                else {"tags": ["iso"], "attributes": {"owner": "web"}, "name": "Web"}
            assert api.patch(f"/api/v1/systems/{system['id']}", json=fields).status_code == 200
        wait_delivered(receiver, len(wanted))
        told = {attempt.path.split("/")[-1]: attempt.body["data"]["id"] for attempt in receiver.attempts}
        assert told == dict.fromkeys(wanted, estate.system["id"])
        assert len(receiver.attempts) == len(wanted)
    finally:
        for one in made:
            api.delete(f"/api/v1/webhooks/{one['id']}")


def test_what_is_gone_is_found_by_what_it_was_part_of(api, estate, webhook, receiver):
    webhook(events=["instance.*", "component.*", "maintenance_window.*"], filter=f"scope={estate.unit['id']}")
    window = api.create("maintenance-windows", scope={"instance": estate.instance["id"]},
                        starts_at="2030-01-01T00:00:00Z", ends_at="2030-01-01T01:00:00Z")
    assert api.delete(f"/api/v1/maintenance-windows/{window['id']}").status_code == 204
    assert api.delete(f"/api/v1/instances/{estate.instance['id']}?cascade=true").status_code == 204
    wait_delivered(receiver, 4)
    assert receiver.types() == ["component.deleted", "instance.deleted", "maintenance_window.created",
                                "maintenance_window.deleted"]


def test_one_of_an_organisation_hears_of_that_only(api, estate, webhook, receiver):
    other = make_estate(api)
    made = webhook(organisation=estate.organisation["id"], events=["system.*"])
    assert made["organisation"] == estate.organisation["id"]
    for system in (other.system, estate.system):
        rename(api, system, "Renamed")
    wait_delivered(receiver, 1)
    rename(api, estate.system, "Again")
    wait_delivered(receiver, 2)
    assert {body["data"]["id"] for body in receiver.delivered().values()} == {estate.system["id"]}


def test_a_dry_run_changes_nothing_and_sends_nothing(api, estate, webhook, receiver):
    made = webhook(events=["system.*"], filter=f"entity={estate.system['id']}")
    path = f"/api/v1/webhooks/{made['id']}"
    assert api.post(path + "/test?dry_run=true").status_code == 202
    assert api.patch(path + "?dry_run=true", json={"events": ["check.*"]}).json()["events"] == ["check.*"]
    assert api.patch(f"/api/v1/systems/{estate.system['id']}?dry_run=true", json={"name": "Not"}).status_code == 200
    rename(api, estate.system, "Renamed")
    wait_delivered(receiver, 1)
    assert [attempt.body["type"] for attempt in receiver.attempts] == ["system.updated"]
    assert len(deliveries(api, made)) == 1


def test_a_test_event_arrives(api, webhook, receiver, verify):
    made = webhook(events=["api_key.created"])
    sent = api.post(f"/api/v1/webhooks/{made['id']}/test")
    assert sent.status_code == 202
    wait_delivered(receiver, 1)
    assert receiver.attempts[0].body["type"] == "webhook.test"
    assert receiver.attempts[0].id == sent.json()["id"] == sent.headers["location"].split("/")[-1]
    assert verify(receiver.attempts, made["secret"]) == ["ok"]


# --- secrets ---

def test_while_a_secret_is_rotated_both_sign(api, webhook, receiver, verify):
    given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = webhook(events=["api_key.created"], secret=given)
    assert made["secret"] == given
    path = f"/api/v1/webhooks/{made['id']}"
    second = api.post(path + "/rotate-secret", json={})
    assert second.status_code == 200 and second.json()["earlier_secret_until"]
    api.post(path + "/test")
    wait_delivered(receiver, 1)
    assert len(receiver.attempts[0].headers["webhook-signature"].split()) == 2
    assert verify(receiver.attempts, given) == verify(receiver.attempts, second.json()["secret"]) == ["ok"]
    third = api.post(path + "/rotate-secret", json={"overlap_s": 0})
    assert third.json()["earlier_secret_until"] is None
    api.post(path + "/test")
    wait_delivered(receiver, 2)
    assert verify(receiver.attempts[1:], third.json()["secret"]) == ["ok"]
    assert verify(receiver.attempts[1:], second.json()["secret"]) != ["ok"]
    history = json.dumps(api.read(f"webhooks/{made['id']}/history"))
    for secret in (given, second.json()["secret"], third.json()["secret"]):
        assert secret[6:] not in history
    assert history.count("rotate") >= 2


# --- receivers that do not take it ---

def test_a_redirect_is_not_followed_and_the_same_id_comes_again(api, webhook, receiver):
    other = WebhookReceiver()
    try:
        made = webhook(events=["api_key.created"])
        receiver.headers = {"location": other.url}
        receiver.reply = b"moved \x00 <script>\xff" + b"x" * 5000
        receiver.answers.extend([302, 308])
        api.post(f"/api/v1/webhooks/{made['id']}/test")
        wait_delivered(receiver, 1, 20)
        assert len({attempt.id for attempt in receiver.attempts}) == 1 and not other.attempts
        wait_until(lambda: deliveries(api, made)[0]["state"] == "delivered", what="the log")
        tries = api.read(f"webhook-deliveries/{receiver.attempts[0].id}")["tries"]
        assert [(one["number"], one["status"]) for one in tries] == [(1, 302), (2, 308), (3, 204)]
        assert "redirects are not followed" in tries[0]["error"]
        assert tries[0]["reply"].startswith("moved   <script>") and len(tries[0]["reply"]) <= 1024
    finally:
        other.close()


def test_410_switches_it_off_and_the_journal_says_so(api, estate, webhook, receiver):
    made = webhook(events=["system.updated"], filter=f"entity={estate.system['id']}", concurrency=1)
    receiver.gate.clear()
    receiver.answers.append(410)
    rename(api, estate.system, "One")
    rename(api, estate.system, "Two")
    wait_until(lambda: len(deliveries(api, made)) == 2, what="both deliveries")
    receiver.gate.set()
    wait_until(lambda: not api.read(f"webhooks/{made['id']}")["enabled"], what="the webhook to be off")
    off = api.read(f"webhooks/{made['id']}")
    assert off["disabled_reason"] == "gone" and off["disabled_at"]
    assert [one["state"] for one in deliveries(api, made)] == ["failed", "failed"]
    errors = [one["last_error"] for one in deliveries(api, made, sort="position")]
    assert errors == ["The receiver answered 410.", "The webhook was switched off before it was sent."]
    entry = api.read(f"webhooks/{made['id']}/history")["items"][0]
    assert (entry["action"], entry["actor"]) == ("disable", "environment-manager") and "410" in entry["reason"]
    rename(api, estate.system, "Three")
    assert api.post(f"/api/v1/webhooks/{made['id']}/test").json()["code"] == "webhook_off"
    on = api.patch(f"/api/v1/webhooks/{made['id']}", json={"enabled": True}).json()
    assert on["enabled"] and on["disabled_reason"] is None and on["disabled_at"] is None
    rename(api, estate.system, "Four")
    wait_delivered(receiver, 1)
    assert [body["data"]["name"] for body in receiver.delivered().values()] == ["Four"]
    assert len(receiver.attempts) == 2


def test_what_is_no_reply_is_named(api, webhook):
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = webhook(url=f"http://127.0.0.1:{server.getsockname()[1]}/", events=["api_key.created"])
        api.post(f"/api/v1/webhooks/{made['id']}/test")
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"hello\n")
    wait_until(lambda: deliveries(api, made)[0]["last_error"], what="the attempt's end")
    assert deliveries(api, made)[0]["last_error"] == "Received HTTP/0.9 when not allowed."


def test_nothing_listens_and_the_status_says_it(api, webhook):
    made = webhook(url="http://127.0.0.1:9/", events=["api_key.created"])
    api.post(f"/api/v1/webhooks/{made['id']}/test")

    def status():
        return api.read(f"webhooks/{made['id']}", include="status")["included"]["status"]

    wait_until(lambda: status()["failing_since"], what="the failure")
    assert status()["waiting"] == 1 and status()["last_delivered_at"] is None and status()["last_error"]
    one = deliveries(api, made)[0]
    assert one["state"] == "waiting" and one["due_at"] and one["last_status"] is None


@pytest.mark.parametrize("url, why", [
    ("http://169.254.169.254/latest/", "metadata"),
    ("http://[::ffff:169.254.169.254]/", "metadata"),
    ("http://0.0.0.0:1/", "no host's"),
    ("http://[ff02::1]/", "multicast"),
])
def test_no_request_goes_to_some_addresses(api, webhook, url, why):
    made = webhook(url=url, events=["api_key.created"])
    sent = api.post(f"/api/v1/webhooks/{made['id']}/test").json()
    wait_until(lambda: deliveries(api, made)[0]["attempts"] > 0 and deliveries(api, made)[0]["last_error"],
               what="an attempt")
    error = api.read(f"webhook-deliveries/{sent['id']}")["tries"][0]["error"]
    assert why in error and "nothing is sent there" in error


# --- again ---

def test_one_delivery_is_sent_again_under_its_id(api, webhook, receiver):
    made = webhook(events=["api_key.created"])
    sent = api.post(f"/api/v1/webhooks/{made['id']}/test").json()
    path = f"/api/v1/webhook-deliveries/{sent['id']}"
    wait_until(lambda: deliveries(api, made)[0]["state"] == "delivered", what="the log")
    again = api.post(path + "/replay")
    assert again.status_code == 202 and again.json()["state"] == "waiting"
    wait_until(lambda: len(receiver.attempts) == 2, what="the second")
    assert receiver.attempts[1].id == sent["id"] and receiver.attempts[1].raw == receiver.attempts[0].raw
    wait_until(lambda: deliveries(api, made)[0]["state"] == "delivered", what="the log")
    assert [one["number"] for one in api.read(f"webhook-deliveries/{sent['id']}")["tries"]] == [1, 2]


def test_a_time_is_replayed_for_one_that_was_off(api, estate, webhook, receiver):
    started = datetime.now(timezone.utc) - timedelta(seconds=1)
    rename(api, estate.system, "Before there was a webhook")
    made = webhook(events=["system.updated"], filter=f"entity={estate.system['id']}")
    path = f"/api/v1/webhooks/{made['id']}"
    rename(api, estate.system, "Told")
    wait_delivered(receiver, 1)
    api.patch(path, json={"enabled": False})
    rename(api, estate.system, "Not told")
    wait_until(lambda: all(entry["sequence"] for entry in api.read("journal", entity=estate.system["id"])["items"]),
               what="the journal to be sealed")
    assert api.post(path + "/replay", json={"from": started.isoformat(), "until": "2040-01-01T00:00:00Z"}).status_code == 409
    api.patch(path, json={"enabled": True})

    def replay(**fields):
        reply = api.post(path + "/replay", json={"from": started.isoformat(), "until": "2040-01-01T00:00:00Z", **fields})
        assert reply.status_code == 202, reply.text
        return reply.json()

    assert replay() == {"repeated": 0, "made": 2}
    wait_delivered(receiver, 3)
    assert sorted(body["data"]["name"] for body in receiver.delivered().values()) == \
           ["Before there was a webhook", "Not told", "Told"]
    wait_until(lambda: len(deliveries(api, made, state="delivered")) == 3, what="the log")
    assert replay() == {"repeated": 0, "made": 0}
    assert replay(what="all") == {"repeated": 3, "made": 0}
    wait_until(lambda: len(receiver.attempts) == 6, what="all again")
    assert len(receiver.delivered()) == 3
    backwards = api.post(path + "/replay", json={"from": "2040-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"})
    assert refusal(backwards) == {"/until": "not_after_start"}


# --- many ---

def test_one_slow_receiver_has_its_share_and_delays_nobody(api, estate, webhook, receiver):
    slow = WebhookReceiver()
    slow.gate.clear()
    try:
        webhook(url=slow.url, events=["system.updated"], filter=f"entity={estate.system['id']}", concurrency=3)
        webhook(events=["system.updated"], filter=f"entity={estate.system['id']}", concurrency=1)
        for number in range(12):
            rename(api, estate.system, f"Name {number}")
        wait_delivered(receiver, 12)
        assert [attempt.body["data"]["name"] for attempt in receiver.attempts] == [f"Name {i}" for i in range(12)]
        assert receiver.most_busy == 1 and slow.most_busy == 3 and not slow.attempts
        slow.gate.set()
        wait_until(lambda: len(slow.delivered()) == 12, what="the slow one")
        assert slow.most_busy == 3
    finally:
        slow.close()


@pytest.mark.slow
def test_a_receiver_that_comes_back_gets_everything_once(start_control, receiver):
    control = start_control()
    with control.client() as client:
        estate = make_estate(client)
        made = client.create("webhooks", name="x", url=receiver.url, events=["component.created"], concurrency=8)
        receiver.status = 503
        rows = [{"instance": estate.instance["id"], "definition": estate.definition["id"], "key": f"c{i}", "name": "C"}
                for i in range(1000)]
        for start in range(0, 1000, 250):
            reply = client.post("/api/v1/components/bulk", json={"create": rows[start:start + 250], "atomic": True})
            assert reply.status_code == 200, reply.text
        wait_until(lambda: client.read(f"webhooks/{made['id']}", include="status")["included"]["status"]["waiting"] == 1000,
                   20, what="all to wait")
        failed = len(receiver.attempts)
        assert failed < 40, "a receiver that fails is left alone"
        receiver.status = 204
        wait_delivered(receiver, 1000, 60)
        assert len(receiver.attempts) - failed <= 1000 + 8
        assert control.metric("em_notify_dropped_total") == 0


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["the service", "its database"])
def test_nothing_is_lost_and_no_id_changes_when_something_is_killed(start_control, receiver, killed):
    control = start_control()
    with control.client() as client:
        estate = make_estate(client)
        client.create("webhooks", name="x", url=receiver.url, events=["component.created"], concurrency=4)
        rows = [{"instance": estate.instance["id"], "definition": estate.definition["id"], "key": f"c{i}", "name": "C"}
                for i in range(400)]
        assert client.post("/api/v1/components/bulk", json={"create": rows, "atomic": True}).status_code == 200
        wait_delivered(receiver, 20)
    if killed == "the service":
        # What was told of the journal long ago goes when it starts again, but for the last of each chain.
        sql(control.data, "INSERT INTO journal_head SELECT n, uuid_nil(), n, repeat('0', 64), now(), now() - interval '31 days'"
                          " FROM generate_series(1, 3) n")
        control.kill()
        start_control(data=control.data)
        wait_until(lambda: sql(control.data, "SELECT position FROM journal_head") == "3", what="the old heads to go")
    else:
        os.kill(postgres_pid(control.data), signal.SIGKILL)
    wait_delivered(receiver, 400, 90)
    told = {}
    for attempt in receiver.attempts:
        told.setdefault(attempt.body["position"], set()).add(attempt.id)
    assert len(told) == 400 and all(len(ids) == 1 for ids in told.values())
    assert len(receiver.attempts) <= 400 + 70, "only what was under way or not yet noted comes twice"


@pytest.mark.slow
def test_only_networks_that_are_allowed_are_reached(start_control, receiver):
    control = start_control("--webhook-networks", "127.0.0.2/32,10.0.0.0/8")
    with control.client() as client:
        made = client.create("webhooks", name="x", url=receiver.url, events=["api_key.created"])
        sent = client.post(f"/api/v1/webhooks/{made['id']}/test").json()
        wait_until(lambda: client.read(f"webhook-deliveries/{sent['id']}")["tries"], what="an attempt")
        assert "loopback" in client.read(f"webhook-deliveries/{sent['id']}")["tries"][0]["error"]
        assert not receiver.attempts
