"""Limits on what one client, or all of them, may hold."""

import select
import time

import gateway
import patience
import pytest
import wire


def test_connections_above_the_limit_are_refused_until_one_closes(start_gateway):
    server = start_gateway([gateway.PING], limits={"max_connections": 2})
    first, second = server.plain(), server.plain()
    assert first.get("/ping").status == 200
    assert second.get("/ping").status == 200

    server.plain().expect_gone()
    server.log.wait_for(r"connection refused: max_connections \(2\) reached")
    assert second.get("/ping").status == 200

    first.get("/ping", "Connection: close")
    first.expect_end()
    first.close()
    assert answer_after_refusals(server).status == 200


def answer_after_refusals(server):
    """The first response: the gateway may notice a moment after its client that a connection has ended."""
    deadline = time.monotonic() + patience.seconds(10)
    while True:
        try:
            with server.plain() as client:
                return client.get("/ping")
        except (ConnectionError, EOFError):
            assert time.monotonic() < deadline


@pytest.mark.parametrize("requests, limit", [(0, "header_timeout"), (1, "idle_timeout")])
def test_an_idle_connection_is_closed_after_its_time(start_gateway, requests, limit):
    server = start_gateway([gateway.PING], limits={limit: "300ms"})
    client = server.secure()
    for _ in range(requests):
        client.get("/ping")
    client.expect_end()


def test_a_head_that_stops_coming_is_timed_out(start_gateway):
    server = start_gateway([gateway.PING], limits={"header_timeout": "300ms"})
    client = server.secure()
    client.send("GET /ping HTTP/1.1\r\nHost: ")
    response = client.read_response()
    assert (response.status, response["Connection"]) == (408, "close")
    assert "request head not received in time" in response.text
    client.expect_end()
    server.log.wait_for("request refused: request head not received in time")


def test_a_head_that_trickles_in_is_timed_out_all_the_same(start_gateway):
    client = start_gateway([gateway.PING], limits={"header_timeout": "500ms"}).plain()
    client.socket.settimeout(0.1)
    client.send("GET /ping HTTP/1.1\r\n")
    deadline = time.monotonic() + patience.seconds(10)
    while not client.received:
        client.send("A: b\r\n")
        assert time.monotonic() < deadline
        try:
            client.receive()
        except TimeoutError:
            pass
    assert client.received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_client_that_does_not_read_is_cut_off(start_gateway, listener):
    server = start_gateway(extensions=["stream"], limits={"write_timeout": "500ms"})
    client = server.plain() if listener == "plain" else server.secure()
    client.send(wire.request("/stream?count=1000&size=100000"))
    # Without requested events, only a reset is reported.
    poll = select.poll()
    poll.register(client.socket, 0)
    assert poll.poll(patience.seconds(15) * 1000), "the connection is still open"


def test_running_out_of_descriptors_refuses_connections_and_recovers(start_gateway):
    server = start_gateway([gateway.PING], descriptors=64)
    kept = server.plain()
    assert kept.get("/ping").status == 200
    for _ in range(80):
        server.raw("plain")
    server.log.wait_for("connection refused: .*descriptors|connection refused: accept")
    assert kept.get("/ping").status == 200

    for client in server.clients:
        if client is not kept:
            client.close()
    assert answer_after_refusals(server).status == 200
    assert kept.get("/ping").status == 200
