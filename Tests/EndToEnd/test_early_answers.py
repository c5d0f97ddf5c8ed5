"""Responses that come before the body has been read: the client gets them, however much it still sends."""

import hostile_origin
import pytest

MEBIBYTE = b"x" * (1 << 20)


def upload(client, path, mebibytes, framing):
    """Sends a whole body, whatever the gateway sends meanwhile, and returns the response."""
    length = f"Content-Length: {mebibytes << 20}" if framing == "length" else "Transfer-Encoding: chunked"
    client.send(f"POST {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n")
    for _ in range(mebibytes):
        client.send(MEBIBYTE if framing == "length" else b"100000\r\n" + MEBIBYTE + b"\r\n")
    if framing == "chunked":
        client.send("0\r\n\r\n")
    response = client.read_response("POST")
    client.expect_end()
    return response


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    with hostile_origin.Origin() as origin:
        origin.on("/proxy", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nearly\n", hostile_origin.hang)
        yield start_shared_gateway(
            [
                {"path": "/proxy", "proxy": {"to": "o"}},
                {"path": "/respond", "respond": {"body": "early\n"}},
                {"path": "/extension", "extension": "prose"},
            ],
            extensions=["prose"],
            upstreams={"o": {"servers": [{"url": origin.url}]}},
        )


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("path", ["/extension?size=6", "/proxy", "/respond"])
def test_an_answer_before_the_body_reaches_a_client_that_sends_all_of_it(server, path, framing):
    response = upload(server.plain(), path, 200, framing)
    assert response.status == 200 and response.body
    if framing == "length" or path != "/respond":
        assert response["Connection"] == "close"


@pytest.mark.parametrize("path", ["/extension?size=6", "/proxy"])
def test_an_answer_before_the_body_reaches_a_client_over_tls(server, path):
    assert upload(server.secure(), path, 80, "length")["Connection"] == "close"


@pytest.mark.parametrize("path", ["/extension?size=6", "/respond"])
def test_a_short_body_that_nobody_reads_costs_no_connection(server, path):
    client = server.plain()
    for _ in range(2):
        response = client.post(path, b"short")
        assert response.status == 200 and response["Connection"] is None


def test_the_end_of_lingering_can_be_set(start_gateway):
    gateway = start_gateway([{"path": "/*", "respond": {"body": "early"}}], limits={"lingering_time": "200ms"})
    client = gateway.plain()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
    assert client.read_response().text == "early"
    client.expect_gone()
