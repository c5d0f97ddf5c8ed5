"""A server that decides about each request before any other handler."""

import socket

import hostile_origin
import pytest
from gateway import reason
from hostile_origin import KEEP, head


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        origin.on("/app", hostile_origin.echo, KEEP)
        yield origin


@pytest.fixture(scope="module")
def judge():
    with hostile_origin.Origin() as judge:
        judge.on("/yes?x", head("Content-Length: 0", "X-User: ada", "X-Groups: a, b", "X-Other: 1"), KEEP)
        denial = head(
            "Content-Length: 6", "Location: https://login.test/", "WWW-Authenticate: Bearer", "Set-Cookie: a=b; Path=/",
            status="401 Who are you",
        )  # fmt: skip
        judge.on("/no", denial + b"login\n", KEEP)
        judge.on("/redirect", head("Content-Length: 0", "Location: /login", status="302 Found"), KEEP)
        judge.on("/hang", hostile_origin.hang)
        judge.on("/endless", head(status="403 No"), hostile_origin.endless(b"x" * 4096))
        judge.on("/switch", head("Upgrade: websocket", "Connection: upgrade", status="101 Switching Protocols"))
        yield judge


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, origin, judge):
    def route(path, question, **auth):
        return {
            "path": path,
            "forward_auth": {"to": "judge", "path": question, **auth},
            "proxy": {"to": "a", "strip_prefix": path.removesuffix("/*"), "add_prefix": "/app"},
        }

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield start_shared_gateway(
            [
                route("/copied/*", "/yes?x", copy_headers=["X-User", "X-Groups", "X-Missing"]),
                route("/plain/*", "/yes?x"),
                route("/no/*", "/no"),
                route("/redirect/*", "/redirect"),
                route("/hang/*", "/hang", timeout="200ms"),
                route("/endless/*", "/endless"),
                route("/switch/*", "/switch"),
                {"path": "/down", "forward_auth": {"to": "down", "path": "/"}, "respond": {"body": "secret"}},
                {"path": "/own", "forward_auth": {"to": "judge", "path": "/yes?x"}, "respond": {"body": "own"}},
            ],
            upstreams={
                "a": {"servers": [{"url": origin.url}]},
                "judge": {"servers": [{"url": judge.url}]},
                "down": {"servers": [{"url": f"http://127.0.0.1:{closed.getsockname()[1]}"}]},
            },
            extensions=["variables"],
        )


@pytest.fixture(autouse=True)
def forget(origin, judge):
    origin.requests.clear()
    judge.requests.clear()
    for path in ("/app/x", "/app/x?a=b", "/app/x?q=1"):
        origin.on(path, hostile_origin.echo, KEEP)


def test_the_subrequest_describes_the_request(gateway, judge):
    client = gateway.secure()
    client.send(
        "PUT /plain/x?a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nCookie: c=d\r\nExpect: 100-continue\r\n"
        "X-Forwarded-Uri: /forged\r\nX-Forwarded-Method: GET\r\nAuthorization: Bearer t\r\n\r\n"
    )
    assert client.read_response("PUT").status == 100
    client.send("abc")
    assert client.read_response("PUT").text == "abc"
    (question,) = judge.requests
    assert question.line == "GET /yes?x HTTP/1.1" and question["Host"] == f"127.0.0.1:{judge.port}"
    assert question["X-Forwarded-Method"] == "PUT" and question["X-Forwarded-Uri"] == "/plain/x?a=b"
    assert question["X-Forwarded-Host"] == "localhost" and question["X-Forwarded-Proto"] == "https"
    assert question["X-Forwarded-For"] == "127.0.0.1"
    assert question["Cookie"] == "c=d" and question["Authorization"] == "Bearer t"
    assert question["Content-Length"] is None and question["Expect"] is None and question["Transfer-Encoding"] is None


def test_named_fields_of_the_answer_reach_the_server_and_nobody_elses_do(gateway, origin):
    client = gateway.plain()
    response = client.post("/copied/x?q=1", b"body", "X-User: root", "x-missing: forged", "X-Mine: 1")
    assert response.text == "body"
    (request,) = origin.requests
    assert request.line == "POST /app/x?q=1 HTTP/1.1"
    assert request["X-User"] == "ada" and request["X-Groups"] == "a, b" and request["X-Mine"] == "1"
    assert request["X-Missing"] is None and request["X-Other"] is None
    assert client.get("/own").text == "own", "the connection goes on"


def test_a_chunked_body_follows_its_question(gateway, origin):
    client = gateway.plain()
    client.send("POST /copied/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert client.read_response().text == "abc"


def test_an_answer_that_forbids_is_the_clients(gateway, origin):
    client = gateway.plain()
    response = client.get("/no/x")
    assert (response.status, response.reason, response.text) == (401, reason("Who are you"), "login\n")
    assert response["WWW-Authenticate"] == "Bearer" and response["Location"] == "https://login.test/"
    assert response["Set-Cookie"] == "a=b; Path=/"
    redirect = client.get("/redirect/x")
    assert redirect.status == 302 and redirect["Location"] == "/login"
    assert client.get("/no/x", method="HEAD").status == 401
    assert client.post("/no/x", b"not read").status == 401
    assert client.get("/own").text == "own"
    assert not origin.requests


def test_any_action_can_be_guarded(gateway):
    assert gateway.plain().get("/own").text == "own"


@pytest.mark.parametrize("path, status", [("/hang/x", 504), ("/endless/x", 502), ("/switch/x", 502), ("/down", 502)])
def test_no_answer_lets_nobody_through(gateway, origin, path, status):
    response = gateway.plain().get(path, "Connection: Upgrade", "Upgrade: websocket")
    assert response.status == status and "secret" not in response.text
    assert not origin.requests


def test_questions_and_requests_go_by_kept_connections(gateway, origin, judge):
    client = gateway.plain()
    client.get("/plain/x")
    before = (origin.connections, judge.connections)
    for _ in range(5):
        assert client.get("/plain/x").status == 200
    assert (origin.connections, judge.connections) == before
