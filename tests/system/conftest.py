"""Fixtures of the system tests: real em-control with real PostgreSQL and Redis, real em-prober, a small estate.

`control` and `prober` are shared by all tests of a worker and must be left healthy; a test that kills or
reconfigures something takes `start_control` and `start_prober` and has them for itself.
"""

import collections
import itertools
import json
import os
import shutil
import subprocess
from types import SimpleNamespace

import pytest

import processes
from engine_io import EchoServer


def pytest_collection_modifyitems(items):
    """A run without the programs says so once per test instead of failing in every fixture."""
    needs = {"control": processes.EM_CONTROL, "start_control": processes.EM_CONTROL,
             "prober": processes.EM_PROBER, "start_prober": processes.EM_PROBER, "prober_once": processes.EM_PROBER}
    for item in items:
        for fixture, program in needs.items():
            if fixture in item.fixturenames and not program.exists():
                item.add_marker(pytest.mark.skip(reason=f"{program} is not built"))
    # Files with much to wait for first: one that begins last keeps all others waiting.
    waits = collections.Counter(item.path for item in items for mark in ("slow", "faults", "long")
                                if item.get_closest_marker(mark))
    items.sort(key=lambda item: -waits[item.path])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    """Removes the temporary folders once every program has stopped, in each worker its own."""
    for folder in processes.folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of every running program's log with a failed test."""
    report = (yield).get_result()
    if report.failed:
        for process in processes.running:
            report.sections.append((f"log of {process.name} (pid {process.pid})", process.tail()))


@pytest.fixture(scope="session", autouse=True)
def service_user():
    processes.make_service_user()


@pytest.fixture(scope="session")
def control(service_user):
    """The em-control that most tests share; all sign in from one address, so that has no limit."""
    program = processes.Control().wait_ready()
    with program.client() as client:
        for row in client.read("rate-limits")["items"]:
            if row["class"] == "sign_in" and row["quota"]:
                assert client.patch(f"/api/v1/rate-limits/{row['id']}", json={"quota": None}).status_code == 200
    yield program
    program.stop()
    program.remove()


@pytest.fixture(scope="session")
def prober(control):
    """The em-prober that probes for the shared control."""
    program = processes.Prober(control)
    processes.wait_until(lambda: control.metric("em_fleet_probers") >= 1, what="the prober's first report")
    yield program
    program.stop()


@pytest.fixture(scope="module")
def echo():
    """em-control as the echo that the protocols' official suites talk to."""
    if not processes.EM_CONTROL.exists():
        pytest.skip(f"{processes.EM_CONTROL} is not built")
    server = EchoServer()
    yield server
    server.stop()


@pytest.fixture
def api(control):
    """The shared control's API with the administrator's key."""
    with control.client() as client:
        yield client


@pytest.fixture
def start_control(service_user):
    """start_control(*options, data=…): an em-control of the test's own, waited for until it is ready."""
    started = []

    def start(*options, ready=True, **settings):
        program = processes.Control(*options, **settings)
        started.append(program)
        return program.wait_ready() if ready else program

    yield start
    for program in reversed(started):
        program.stop()
    for program in started:
        program.remove()


@pytest.fixture
def start_prober():
    """start_prober(control, *options): an em-prober of the test's own."""
    started = []

    def start(control, *options, **settings):
        program = processes.Prober(control, *options, **settings)
        started.append(program)
        return program

    yield start
    for program in reversed(started):
        program.stop()


@pytest.fixture
def prober_once():
    """prober_once(checks, *options) → status, results by check, errors: runs `em-prober once` over check objects.

    `within` is a command to run it by, such as that of a network namespace.
    """

    def run(checks, *options, deadline_s=60, within=()):
        lines = [check if isinstance(check, str) else json.dumps(check) for check in checks]
        ended = subprocess.run([*within, processes.EM_PROBER, "once", *map(str, options)], input="\n".join(lines) + "\n",
                               capture_output=True, text=True, timeout=deadline_s, check=False)
        assert "Sanitizer" not in ended.stderr, ended.stderr
        results = [json.loads(line) for line in ended.stdout.splitlines()]
        errors = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
        return SimpleNamespace(status=ended.returncode, results={r["check"]: r for r in results}, order=results,
                               errors=errors, stderr=ended.stderr)

    return run


_numbers = itertools.count(1)


@pytest.fixture
def estate(api):
    """An organisation of the test's own with one of each: ids by kind, and a `path` for keys below it."""
    return make_estate(api)


def make_estate(client):
    """Creates organisation → unit → {system, group} → instance → component and returns their objects."""
    key = f"t{os.getpid()}-{next(_numbers)}"
    organisation = client.create("organisations", key=key, name=f"Test {key}")
    unit = client.create("business-units", organisation=organisation["id"], key="unit", name="Unit")
    system = client.create("systems", business_unit=unit["id"], key="shop", name="Shop")
    group = client.create("environment-groups", business_unit=unit["id"], key="sit", name="SIT", kind="sit")
    definition = client.create("component-definitions", system=system["id"], key="web", name="Web", kind="web")
    instance = client.create("instances", system=system["id"], environment_group=group["id"], key="sit", name="SIT")
    component = client.create("components", instance=instance["id"], definition=definition["id"], key="web", name="Web")
    return SimpleNamespace(organisation=organisation, unit=unit, system=system, group=group, definition=definition,
                           instance=instance, component=component, path=f"{key}/unit/shop/sit/web")
