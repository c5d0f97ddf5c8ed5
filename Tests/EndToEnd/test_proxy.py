"""Requests forwarded to upstream servers: what the servers receive, and what the clients receive."""

import threading

import gateway as gateways
import hostile_origin
import patience
import pytest
import wire
from hostile_origin import KEEP, OK, head


def test_a_server_learns_where_a_request_came_from(start_proxy, origin):
    gateway = start_proxy()
    forged = ["X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4", "X-Forwarded-Proto: ftp"]
    gateway.secure().get("/x?a=b", "Accept: text/plain", *forged)
    (request,) = origin.requests
    assert request.line == "GET /x?a=b HTTP/1.1"
    assert request["Host"] == "localhost" and request["Accept"] == "text/plain"
    assert request["X-Forwarded-For"] == request["X-Real-IP"] == "127.0.0.1"
    assert request["X-Forwarded-Proto"] == "https" and request["X-Forwarded-Host"] == "localhost"
    assert request["X-Forwarded-Port"] == str(gateway.ports["secure"])
    assert request["Forwarded"] == 'for=127.0.0.1;proto=https;host="localhost"'
    assert request["Via"] == "1.1 isagate" and len(request["X-Request-ID"]) == 32
    assert request["Connection"] is None


def test_every_request_of_a_connection_tells_its_own_host_and_version(start_proxy, origin):
    client = start_proxy().secure()
    asked = [("localhost", "1.1"), ("localhost", "1.1"), ("other.test", "1.1"), ("localhost", "1.0"), ("localhos", "1.1")]
    for host, version in [*asked, asked[0]]:
        client.get("/", f"Host: {host}", "Connection: keep-alive", version=f"HTTP/{version}")
    for request, (host, version) in zip(origin.requests, [*asked, asked[0]], strict=True):
        assert request["Host"] == request["X-Forwarded-Host"] == host
        assert request["Forwarded"] == f'for=127.0.0.1;proto=https;host="{host}"'
        assert request["X-Forwarded-For"] == request["X-Real-IP"] == "127.0.0.1"
        assert request["X-Forwarded-Proto"] == "https" and request["Via"] == f"{version} isagate"
    assert len({request["X-Request-ID"] for request in origin.requests}) == 6


def test_fields_of_the_clients_connection_stay_behind(start_proxy, origin):
    start_proxy().plain().get(
        "/", "Connection: keep-alive, X-Private, Cookie", "Keep-Alive: timeout=5", "X-Private: 1", "Cookie: a=b",
        "TE: trailers", "Proxy-Connection: close", "Proxy-Authorization: Basic x", "X-Kept: 1",
    )  # fmt: skip
    names = [name for name, _ in origin.requests[0].fields]
    assert "x-kept" in names and "cookie" in names, "Connection cannot take away what protects somebody"
    gone = {"connection", "keep-alive", "x-private", "te", "proxy-connection", "proxy-authorization"}
    assert not gone & set(names)


def test_fields_of_the_servers_connection_stay_behind(start_proxy, origin):
    origin.on("/", head("Content-Length: 0", "Connection: keep-alive, X-Private", "X-Private: 1", "X-Kept: 1"), KEEP)
    response = start_proxy().plain().get("/")
    assert response["X-Kept"] == "1" and response["X-Private"] is None and response["Connection"] is None


def test_headers_are_set_and_removed_for_the_server(start_proxy, origin):
    rules = {"set": {"X-Gateway": "yes", "Accept": "*/*"}, "remove": ["X-Secret"]}
    start_proxy({"headers": rules, "host": "inner.test"}).plain().get("/", "Accept: a/b", "X-Secret: 1")
    (request,) = origin.requests
    assert request["X-Gateway"] == "yes" and request["Accept"] == "*/*" and request["X-Secret"] is None
    assert request["Host"] == "inner.test" and request["X-Forwarded-Host"] == "localhost"


def test_the_host_can_be_the_servers_own(start_proxy, origin):
    start_proxy({"host": "server"}).plain().get("/")
    assert origin.requests[0]["Host"] == f"127.0.0.1:{origin.port}"


@pytest.mark.parametrize(
    "sent, got",
    [
        ("/api/users?q=1", "/users?q=1"),
        ("/api/", "/"),
        ("/api/a%2Fb%20c", "/a%2Fb%20c"),
        ("/api/x/../y%20z", "/y%20z"),
        ("/other/../api/%2e/z", "/z"),
        ("/%61pi/x%3Fy", "/x%3Fy"),
        ("/api/.well-known/x", "/.well-known/x"),
        ("/api//x", "/x"),
        ("//api///x//", "/x/"),
    ],
)
def test_the_prefix_of_a_route_is_taken_away(start_proxy, origin, sent, got):
    start_proxy({"strip_prefix": "/api"}, path="/api/*").plain().get(sent)
    assert origin.requests[0].path == got


def test_the_prefix_is_put_back_into_what_a_server_says_about_paths(start_proxy, origin):
    fields = ["Location: /a", "Refresh: 5; url=/b", "Set-Cookie: c=d; Path=/; Secure", "Content-Location: //x/y"]
    origin.on("/r", head("Content-Length: 0", *fields), KEEP)
    response = start_proxy({"strip_prefix": "/api"}, path="/api/*").plain().get("/api/r")
    assert response["Location"] == "/api/a" and response["Refresh"] == "5; url=/api/b"
    assert response["Set-Cookie"] == "c=d; Path=/api/; Secure" and response["Content-Location"] == "//x/y"


def test_bodies_pass_whole_in_both_directions(start_proxy, origin):
    origin.on("/", hostile_origin.echo, KEEP)
    client = start_proxy().secure()
    for size in (0, 1, 1000, 64 << 10, 3 << 20):
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        assert client.post("/", body).body == body
    assert origin.connections == 1


def test_a_chunked_body_is_framed_anew_with_its_trailers(start_proxy, origin):
    origin.on("/", hostile_origin.echo, KEEP)
    client = start_proxy().plain()
    client.send(wire.request("/", "Transfer-Encoding: chunked", method="POST"))
    client.send("5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 11\r\n\r\n")
    assert client.read_response().text == "hello world"
    assert origin.requests[0]["Content-Length"] is None and origin.requests[0].trailers == ["X-Sum: 11"]


def test_trailers_of_a_response_are_passed_on(start_proxy, origin):
    origin.on("/", head("Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n", KEEP)
    response = start_proxy().plain().get("/")
    assert response.text == "ok" and response.trailers == [("x-sum", "2")]


def test_early_hints_are_passed_on_to_clients_that_know_them(start_proxy, origin):
    origin.on("/", head("Link: </a.css>; rel=preload", status="103 Early Hints"), OK, KEEP)
    client = start_proxy().plain()
    hints = client.get("/")
    assert hints.status == 103 and hints["Link"] == "</a.css>; rel=preload"
    assert client.read_response().text == "ok\n"
    assert client.get("/", "Connection: keep-alive", version="HTTP/1.0").status == 200


def test_head_gets_the_length_and_no_body(start_proxy, origin):
    origin.on("/", head("Content-Length: 1000"), KEEP)
    client = start_proxy().plain()
    assert client.get("/", method="HEAD")["Content-Length"] == "1000"
    assert client.get("/later").text == "ok\n"


def test_a_server_that_wants_the_body_lets_the_client_send_it(start_proxy, origin):
    def ask(connection):
        connection.send(head(status="100 Continue"))
        hostile_origin.echo(connection)

    origin.on("/", ask, KEEP)
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    assert client.read_response().status == 100
    assert origin.requests[0]["Expect"] == "100-continue"
    client.send("hello")
    assert client.read_response().text == "hello"


def test_a_server_that_refuses_spares_the_client_the_body(start_proxy, origin):
    origin.on("/", head("Content-Length: 3", status="413 Too Large") + b"no\n")
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 5000000", "Expect: 100-continue", method="POST"))
    assert client.read_response().status == 413


def test_a_server_that_knows_no_100_is_sent_the_body_after_a_while(start_proxy, origin):
    origin.on("/", hostile_origin.echo, KEEP)
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    assert client.read_response().status == 100
    client.send("hello")
    assert client.read_response().text == "hello"


def test_a_server_may_answer_before_it_has_the_whole_body(start_proxy, origin):
    origin.on("/", OK)
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 100000", method="POST"))
    client.send("x" * 1000)
    assert client.read_response().text == "ok\n"


def test_a_stream_reaches_the_client_piece_by_piece(start_proxy, origin):
    proceed = threading.Event()

    def stream(connection):
        connection.send(head("Transfer-Encoding: chunked", "Content-Type: text/event-stream") + b"5\r\nfirst\r\n")
        assert proceed.wait(patience.seconds(10))
        connection.send(b"6\r\nsecond\r\n0\r\n\r\n")

    origin.on("/", stream, KEEP)
    client = start_proxy().secure()
    client.send(wire.request("/"))
    assert client.read_until(b"first\r\n")
    proceed.set()
    assert client.read_until(b"0\r\n\r\n").endswith(b"6\r\nsecond\r\n0\r\n\r\n")


def test_pipelined_requests_of_all_kinds_are_answered_in_order(start_proxy, origin):
    origin.on("/a", head("Content-Length: 1") + b"a", KEEP)
    origin.on("/b", hostile_origin.drip(head("Content-Length: 1") + b"b"), KEEP)
    client = start_proxy(routes=[gateways.PING]).plain()
    client.send("".join(wire.request(path) for path in ("/a", "/ping", "/b", "/a", "/ping", "/b")))
    assert [client.read_response().text for _ in range(6)] == ["a", "pong\n", "b"] * 2
