"""Cookies over redirects: what is kept, where it goes, and what is left out."""

import json

import pytest

from servers.hostile import OK, Server, redirect, routes
from test_prober_http import http


def setting(location, *cookies):
    head, end = redirect(location).split(b"\r\n\r\n")
    return b"\r\n".join([head, *(f"Set-Cookie: {cookie}".encode() for cookie in cookies)]) + b"\r\n\r\n" + end


def cookies_of(request):
    """The values of the request's Cookie headers."""
    return [line.split(": ", 1)[1] for line in request.split("\r\n") if line.lower().startswith("cookie: ")]


@pytest.fixture
def chain():
    """/ sets cookies and leads to /shop/next, and that to the other name of this machine."""
    requests = []
    with Server(routes({"/": OK}, requests)) as other:
        table = {
            "/": setting("/shop/next", "session=abc; HttpOnly", "basket=1; Path=/shop", "elsewhere=1; Path=/other",
                         "secret=1; Secure", "over=1; Max-Age=0", "past=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
                         "foreign=1; Domain=localhost", "novalue", "=noname", "kept=old", "kept=new; Max-Age=60"),
            "/shop/next": setting(f"http://localhost:{other.port}/", "basket=; Path=/shop; Max-Age=-1"),
        }
        with Server(routes(table, requests)) as server:
            yield server, requests


def test_cookies_go_along_where_they_belong(prober_once, chain):
    server, requests = chain
    run = prober_once([http(server.port, cookies=True)], "--explain")
    assert run.status == 0, run.order
    assert [cookies_of(request) for request in requests] == [[], ["basket=1; session=abc; kept=new"], []]
    assert "abc" not in json.dumps(run.order) and "Cookie: ***" in json.dumps(run.order)


def test_none_are_kept_unless_asked_for_nor_for_the_next_run(prober_once, chain):
    server, requests = chain
    prober_once([http(server.port)])
    assert [cookies_of(request) for request in requests] == [[], [], []]
    requests.clear()
    prober_once([http(server.port, id=str(n), cookies=True) for n in range(2)], "--loops", "1")
    assert sum("session=abc" in request for request in requests) == 2


def test_those_of_the_check_come_first(prober_once, chain):
    server, requests = chain
    prober_once([http(server.port, cookies=True, headers=[["Cookie", "mine=1"]])])
    assert [cookies_of(request) for request in requests] == [["mine=1"], ["mine=1; basket=1; session=abc; kept=new"], []]


def test_floods_of_cookies_are_bounded(prober_once):
    requests = []
    many = [f"c{n}={'x' * 500}" for n in range(100)]
    table = {"/": setting("/end", "huge=" + "x" * 5000, *many), "/end": OK}
    with Server(routes(table, requests)) as server:
        assert prober_once([http(server.port, cookies=True)]).status == 0
    [sent] = cookies_of(requests[1])
    assert len(sent) < 9_000 and "c0=x" in sent and "huge" not in sent
