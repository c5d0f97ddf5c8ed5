"""Response fields that sites and routes set, add and remove."""

import gateway
import pytest
import wire

HSTS = "Strict-Transport-Security"

ROUTES = [
    gateway.PING,
    {"path": "/own", "headers": {"set": {"X-Site": "own"}, "remove": ["X-More"]}, "respond": {"body": "own\n"}},
    {"path": "/plain", "hsts": "off", "security_headers": "off", "respond": {"body": "plain\n"}},
    {
        "path": "/policy",
        "respond": {"headers": {"Content-Security-Policy": "default-src *", "X-Powered-By": "old"}},
    },
    {"path": "/variable", "headers": {"set": {"X-For": "{remote} at {host}"}}, "respond": {"body": "variable\n"}},
    {"path": "/moved", "redirect": {"to": "https://{host}/ping"}},
]


@pytest.fixture(scope="module")
def edited(start_shared_gateway):
    served = gateway.site([*ROUTES, {"path": "/raw_head", "extension": "raw_head"}])
    served["headers"] = {
        "set": {"Server": "mine", "X-Site": "site"},
        "add": {"X-More": ["one", "two"]},
        "remove": ["X-Powered-By"],
    }
    served["hsts"] = {"max_age": "30d", "include_subdomains": True}
    served["security_headers"] = "strict"
    return start_shared_gateway(sites=[served], extensions=["raw_head"])


def values(response, name):
    return [value for field, value in response.fields if field == name.lower()]


@pytest.mark.parametrize("path", ["/ping", "/moved", "/raw_head", "/nowhere"])
def test_every_response_of_a_site_has_its_fields(edited, path):
    response = edited.secure().get(path)
    assert (response["Server"], response["X-Site"]) == ("mine", "site")
    assert values(response, "X-More") == ["one", "two"]
    assert response[HSTS] == "max-age=2592000; includeSubDomains"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_a_route_replaces_what_its_site_sets(edited):
    response = edited.secure().get("/own")
    assert response["X-Site"] == "own"
    assert values(response, "X-More") == []


def test_a_route_does_without_presets(edited):
    response = edited.secure().get("/plain")
    assert (response[HSTS], response["X-Frame-Options"], response["X-Site"]) == (None, None, "site")


def test_strict_transport_is_not_sent_without_tls(edited):
    response = edited.plain().get("/ping")
    assert (response[HSTS], response["X-Site"]) == (None, "site")


def test_a_response_keeps_a_policy_of_its_own_and_loses_what_is_removed(edited):
    response = edited.secure().get("/policy")
    assert response["Content-Security-Policy"] == "default-src *"
    assert response["X-Powered-By"] is None


def test_placeholders_are_replaced_by_values_of_the_request(edited):
    assert edited.secure().get("/variable", "Host: localhost:1")["X-For"] == "127.0.0.1 at localhost:1"
    assert edited.secure().get("/variable", "Host: localhost")["X-For"] == "127.0.0.1 at localhost"


def test_a_request_that_is_refused_gets_no_field_twice(edited):
    client = edited.plain()
    client.send("GET / HTTP/1.1\r\n\r\n")
    assert client.read_response().status == 400


def test_fields_and_compression_go_together(start_gateway):
    served = gateway.site([{"path": "/text", "respond": {"body": "words " * 1000}}])
    served["compress"] = "on"
    served["headers"] = {"set": {"Content-Type": "text/css", "X-Host": "{host}"}}
    client = start_gateway(sites=[served]).secure()
    for _ in range(2):
        response = client.get("/text", "Accept-Encoding: gzip")
        assert (response["Content-Type"], response["Content-Encoding"]) == ("text/css", "gzip")
        assert (response["X-Host"], len(response.body)) == ("localhost", int(response["Content-Length"]))
    client.send(wire.request("/text", "Accept-Encoding: gzip", method="HEAD"))
    assert client.read_response("HEAD")["Content-Length"] == response["Content-Length"]
