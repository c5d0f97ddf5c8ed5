"""Streams of HTTP/2 that a client resets in each state of the request to a server."""

import socket

import http2
import patience
import pytest
from http2 import DATA, HEADERS, fields, frame, reset


@pytest.fixture
def listener():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        listener.settimeout(patience.seconds(10))
        yield listener


@pytest.fixture
def client(start_gateway, listener):
    address = "127.0.0.1:%d" % listener.getsockname()[1]
    server = start_gateway(
        routes=[{"path": "/up", "proxy": f"http://{address}"}, {"path": "/ping", "respond": {"body": "pong"}}],
        listeners=http2.LISTENERS,
    )
    return http2.connect(server)


def receive_until(connection, end):
    received = b""
    while end not in received:
        received += connection.recv(65536)
    return received


def expect_the_end(connection):
    """The gateway ends its connection to the server; what it had sent before may still be there."""
    connection.settimeout(patience.seconds(10))
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass


def test_a_reset_while_the_gateway_connects(client, listener):
    # Nothing is accepted and the queue is full, so that the connection is not made.
    listener.listen(0)
    with socket.socket() as one, socket.socket() as another:
        for filler in (one, another):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        stream = client.open(fields("/up"))
        assert client.ping()
        client.send(reset(stream))
        assert client.get("/ping").text == "pong"


def test_a_reset_while_the_request_is_sent(client, listener):
    stream = client.open(fields("/up", "POST"), ends=False)
    connection, _ = listener.accept()
    with connection:
        # The server reads the head only; the rest of what the windows allow fills the path to it.
        receive_until(connection, b"\r\n\r\n")
        for _ in range(3):
            client.send(frame(DATA, 0, stream, b"x" * 16384))
        assert client.ping()
        client.send(reset(stream))
        expect_the_end(connection)
    assert client.get("/ping").text == "pong"


def test_a_reset_while_the_response_is_waited_for(client, listener):
    stream = client.open(fields("/up"))
    connection, _ = listener.accept()
    with connection:
        receive_until(connection, b"\r\n\r\n")
        client.send(reset(stream))
        expect_the_end(connection)
    assert client.get("/ping").text == "pong"


@pytest.mark.parametrize("framing", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_a_reset_while_the_response_arrives(client, listener, framing):
    stream = client.open(fields("/up"))
    connection, _ = listener.accept()
    with connection:
        receive_until(connection, b"\r\n\r\n")
        body = b"3\r\nabc\r\n" if "chunked" in framing else b"abc"
        connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + body)
        client.read_until(lambda got: got.kind == HEADERS and got.stream == stream)
        client.read_until(lambda got: got.kind == DATA and got.stream == stream)
        client.send(reset(stream))
        expect_the_end(connection)
    assert client.get("/ping").text == "pong"


def test_a_reset_leaves_the_other_streams_of_the_connection_to_their_servers(client, listener):
    kept = client.open(fields("/up"))
    first, _ = listener.accept()
    dropped = client.open(fields("/up"))
    second, _ = listener.accept()
    with first, second:
        for connection in (first, second):
            receive_until(connection, b"\r\n\r\n")
        client.send(reset(dropped))
        expect_the_end(second)
        first.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert client.response(kept).text == "ok"
