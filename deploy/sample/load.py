"""Loads estate.json through the public API: load.py --url URL --key-file FILE --data DIR

What is there already is left as it is, so a load that was interrupted can be run again; after a complete one
DIR/sample/loaded is left and deploy/up asks no more. Every ${name} in a spec stands for a port of the farm or a fact
of this instance (see facts()).
"""

import argparse
import json
import string
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
import ssl

TIMEOUT_S = 20
AT_ONCE = 4


class Api:
    """POST and GET with the administrator's key; a problem the server reports ends the load."""

    def __init__(self, url, key):
        self.url, self.key = url, key
        self.tls = ssl.create_default_context()
        self.tls.check_hostname = False  # it is this machine's own service, by its address
        self.tls.verify_mode = ssl.CERT_NONE
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                  urllib.request.HTTPSHandler(context=self.tls))

    def call(self, method, path, body=None):
        """The status and the JSON of the answer."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})
        try:
            with self.opener.open(request, timeout=TIMEOUT_S) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def create(self, collection, fields):
        """Creates one object; one that has this key already is left alone."""
        status, reply = self.call("POST", collection, fields)
        if status not in (201, 409):
            sys.exit(f"POST {collection} {fields.get('key', '')}: {status} {json.dumps(reply)}")

    def create_all(self, collection, rows):
        """Creates objects that do not depend on one another."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda fields: self.create(collection, fields), rows))
        print(f"{len(rows)} {collection}", flush=True)


def facts(options):
    """What ${name} in a spec stands for, besides ${system}, ${group} and ${part}."""
    data = Path(options.data)
    sample = data / "sample"
    sockets = {"postgres_socket": data / ".s.PGSQL.5432", "redis_socket": data / "redis.sock"}
    return {
        **json.loads((sample / "ports.json").read_text()),
        "ca": (sample / "ca.pem").read_text(),
        "url": options.url,
        "data": str(data),
        **{name: str(path) for name, path in sockets.items() if path.exists()},  # not when it is somebody's own server
    }


def is_known(spec, names):
    """Whether this instance has every fact that a spec names."""
    return set(string.Template(json.dumps(spec)).get_identifiers()) <= names.keys()


def filled(value, names):
    """`value` with every ${name} replaced; a text that is nothing but one name takes the type of its fact."""
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    if isinstance(value, str):
        if value.startswith("${") and value.endswith("}") and value[2:-1] in names:
            return names[value[2:-1]]
        return string.Template(value).substitute(names)
    return value


class Estate:
    """The rows of each collection, made from the description."""

    def __init__(self, description, names):
        self.units, self.systems, self.groups = [], [], []
        self.definitions, self.instances, self.components, self.checks = [], [], [], []
        root = description["organisation"]["key"]
        checks = description["checks"]
        instead = {row["component"]: row["check"] for row in description["exceptions"]}

        for unit in description["units"]:
            unit_path = f"{root}/{unit['key']}"
            self.units.append({**without(unit, "systems"), "organisation": root})
            self.groups += [{**group, "business_unit": unit_path} for group in description["groups"]]
            for system in unit["systems"]:
                system_path = f"{unit_path}/{system['key']}"
                self.systems.append({**without(system, "parts", "groups"), "business_unit": unit_path})
                self.definitions += [{**without(part, "check", "criticality"), "system": system_path}
                                     for part in system["parts"]]
                for group in description["groups"]:
                    if group["key"] in system.get("groups", [group["key"]]):
                        self.add_instance(unit, system, group, system_path, f"{unit_path}/{group['key']}")
                        for part in system["parts"]:
                            place = f"{unit['key']}/{system['key']}/{group['key']}/{part['key']}"
                            check = checks[instead.get(place, part["check"])]
                            self.add_component(root, place, part, system, group, check, names)

    def add_instance(self, unit, system, group, system_path, group_path):
        self.instances.append({
            "key": group["key"], "name": f"{system['name']} {group['name']}", "system": system_path,
            "environment_group": group_path, "tags": [unit["key"], group["kind"]]})

    def add_component(self, root, place, part, system, group, check, names):
        instance, _, key = place.rpartition("/")
        local = {**names, "system": system["key"], "group": group["key"], "part": key}
        if not is_known(check["spec"], local):
            return
        component = {"key": key, "name": part["name"], "instance": f"{root}/{instance}",
                     "definition": f"{root}/{'/'.join(place.split('/')[:2])}/{key}"}
        if "criticality" in part:
            component["criticality"] = part["criticality"]
        self.components.append(component)
        self.checks.append({**check, "component": f"{root}/{place}", "spec": filled(check["spec"], local)})


def without(fields, *keys):
    return {key: value for key, value in fields.items() if key not in keys}


def ids_by_path(nodes, prefix=""):
    """Key path → id of everything in the tree."""
    ids = {}
    for node in nodes:
        path = f"{prefix}{node['key']}"
        ids[path] = node["id"]
        ids.update(ids_by_path(node.get("children", []), f"{path}/"))
    return ids


def load_maintenance(api, description):
    """The windows, from now on; an instance that has one already gets no second."""
    _, tree = api.call("GET", "tree")
    _, windows = api.call("GET", "maintenance-windows?limit=1000")
    ids = ids_by_path(tree["items"])
    taken = {window["scope"].get("instance") for window in windows["items"]}
    now = datetime.now(timezone.utc)
    rows = [{"scope": {"instance": ids[f"{description['organisation']['key']}/{row['instance']}"]},
             "starts_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
             "ends_at": (now + timedelta(hours=row["hours"])).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
             "reason": row["reason"]} for row in description["maintenance"]]
    api.create_all("maintenance-windows", [row for row in rows if row["scope"]["instance"] not in taken])


def main():
    parser = argparse.ArgumentParser(description="Loads the sample estate through the API.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--key-file", required=True, type=Path)
    parser.add_argument("--data", required=True)
    options = parser.parse_args()

    description = json.loads((Path(__file__).parent / "estate.json").read_text())
    api = Api(options.url, options.key_file.read_text().strip())
    estate = Estate(description, facts(options))
    api.create_all("organisations", [description["organisation"]])
    api.create_all("business-units", estate.units)
    api.create_all("systems", estate.systems)
    api.create_all("environment-groups", estate.groups)
    api.create_all("component-definitions", estate.definitions)
    api.create_all("instances", estate.instances)
    api.create_all("components", estate.components)
    api.create_all("checks", estate.checks)
    load_maintenance(api, description)
    Path(options.data, "sample", "loaded").touch()


if __name__ == "__main__":
    main()
