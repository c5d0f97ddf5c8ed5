"""Request bodies: framing, limits, what happens to unread ones."""

import gateway
import pytest
import wire


@pytest.fixture
def echo(start_gateway):
    return start_gateway([gateway.PING], extensions=["echo"])


def chunked(*pieces, trailers=()):
    """A chunked body (RFC 9112 section 7.1)."""
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return b"".join(chunks) + b"0\r\n" + b"".join(b"%s\r\n" % line for line in trailers) + b"\r\n"


def chunked_head(path, *fields):
    return wire.request(path, "Transfer-Encoding: chunked", *fields, method="POST").encode()


@pytest.mark.parametrize("size", [0, 1, 49152, 49153, 200_000])
def test_a_body_of_known_length_comes_back(echo, size):
    body = bytes(n % 251 for n in range(size))
    client = echo.secure()
    response = client.post("/echo", body, "Content-Type: application/x-test")
    assert response.status == 200
    assert response["Content-Length"] == str(size) if size else True
    assert response["Content-Type"] == "application/x-test"
    assert response.body == body
    assert client.get("/ping").status == 200


def test_a_large_body_that_is_read_keeps_the_connection(echo):
    client = echo.secure()
    response = client.post("/echo", b"x" * (1 << 20))
    assert (len(response.body), response["Connection"]) == (1 << 20, None)
    assert client.get("/ping").status == 200


@pytest.mark.parametrize("pieces", [[], [b"one"], [b"a" * n for n in (1, 10, 1000, 100_000)]])
def test_a_chunked_body_comes_back(echo, pieces):
    client = echo.secure()
    client.send(chunked_head("/echo") + chunked(*pieces))
    assert client.read_response().body == b"".join(pieces)
    assert client.get("/ping").status == 200


def test_chunk_extensions_and_trailers_are_not_part_of_the_body(echo):
    client = echo.plain()
    client.send(chunked_head("/echo") + b"3;name=value\r\nabc\r\n" + chunked(b"def", trailers=[b"X-Sum: 6"]))
    assert client.read_response().body == b"abcdef"
    assert client.get("/ping").status == 200


def test_a_chunked_body_split_at_every_byte_is_the_same_body(echo):
    body = chunked(b"hello ", b"world", trailers=[b"A: b"])
    client = echo.plain()
    for split in range(len(body) + 1):
        client.send(chunked_head("/echo") + body[:split])
        client.send(body[split:])
        assert client.read_response().body == b"hello world"


def test_an_expecting_client_is_told_to_continue_before_it_sends_the_body(echo):
    client = echo.secure()
    client.send(wire.request("/echo", "Content-Length: 4", "Expect: 100-continue", method="POST"))
    assert client.read_response().status == 100
    client.send("body")
    response = client.read_response()
    assert (response.status, response.text) == (200, "body")
    assert client.get("/ping").status == 200


def test_an_expecting_client_whose_body_is_not_wanted_gets_the_answer_alone(ping):
    client = ping.secure()
    client.send(wire.request("/ping", "Content-Length: 4", "Expect: 100-continue", method="POST"))
    response = client.read_response()
    assert (response.status, response["Connection"]) == (200, "close")
    client.expect_end()


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"x\r\n", "invalid chunk size"),
        (b"fffffffffffffffff\r\n", "invalid chunk size"),
        (b"3\r\nabcd\r\n", "chunk data not followed by CRLF"),
        (b"3;" + b"e" * 20_000 + b"\r\n", "chunk size line too long"),
        (b"0\r\nbad trailer\r\n\r\n", "invalid trailer field"),
    ],
)
def test_a_malformed_chunked_body_ends_the_connection(ping, body, reason):
    client = ping.plain()
    client.send(chunked_head("/nothing") + body)
    assert client.read_response().status == 404
    client.expect_end()


@pytest.mark.parametrize("path", ["/ping", "/echo"])
def test_a_body_announced_too_large_is_refused(start_gateway, path):
    server = start_gateway([gateway.PING], extensions=["echo"], limits={"request_body": "1K"})
    client = server.secure()
    client.send(wire.request(path, "Content-Length: 1025", method="POST"))
    response = client.read_response()
    assert (response.status, response["Connection"]) == (413, "close")
    assert "request body too large" in response.text
    client.expect_end()


def test_a_chunked_body_that_grows_too_large_is_refused(start_gateway):
    server = start_gateway(extensions=["echo"], limits={"request_body": "1K"})
    client = server.secure()
    client.send(chunked_head("/echo") + chunked(b"a" * 1000, b"b" * 1000))
    assert client.read_response().status == 413
    client.expect_end()
    server.log.wait_for("request refused: request body too large")


def test_an_unread_body_within_the_bound_is_drained_and_the_connection_kept(ping):
    client = ping.secure()
    response = client.post("/ping", b"x" * 100_000)
    assert (response.status, response["Connection"]) == (200, None)
    client.send(chunked_head("/ping") + chunked(b"y" * 1000))
    assert client.read_response().status == 200
    assert client.get("/ping").status == 200


def test_an_unread_body_beyond_the_bound_closes_the_connection(start_gateway):
    client = start_gateway([gateway.PING], limits={"unread_body": "1K"}).secure()
    client.send(wire.request("/ping", "Content-Length: 1000000", method="POST"))
    response = client.read_response()
    assert (response.status, response["Connection"]) == (200, "close")
    client.expect_end()


def test_a_response_to_an_unread_body_arrives_although_the_client_goes_on_sending(start_gateway):
    client = start_gateway([gateway.PING], limits={"unread_body": "0"}).plain()
    client.send(wire.request("/ping", "Content-Length: 200000", method="POST").encode() + b"x" * 200_000)
    assert client.read_response().status == 200
    client.expect_end()


def test_a_body_that_stops_coming_is_timed_out(start_gateway):
    server = start_gateway(extensions=["echo"], limits={"body_timeout": "300ms"})
    client = server.secure()
    client.send(wire.request("/echo", "Content-Length: 10", method="POST") + "abc")
    response = client.read_response()
    assert (response.status, response["Connection"]) == (408, "close")
    client.expect_end()
    server.log.wait_for("request refused: request body not received in time")


def test_a_client_that_leaves_within_its_body_costs_its_request_only(echo):
    client = echo.plain()
    client.send(wire.request("/echo", "Content-Length: 100000", method="POST") + "abc")
    client.close()
    assert echo.plain().post("/echo", "whole").text == "whole"
