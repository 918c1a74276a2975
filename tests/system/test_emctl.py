"""emctl: exports and verifications of a real journal, profiles, output, completions and exit statuses."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import subprocess

import pytest

from instance import sql
from processes import BUILD, free_port, short_dir, wait_until
from servers.webhook import WebhookReceiver

EMCTL = BUILD / "cli" / "emctl"
UNSEALED = "SELECT count(*) FROM change WHERE id NOT IN (SELECT change_id FROM change_seal)"
NIL = "00000000-0000-0000-0000-000000000000"


def emctl(*arguments, env=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EMCTL_")}
    ended = subprocess.run([EMCTL, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                           check=False, env={**environment, "HOME": "/nonexistent", "XDG_CONFIG_HOME": "", **(env or {})})
    assert "Sanitizer" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture
def at(control):
    """at(…) runs emctl for the shared control with the administrator's key."""
    return lambda *arguments: emctl(*arguments, env={"EMCTL_URL": control.url, "EMCTL_KEY": control.admin_key})


@pytest.fixture
def sealed(control, api, estate):
    """The estate, when all of the journal is sealed."""
    wait_until(lambda: sql(control.data, UNSEALED) == "0", what="the sealer")
    return estate


def test_an_export_is_whole_offline_and_online(at, api, sealed):
    path = short_dir() / "journal.ndjson"
    assert at("audit", "export", "--to", path).returncode == 0
    lines = path.read_text().splitlines()
    assert lines[0] == '{"journal":2}' and lines[-1].startswith('{"heads":[{"chain":')
    offline = emctl("audit", "verify", path)
    assert offline.returncode == 0 and offline.stdout.startswith("whole: "), offline.stdout + offline.stderr
    assert emctl("audit", "verify", "--output=json", path, "--heads", path).returncode == 0
    online = at("audit", "verify", "--heads", path, "--output", "json")
    assert online.returncode == 0 and json.loads(online.stdout)["whole"]
    api.create("organisations", key=f"more-{os.getpid()}-{sealed.organisation['key']}", name="More")
    assert at("audit", "verify", "--heads", path).returncode == 0
    again = at("audit", "export", "--to", path)
    assert again.returncode == 2 and "File exists" in again.stderr


def test_one_organisation(at, sealed):
    path = short_dir() / "one.ndjson"
    assert at("audit", "export", "--organisation", sealed.organisation["key"], "--to", path).returncode == 0
    records = [json.loads(line)["record"] for line in path.read_text().splitlines() if '"record"' in line[:10]]
    assert {record["chain"] for record in records} == {sealed.organisation["id"]} and len(records) == 7
    verified = at("audit", "verify", "--organisation", sealed.organisation["id"], "--output", "json")
    assert json.loads(verified.stdout)["records"] == 7
    assert at("audit", "verify", "--organisation", "none").returncode == 5
    assert at("audit", "verify", path, "--organisation", "none").returncode == 2


def test_export_to_standard_output(at, sealed):
    ended = at("audit", "export", "--organisation", sealed.organisation["key"])
    assert ended.returncode == 0 and len(ended.stdout.splitlines()) >= 9


def test_heads_in_three_forms(at, sealed):
    table = at("audit", "heads").stdout
    assert table.startswith("CHAIN") and sealed.organisation["key"] in table
    kept = short_dir() / "heads.json"
    kept.write_text(at("audit", "heads", "--organisation", sealed.organisation["key"], "--output", "json").stdout)
    [head] = json.loads(kept.read_text())["heads"]
    assert head["sequence"] == 7
    assert f'"sequence": {head["sequence"]}' in at("audit", "heads", "--output", "yaml").stdout
    assert at("audit", "verify", "--heads", kept).returncode == 0
    assert at("audit", "verify", "--head", head["hash"]).returncode == 0
    wrong = at("audit", "verify", "--head", "0" * 64)
    assert wrong.returncode == 1 and "chain_truncated" in wrong.stdout


# What a superuser does to the database → what is said of it.
SUPERUSER = "SET session_replication_role = replica; "
TAMPERING = [
    ("UPDATE change SET actor = 'nobody' WHERE id = (SELECT change_id FROM change_seal WHERE {at} AND sequence = 3)",
     "record_altered", 3),
    ("UPDATE change SET address = NULL WHERE id = (SELECT change_id FROM change_seal WHERE {at} AND sequence = 3)",
     "record_altered", 3),
    ("UPDATE change SET address = '192.0.2.1' WHERE id = (SELECT change_id FROM change_seal WHERE {at} AND sequence = 4)",
     "record_altered", 4),
    ("UPDATE change SET after = jsonb_set(after, '{{name}}', '\"x\"') WHERE id = (SELECT change_id FROM change_seal"
     " WHERE {at} AND sequence = 4)", "record_altered", 4),
    ("DELETE FROM change WHERE id = (SELECT change_id FROM change_seal WHERE {at} AND sequence = 2)", "record_removed", 2),
    ("DELETE FROM change_seal WHERE {at} AND sequence = 5", "record_removed", 5),
    ("UPDATE change_seal SET sequence = 100 WHERE {at} AND sequence = 2", "record_removed", 2),
    ("DELETE FROM change_batch WHERE {at} AND last = (SELECT min(last) FROM change_batch WHERE {at})", "batch_removed", 1),
    ("UPDATE change_batch SET sealed_at = now() WHERE {at} AND last = (SELECT max(last) FROM change_batch WHERE {at})",
     "batch_altered", 7),
    ("UPDATE change_seal SET hash = repeat('0', 64) WHERE {at} AND sequence = 6", "record_altered", 6),
    ("DELETE FROM change_batch WHERE {at}", "batch_removed", 1),
    ("DELETE FROM change_seal WHERE {at} AND sequence > 5", "chain_truncated", 7),
]


@contextlib.contextmanager
def tampered(control, chain, statement):
    """The journal after a superuser has run the statement; as it was afterwards."""
    tables = ("change", "change_seal", "change_batch")
    for table in tables:
        sql(control.data, f"DROP TABLE IF EXISTS kept_{table}; CREATE TABLE kept_{table} AS TABLE {table}")
    try:
        sql(control.data, SUPERUSER + statement.format(at=f"chain_id = '{chain}'"))
        yield
    finally:
        restore = "".join(f"DELETE FROM {table} WHERE {at_chain}; INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM"
                          f" kept_{table} WHERE {at_chain}; " for table, at_chain in (
                              ("change", f"organisation_id = '{chain}'"), ("change_seal", f"chain_id = '{chain}'"),
                              ("change_batch", f"chain_id = '{chain}'")))
        sql(control.data, SUPERUSER + restore + "".join(f"DROP TABLE kept_{table};" for table in tables))


@pytest.mark.parametrize("statement, code, sequence", TAMPERING)
def test_tampering_with_the_database_is_found_and_named(control, at, sealed, statement, code, sequence):
    chain = sealed.organisation["id"]
    with tampered(control, chain, statement):
        ended = at("audit", "verify", "--organisation", chain, "--output", "json")
    result = json.loads(ended.stdout)
    assert ended.returncode == 1 and not result["whole"]
    assert (code, chain, sequence) in [(found["code"], found["chain"], found["sequence"]) for found in result["findings"]], result
    assert at("audit", "verify", "--organisation", chain).returncode == 0


def test_a_tail_that_was_cut_off_cleanly_shows_against_a_kept_head(control, at, sealed):
    chain, path = sealed.organisation["id"], short_dir() / "kept.ndjson"
    assert at("audit", "export", "--organisation", chain, "--to", path).returncode == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    batches = [line["batch"] for line in lines if "batch" in line]
    cut = [line for line in lines if not ("batch" in line and line["batch"] == batches[-1]) and not (
        "record" in line and line["record"]["sequence"] >= batches[-1]["first"])]
    before = batches[-2] if len(batches) > 1 else None
    cut[-1] = {"heads": [{"chain": chain, "sequence": before["last"], "hash": before["hash"]}] if before else []}
    short = short_dir() / "cut.ndjson"
    short.write_text("".join(json.dumps(line) + "\n" for line in cut))
    assert emctl("audit", "verify", short).returncode == 0
    found = emctl("audit", "verify", short, "--heads", path)
    assert found.returncode == 1 and "chain_truncated" in found.stdout and chain in found.stdout


@pytest.fixture
def auditors(api, sealed):
    """(receiver, secret, told): webhooks for the heads of an organisation, and for that of the installation; told() waits for the
    next ones, an hour later."""
    receiver, secret = WebhookReceiver(), "whsec_" + base64.b64encode(os.urandom(32)).decode()
    common = {"events": ["journal.head"], "secret": secret}
    made = [api.create("webhooks", name="Organisation", url=f"{receiver.url}/one", organisation=sealed.organisation["id"], **common),
            api.create("webhooks", name="Installation", url=f"{receiver.url}/all", filter=f"entity={NIL}", **common)]
    yield receiver, secret, made
    for webhook in made:
        api.delete(f"/api/v1/webhooks/{webhook['id']}")
    receiver.close()


def an_hour_later(control, api, auditors):
    """Both chains have grown, and an hour has gone by: the heads that are told then, by the webhook."""
    receiver, _, made = auditors
    before = len(receiver.attempts)
    for text in "ab":  # each is a change of its chain; the second one finds the first one sealed
        for webhook in made:
            assert api.patch(f"/api/v1/webhooks/{webhook['id']}", json={"description": text}).status_code == 200
        wait_until(lambda: sql(control.data, UNSEALED) == "0", what="the sealer")
        sql(control.data, "UPDATE journal_head SET at = at - interval '1 hour'")
    assert api.patch(f"/api/v1/webhooks/{made[0]['id']}", json={"description": "look again"}).status_code == 200
    wait_until(lambda: {one.path for one in receiver.attempts[before:]} == {"/hook/one", "/hook/all"}, 30, what="the heads")
    return list(receiver.attempts)  # as it is now: more may come


def test_heads_that_a_webhook_told_are_held_against_the_journal(control, at, api, sealed, auditors):
    chain, kept = sealed.organisation["id"], short_dir() / "told.ndjson"
    an_hour_later(control, api, auditors)
    attempts = an_hour_later(control, api, auditors)
    for one in attempts:
        signed = f"{one.id}.{one.headers['webhook-timestamp']}.{one.raw}".encode()
        digest = hmac.new(base64.b64decode(auditors[1].removeprefix("whsec_")), signed, hashlib.sha256).digest()
        assert one.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
        assert one.body["type"] == "journal.head" and one.body["stream"] == "head"
        [head] = one.body["data"]["heads"]
        assert (head["chain"], head["organisation"]) == ((chain, chain) if one.path == "/hook/one" else (NIL, None))
    kept.write_text("".join(one.raw + "\n" for one in attempts))
    told = [one.body["data"]["heads"][0]["sequence"] for one in attempts if one.path == "/hook/one"]
    assert told == sorted(set(told)) and len(told) >= 2  # of a chain that has not grown nothing is told
    assert at("audit", "verify", "--heads", kept).returncode == 0

    # A superuser cuts the end off, so that what is left is whole.
    last = sql(control.data, f"SELECT max(last) FROM change_batch WHERE chain_id = '{chain}' AND last < {told[-1]}")
    end = f"FROM change_seal WHERE chain_id = '{chain}' AND sequence > {last}"
    with tampered(control, chain, f"DELETE FROM change WHERE id IN (SELECT change_id {end}); DELETE {end};"
                                  f" DELETE FROM change_batch WHERE chain_id = '{chain}' AND last > {last}"):
        assert at("audit", "verify", "--organisation", chain).returncode == 0
        found = at("audit", "verify", "--organisation", chain, "--heads", kept)
    assert found.returncode == 1 and "chain_truncated" in found.stdout
    assert at("audit", "verify", "--organisation", chain, "--heads", kept).returncode == 0


def test_exit_statuses(control, at):
    nowhere = emctl("audit", "heads", "--url", f"http://127.0.0.1:{free_port()}")
    assert nowhere.returncode == 3 and nowhere.stderr.startswith("emctl: http://127.0.0.1")
    no_key = emctl("audit", "heads", "--url", control.url)
    wrong_key = emctl("audit", "heads", env={"EMCTL_URL": control.url, "EMCTL_KEY": "em_key_wrong"})
    with control.client() as client:
        key = client.create("api-keys", name="no journal", scopes=["inventory.read"])["key"]
    denied = emctl("audit", "heads", env={"EMCTL_URL": control.url, "EMCTL_KEY": key})
    assert [no_key.returncode, wrong_key.returncode, denied.returncode] == [4, 4, 4] and "journal.read" in denied.stderr


@pytest.mark.parametrize("arguments, sentence", [
    ([], "no such command"), (["dance"], "no such command"), (["audit"], "no such command"),
    (["audit", "verify", "a", "b"], "one word too many"), (["completion"], "needs SHELL"), (["completion", "ksh"], "ksh"),
    (["audit", "heads", "--to", "x"], "has no option --to"), (["audit", "heads", "--output", "xml"], "not \"xml\""),
    (["audit", "heads", "--colour", "red"], "no option --colour"), (["audit", "verify", "/none"], "/none cannot be read"),
    (["audit", "heads", "--url", "ftp://x"], "has to begin with https://"), (["audit", "verify", "--head", "x"], "64 digits"),
    (["audit", "heads", "--profile", "none", "--profiles", "/none"], "/none cannot be read"),
    (["audit", "heads", "--timeout-s", "0"], "from 1 to 3600"),
])
def test_what_is_not_right_is_said(arguments, sentence):
    ended = emctl(*arguments)
    assert ended.returncode == 2 and sentence in ended.stderr, ended.stderr


def test_profiles(control, sealed):
    home = short_dir()
    path = home / "emctl" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"default": "here", "profiles": {
        "here": {"url": control.url + "/", "key": control.admin_key}, "there": {"url": f"http://127.0.0.1:{free_port()}"}}}))
    env = {"XDG_CONFIG_HOME": str(home)}
    opened = emctl("audit", "heads", env=env)
    assert opened.returncode == 2 and "chmod 600" in opened.stderr
    path.chmod(0o600)
    assert emctl("audit", "heads", env=env).returncode == 0
    assert emctl("audit", "heads", "--profile", "there", env=env).returncode == 3
    assert emctl("audit", "heads", env={**env, "EMCTL_PROFILE": "there"}).returncode == 3
    assert "no profile" in emctl("audit", "heads", "--profile", "nobody", env=env).stderr
    listed = emctl("profile", "list", env=env)
    assert listed.returncode == 0 and control.admin_key not in listed.stdout and "here" in listed.stdout
    key = home / "key"
    key.write_text(control.admin_key + "\n")
    assert emctl("audit", "heads", "--url", control.url, "--key-file", key).returncode == 0


def bash_completes(line, before=""):
    """What bash offers for the last word of a line."""
    words = line.split(" ")
    script = (f"source <({EMCTL} completion bash); COMP_WORDS=({' '.join(repr(word) for word in words)});"
              f" COMP_CWORD={len(words) - 1}; _emctl; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return set(subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, check=True).stdout.split())


def test_completions():
    assert bash_completes("emctl ") == {"audit", "profile", "completion", "--help", "--version"}
    assert bash_completes("emctl audit ") == {"export", "verify", "heads"}
    assert bash_completes("emctl audit ex") == {"export"}
    assert "--to" in bash_completes("emctl audit export --") and "--to" not in bash_completes("emctl audit heads --")
    assert bash_completes("emctl audit heads --output ") == {"table", "json", "yaml"}
    assert bash_completes("emctl completion ") == {"bash", "zsh", "fish"}
    assert emctl("completion", "zsh").stdout.startswith("#compdef emctl")
    assert "-a 'table json yaml'" in emctl("completion", "fish").stdout


def test_help_and_version():
    ended = emctl("--help")
    assert ended.returncode == 0 and "audit verify [FILE]" in ended.stdout and "  4  it refuses" in ended.stdout
    assert emctl("--version").stdout.startswith("emctl ")


@pytest.mark.slow
def test_too_many_requests_are_waited_for(start_control):
    control = start_control()
    with control.client() as client:
        for number in range(4):
            client.create("organisations", key=f"o{number}", name="O")
        wait_until(lambda: sql(control.data, UNSEALED) == "0", what="the sealer")
        [row] = [row for row in client.read("rate-limits")["items"] if (row["class"], row["subject"]) == ("browse", "key")]
        assert client.patch(f"/api/v1/rate-limits/{row['id']}", json={"quota": 3, "window_s": 3}).status_code == 200
    env = {"EMCTL_URL": control.url, "EMCTL_KEY": control.admin_key}
    assert emctl("audit", "verify", env=env).returncode == 0  # six requests at the least
