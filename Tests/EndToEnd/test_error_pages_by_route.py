"""Error pages that a route of the site supplies: a fixed response, a file, an extension, another server."""

import json

import gateway as gateways
import hostile_origin
import pytest
import wire
from test_access import basic, hashed


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def server(start_shared_gateway, tmp_path_factory, origin):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "index.html").write_text("the index")
    (folder / "405.html").write_text("<h1>read only</h1>")
    (folder / "htpasswd").write_text(f"alice:{hashed('secret', '$2y$05$abcdefghijklmnopqrstuu')}\n")
    site = gateways.site(
        [
            gateways.PING,
            {"path": "/errors/401", "respond": {"body": "who are you?", "headers": {"X-Page": "own"}}},
            {"path": "/errors/500", "extension": "variables"},
            {"path": "/errors/502", "proxy": {"to": "origin"}},
            {"path": "/errors/503", "basic_auth": {"users": str(folder / "htpasswd")}, "respond": {"body": "never"}},
            {"path": "/files/*", "files": {"root": str(folder), "strip_prefix": "/files"}},
            {"path": "/secret", "basic_auth": {"users": str(folder / "htpasswd")}, "respond": {"body": "in"}},
            {"path": "/returns", "extension": "returns"},
            {"path": "/gone", "proxy": {"to": "gone"}},
            {"path": "/away", "proxy": {"to": "away"}},
            {"path": "/requests/*", "extension": "requests"},
            {"path": "/echo", "extension": "echo", "request_body": "1K"},
        ]
    )
    site["error_pages"] = {
        "401": {"route": "/errors/401"},
        "404": {"route": "/errors/502"},
        "405": {"route": "/files/405.html"},
        "409": {"route": "/ping"},
        "413": {"route": "/errors/401"},
        "500": {"route": "/errors/500?REQUEST_METHOD,QUERY_STRING"},
        "502": {"route": "/errors/502"},
        "503": {"route": "/errors/503"},
    }
    gone = hostile_origin.Origin()
    gone.on("/gone")
    return start_shared_gateway(
        sites=[site],
        extensions=["returns", "variables", "requests", "echo"],
        upstreams={
            "origin": {"servers": [{"url": origin.url}]},
            "gone": {"servers": [{"url": gone.url}], "retries": 0},
            "away": {"servers": [{"url": "http://127.0.0.1:1", "max_connections": 1}], "queue": {"requests": 0}},
        },
        log={"access": {"path": "access.log", "format": "json"}},
    )


def test_a_fixed_response_keeps_the_status_and_the_fields_of_the_error(server):
    client = server.secure()
    response = client.get("/secret")
    assert (response.status, response.text, response["X-Page"]) == (401, "who are you?", "own")
    assert response["WWW-Authenticate"].startswith("Basic ")
    assert client.get("/secret", basic("alice", "secret")).text == "in"


def test_head_gets_the_fields_alone(server):
    client = server.secure()
    response = client.get("/secret", method="HEAD")
    assert (response.status, response["Content-Length"]) == (401, "12")
    assert client.get("/ping").text == "pong\n"


def test_a_file_answers_whatever_was_asked_for(server):
    client = server.plain()
    response = client.post("/files/index.html", b"x" * 1000)
    assert (response.status, response.text, response["Allow"]) == (405, "<h1>read only</h1>", "GET, HEAD, OPTIONS")
    tag = client.get("/files/405.html")["ETag"]
    assert client.get("/files/x", "If-None-Match: " + tag, "Range: bytes=0-1", method="PUT").text == response.text


def test_an_extension_answers_as_for_a_get(server):
    response = server.plain().post("/returns?silent=1&code=4", b"some body")
    assert response.status == 500
    assert "REQUEST_METHOD=GET" in response.text


def test_a_server_answers_and_receives_the_status_and_the_url(server, origin):
    response = server.secure().get("/nowhere?a=b")
    assert (response.status, response.reason) == (404, "Not Found")
    assert origin.requests[-1].line == "GET /errors/502?404;https://localhost/nowhere?a=b HTTP/1.1"
    assert server.secure().get("/gone").status == 502
    assert origin.requests[-1].line == "GET /errors/502?502;https://localhost/gone HTTP/1.1"


def test_for_a_page_with_an_error_of_its_own_the_gateways_page_is_sent(server):
    response = server.plain().get("/requests/custom_error?503+Busy")
    assert (response.status, response.text) == (503, "503 Service Unavailable\n")
    assert response["WWW-Authenticate"] is None


def test_an_extension_asks_for_the_page_of_a_route(server):
    client = server.secure()
    response = client.get("/requests/custom_error?409+Conflict")
    assert (response.status, response.reason, response.text) == (409, "Conflict", "pong\n")
    assert client.get("/ping").text == "pong\n"


def test_a_request_that_is_refused_is_not_asked_for_elsewhere(server):
    response = server.plain().post("/echo", b"x" * 2000)
    assert (response.status, response.text) == (413, "413 Content Too Large: request body too large\n")
    client = server.plain()
    client.send("GET /x HTTP/1.1\r\n\r\n")
    assert client.read_response().status == 400


def test_the_log_has_the_request_and_not_the_page(server):
    with server.plain() as client:
        client.get("/nowhere/logged")
        client.get("/ping")
    record = json.loads(server.wait_for_line(lambda line: json.loads(line)["path"] == "/nowhere/logged"))
    assert (record["method"], record["status"]) == ("GET", 404)


def test_a_pipelined_request_is_answered_behind_the_page(server):
    client = server.plain()
    client.send(wire.request("/nowhere") + wire.request("/ping"))
    assert client.read_response().status == 404
    assert client.read_response().text == "pong\n"
