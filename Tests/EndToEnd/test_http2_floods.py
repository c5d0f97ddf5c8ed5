"""What a client of HTTP/2 may do only so often, what a connection may hold, and how long it may take."""

import struct
import threading

import gateway
import http2
import patience
import pytest
from http2 import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY, PRIORITY_UPDATE, RST_STREAM,
    fields, frame, reset, settings, window_update,
)


@pytest.fixture
def start(start_gateway, tmp_path):
    def start(**sections):
        (tmp_path / "big.bin").write_bytes(bytes(1_000_000))
        return start_gateway(
            [gateway.PING, {"path": "/files/*", "files": {"root": str(tmp_path), "strip_prefix": "/files"}}],
            extensions=["echo", "pending"], listeners=http2.LISTENERS, workers=1, admin={"socket": "isagate.sock"},
            **sections)

    return start


FLOODS = {
    "resets": (lambda c: http2.request(c, "/pending", reset), "too many streams reset"),
    "provoked resets": (
        lambda c: http2.request(c, "/echo", lambda stream: window_update(stream, 0), ends=False), "too many resets provoked"),
    "malformed requests": (
        lambda c: c.headers([(":method", "GET")], c.next_stream) + (setattr(c, "next_stream", c.next_stream + 2) or b""),
        "too many resets provoked"),
    "pings": (lambda c: frame(PING, 0, 0, bytes(8)), "too many PING frames"),
    "settings": (lambda c: settings((4, 65535)), "too many SETTINGS frames"),
    "priorities": (lambda c: frame(PRIORITY, 0, 7, struct.pack(">IB", 0, 1)), "too many frames about priorities"),
    "priority updates": (
        lambda c: frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", 9) + b"u=1"), "too many frames about priorities"),
    "window updates": (lambda c: window_update(0, 1), "too many WINDOW_UPDATE frames"),
    "unknown frames": (lambda c: frame(0xEE, 0, 0, b"x"), "too many frames of unknown types"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_connection_alone(start, name):
    make, reason = FLOODS[name]
    server = start()
    other = http2.connect(server)
    # Two threads cannot share a connection of Python's ssl.
    client = http2.connect(server, "plain")

    def send():
        try:
            for _ in range(3000):
                client.send(make(client))
        except OSError:
            pass

    sender = threading.Thread(target=send)
    sender.start()
    away = client.read_until(lambda got: got.kind == GOAWAY)
    assert away is not None and away.code == "ENHANCE_YOUR_CALM"
    assert away.payload[8:].decode() == reason
    assert other.get().status == 200
    server.log.wait_for(f"HTTP/2 connection ended: {reason}")
    client.socket.close()
    sender.join()
    assert reason in server.command("status").stdout


@pytest.mark.parametrize("kind", ["empty frames", "padding"])
def test_a_flood_of_worthless_content_ends_its_connection(start, kind):
    client = http2.connect(start())
    stream = client.open(fields("/pending", "POST"), ends=False)
    worthless = frame(DATA, 0, stream) if kind == "empty frames" else frame(DATA, PADDED, stream, b"\x09x" + bytes(9))
    try:
        for _ in range(1000):
            client.send(worthless)
    except OSError:
        pass
    got = client.read_until(lambda got: got.kind == GOAWAY)
    assert got is not None and got.code == "ENHANCE_YOUR_CALM"


def test_streams_beyond_the_limit_are_refused_one_by_one(start):
    client = http2.connect(start(limits={"http2": {"streams": 10}}))
    streams = [client.open(fields("/pending")) for _ in range(12)]
    ended, refused = set(), set()
    while len(ended) + len(refused) < 12:
        got = client.read_frame()
        if got.kind == RST_STREAM:
            assert got.code == "REFUSED_STREAM"
            refused.add(got.stream)
        elif got.ends_stream:
            ended.add(got.stream)
    assert refused == set(streams[10:])
    assert client.get().status == 200


def test_a_field_block_without_an_end_is_not_collected(start):
    server = start()
    client = http2.connect(server)
    client.send(frame(HEADERS, END_STREAM, 1, client.block(fields())))
    try:
        for _ in range(100):
            client.send(frame(CONTINUATION, 0, 1, client.block([("x-a", "b" * 100)])))
    except OSError:
        pass
    got = client.read_until(lambda got: got.kind == GOAWAY)
    assert got.code == "ENHANCE_YOUR_CALM" and b"CONTINUATION" in got.payload


def test_a_window_opened_octet_by_octet_keeps_no_response_alive(start):
    server = start(limits={"rate_grace": "1s", "min_response_rate": 1000})
    client = http2.connect(server, preface=http2.PREFACE + settings((4, 1)))
    stream = client.open(fields("/files/big.bin"))
    client.socket.settimeout(0.1)
    got = None
    while got is None or got.kind != RST_STREAM:
        try:
            got = client.read_frame()
            assert got is not None and got.kind != GOAWAY
        except TimeoutError:
            # All that a tenth of a second brings is one octet.
            client.send(window_update(stream, 1))
    client.socket.settimeout(patience.seconds(10))
    assert (got.stream, got.code) == (stream, "CANCEL")
    assert client.get().status == 200


def test_a_body_sent_drop_by_drop_is_refused(start):
    server = start(limits={"rate_grace": "300ms", "min_request_rate": 10_000, "body_timeout": "1s"})
    client = http2.connect(server)
    stream = client.open(fields("/echo", "POST"), ends=False)
    assert client.response(stream).status == 408
    assert client.get().status == 200


@pytest.mark.parametrize(
    "begun",
    [
        lambda c: b"\x00\x00\x04",
        lambda c: frame(HEADERS, END_STREAM, 3, c.block(fields())),
        lambda c: frame(HEADERS, END_STREAM | END_HEADERS, 3, c.block(fields()))[:-1],
        lambda c: frame(PING, 0, 0, bytes(7), length=8),
    ],
    ids=["part of a header", "field block without an end", "part of HEADERS", "part of PING"],
)
def test_a_frame_has_to_be_finished_in_time(start, begun):
    client = http2.connect(start(limits={"header_timeout": "300ms"}))
    assert client.get().status == 200
    client.send(begun(client))
    got = client.read_until(lambda got: got.kind == GOAWAY)
    assert got is not None and b"in time" in got.payload


def test_a_preface_has_to_come_in_time(start):
    client = http2.connect(start(limits={"header_timeout": "300ms"}), preface=b"PRI * HTT")
    assert client.read_until(lambda got: False) is None
    assert client.frames[-1].kind == GOAWAY


def test_settings_have_to_be_acknowledged_in_time(start):
    client = http2.connect(start(limits={"header_timeout": "300ms"}), preface=None)
    client.answer = lambda data: None
    client.send(http2.PREFACE + settings() + client.headers())
    got = client.read_until(lambda got: got.kind == GOAWAY)
    assert got is not None and got.code == "SETTINGS_TIMEOUT"
