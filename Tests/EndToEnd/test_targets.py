"""Request targets in the forms that no browser sends: their host, and the site that answers."""

import json

import gateway
import hostile_origin
import pytest
import wire


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    site = gateway.site([gateway.PING, {"path": "/variables", "extension": "variables"}])
    site["headers"] = {"set": {"X-Site": "named"}}
    return start_shared_gateway(extensions=["variables"], sites=[site])


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize(
    "request_text",
    [
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:443 HTTP/1.0\r\n\r\n",
        "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 5\r\n\r\nhello",
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n",
    ],
)
def test_a_tunnel_is_refused_and_nothing_behind_it_is_served(server, listener, request_text):
    client = getattr(server, listener)()
    client.send(request_text + wire.request("/ping"))
    response = client.read_response()
    assert (response.status, response["Connection"]) == (501, "close")
    client.expect_end()


@pytest.mark.parametrize("host", ["Host: a\r\n", "Host:a\r\n", "HOST: \t a:99 \r\n"])
def test_extensions_receive_the_host_of_an_absolute_target(server, host):
    client = server.plain()
    query = "HTTP_HOST,ALL_HTTP,ALL_RAW,SERVER_NAME,HEADER_Host"
    client.send(f"GET http://b:81/variables?{query} HTTP/1.1\r\nX-A: 1\r\n{host}X-B: 2\r\n\r\n")
    text = client.read_response().text
    assert "a:99" not in text and "Host: a\r" not in text and "HTTP_HOST:a" not in text
    assert text.count("b:81") == 4, text


def test_extensions_receive_the_host_of_an_absolute_target_without_host(server):
    client = server.plain()
    client.send("GET http://b:81/variables?HTTP_HOST,ALL_HTTP,ALL_RAW HTTP/1.0\r\nX-A: 1\r\n\r\n")
    assert client.read_response().text.count("b:81") == 3


def test_a_server_receives_the_host_of_an_absolute_target(start_gateway):
    with hostile_origin.Origin() as origin:
        running = start_gateway([{"path": "/*", "proxy": {"to": "o"}}], upstreams={"o": {"servers": [{"url": origin.url}]}})
        client = running.plain()
        client.send("GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_response().status == 200
        (request,) = origin.requests
        assert request.line == "GET /x HTTP/1.1"
        assert request["Host"] == request["X-Forwarded-Host"] == "b:81"


def test_a_condition_on_host_is_asked_of_an_absolute_target(start_gateway):
    routes = [{"path": "/x", "when": {"headers": {"host": "b"}}, "respond": {"body": "b"}}, {"path": "/*", "respond": {"body": "a"}}]
    client = start_gateway(routes).plain()
    client.send("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.read_response().text == "b"


@pytest.mark.parametrize("target", ["https://a/ping", "HTTPS://a:443/ping", "https://a"])
def test_an_https_target_is_not_served_without_tls(server, target):
    client = server.plain()
    client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n" + wire.request("/ping"))
    response = client.read_response()
    assert (response.status, response["Connection"]) == (421, "close")
    client.expect_end()
    assert server.secure().get(target, "Host: a").status in (200, 404)


def test_an_https_target_that_a_trusted_proxy_passes_on_is_served(start_gateway):
    listeners = {**gateway.LISTENERS, "plain": {"bind": ["127.0.0.1:0"], "trusted": {"from": ["127.0.0.0/8"]}}}
    server = start_gateway([gateway.PING], listeners=listeners)
    assert server.plain().get("https://a/ping", "Host: a").status == 200


@pytest.mark.parametrize("host", ["a,b", "a, b", "a;b", "a%2Cb", "a,localhost:80", ",a"])
def test_a_host_that_could_be_read_as_several_is_refused(server, host):
    for listener in ("plain", "secure"):
        client = getattr(server, listener)()
        assert client.get("/ping", f"Host: {host}").status == 400
        client.expect_end()


def test_refused_targets_are_logged_with_what_they_asked_for(start_gateway):
    running = start_gateway([gateway.PING], log={"access": {"path": "access.log", "format": "json"}})
    client = running.plain()
    client.send("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.read_response().status == 501
    client.expect_end()
    running.stop()
    record = json.loads(running.access_log[0])
    assert (record["method"], record["path"], record["status"]) == ("CONNECT", "a:443", 501)
    assert record["reason"] == "CONNECT is not offered"
