"""A listener behind a proxy that names the client in a PROXY protocol header."""

import ipaddress
import struct

import pytest

import gateway
import wire

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n"


def binary_header(source, destination, source_port=40000, destination_port=443, entries=b""):
    """Version 2 for a connection over TCP."""
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    family = 0x11 if source.version == 4 else 0x21
    rest = source.packed + destination.packed + struct.pack("!HH", source_port, destination_port) + entries
    return SIGNATURE + struct.pack("!BBH", 0x21, family, len(rest)) + rest


def listeners(networks):
    proxies = {"mode": "required", "from": networks}
    return {
        "secure": {"bind": ["127.0.0.1:0"], "tls": {}, "proxy_protocol": proxies},
        "plain": {"bind": ["127.0.0.1:0"], "proxy_protocol": proxies},
    }


@pytest.fixture(scope="module")
def running(start_shared_gateway):
    routes = [
        {"path": "/who", "respond": {"body": "seven"}, "when": {"from": ["192.0.2.7"]}},
        {"path": "/who", "respond": {"body": "six"}, "when": {"from": ["2001:db8::/32"]}},
        {"path": "/who", "respond": {"body": "proxy"}, "when": {"from": ["127.0.0.1"]}},
    ]
    return start_shared_gateway(
        routes=routes, listeners=listeners(["127.0.0.0/8"]),
        limits={"handshake_timeout": "500ms"},
    )


def ask(running, header):
    client = running.raw("plain")
    client.send(header + wire.request("/who").encode())
    return client.read_response().text


@pytest.mark.parametrize(
    "header, body",
    [
        (LINE, "seven"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", "six"),
        (b"PROXY UNKNOWN\r\n", "proxy"),
        (binary_header("192.0.2.7", "198.51.100.1"), "seven"),
        (binary_header("2001:db8::1", "2001:db8::2", entries=b"\x02\0\x06a.test"), "six"),
        (SIGNATURE + b"\x20\0\0\0", "proxy"),
    ],
)
def test_the_client_is_the_one_the_header_names(running, header, body):
    assert ask(running, header) == body


def test_a_header_may_come_byte_by_byte(running):
    client = running.raw("plain")
    for byte in LINE + wire.request("/who").encode():
        client.send(bytes([byte]))
    assert client.read_response().text == "seven"


def test_a_header_goes_before_the_tls_handshake(running):
    sock = wire.connect(running.ports["secure"])
    sock.sendall(LINE)
    client = running.remember(wire.Client(wire.start_tls(sock, running.context())))
    assert client.get("/who").text == "seven"


def test_the_access_log_names_the_client(running):
    assert ask(running, b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n") == "seven"
    running.wait_for_line(lambda line: line.startswith("192.0.2.7 "))


@pytest.mark.parametrize(
    "sent, reason",
    [
        (wire.request("/who").encode(), "no PROXY protocol header"),
        (b"PROXY TCP4 1.2.3.4\r\n", "invalid PROXY protocol line"),
        (binary_header("192.0.2.7", "198.51.100.1", entries=b"\x02\0\x06a"), "invalid PROXY protocol TLV"),
        (LINE[:10], "PROXY protocol header not received in time"),
    ],
)
def test_a_connection_without_a_good_header_is_closed_with_a_logged_reason(running, sent, reason):
    client = running.raw("plain")
    client.send(sent)
    client.expect_gone()
    running.log.wait_for(f"connection refused: {reason}, client 127.0.0.1")


def test_a_connection_from_elsewhere_is_closed_unheard(start_gateway):
    running = start_gateway(routes=[gateway.PING], listeners=listeners(["192.0.2.0/24"]))
    running.raw("plain").expect_gone()
    running.log.wait_for("connection refused: not a proxy whose PROXY protocol header is believed")


def test_a_header_nobody_asked_for_is_a_malformed_request(start_gateway):
    running = start_gateway(routes=[gateway.PING])
    client = running.plain()
    client.send(LINE + wire.request("/ping").encode())
    assert client.read_response().status == 400
