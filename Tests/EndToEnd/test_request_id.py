"""The id of a request: in responses, in the log, for extensions and for upstream servers."""

import json
import re

import gateway as gateways
import hostile_origin
import pytest
import wire

NAMED = {"headers": {"set": {"X-Request-ID": "{request_id}", "X-Twice": "{request_id} {request_id}"}}}
ROUTES = [
    {"path": "/named", **NAMED, "respond": {"body": "named\n"}},
    {"path": "/passed/*", **NAMED, "proxy": {"to": "origin"}},
    {"path": "/variables", **NAMED, "extension": "variables"},
    gateways.PING,
]


@pytest.fixture
def start(start_gateway):
    with hostile_origin.Origin() as origin:

        def start(**keys):
            server = start_gateway(
                sites=[gateways.site(ROUTES)],
                extensions=["variables"],
                upstreams={"origin": {"servers": [{"url": origin.url}]}},
                log={"access": {"path": "access.log", "format": "json"}},
                **keys,
            )
            server.origin = origin
            return server

        yield start


def logged(server):
    server.stop()
    return [json.loads(line)["request_id"] for line in server.access_log]


def test_a_request_has_one_name_everywhere(start):
    server = start()
    client = server.secure()
    named = client.get("/named")
    assert re.fullmatch("[0-9a-f]{32}", named["X-Request-ID"])
    assert named["X-Twice"] == " ".join([named["X-Request-ID"]] * 2)
    passed = client.get("/passed/on")
    assert server.origin.requests[0]["X-Request-ID"] == passed["X-Request-ID"]
    client.get("/ping")
    names = logged(server)
    assert names[:2] == [named["X-Request-ID"], passed["X-Request-ID"]] and len(set(names)) == 3


def test_an_extension_learns_the_name_of_its_request(start):
    response = start().plain().get("/variables?REQUEST_ID")
    assert response["X-Request-ID"] in response.text


def test_what_a_client_calls_its_request_does_not_count(start):
    server = start()
    response = server.plain().get("/passed/on", "X-Request-ID: mine")
    (request,) = server.origin.requests
    assert request["X-Request-ID"] == response["X-Request-ID"] != "mine"


def test_what_a_client_calls_its_request_counts_where_that_is_said(start):
    server = start(request_id={"accept": ["127.0.0.0/8"], "header": "X-Trace"})
    response = server.plain().get("/passed/on", "X-Trace: Root=1-2", "X-Request-ID: other")
    (request,) = server.origin.requests
    assert (request["X-Trace"], request["X-Request-ID"], response["X-Request-ID"]) == ("Root=1-2", "other", "Root=1-2")
    assert logged(server) == ["Root=1-2"]


@pytest.mark.parametrize("accept, name", [(["10.0.0.0/8"], "mine"), (True, "a b"), (True, "x" * 129), (True, "")])
def test_other_names_are_replaced(start, accept, name):
    server = start(request_id={"accept": accept})
    response = server.plain().get("/named", f"X-Request-ID: {name}")
    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"])


def test_the_error_log_names_the_request(start):
    server = start(limits={"request_body": "1K"})
    refused = server.plain()
    refused.send(wire.request("/variables", "Transfer-Encoding: chunked", method="POST") + "fff\r\n" + "x" * 4095 + "\r\n")
    name = refused.read_response()["X-Request-ID"]
    assert server.log.wait_for("request refused: request body too large.*, request ([0-9a-f]{32})")[1] == name


def test_the_error_log_names_the_request_that_a_server_failed(start):
    server = start()
    server.origin.on("/passed/closed")
    name = server.plain().get("/passed/closed")["X-Request-ID"]
    failed = "upstream failed: origin .*: server closed before its response, request ([0-9a-f]{32})"
    assert server.log.wait_for(failed)[1] == name
    assert logged(server) == [name]
