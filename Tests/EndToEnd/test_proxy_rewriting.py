"""Paths and names that differ between the client's side of the gateway and the server's."""

import hostile_origin
import pytest
from hostile_origin import KEEP, head


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, origin):
    return start_shared_gateway(
        [
            {"match": "/old/([a-z]+)/(.*)", "proxy": {"to": "a", "rewrite": "/new/{2}/{1}"}},
            {"match": "/join/(.*)-(.*)", "proxy": {"to": "a", "rewrite": "/{1}{2}/x"}},
            {"path": "/page/*", "proxy": {"to": "a", "rewrite": "/index.php{path}"}},
            {"path": "/api/*", "proxy": {"to": "a", "strip_prefix": "/api", "add_prefix": "/v2", "host": "server"}},
            {"path": "/*", "proxy": {"to": "a", "host": "inner.test:99"}},
        ],
        upstreams={"a": {"servers": [{"url": origin.url}]}},
    )


@pytest.mark.parametrize(
    "sent, got",
    [
        ("/old/a/b", "/new/b/a"),
        ("/old/a/b/c?x=%20&y", "/new/b/c/a?x=%20&y"),
        ("/old/a/b%20c%3F?", "/new/b%20c%3F/a?"),
        ("/page/x", "/index.php/page/x"),
        ("/api/users", "/v2/users"),
        ("/api/a%2Fb?q", "/v2/a%2Fb?q"),
        ("/api/x/../y", "/v2/y"),
    ],
)
def test_a_path_is_rewritten(gateway, origin, sent, got):
    origin.requests.clear()
    assert gateway.plain().get(sent).status == 200
    assert origin.requests[0].line == f"GET {got} HTTP/1.1"


def test_pieces_that_meet_to_a_dot_segment_are_refused(gateway, origin):
    origin.requests.clear()
    assert gateway.plain().get("/join/.-.").status == 400
    assert not origin.requests


def test_paths_and_names_of_the_server_are_rewritten_for_the_client(gateway, origin):
    fields = [
        f"Location: {origin.url}/v2/a", f"Refresh: 5; url={origin.url}/v2/b", "Content-Location: /v2/c",
        "Set-Cookie: d=e; Path=/v2; Domain=127.0.0.1",
    ]  # fmt: skip
    origin.on("/v2/r", head("Content-Length: 0", *fields), KEEP)
    response = gateway.secure().get("/api/r")
    assert response["Location"] == "/api/a" and response["Refresh"] == "5; url=/api/b"
    assert response["Content-Location"] == "/api/c"
    assert response["Set-Cookie"] == "d=e; Path=/api; Domain=localhost"


def test_the_host_that_a_server_receives_is_rewritten_to_the_clients(gateway, origin):
    fields = ["Location: https://inner.test:99/a?b", "Set-Cookie: d=e; Domain=.inner.test; Secure"]
    origin.on("/r", head("Content-Length: 0", *fields), KEEP)
    response = gateway.secure().get("/r")
    assert response["Location"] == "/a?b" and response["Set-Cookie"] == "d=e; Domain=localhost; Secure"


def test_a_redirect_to_another_scheme_or_host_stays(gateway, origin):
    origin.on("/s", head("Content-Length: 0", "Location: https://localhost/s", "Content-Location: //localhost/s"), KEEP)
    response = gateway.plain().get("/s")
    assert response["Location"] == "https://localhost/s" and response["Content-Location"] == "//localhost/s"


def test_headers_of_both_legs_have_rules(start_gateway, origin):
    origin.on("/h", head("Content-Length: 0", "X-Inner: 1", "X-Powered-By: x"), KEEP)
    gateway = start_gateway(
        [
            {
                "path": "/*",
                "proxy": {"to": "a", "headers": {"set": {"X-Told": "yes"}, "remove": ["X-Client"]}},
                "headers": {"set": {"X-Outer": "2"}, "remove": ["X-Powered-By"]},
            }
        ],
        upstreams={"a": {"servers": [{"url": origin.url}]}},
    )
    origin.requests.clear()
    response = gateway.plain().get("/h", "X-Client: 1")
    assert origin.requests[0]["X-Told"] == "yes" and origin.requests[0]["X-Client"] is None
    assert response["X-Inner"] == "1" and response["X-Outer"] == "2" and response["X-Powered-By"] is None
