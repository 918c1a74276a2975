"""Long answers: their coding, their tag, and nothing when the caller has them."""

import gzip
import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

LONG = "/api/v1/openapi.json"


def ask(control, path=LONG, method="GET", **headers):
    """The answer as it came, without the decoding of a client library."""
    place = urlsplit(control.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    connection.request(method, path, headers={"Authorization": f"Bearer {control.admin_key}",
                                              **{name.replace("_", "-"): value for name, value in headers.items()}})
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply, body


@pytest.fixture(scope="module")
def plain(control):
    reply, body = ask(control)
    assert reply.status == 200 and reply.getheader("Content-Encoding") is None and len(body) > 100000
    return body


def test_gzip(control, plain):
    reply, body = ask(control, Accept_Encoding="gzip")
    assert reply.getheader("Content-Encoding") == "gzip" and reply.getheader("Vary") == "Accept-Encoding"
    assert int(reply.getheader("Content-Length")) == len(body) < len(plain) / 5
    assert gzip.decompress(body) == plain


def test_brotli_goes_first(control, plain):
    reply, body = ask(control, Accept_Encoding="gzip, deflate, br")
    assert reply.getheader("Content-Encoding") == "br" and len(body) < len(plain) / 5


@pytest.mark.parametrize("accepted", ["", "identity", "br;q=0, gzip;q=0.0", "zstd, deflate"])
def test_none_that_we_have(control, plain, accepted):
    reply, body = ask(control, Accept_Encoding=accepted)
    assert reply.getheader("Content-Encoding") is None and body == plain


def test_short_answers_stay_as_they_are(control):
    reply, body = ask(control, "/api/v1/session", Accept_Encoding="gzip")
    assert reply.getheader("Content-Encoding") is None and json.loads(body)


def test_a_tag_of_the_content(control, plain):
    first, _ = ask(control)
    tag = first.getheader("ETag")
    assert tag.startswith('W/"')
    for accepted in ("", "gzip", "br"):
        same, body = ask(control, If_None_Match=tag, Accept_Encoding=accepted)
        assert same.status == 304 and body == b"" and same.getheader("ETag") == tag and same.getheader("Vary") == "Accept-Encoding"
    other, body = ask(control, If_None_Match='W/"0123456789abcdef01234567"')
    assert other.status == 200 and body == plain


def test_a_list_has_one_too_and_it_changes_with_it(control, api, estate):
    for n in range(8):
        api.create("systems", business_unit=estate.unit["id"], key=f"s{n}", name=f"System {n}", description="word " * 40)
    path = f"/api/v1/systems?business_unit={estate.unit['id']}"
    tag = ask(control, path)[0].getheader("ETag")
    assert ask(control, path, If_None_Match=tag)[0].status == 304
    api.patch(f"/api/v1/systems/{estate.system['id']}", json={"name": "Other"})
    assert ask(control, path, If_None_Match=tag)[0].status == 200


def test_an_object_keeps_the_tag_of_its_version(control, api, estate):
    path = f"/api/v1/systems/{estate.system['id']}"
    api.patch(path, json={"description": "word " * 700})
    reply, body = ask(control, path, Accept_Encoding="gzip")
    assert reply.getheader("ETag") == '"2"' and reply.getheader("Content-Encoding") == "gzip"
    assert json.loads(gzip.decompress(body))["version"] == 2


def test_errors_and_heads_are_left(control):
    reply, body = ask(control, method="HEAD", Accept_Encoding="gzip")
    assert reply.status == 200 and body == b"" and int(reply.getheader("Content-Length")) > 10000
    reply, body = ask(control, "/api/v1/systems?" + "&".join(f"bad{n}=1" for n in range(60)), Accept_Encoding="gzip")
    assert reply.status == 400 and reply.getheader("Content-Encoding") is None and len(json.loads(body)["errors"]) == 60


def test_many_at_once_are_all_answered(control, plain):
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: ask(control, Accept_Encoding="gzip"), range(96)))
    for reply, body in answers:
        assert (gzip.decompress(body) if reply.getheader("Content-Encoding") else body) == plain


def test_requests_behind_a_long_answer_are_answered(control, plain):
    place = urlsplit(control.url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        request = f"GET {LONG} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        connection.sendall(request * 3 + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 4 and received.count(plain) == 3
