"""Limits that two em-control on one database hold together, counted in the Redis that both are given."""

import concurrent.futures
import os
import signal
import time

import pytest
import redis
import requests
from instance import sql
from processes import Client, Control, wait_until
from servers.redis import RedisServer
from test_cmdb import check_problem

BAD_KEY = {"api_key": "em_key_" + "x" * 40}


class From(requests.adapters.HTTPAdapter):
    """Connects from an address of loopback, so that a test is a caller of its own."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


class Installation:
    """A database, a Redis and two em-control that work with them; the first to come has the administrator's key."""

    def __init__(self):
        self.owner = Control().wait_ready()
        self.redis = RedisServer("redis-of-limits")
        sql(self.owner.data, "CREATE DATABASE shared")
        self.both = []
        self.start()
        wait_until(self.both[0].is_ready, 60, what="the first")
        self.start()
        wait_until(lambda: is_joined(self.both[1]), 60, what="the second")
        self.key = self.both[0].admin_key

    def start(self):
        self.both.append(Control("--database", f"host={self.owner.data} user=em dbname=shared",
                                 "--redis", f"redis://127.0.0.1:{self.redis.port}"))

    def restart_redis(self):
        self.redis.stop()
        self.redis = RedisServer("redis-of-limits", port=self.redis.port)

    def stop(self):
        for program in (*reversed(self.both), self.redis, self.owner):
            program.stop()
        for control in (*self.both, self.owner):
            control.remove()

    def clients(self, key=None):
        return [Client(control.url, key or self.key) for control in self.both]

    def new_key(self):
        """A key that may read, for a caller of the test's own."""
        return self.clients()[0].create("api-keys", name="k", scopes=["inventory.read"])["key"]

    def sign_in(self, number, address):
        """An attempt that fails when it is let through at all."""
        with Client(self.both[number % 2].url) as client:
            client.mount("http://", From(address))
            return client.post("/api/v1/session", json=BAD_KEY)


def is_joined(control):
    try:
        return control.metric("em_rates_shared") == 1
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def installation(service_user):
    made = Installation()
    yield made
    made.stop()


@pytest.fixture
def limits(installation):
    """limits(class_, subject, quota, window_s) sets one by the first, and waits until the second has heard of it."""
    first, second = installation.clients()
    before = {(row["class"], row["subject"]): row for row in first.read("rate-limits")["items"]}
    watcher = Client(second.url, installation.new_key())

    def patch(row, quota, window_s):
        reply = first.patch(f"/api/v1/rate-limits/{row['id']}", json={"quota": quota, "window_s": window_s})
        assert reply.status_code == 200, reply.text

    def policy():
        return watcher.get("/api/v1/systems").headers.get("RateLimit-Policy", "")

    def policy(class_):
        reply = installation.sign_in(1, "127.0.0.9") if class_ == "sign_in" else watcher.get("/api/v1/systems")
        return reply.headers.get("RateLimit-Policy", "")

    def change(class_, subject, quota, window_s=3600):
        patch(before[class_, subject], quota, window_s)
        wait_until(lambda: f'"{class_}-{subject}";q={quota};w={window_s}' in policy(class_), what="the second's limit")

    yield change
    for row in before.values():
        patch(row, row["quota"], row["window_s"])


def test_a_small_quota_is_held_to_the_request(installation, limits):
    limits("browse", "key", 30)
    clients = installation.clients(installation.new_key())
    answers = [clients[n % 2].get("/api/v1/systems") for n in range(40)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429] * 10
    for left, answer in zip(range(29, -1, -1), answers):
        assert f'"browse-key";r={left};t=' in answer.headers["RateLimit"]
    check_problem(answers[-1], 429, "rate_limited")
    assert 100 <= int(answers[-1].headers["Retry-After"]) <= 120


def test_a_quota_is_held_within_a_lease_by_many_at_once(installation, limits):
    limits("browse", "key", 400)
    key = installation.new_key()

    def ask(number):
        client = installation.clients(key)[number % 2]
        return [client.get("/api/v1/systems").status_code for _ in range(100)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = sum(pool.map(ask, range(8)), [])
    assert set(answers) == {200, 429}
    assert 380 <= answers.count(200) <= 420


def test_a_caller_may_go_from_one_to_the_other(installation, limits):
    """Nothing is lost but what the first has leased and not used yet."""
    limits("browse", "key", 100, 100)
    first, second = installation.clients(installation.new_key())
    began = time.monotonic()
    assert [first.get("/api/v1/systems").status_code for _ in range(30)] == [200] * 30
    through = 0
    while second.get("/api/v1/systems").status_code == 200:
        through += 1
    due = 70 + (time.monotonic() - began)
    assert due - 5 <= through <= due + 5


def test_sign_in_is_counted_together_to_the_attempt(installation, limits):
    limits("sign_in", "address", 5, 7200)
    replies = [installation.sign_in(number, "127.0.0.2") for number in range(12)]
    assert [reply.status_code for reply in replies] == [401] * 5 + [429] * 7
    assert 1400 < int(replies[-1].headers["Retry-After"]) <= 1440


def test_buckets_lie_in_redis_by_installation_until_they_are_full(installation, limits):
    limits("browse", "key", 40, 400)
    client = installation.clients(installation.new_key())[0]
    store = redis.Redis(port=installation.redis.port, decode_responses=True)
    pattern = f"em:rate:{sql(installation.owner.data, 'SELECT id FROM settings', 'shared')}:browse:key:*"
    before = set(store.scan_iter(pattern))
    assert [client.get("/api/v1/systems").status_code for _ in range(5)] == [200] * 5
    key, = set(store.scan_iter(pattern)) - before
    assert 10000 < store.pttl(key) <= 50000


@pytest.mark.faults
def test_redis_is_killed_and_comes_back(installation, limits):
    limits("browse", "key", 200)
    key = installation.new_key()
    clients = installation.clients(key)
    assert [clients[n % 2].get("/api/v1/systems").status_code for n in range(100)] == [200] * 100
    installation.redis.kill()

    for number, control in enumerate(installation.both):
        wait_until(lambda control=control: not is_joined(control), 5, what="the loss")
        refused = installation.sign_in(number, "127.0.0.3")
        problem = check_problem(refused, 503, "sign_in_uncounted")
        assert "Redis" in problem["detail"] and "Sessions and API keys go on" in problem["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
    # Each knows what was used before, and counts on alone.
    answers = [clients[0].get("/api/v1/systems").status_code for _ in range(130)]
    assert set(answers) == {200, 429} and 90 <= answers.count(200) <= 110

    installation.restart_redis()
    for number, control in enumerate(installation.both):
        wait_until(lambda control=control: is_joined(control), 15, what="joining")
        assert installation.sign_in(number, "127.0.0.3").status_code == 401
        log = control.log.read_text()
        assert log.count("rates.cut_off") == 1 and log.count("rates.joined") == 2
        assert control.metric("em_rates_cut_off_total") == 1
    # Redis has forgotten everything, and the one who counted has told it: the other refuses, too.
    answers = [clients[n % 2].get("/api/v1/systems").status_code for n in range(60)]
    assert answers.count(200) <= 10
    answers = [clients[1].get("/api/v1/systems").status_code for _ in range(20)]
    assert answers == [429] * 20


@pytest.mark.faults
def test_redis_that_hangs_holds_nobody_up_for_long(installation, limits):
    limits("browse", "key", 1000)
    client = installation.clients(installation.new_key())[0]
    os.kill(installation.redis.pid, signal.SIGSTOP)
    try:
        replies = [client.get("/api/v1/systems") for _ in range(100)]
        assert {reply.status_code for reply in replies} == {200}
        refused = installation.sign_in(0, "127.0.0.4")
        check_problem(refused, 503, "sign_in_uncounted")
        assert max(reply.elapsed.total_seconds() for reply in (*replies, refused)) < 5
    finally:
        os.kill(installation.redis.pid, signal.SIGCONT)
    wait_until(lambda: is_joined(installation.both[0]), 15, what="joining")
    assert installation.sign_in(0, "127.0.0.4").status_code == 401


@pytest.mark.faults
def test_a_start_without_redis_refuses_sign_in_and_nothing_else(installation, start_control):
    control = start_control("--redis", "redis://127.0.0.1:1")
    with control.client() as api:
        assert api.get("/api/v1/systems").status_code == 200
    check_problem(Client(control.url).post("/api/v1/session", json=BAD_KEY), 503, "sign_in_uncounted")
    assert control.log.read_text().count("rates.cut_off") == 1


def test_its_own_redis_is_nobody_elses(control):
    """Without --redis there is nobody to share with: nothing depends on Redis."""
    assert control.metric("em_rates_shared") == 0
    assert not list(control.redis().scan_iter("em:rate:*")) and "rates." not in control.log.read_text()
