"""Requests as HTTP/1.0 and 1.1 clients send them, and the refusals of malformed ones."""

import email.utils
import socket
import time

import gateway
import pytest
import wire


def test_a_request_is_answered_over_plain_http(ping):
    response = ping.plain().get("/ping")
    assert (response.version, response.status, response.reason) == ("HTTP/1.1", 200, "OK")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.text == "pong\n"


def test_a_connection_is_kept_for_further_requests(ping):
    client = ping.secure()
    for _ in range(3):
        response = client.get("/ping")
        assert response.text == "pong\n"
        assert response["Connection"] is None


def test_connection_close_is_honoured(ping):
    client = ping.secure()
    assert client.get("/ping", "Connection: close")["Connection"] == "close"
    client.expect_end()


def test_http_1_0_closes_after_the_response(ping):
    client = ping.plain()
    response = client.get("/ping", version="HTTP/1.0")
    assert response.text == "pong\n"
    assert response["Connection"] in (None, "close")
    client.expect_end()


def test_http_1_0_with_keep_alive_stays_open_and_is_told_so(ping):
    client = ping.plain()
    for _ in range(2):
        response = client.get("/ping", "Connection: keep-alive", version="HTTP/1.0")
        assert response.text == "pong\n"
        assert response["Connection"].lower() == "keep-alive"


def test_http_1_0_needs_no_host(start_gateway):
    server = start_gateway([gateway.PING])
    client = server.plain()
    client.send("GET /ping HTTP/1.0\r\n\r\n")
    assert client.read_response().status == 200


def test_head_has_the_length_and_no_body(ping):
    client = ping.secure()
    response = client.get("/ping", method="HEAD")
    assert response["Content-Length"] == "5"
    # A body would be in the way of the next response.
    assert client.get("/ping").text == "pong\n"


def test_the_date_is_now(ping):
    date = ping.plain().get("/ping")["Date"]
    assert date.endswith(" GMT")
    assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 5


def numbered_routes(count):
    return [{"path": f"/{n}", "respond": {"body": f"answer {n}"}} for n in range(count)]


def test_a_hundred_pipelined_requests_are_answered_in_order(start_gateway):
    client = start_gateway(numbered_routes(100)).secure()
    client.send("".join(wire.request(f"/{n}") for n in range(100)))
    assert [client.read_response().text for _ in range(100)] == [f"answer {n}" for n in range(100)]


def test_answers_to_requests_that_came_together_leave_together(start_gateway):
    client = start_gateway(numbered_routes(16)).secure()
    client.send("".join(wire.request(f"/{n}") for n in range(16)))
    # One TLS record: one read returns all answers.
    client.receive()
    assert client.received.count(b"HTTP/1.1 200 OK") == 16


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_short_answers_reach_a_client_whole_and_in_order_that_reads_late_and_sends_no_more(start_gateway, listener):
    server = start_gateway([{"path": f"/{number}", "respond": {"body": f"{number} {'x' * 3000}"}} for number in range(10)])
    client = getattr(server, listener)()
    for number in range(2000):
        client.send(wire.request(f"/{number % 10}"))
    if listener == "plain":
        client.socket.shutdown(socket.SHUT_WR)
    for number in range(2000):
        assert client.read_response().text == f"{number % 10} {'x' * 3000}"
    if listener == "plain":
        client.expect_end()


def test_requests_behind_connection_close_are_not_answered(ping):
    client = ping.plain()
    client.send(wire.request("/ping", "Connection: close") + wire.request("/ping"))
    assert client.read_response().status == 200
    client.expect_end()


def test_an_absolute_target_is_understood_and_names_the_host(start_gateway):
    client = start_gateway(sites=[gateway.site([gateway.PING], ["localhost"])]).plain()
    assert client.get("http://localhost/ping", "Host: ignored.test").status == 200
    assert client.get("http://other.test/ping", "Host: localhost").status == 421


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_request_split_at_every_byte_is_the_same_request(ping, listener):
    message = wire.request("/ping", "Accept: */*", "Connection: keep-alive")
    client = ping.plain() if listener == "plain" else ping.secure()
    for split in range(1, len(message)):
        client.send(message[:split])
        client.send(message[split:])
        assert client.read_response().text == "pong\n"


def test_a_request_sent_byte_by_byte_is_answered(ping):
    client = ping.secure()
    for byte in wire.request("/ping"):
        client.send(byte)
    assert client.read_response().text == "pong\n"


def test_empty_lines_before_a_request_are_ignored(ping):
    client = ping.plain()
    client.send("\r\n" + wire.request("/ping"))
    assert client.read_response().status == 200


def test_no_route_is_not_found_and_keeps_the_connection(ping):
    client = ping.secure()
    assert client.get("/nothing").status == 404
    assert client.get("/ping").status == 200


def test_an_unknown_host_is_misdirected(start_gateway):
    wildcard = {"hosts": ["*.example.test"], "listen": ["plain"], "routes": [gateway.PING]}
    client = start_gateway(sites=[gateway.site([gateway.PING], ["localhost"]), wildcard]).plain()
    assert client.get("/ping", "Host: other.test").status == 421
    assert client.get("/ping", "Host: a.example.test").status == 200
    assert client.get("/ping", "Host: LOCALHOST:8443").status == 200


def test_the_path_is_normalized_before_routing(ping):
    client = ping.plain()
    for path in ["/a/../ping", "/./ping", "/%70ing", "/a/%2e%2e/ping"]:
        assert client.get(path).status == 200, path
    assert client.get("/ping?a=/../b").status == 200


def test_redirects_fill_in_the_request(start_gateway):
    server = start_gateway(
        [
            {"path": "/old/*", "redirect": {"to": "https://{host}/new{path}?{query}", "status": 301}},
            {"path": "/moved", "redirect": {"to": "https://{host}{uri}"}},
        ]
    )
    client = server.plain()
    response = client.get("/old/a%20b?x=1")
    assert response.status == 301
    assert response["Location"] == "https://localhost/new/old/a%20b?x=1"
    response = client.get("/moved?q=2", "Host: localhost:99")
    assert (response.status, response["Location"]) == (308, "https://localhost:99/moved?q=2")


def test_respond_sends_its_status_and_headers(start_gateway):
    respond = {"status": 451, "body": "no", "headers": {"Content-Type": "text/html", "X-Reason": "law"}}
    response = start_gateway([{"path": "/*", "respond": respond}]).plain().get("/anything")
    assert (response.status, response.text) == (451, "no")
    assert (response["Content-Type"], response["X-Reason"]) == ("text/html", "law")


REFUSALS = {
    "invalid request line": (400, "GET /ping\r\n\r\n"),
    "invalid method": (400, "G@T /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "invalid request target": (400, "GET ping HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "request line too long": (414, "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "unsupported protocol version": (505, "GET /ping HTTP/2.0\r\nHost: localhost\r\n\r\n"),
    "bare LF": (400, "GET /ping HTTP/1.1\nHost: localhost\n\n"),
    "bare CR": (400, "GET /ping HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n"),
    "obsolete line folding": (400, "GET /ping HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n"),
    "white space before the colon of a field": (400, "GET /ping HTTP/1.1\r\nHost : localhost\r\n\r\n"),
    "empty field name": (400, "GET /ping HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n"),
    "invalid field name": (400, "GET /ping HTTP/1.1\r\nHost: localhost\r\nA(b: c\r\n\r\n"),
    "control byte in a field value": (400, "GET /ping HTTP/1.1\r\nHost: localhost\r\nA: \x01\r\n\r\n"),
    "field line without a colon": (400, "GET /ping HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n"),
    "request head too large": (431, "GET /ping HTTP/1.1\r\nHost: localhost\r\nA: " + "a" * 70000 + "\r\n\r\n"),
    "too many fields": (431, "GET /ping HTTP/1.1\r\nHost: localhost\r\n" + "A: b\r\n" * 101 + "\r\n"),
    "missing Host": (400, "GET /ping HTTP/1.1\r\n\r\n"),
    "more than one Host": (400, "GET /ping HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
    "invalid Host": (400, "GET /ping HTTP/1.1\r\nHost: local host\r\n\r\n"),
    "invalid Content-Length": (400, "POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\n"),
    "more than one Content-Length": (
        400,
        "POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ),
    "Content-Length with Transfer-Encoding": (
        400,
        "POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "Transfer-Encoding on HTTP/1.0": (400, "POST /ping HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "more than one Transfer-Encoding": (
        400,
        "POST /ping HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "unknown transfer coding": (501, "POST /ping HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n"),
    "unknown expectation": (417, "GET /ping HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n"),
    "invalid percent-encoding in the path": (400, "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "path leaves the root": (400, "GET /../etc HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "control byte in the path": (400, "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
}


@pytest.fixture(scope="module")
def refusing(start_shared_gateway):
    """One gateway for all refusals: each of them ends its connection only."""
    return start_shared_gateway([gateway.PING])


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refused_request_names_the_reason_and_closes(refusing, reason):
    status, message = REFUSALS[reason]
    client = refusing.secure()
    client.send(message)
    response = client.read_response()
    assert response.status == status
    assert response["Connection"] == "close"
    assert reason in response.text
    client.expect_end()
    refusing.log.wait_for(f"request refused: {reason}")


def test_answers_before_a_refused_request_are_delivered(refusing):
    client = refusing.plain()
    client.send(wire.request("/ping") + "nonsense\r\n\r\n")
    assert client.read_response().text == "pong\n"
    assert client.read_response().status == 400
    client.expect_end()
