"""Connections that switch protocols (RFC 9110 section 7.8): WebSockets through the gateway."""

import base64
import hashlib
import os
import signal
import socket
import threading

import hostile_origin
import patience
import pytest
import wire
from hostile_origin import KEEP, OK, head

UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]


def accept(connection):
    """Accepts a WebSocket according to RFC 6455 section 4.2.2, and answers every frame with its payload."""
    key = connection.request["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    proof = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    connection.send(
        head("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {proof}", status="101 Switching Protocols")
    )
    while True:
        first, second = connection.read_bytes(2)
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(connection.read_bytes(2), "big")
        elif length == 127:
            length = int.from_bytes(connection.read_bytes(8), "big")
        mask = connection.read_bytes(4)
        payload = unmask(connection.read_bytes(length), mask)
        connection.send(frame(payload, opcode=first & 15))
        if first & 15 == 8:
            return


def unmask(data, mask):
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big") if size else b""


def frame(payload, opcode=2, mask=None):
    size = len(payload)
    flag = 0x80 if mask else 0
    if size < 126:
        start = bytes([0x80 | opcode, flag | size])
    elif size < 1 << 16:
        start = bytes([0x80 | opcode, flag | 126]) + size.to_bytes(2, "big")
    else:
        start = bytes([0x80 | opcode, flag | 127]) + size.to_bytes(8, "big")
    return start + (mask + unmask(payload, mask) if mask else payload)


class WebSocket:
    """A WebSocket on a client's connection."""

    def __init__(self, client, path="/ws"):
        self.client = client
        self.key = base64.b64encode(os.urandom(16)).decode()
        client.send(wire.request(path, *UPGRADE, f"Sec-WebSocket-Key: {self.key}"))
        self.response = client.read_response()

    def send(self, payload, opcode=2):
        self.client.send(frame(payload, opcode, os.urandom(4)))

    def receive(self):
        first, length = self.client.read_bytes(2)
        if length == 126:
            length = int.from_bytes(self.client.read_bytes(2), "big")
        elif length == 127:
            length = int.from_bytes(self.client.read_bytes(8), "big")
        return self.client.read_bytes(length)

    def echo(self, payload):
        self.send(payload)
        return self.receive()


@pytest.fixture
def origin():
    with hostile_origin.Origin() as origin:
        origin.on("/ws", accept)
        yield origin


@pytest.fixture
def gateway(start_gateway, origin):
    return start_gateway(
        [{"path": "/*", "proxy": {"to": "a"}}], upstreams={"a": {"servers": [{"url": origin.url}]}}
    )


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_websocket_passes_messages_of_all_sizes(gateway, listener):
    socket = WebSocket(getattr(gateway, listener)())
    assert socket.response.status == 101 and socket.response["Upgrade"] == "websocket"
    for size in (0, 1, 125, 126, 70_000, 2_000_000):
        payload = os.urandom(size)
        assert socket.echo(payload) == payload


def test_a_websocket_is_closed_by_either_side(gateway, origin):
    socket = WebSocket(gateway.secure())
    socket.send(b"\x03\xe8", opcode=8)
    assert socket.receive() == b"\x03\xe8"
    socket.client.expect_end()
    origin.wait_until_closed()


def test_a_client_that_vanishes_ends_the_tunnel(gateway, origin):
    socket = WebSocket(gateway.plain())
    assert socket.echo(b"x") == b"x"
    socket.client.close()
    origin.wait_until_closed()


def test_bytes_sent_before_the_answer_are_not_lost(gateway):
    client = gateway.plain()
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    client.send(wire.request("/ws", *UPGRADE, f"Sec-WebSocket-Key: {key}").encode() + frame(b"early", mask=b"abcd"))
    assert client.read_response().status == 101
    assert client.read_bytes(7) == frame(b"early")


def test_a_server_that_does_not_agree_answers_as_usual(gateway, origin):
    origin.on("/no", OK, KEEP)
    client = gateway.plain()
    assert client.get("/no", *UPGRADE).text == "ok\n"
    assert client.get("/no").text == "ok\n"


@pytest.mark.parametrize("chosen", ["Upgrade: h2c", "Upgrade: other", "X-None: 1"])
def test_a_switch_to_what_nobody_asked_for_is_refused(gateway, origin, chosen):
    origin.on("/no", head("Connection: Upgrade", chosen, status="101 Switching Protocols"))
    assert gateway.plain().get("/no", *UPGRADE).status == 502


def test_h2c_is_not_passed_on(gateway, origin):
    origin.on("/x", OK, KEEP)
    gateway.plain().get("/x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    names = [name for name, _ in origin.requests[0].fields]
    assert "upgrade" not in names and "http2-settings" not in names and "connection" not in names


def test_an_idle_tunnel_ends_after_its_time(start_gateway, origin):
    gateway = start_gateway(
        [{"path": "/*", "proxy": {"to": "a"}}],
        upstreams={"a": {"servers": [{"url": origin.url}], "tunnel_timeout": "300ms"}},
    )
    socket = WebSocket(gateway.plain())
    assert socket.echo(b"x") == b"x"
    socket.client.expect_gone()
    origin.wait_until_closed()


def test_websockets_survive_twenty_reloads(gateway, origin):
    sockets = [WebSocket(gateway.secure()) for _ in range(8)]
    for turn in range(20):
        gateway.configuration["limits"] = {"idle_timeout": f"{60 + turn}s"}
        gateway.configure(gateway.configuration)
        gateway.signal(1)
        gateway.log.wait_for("serving generation", count=turn + 1)
        for number, socket in enumerate(sockets):
            assert socket.echo(b"%d-%d" % (turn, number)) == b"%d-%d" % (turn, number)
    assert origin.connections == len(sockets)


def test_a_tunnel_that_one_side_has_finished_does_not_wait_for_the_other_for_long(start_gateway, origin):
    is_over = threading.Event()

    def listen_on(connection):
        connection.send(head("Upgrade: websocket", "Connection: Upgrade", status="101 Switching Protocols"))
        connection.wait_for_end()
        is_over.wait(patience.seconds(10))

    origin.on("/deaf", listen_on)
    gateway = start_gateway(
        [{"path": "/*", "proxy": {"to": "a"}}],
        upstreams={"a": {"servers": [{"url": origin.url}], "read_timeout": "300ms"}},
    )
    client = gateway.plain()
    assert WebSocket(client, "/deaf").response.status == 101
    client.socket.shutdown(socket.SHUT_WR)
    client.expect_gone()
    is_over.set()


def test_a_tunnel_goes_on_for_the_grace_period_of_a_drain(start_gateway, origin):
    gateway = start_gateway(
        [{"path": "/*", "proxy": {"to": "a"}}],
        upstreams={"a": {"servers": [{"url": origin.url}]}},
        drain={"grace": "1s"},
    )
    socket = WebSocket(gateway.secure())
    gateway.signal(signal.SIGTERM)
    gateway.log.wait_for("draining")
    assert socket.echo(b"x") == b"x"
    socket.client.expect_gone()
    assert gateway.wait() == 0
    gateway.log.wait_for("grace period over")


def test_a_second_signal_cuts_tunnels_at_once(gateway):
    socket = WebSocket(gateway.secure())
    gateway.signal(signal.SIGTERM)
    gateway.log.wait_for("draining")
    gateway.signal(signal.SIGTERM)
    socket.client.expect_gone()
    assert gateway.wait() == 0
