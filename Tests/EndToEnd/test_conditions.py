"""Routes with conditions besides the path: the first whose conditions hold answers."""

import pytest

import gateway
import wire


def answering(body, path="/x", **conditions):
    route = {"path": path, "respond": {"body": body}}
    return {**route, "when": conditions} if conditions else route


ROUTES = [
    answering("posted", methods=["POST", "PURGE"]),
    answering("beta", headers={"X-Mode": "beta"}),
    answering("stranger", headers={"Host": {"present": True}, "X-Guest": {"present": True}}),
    answering("second", query={"v": "2"}),
    answering("elsewhere", **{"from": ["192.0.2.0/24"]}),
    answering("here", path="/here", **{"from": ["192.0.2.0/24", "127.0.0.0/8"]}),
    answering("any"),
    {"match": r"/u/\d+", "respond": {"body": "user"}},
    {"match": "/(a+)+", "respond": {"body": "slow"}},
    answering("no cookie", path="/cookie", headers={"Cookie": {"present": False}}),
]


@pytest.fixture(scope="module")
def client(start_shared_gateway):
    running = start_shared_gateway(routes=ROUTES)
    with running.plain() as client:
        yield client


@pytest.mark.parametrize(
    "method, path, fields, body",
    [
        ("POST", "/x", ["Content-Length: 0"], "posted"),
        ("PURGE", "/x", [], "posted"),
        ("GET", "/x", ["x-mode: beta"], "beta"),
        ("GET", "/x", ["X-Mode: gamma", "X-Mode: beta"], "beta"),
        ("GET", "/x", ["X-Guest: "], "stranger"),
        ("GET", "/x?a=1&v=2", [], "second"),
        ("GET", "/x?v=%32", [], "second"),
        ("GET", "/x?v=3", ["X-Mode: gamma"], "any"),
        ("GET", "/here", [], "here"),
        ("GET", "/cookie", [], "no cookie"),
        ("GET", "/u/12?x", [], "user"),
        ("GET", "/%75/1%32", [], "user"),
    ],
)
def test_the_first_route_whose_conditions_hold_answers(client, method, path, fields, body):
    response = client.get(path, *fields, method=method)
    assert (response.status, response.text) == (200, body)


def test_a_request_that_meets_no_conditions_has_no_route(client):
    assert client.get("/cookie", "Cookie: a=b").status == 404


def test_a_path_that_takes_too_long_to_match_reaches_no_route(client):
    assert client.get("/" + "a" * 64 + "!").status == 500
    assert client.get("/u/x").status == 404
