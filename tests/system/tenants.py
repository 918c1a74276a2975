"""Organisations with the same content and a key of their own each, and what gives one away in an answer."""

import itertools
import os
from datetime import datetime, timedelta, timezone

from instance import sql
from processes import Client, wait_until

VERSIONED = ["organisation", "business_unit", "system", "environment_group", "instance", "component_definition", "component",
             "health_check", "maintenance_window", "webhook"]

_numbers = itertools.count(1)


def in_the_future(hours):
    return (datetime.now(timezone.utc) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Tenant:
    """One organisation with one of each thing. `word` is in each of its keys, names and texts; `client` has its key."""

    def __init__(self, control, admin, colour):
        self.control = control
        self.word = f"{colour}{os.getpid()}n{next(_numbers)}"
        self.things = {}  # the object that stands for its collection
        self.fallen = {}  # and one that is deleted
        organisation = self.keep("organisations", admin.create("organisations", key=self.word, name=f"{self.word} itself"))
        self.id = organisation["id"]
        self.key = admin.create("api-keys", name=f"{self.word} of all", organisation=self.word)
        self.client = Client(control.url, self.key["key"])
        self.make_inventory()
        self.make_health()
        self.make_webhook()
        self.keep("journal", self.client.read("journal", limit=1)["items"][0])
        self.marks = {self.word, self.key["id"], *self.ids(), *self.journal_ids(), self.things["tokens"]["id"],
                      self.things["webhooks"]["secret"]}

    def keep(self, collection, thing):
        self.things[collection] = thing
        return thing

    def fell(self, collection, thing):
        self.fallen[collection] = thing
        assert self.client.delete(f"/api/v1/{collection}/{thing['id']}").status_code == 204

    def make(self, collection, key, **fields):
        return self.keep(collection, self.client.create(collection, key=f"{self.word}-{key}", name=f"{self.word} {key}", **fields))

    def make_inventory(self):
        unit = self.make("business-units", "unit", organisation=self.id)
        self.fell("systems", self.make("systems", "fallen", business_unit=unit["id"]))
        system = self.make("systems", "system", business_unit=unit["id"], tags=[self.word], attributes={"mark": self.word})
        group = self.make("environment-groups", "group", business_unit=unit["id"], kind="sit", tier=self.word)
        definition = self.make("component-definitions", "definition", system=system["id"], kind="web", repository=self.word)
        instance = self.make("instances", "instance", system=system["id"], environment_group=group["id"],
                             url=f"https://{self.word}.test/")
        component = self.make("components", "component", instance=instance["id"], definition=definition["id"], host=self.word)
        assert self.client.patch(f"/api/v1/systems/{system['id']}", json={"description": self.word}).status_code == 200
        self.before = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert self.client.patch(f"/api/v1/systems/{system['id']}", json={"lifecycle": "sunset"}).status_code == 200
        self.keep("systems", self.client.read(f"systems/{system['id']}"))
        self.path = "/".join(thing["key"] for thing in (self.things["organisations"], unit, system, instance, component))

    def make_health(self):
        component = self.things["components"]["id"]
        self.make("checks", "check", component=component, kind="http", enabled=False,
                  spec={"url": f"https://{self.word}.test/", "auth": {"bearer": f"{self.word}-secret"}})
        beat = self.client.create("checks", component=component, key=f"{self.word}-beat", name=f"{self.word} beat",
                                  kind="heartbeat", spec={"interval_s": 3600, "grace_s": 3600}, fall=1, rise=1)
        self.keep("beats", beat)
        self.keep("tokens", {"id": beat["heartbeat_path"].rsplit("/", 1)[1]})
        self.keep("maintenance-windows", self.client.create(
            "maintenance-windows", scope={"component": component}, starts_at=in_the_future(24), ends_at=in_the_future(25),
            reason=f"{self.word} moves"))
        self.keep("api-keys", self.client.create("api-keys", name=f"{self.word} of one", scopes=["inventory.read"]))
        with Client(self.control.url) as caller:
            assert caller.post(f"{beat['heartbeat_path']}?status=fail&message={self.word}").status_code == 200
        wait_until(lambda: self.client.read(f"checks/{beat['id']}/results")["items"], what="the result of the call")
        wait_until(lambda: self.client.read("health/events", kind="organisation")["items"], what="a state of the organisation")

    def make_webhook(self):
        """Nobody listens at its address."""
        fields = {"name": f"{self.word} hook", "description": self.word, "url": f"http://127.0.0.1:9/{self.word}",
                  "events": ["webhook.created"]}
        self.fell("webhooks", self.client.create("webhooks", **fields))
        webhook = self.keep("webhooks", self.client.create("webhooks", **fields))
        tested = self.client.post(f"/api/v1/webhooks/{webhook['id']}/test")
        assert tested.status_code == 202, tested.text
        self.keep("webhook-deliveries", tested.json())
        wait_until(lambda: not self.client.read("journal", sequence__isnull="true")["items"], what="the sealer")

    def ids(self):
        return {thing["id"] for thing in (*self.things.values(), *self.fallen.values())}

    def journal_ids(self):
        return {entry["id"] for entry in self.client.read("journal", limit=1000)["items"]}

    def seen_in(self, text):
        """What of this organisation a text shows."""
        return sorted(mark for mark in self.marks if mark in text)

    def fingerprint(self):
        """Another one after each write to what is the organisation's."""
        tables = " UNION ALL ".join(f"SELECT id, version::text, deleted_at FROM {table} WHERE organisation_id = '{self.id}'"
                                    for table in VERSIONED)
        return sql(self.control.data, f"""
            SELECT (SELECT md5(string_agg(row::text, ',' ORDER BY id)) FROM ({tables}) row),
                   (SELECT count(*) FROM change WHERE organisation_id = '{self.id}'),
                   (SELECT count(*) FROM api_key WHERE organisation_id = '{self.id}' AND revoked_at IS NULL)""")

    def close(self):
        self.client.delete(f"/api/v1/webhooks/{self.things['webhooks']['id']}")
        self.client.close()
