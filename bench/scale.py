"""em-control with 10,000 components and 10,000 checks: memory, and how soon it is ready after a restart."""

import time
from concurrent.futures import ThreadPoolExecutor

from tools import Control, Row, resident_mib, service

INSTANCES = 100
AT_ONCE = 4


def load(control, components):
    """Makes the estate through the API: `components` components with a paused or running check each."""
    client = control.client()
    client.create("organisations", key="bench", name="Bench")
    client.create("business-units", organisation="bench", key="unit", name="Unit")
    client.create("systems", business_unit="bench/unit", key="system", name="System")
    client.create("environment-groups", business_unit="bench/unit", key="group", name="Group", kind="test")
    client.create("component-definitions", system="bench/unit/system", key="web", name="Web", kind="web")

    def fill(number):
        with control.client() as own:
            instance = f"bench/unit/system/instance-{number}"
            own.create("instances", system="bench/unit/system", environment_group="bench/unit/group",
                       key=f"instance-{number}", name=f"Instance {number}")
            for index in range(components // INSTANCES):
                own.create("components", instance=instance, definition="bench/unit/system/web", key=f"web-{index}",
                           name=f"Web {index}")
                own.create("checks", component=f"{instance}/web-{index}", name="answers", kind="http", interval_s=60,
                           spec={"url": f"http://127.0.0.1:9/{number}/{index}"})

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(fill, range(INSTANCES)))


def measure(quick):
    components = 1000 if quick else 10_000
    with service() as control:
        began = time.monotonic()
        load(control, components)
        loaded_s = time.monotonic() - began
        control.child.terminate()
        control.wait()
        began = time.monotonic()
        again = Control(data=control.data)
        try:
            again.wait_ready()
            ready_s = time.monotonic() - began
            time.sleep(2)  # what it does right after the start belongs to its size
            resident = resident_mib(again.pid)
        finally:
            again.stop()
    what = f"{components:,} components and {components:,} checks"
    return [
        Row(f"{what}: loaded through the API", f"{loaded_s:.0f} s, {2 * components / loaded_s:.0f} objects/s"),
        Row(f"{what}: ready after a restart", f"{ready_s:.2f} s", "< 5 s", ready_s < 5),
        Row(f"{what}: em-control resident", f"{resident:.0f} MiB", "< 150 MiB", resident < 150),
    ]
