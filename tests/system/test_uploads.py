"""Bodies too large for memory: the file of a journal's export is sent, verified, and compared with the journal that is here."""

import contextlib
import json
import os
import socket
import subprocess

import pytest
import requests

import journal_chain
from http2_client import Http2Client
from instance import sql
from processes import Client, wait_until
from test_emctl import UNSEALED, at, sealed  # noqa: F401  (fixtures)

PATH = "/api/v1/journal/verify"
LINES = {"Content-Type": "application/x-ndjson"}
MIB = 1024 * 1024


@pytest.fixture
def export(at, sealed):  # noqa: F811
    """The lines of an export of the estate's organisation, by its name and by its records."""
    ended = at("audit", "export", "--organisation", sealed.organisation["key"])
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def text(lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def verify(api, lines):
    reply = api.post(PATH, data=text(lines), headers=LINES)
    assert reply.status_code == 200, reply.text
    return reply.json()


def found(api, lines):
    answer = verify(api, lines)
    assert not answer["whole"] and answer["finding_count"] == len(answer["findings"])
    return [(finding["code"], finding["sequence"], finding["line"]) for finding in answer["findings"]]


def opened(control):
    """How many uploads lie on the disk of the service."""
    links = []
    for link in (f"/proc/{control.pid}/fd/{name}" for name in os.listdir(f"/proc/{control.pid}/fd")):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(link))
    return sum("/upload." in link for link in links)


def test_an_export_is_compared_with_the_journal_here(api, export):
    answer = verify(api, export)
    assert answer["whole"] and answer["findings"] == [] and answer["heads"] == export[-1]["heads"]
    assert answer["records"] == sum("record" in line for line in export) == 7


def test_what_was_altered_is_found_by_its_line(api, export):
    at_line = [i for i, line in enumerate(export) if "record" in line][2]
    sequence = export[at_line]["record"]["sequence"]
    removed = export[:at_line] + export[at_line + 1:]
    assert ("record_removed", sequence, at_line + 1) in found(api, removed)
    export[at_line]["record"]["actor"] = "nobody"
    assert found(api, export) == [("record_altered", sequence, at_line + 1)]


def test_a_chain_that_was_made_anew_is_not_ours(api, export):
    previous, hashes = journal_chain.BEGIN, []
    for line in export:
        if record := line.get("record"):
            record["actor"] = "nobody"
            record["hash"] = journal_chain.record_hash(record)
            hashes.append(record["hash"])
        elif batch := line.get("batch"):
            previous = batch["hash"] = journal_chain.batch_hash(batch, previous, hashes)
            hashes = []
    export[-1]["heads"][0]["hash"] = previous
    assert found(api, export) == [("chain_rewritten", 7, None)]


def test_who_belongs_to_another_organisation_has_no_such_chain(api, control, estate, export):
    other = api.create("organisations", key=f"other-{estate.organisation['key']}", name="Other")
    key = api.create("api-keys", name="of another", organisation=other["key"])
    with Client(control.url, key["key"]) as client:
        assert found(client, export) == [("chain_unknown", 7, None)]


@pytest.mark.parametrize("way", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize("chunked", [False, True])
def test_it_comes_in_whatever_way(control, export, tmp_path, way, chunked):
    """Also larger than any window, and with and without a length."""
    path = tmp_path / "export.ndjson"
    path.write_bytes(text(export) + b"\n" * 3 * MIB)
    body = ["--upload-file", "-", "--request", "POST"] if chunked else ["--data-binary", f"@{path}"]
    with path.open("rb") as file:
        ended = subprocess.run(
            ["curl", "--silent", "--show-error", way, "--max-time", "60", *body, "--header", f"Authorization: Bearer {control.admin_key}",
             "--header", "Content-Type: application/x-ndjson", "--header", "Expect: 100-continue", control.url + PATH],
            stdin=file, capture_output=True, text=True, check=True, timeout=90)
    answer = json.loads(ended.stdout)
    assert answer["records"] == 7 and answer["findings"][0]["code"] == "export_truncated", answer
    assert answer["finding_count"] >= 3 * MIB and len(answer["findings"]) == 100


def head_of(control, *fields, path=PATH):
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/x-ndjson", *fields, "", ""]).encode()


def answer_to(control, *fields):
    """What is said to a head that no body follows."""
    with socket.create_connection(("127.0.0.1", control.port), timeout=20) as connection:
        connection.sendall(head_of(control, *fields))
        with connection.makefile("rb") as file:
            return file.read().decode()


REFUSED = {
    "nobody": (["Content-Length: 1000000"], "401", "credentials_missing"),
    "a stranger": (["Content-Length: 1000000", "Authorization: Bearer em_key_nobody"], "401", "credentials_invalid"),
    "who waits to be asked": (["Content-Length: 1000000", "Expect: 100-continue"], "401", "credentials_missing"),
    "too much": ([f"Content-Length: {50 * MIB + 1}"], "413", "body_too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_who_may_not_is_told_before_the_body(control, name):
    fields, status, code = REFUSED[name]
    reply = answer_to(control, *fields)
    assert reply.startswith(f"HTTP/1.1 {status} ") and f'"{code}"' in reply
    assert "Connection: close" in reply and opened(control) == 0


def test_a_key_without_the_permission_is_told_before_the_body(api, control):
    key = api.create("api-keys", name="reads checks only", scopes=["check.read"])
    for _ in range(2):  # who it is, is asked for by a worker, then remembered
        reply = answer_to(control, "Content-Length: 1000000", f"Authorization: Bearer {key['key']}", "Expect: 100-continue")
        assert reply.startswith("HTTP/1.1 403 ") and "100 Continue" not in reply


def test_other_bodies_are_refused(api):
    for headers, status in (({"Content-Type": "application/json"}, 415), ({**LINES, "Content-Encoding": "gzip"}, 415)):
        assert api.post(PATH, data=b"{}\n", headers=headers).status_code == status
    assert api.post(PATH, data=b"", headers=LINES).json()["code"] == "body_missing"

    def nothing():
        yield b""

    assert api.post(PATH, data=nothing(), headers=LINES).json()["code"] == "body_missing"


def test_no_more_than_fifty_mebibytes_are_taken(api, control):
    def chunks():
        for _ in range(51):
            yield b"\n" * MIB

    with contextlib.suppress(requests.ConnectionError):  # the answer may come while much is still on its way
        assert api.post(PATH, data=chunks(), headers=LINES).status_code == 413
    wait_until(lambda: opened(control) == 0, what="the file's end")


@contextlib.contextmanager
def half_sent(control, key, sent=MIB):
    """An upload of which only a part has come."""
    with socket.create_connection(("127.0.0.1", control.port), timeout=20) as connection:
        connection.sendall(head_of(control, f"Content-Length: {40 * MIB}", f"Authorization: Bearer {key}"))
        connection.sendall(b"\n" * sent)
        yield connection


def test_uploads_are_bounded_and_end_with_their_client(api, control):
    keys = [api.create("api-keys", name=f"sender {n}", scopes=["journal.read"])["key"] for n in range(5)]
    with contextlib.ExitStack() as stack:
        for key in keys[:4] * 2:
            stack.enter_context(half_sent(control, key, sent=1000))
        wait_until(lambda: opened(control) == 8, what="eight uploads")
        own = answer_to(control, "Content-Length: 10", f"Authorization: Bearer {keys[0]}")
        all_of_them = answer_to(control, "Content-Length: 10", f"Authorization: Bearer {keys[4]}")
        assert "HTTP/1.1 429 " in own and "uploads_full" in own and "Yours are 2" in own
        assert "HTTP/1.1 429 " in all_of_them and "8 uploads are under way" in all_of_them
    wait_until(lambda: opened(control) == 0, what="their end")


def test_what_is_sent_lies_in_no_memory(api, control):
    def resident():
        pages = int(open(f"/proc/{control.pid}/statm", encoding="ascii").read().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    before = resident()
    with half_sent(control, control.admin_key, sent=30 * MIB):
        wait_until(lambda: sum(os.stat(f"/proc/{control.pid}/fd/{name}").st_size for name in os.listdir(f"/proc/{control.pid}/fd")
                               if "/upload." in os.readlink(f"/proc/{control.pid}/fd/{name}")) == 30 * MIB, what="thirty mebibytes")
        assert resident() - before < 10 * MIB


def test_nobody_is_kept_waiting_by_an_upload(api, control):
    with half_sent(control, control.admin_key):
        assert api.get("/api/v1/organisations").status_code == 200
        assert sql(control.data, UNSEALED) is not None


def test_a_short_one_over_http_2_by_somebody_new(api, control, export):
    """Its body is complete before a worker has found out whose it is."""
    key = api.create("api-keys", name="of http 2", scopes=["journal.read"])
    headers = [("content-type", "application/x-ndjson"), ("authorization", f"Bearer {key['key']}")]
    with Http2Client(control.port) as client:
        reply = client.ask("POST", PATH, headers, text(export))
        assert (reply.status, json.loads(reply.body)["whole"]) == (200, True)
        assert client.ask("POST", PATH, headers[:1], text(export)).status == 401
