"""Each error of RFC 9113: what is sent, whether the stream or the connection ends, with which code, and what still works."""

import struct

import gateway
import http2
import pytest
from http2 import (
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY, PRIORITY_UPDATE,
    PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, fields, frame, reset, settings, window_update,
)

# A route that reads the body, one that does not.
ROUTES = [gateway.PING]


@pytest.fixture(scope="module")
def serving(start_shared_gateway):
    return start_shared_gateway(ROUTES, extensions=["echo", "pending"], listeners=http2.LISTENERS, workers=1)


def head(client, names=None, stream=1, flags=END_STREAM | END_HEADERS):
    return client.headers(names, stream, flags)


def raw_block(*octets, stream=1, flags=END_STREAM | END_HEADERS):
    return lambda client: frame(HEADERS, flags, stream, bytes(octets))


def opened(*then):
    """A request with a body that waits, and what follows on its stream."""
    return lambda client: head(client, fields("/echo", "POST"), flags=END_HEADERS) + b"".join(then)


def with_fields(*more, **parts):
    return lambda client: head(client, fields(more=more, **parts))


def without(name):
    return lambda client: head(client, [field for field in fields() if field[0] != name])


def ordered(*names):
    return lambda client: head(client, list(names))


def just(data):
    return lambda client: data


def split(client, *pieces):
    """A field block in HEADERS and CONTINUATION frames."""
    block = client.block(fields())
    size = max(1, len(block) // len(pieces))
    return block, size


M, S, P, A = (":method", "GET"), (":scheme", "https"), (":path", "/ping"), (":authority", "localhost")

CONNECTION = [
    # The preface and the first frame (§3.4)
    ("second preface", just(http2.PREFACE), "PROTOCOL_ERROR FRAME_SIZE_ERROR"),
    # Frames on streams they do not belong to (§6)
    ("DATA on stream 0", just(frame(DATA, 0, 0, b"x")), "PROTOCOL_ERROR"),
    ("empty DATA on stream 0", just(frame(DATA, END_STREAM, 0)), "PROTOCOL_ERROR"),
    ("HEADERS on stream 0", lambda c: head(c, stream=0), "PROTOCOL_ERROR"),
    ("PRIORITY on stream 0", just(frame(PRIORITY, 0, 0, bytes(5))), "PROTOCOL_ERROR"),
    ("RST_STREAM on stream 0", just(reset(0)), "PROTOCOL_ERROR"),
    ("SETTINGS on stream 1", just(frame(SETTINGS, 0, 1)), "PROTOCOL_ERROR"),
    ("SETTINGS acknowledgement on stream 1", just(frame(SETTINGS, ACK, 1)), "PROTOCOL_ERROR"),
    ("PING on stream 1", just(frame(PING, 0, 1, bytes(8))), "PROTOCOL_ERROR"),
    ("GOAWAY on stream 1", just(frame(GOAWAY, 0, 1, bytes(8))), "PROTOCOL_ERROR"),
    ("CONTINUATION on stream 0", just(frame(CONTINUATION, END_HEADERS, 0)), "PROTOCOL_ERROR"),
    ("CONTINUATION without HEADERS", just(frame(CONTINUATION, END_HEADERS, 1)), "PROTOCOL_ERROR"),
    ("PUSH_PROMISE", just(frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4))), "PROTOCOL_ERROR"),
    ("PUSH_PROMISE on stream 0", just(frame(PUSH_PROMISE, END_HEADERS, 0, bytes(4))), "PROTOCOL_ERROR"),
    # Idle streams (§5.1)
    ("DATA on an idle stream", just(frame(DATA, 0, 1, b"x")), "PROTOCOL_ERROR"),
    ("DATA on a later idle stream", lambda c: head(c, stream=1) + frame(DATA, 0, 3, b"x"), "PROTOCOL_ERROR"),
    ("RST_STREAM on an idle stream", just(reset(1)), "PROTOCOL_ERROR"),
    ("WINDOW_UPDATE on an idle stream", just(window_update(1, 1)), "PROTOCOL_ERROR"),
    ("DATA on an idle even stream", just(frame(DATA, 0, 2, b"x")), "PROTOCOL_ERROR"),
    ("RST_STREAM on an even stream", just(reset(2)), "PROTOCOL_ERROR"),
    ("WINDOW_UPDATE on an even stream", just(window_update(2, 1)), "PROTOCOL_ERROR"),
    ("HEADERS on an even stream", lambda c: head(c, stream=2), "PROTOCOL_ERROR"),
    ("HEADERS on an earlier stream", lambda c: head(c, stream=5) + head(c, stream=3), "PROTOCOL_ERROR"),
    ("DATA on a stream passed over", lambda c: head(c, stream=5) + frame(DATA, 0, 3, b"x"), "PROTOCOL_ERROR"),
    # Sizes (§4.2, §6)
    ("frame beyond SETTINGS_MAX_FRAME_SIZE", just(frame(DATA, 0, 1, length=16385)), "FRAME_SIZE_ERROR"),
    ("HEADERS beyond SETTINGS_MAX_FRAME_SIZE", just(frame(HEADERS, 4, 1, length=16385)), "FRAME_SIZE_ERROR"),
    ("unknown frame beyond SETTINGS_MAX_FRAME_SIZE", just(frame(0xEE, 0, 1, length=1 << 20)), "FRAME_SIZE_ERROR"),
    ("largest length", just(frame(0xEE, 0, 1, length=(1 << 24) - 1)), "FRAME_SIZE_ERROR"),
    ("SETTINGS beyond SETTINGS_MAX_FRAME_SIZE", just(frame(SETTINGS, 0, 0, length=16386)), "FRAME_SIZE_ERROR"),
    *[(f"PING of {n}", just(frame(PING, 0, 0, bytes(n))), "FRAME_SIZE_ERROR") for n in (0, 1, 7, 9, 16)],
    *[(f"SETTINGS of {n}", just(frame(SETTINGS, 0, 0, bytes(n))), "FRAME_SIZE_ERROR") for n in (1, 5, 7, 11)],
    *[(f"WINDOW_UPDATE of {n}", just(frame(WINDOW_UPDATE, 0, 0, bytes(n))), "FRAME_SIZE_ERROR") for n in (0, 3, 5, 8)],
    *[(f"RST_STREAM of {n}", opened(frame(RST_STREAM, 0, 1, bytes(n))), "FRAME_SIZE_ERROR") for n in (0, 3, 5)],
    *[(f"GOAWAY of {n}", just(frame(GOAWAY, 0, 0, bytes(n))), "FRAME_SIZE_ERROR") for n in (0, 4, 7)],
    ("PRIORITY of 4 on an idle stream", just(frame(PRIORITY, 0, 1, bytes(4))), "FRAME_SIZE_ERROR"),
    ("SETTINGS acknowledgement with a payload", just(frame(SETTINGS, ACK, 0, bytes(6))), "FRAME_SIZE_ERROR"),
    ("HEADERS shorter than its priority", just(frame(HEADERS, 0x25, 1, bytes(4))), "FRAME_SIZE_ERROR PROTOCOL_ERROR"),
    ("padded HEADERS without a length", just(frame(HEADERS, 0xD, 1)), "FRAME_SIZE_ERROR PROTOCOL_ERROR"),
    ("PRIORITY_UPDATE of 3", just(frame(PRIORITY_UPDATE, 0, 0, bytes(3))), "FRAME_SIZE_ERROR PROTOCOL_ERROR"),
    ("PRIORITY_UPDATE on a stream", just(frame(PRIORITY_UPDATE, 0, 1, bytes(8))), "PROTOCOL_ERROR"),
    # Padding (§6.1, §6.2)
    ("DATA of padding longer than the frame", opened(frame(DATA, PADDED, 1, b"\x05abcd")), "PROTOCOL_ERROR"),
    ("DATA of padding as long as the frame", opened(frame(DATA, PADDED, 1, b"\x05abcde"[:5])), "PROTOCOL_ERROR"),
    ("HEADERS of padding longer than the frame", just(frame(HEADERS, 0xD, 1, b"\x09\x82\x87")), "PROTOCOL_ERROR"),
    # Settings (§6.5.2)
    ("ENABLE_PUSH 2", just(settings((2, 2))), "PROTOCOL_ERROR"),
    ("ENABLE_PUSH beyond 1", just(settings((2, 0xFFFFFFFF))), "PROTOCOL_ERROR"),
    ("INITIAL_WINDOW_SIZE 2^31", just(settings((4, 1 << 31))), "FLOW_CONTROL_ERROR"),
    ("INITIAL_WINDOW_SIZE 2^32-1", just(settings((4, (1 << 32) - 1))), "FLOW_CONTROL_ERROR"),
    ("MAX_FRAME_SIZE 0", just(settings((5, 0))), "PROTOCOL_ERROR"),
    ("MAX_FRAME_SIZE 16383", just(settings((5, 16383))), "PROTOCOL_ERROR"),
    ("MAX_FRAME_SIZE 2^24", just(settings((5, 1 << 24))), "PROTOCOL_ERROR"),
    ("ENABLE_CONNECT_PROTOCOL 2", just(settings((8, 2))), "PROTOCOL_ERROR"),
    ("NO_RFC7540_PRIORITIES 2", just(settings((9, 2))), "PROTOCOL_ERROR"),
    ("faulty setting behind good ones", just(settings((1, 4096), (3, 100), (2, 7))), "PROTOCOL_ERROR"),
    ("acknowledgement that nothing asked for", just(settings(flags=ACK) * 3), "PROTOCOL_ERROR"),
    # Windows (§6.9)
    ("WINDOW_UPDATE of 0", just(window_update(0, 0)), "PROTOCOL_ERROR"),
    ("WINDOW_UPDATE of a reserved bit alone", just(window_update(0, 1 << 31)), "PROTOCOL_ERROR"),
    ("window beyond 2^31-1", just(window_update(0, (1 << 31) - 1)), "FLOW_CONTROL_ERROR"),
    ("window beyond 2^31-1 in two steps", just(window_update(0, 1 << 30) * 2), "FLOW_CONTROL_ERROR"),
    (
        "INITIAL_WINDOW_SIZE that takes a stream beyond 2^31-1",
        opened(window_update(1, (1 << 31) - 1 - 65535), settings((4, 65536))), "FLOW_CONTROL_ERROR",
    ),
    # Field blocks (§4.3)
    ("PING between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + frame(PING, 0, 0, bytes(8)), "PROTOCOL_ERROR"),
    ("DATA between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + frame(DATA, 0, 1, b"x"), "PROTOCOL_ERROR"),
    ("HEADERS between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + head(c, stream=3), "PROTOCOL_ERROR"),
    ("SETTINGS between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + settings(), "PROTOCOL_ERROR"),
    ("WINDOW_UPDATE between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + window_update(0, 1), "PROTOCOL_ERROR"),
    ("RST_STREAM between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + reset(1), "PROTOCOL_ERROR"),
    ("PRIORITY between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + frame(PRIORITY, 0, 1, bytes(5)), "PROTOCOL_ERROR"),
    ("GOAWAY between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + frame(GOAWAY, 0, 0, bytes(8)), "PROTOCOL_ERROR"),
    ("unknown frame between HEADERS and CONTINUATION", lambda c: head(c, flags=1) + frame(0xEE), "PROTOCOL_ERROR"),
    ("CONTINUATION on another stream", lambda c: head(c, flags=1) + frame(CONTINUATION, 4, 3), "PROTOCOL_ERROR"),
    ("CONTINUATION behind END_HEADERS", lambda c: head(c, flags=4) + frame(CONTINUATION, 4, 1), "PROTOCOL_ERROR"),
    # Field compression (RFC 7541)
    ("index 0", raw_block(0x80), "COMPRESSION_ERROR"),
    ("index behind the static table", raw_block(0xBE), "COMPRESSION_ERROR"),
    ("index 2^32+2", raw_block(0xFF, 0x83, 0xFF, 0xFF, 0xFF, 0x0F), "COMPRESSION_ERROR"),
    ("integer without an end", raw_block(0xFF, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80), "COMPRESSION_ERROR"),
    ("name index behind the static table", raw_block(0x7F, 0x30, 0x01, 0x61), "COMPRESSION_ERROR"),
    ("block that ends in an index", raw_block(0xFF), "COMPRESSION_ERROR"),
    ("block that ends in a name", raw_block(0x00, 0x05, 0x61), "COMPRESSION_ERROR"),
    ("block that ends before a value", raw_block(0x00, 0x01, 0x61), "COMPRESSION_ERROR"),
    ("block that ends in a value", raw_block(0x00, 0x01, 0x61, 0x03, 0x62), "COMPRESSION_ERROR"),
    ("Huffman code of EOS", raw_block(0x00, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x61), "COMPRESSION_ERROR"),
    ("Huffman padding of zeros", raw_block(0x00, 0x81, 0x18, 0x01, 0x61), "COMPRESSION_ERROR"),
    ("Huffman padding of a whole octet", raw_block(0x00, 0x82, 0x1F, 0xFF, 0x01, 0x61), "COMPRESSION_ERROR"),
    ("table size update behind a field", raw_block(0x82, 0x20), "COMPRESSION_ERROR"),
    ("table size update beyond the setting", raw_block(0x3F, 0xE2, 0x1F, 0x82), "COMPRESSION_ERROR"),
    # Frames behind the end of a stream (§5.1)
    ("HEADERS on an ended stream", lambda c: (c.send(head(c)), c.response(1), head(c))[2], "STREAM_CLOSED PROTOCOL_ERROR"),
    ("DATA on an ended stream", lambda c: (c.send(head(c)), c.response(1), frame(DATA, 0, 1, b"x"))[2], "STREAM_CLOSED"),
]

STREAM = [
    # Windows (§6.9)
    ("WINDOW_UPDATE of 0 on a stream", opened(window_update(1, 0)), "PROTOCOL_ERROR"),
    ("stream window beyond 2^31-1", opened(window_update(1, (1 << 31) - 1)), "FLOW_CONTROL_ERROR"),
    # States (§5.1)
    ("DATA behind END_STREAM", lambda c: head(c, fields("/pending")) + frame(DATA, 0, 1, b"x"), "STREAM_CLOSED"),
    ("DATA behind DATA with END_STREAM", opened(frame(DATA, 1, 1, b"x"), frame(DATA, 0, 1, b"x")), "STREAM_CLOSED"),
    ("HEADERS behind END_STREAM", lambda c: head(c, fields("/pending")) + head(c), "STREAM_CLOSED"),
    ("trailers without END_STREAM", lambda c: opened()(c) + c.headers([("x-a", "b")], 1, END_HEADERS), "PROTOCOL_ERROR"),
    ("stream that depends on itself", lambda c: frame(HEADERS, 0x25, 1, struct.pack(">IB", 1, 0) + c.block(fields())), "PROTOCOL_ERROR"),
    ("PRIORITY that depends on itself", opened(frame(PRIORITY, 0, 1, struct.pack(">IB", 1, 0))), "PROTOCOL_ERROR"),
    ("PRIORITY of 4", opened(frame(PRIORITY, 0, 1, bytes(4))), "FRAME_SIZE_ERROR"),
    ("PRIORITY of 6", opened(frame(PRIORITY, 0, 1, bytes(6))), "FRAME_SIZE_ERROR"),
    # Pseudo-fields (§8.3)
    ("no :method", without(":method"), "PROTOCOL_ERROR"),
    ("no :scheme", without(":scheme"), "PROTOCOL_ERROR"),
    ("no :path", without(":path"), "PROTOCOL_ERROR"),
    ("no :authority and no host", without(":authority"), "PROTOCOL_ERROR"),
    ("no fields", ordered(), "PROTOCOL_ERROR"),
    ("two :method", ordered(M, M, S, P, A), "PROTOCOL_ERROR"),
    ("two :scheme", ordered(M, S, S, P, A), "PROTOCOL_ERROR"),
    ("two :path", ordered(M, S, P, P, A), "PROTOCOL_ERROR"),
    ("two :authority", ordered(M, S, P, A, A), "PROTOCOL_ERROR"),
    ("pseudo-field behind a field", ordered(M, S, P, ("x-a", "b"), A), "PROTOCOL_ERROR"),
    (":status in a request", ordered(M, S, P, A, (":status", "200")), "PROTOCOL_ERROR"),
    ("unknown pseudo-field", ordered(M, S, P, A, (":unknown", "x")), "PROTOCOL_ERROR"),
    ("empty pseudo-field name", ordered(M, S, P, A, (":", "x")), "PROTOCOL_ERROR"),
    (":protocol without the setting", ordered(M, S, P, A, (":protocol", "websocket")), "PROTOCOL_ERROR"),
    ("empty :path", with_fields(path=""), "PROTOCOL_ERROR"),
    (":path without a slash", with_fields(path="ping"), "PROTOCOL_ERROR"),
    (":path in absolute form", with_fields(path="https://localhost/ping"), "PROTOCOL_ERROR"),
    (":path of * with GET", with_fields(path="*"), "PROTOCOL_ERROR"),
    (":path with a space", with_fields(path="/pi ng"), "PROTOCOL_ERROR"),
    (":path with CR", with_fields(path="/pi\rng"), "PROTOCOL_ERROR"),
    (":path with LF", with_fields(path="/pi\nng"), "PROTOCOL_ERROR"),
    (":path with NUL", with_fields(path="/pi\0ng"), "PROTOCOL_ERROR"),
    (":path with a number sign", with_fields(path="/ping#x"), "PROTOCOL_ERROR"),
    (":method with a space", with_fields(method="GE T"), "PROTOCOL_ERROR"),
    ("empty :method", with_fields(method=""), "PROTOCOL_ERROR"),
    (":method with CRLF", with_fields(method="GET / HTTP/1.1\r\n"), "PROTOCOL_ERROR"),
    (":scheme of something else", with_fields(scheme="ftp"), "PROTOCOL_ERROR"),
    ("empty :scheme", with_fields(scheme=""), "PROTOCOL_ERROR"),
    ("empty :authority", with_fields(authority=""), "PROTOCOL_ERROR"),
    (":authority with a user", with_fields(authority="me@localhost"), "PROTOCOL_ERROR"),
    (":authority with a slash", with_fields(authority="localhost/x"), "PROTOCOL_ERROR"),
    (":authority with CRLF", with_fields(authority="localhost\r\nx: y"), "PROTOCOL_ERROR"),
    (":authority with a faulty port", with_fields(authority="localhost:x"), "PROTOCOL_ERROR"),
    ("CONNECT with :path", with_fields(method="CONNECT"), "PROTOCOL_ERROR"),
    # Fields (§8.2)
    ("capital in a field name", with_fields(("X-Large", "b")), "PROTOCOL_ERROR"),
    ("empty field name", with_fields(("", "b")), "PROTOCOL_ERROR"),
    ("space in a field name", with_fields(("x a", "b")), "PROTOCOL_ERROR"),
    ("colon in a field name", with_fields(("x:a", "b")), "PROTOCOL_ERROR"),
    ("control octet in a field name", with_fields(("x\x01", "b")), "PROTOCOL_ERROR"),
    ("DEL in a field name", with_fields(("x\x7f", "b")), "PROTOCOL_ERROR"),
    ("octet beyond ASCII in a field name", with_fields((b"x\xff", "b")), "PROTOCOL_ERROR"),
    ("CRLF in a field name", with_fields(("x\r\ny", "b")), "PROTOCOL_ERROR"),
    ("NUL in a field value", with_fields(("x-a", "b\0c")), "PROTOCOL_ERROR"),
    ("CR in a field value", with_fields(("x-a", "b\rc")), "PROTOCOL_ERROR"),
    ("LF in a field value", with_fields(("x-a", "b\nc")), "PROTOCOL_ERROR"),
    ("CRLF in a field value", with_fields(("x-a", "b\r\nhost: evil")), "PROTOCOL_ERROR"),
    ("space in front of a field value", with_fields(("x-a", " b")), "PROTOCOL_ERROR"),
    ("space behind a field value", with_fields(("x-a", "b ")), "PROTOCOL_ERROR"),
    ("tab in front of a field value", with_fields(("x-a", "\tb")), "PROTOCOL_ERROR"),
    ("connection", with_fields(("connection", "close")), "PROTOCOL_ERROR"),
    ("connection that names a field", with_fields(("connection", "x-a"), ("x-a", "b")), "PROTOCOL_ERROR"),
    ("keep-alive", with_fields(("keep-alive", "timeout=5")), "PROTOCOL_ERROR"),
    ("proxy-connection", with_fields(("proxy-connection", "close")), "PROTOCOL_ERROR"),
    ("transfer-encoding", with_fields(("transfer-encoding", "chunked")), "PROTOCOL_ERROR"),
    ("transfer-encoding identity", with_fields(("transfer-encoding", "identity")), "PROTOCOL_ERROR"),
    ("upgrade", with_fields(("upgrade", "websocket")), "PROTOCOL_ERROR"),
    ("te of something else", with_fields(("te", "gzip")), "PROTOCOL_ERROR"),
    ("te of trailers and more", with_fields(("te", "trailers, gzip")), "PROTOCOL_ERROR"),
    ("host that differs from :authority", with_fields(("host", "other.example")), "PROTOCOL_ERROR"),
    ("two host fields", with_fields(("host", "localhost"), ("host", "localhost")), "PROTOCOL_ERROR"),
    # Content-Length (§8.1.1)
    ("content-length without a body", with_fields(("content-length", "5")), "PROTOCOL_ERROR"),
    ("content-length of no number", with_fields(("content-length", "x")), "PROTOCOL_ERROR"),
    ("content-length with a sign", with_fields(("content-length", "+0")), "PROTOCOL_ERROR"),
    ("two content-lengths", with_fields(("content-length", "0"), ("content-length", "1")), "PROTOCOL_ERROR"),
    (
        "more than content-length says",
        lambda c: head(c, fields("/echo", "POST", more=[("content-length", "1")]), flags=4) + frame(DATA, 1, 1, b"xy"),
        "PROTOCOL_ERROR",
    ),
    (
        "less than content-length says",
        lambda c: head(c, fields("/echo", "POST", more=[("content-length", "3")]), flags=4) + frame(DATA, 1, 1, b"xy"),
        "PROTOCOL_ERROR",
    ),
    (
        "less than content-length says, behind trailers",
        lambda c: head(c, fields("/echo", "POST", more=[("content-length", "3")]), flags=4)
        + frame(DATA, 0, 1, b"xy") + c.headers([("x-a", "b")]),
        "PROTOCOL_ERROR",
    ),
    # Trailers (§8.1)
    ("pseudo-field in trailers", lambda c: opened()(c) + c.headers([(":path", "/")]), "PROTOCOL_ERROR"),
    ("capital in trailers", lambda c: opened()(c) + c.headers([("X-A", "b")]), "PROTOCOL_ERROR"),
    ("connection in trailers", lambda c: opened()(c) + c.headers([("connection", "close")]), "PROTOCOL_ERROR"),
    ("content-length in trailers", lambda c: opened()(c) + c.headers([("content-length", "0")]), "PROTOCOL_ERROR"),
    ("NUL in trailers", lambda c: opened()(c) + c.headers([("x-a", "\0")]), "PROTOCOL_ERROR"),
]


# What is no error: sent, and the status of the response on stream 1.
FINE = [
    ("unknown frame", lambda c: frame(0xEE, 0xFF, 77, b"x" * 100) + head(c), 200),
    ("unknown setting", lambda c: settings((0xFFFF, 5)) + head(c), 200),
    ("unknown flags", lambda c: head(c, flags=0xC5 & ~0x28 | 0x5), 200),
    ("reserved bit of a stream", lambda c: frame(HEADERS, 5, (1 << 31) | 1, c.block(fields())), 200),
    ("GOAWAY of an unknown code", lambda c: head(c) + frame(GOAWAY, 0, 0, struct.pack(">II", 0, 999)), 200),
    ("PRIORITY of an idle stream", lambda c: frame(PRIORITY, 0, 3, struct.pack(">IB", 0, 5)) + head(c), 200),
    ("PRIORITY_UPDATE", lambda c: frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", 1) + b"u=0, i") + head(c), 200),
    ("HEADERS with a priority", lambda c: frame(HEADERS, 0x25, 1, struct.pack(">IB", 0, 5) + c.block(fields())), 200),
    ("padded HEADERS", lambda c: frame(HEADERS, 0xD, 1, b"\x03" + c.block(fields()) + bytes(3)), 200),
    ("te: trailers", with_fields(("te", "trailers")), 200),
    ("host as :authority", with_fields(("host", "LOCALHOST")), 200),
    ("host instead of :authority", lambda c: head(c, [M, S, P, ("host", "localhost")]), 200),
    ("OPTIONS *", with_fields(method="OPTIONS", path="*"), 200),
    ("empty CONTINUATION", lambda c: head(c, flags=1) + frame(CONTINUATION, 0, 1) + frame(CONTINUATION, 4, 1), 200),
    ("empty field value", with_fields(("x-a", "")), 200),
    ("octets beyond ASCII in a value", with_fields(("x-a", b"\xe4\xff")), 200),
    ("cookie crumbs", with_fields(("cookie", "a=b"), ("cookie", "c=d")), 200),
    ("MAX_FRAME_SIZE 2^24-1", lambda c: settings((5, (1 << 24) - 1)) + head(c), 200),
    ("HEADER_TABLE_SIZE 0", lambda c: settings((1, 0)) + head(c), 200),
    ("HEADER_TABLE_SIZE 2^32-1", lambda c: settings((1, (1 << 32) - 1)) + head(c), 200),
    ("unknown path", with_fields(path="/nothing"), 404),
    ("CONNECT", lambda c: head(c, [(":method", "CONNECT"), (":authority", "localhost:443")]), 501),
    ("target too long", with_fields(path="/" + "a" * 9000), 414),
    ("too many fields", with_fields(*[(f"x-{n}", "") for n in range(120)]), 431),
    ("head too large", with_fields(*[(f"x-{n}", "a" * 8000) for n in range(1)], ("x-z", "b" * 8000)), 200),
    ("unknown expectation", with_fields(("expect", "something")), 417),
    ("dot segments", with_fields(path="/a/../ping"), 200),
    ("path above the root", with_fields(path="/../ping"), 400),
]


@pytest.mark.parametrize("sent, code", [row[1:] for row in CONNECTION], ids=[row[0] for row in CONNECTION])
def test_a_connection_error_ends_the_connection(serving, sent, code):
    client = http2.connect(serving)
    client.ping()
    client.send(sent(client))
    away = client.read_until(lambda got: got.kind == GOAWAY)
    assert away is not None, "no GOAWAY"
    assert away.code in code.split(), away.code
    assert away.payload[8:], "GOAWAY tells no reason"
    client.read_until(lambda got: False)
    # Others are served.
    assert http2.connect(serving).get().status == 200


@pytest.mark.parametrize("sent, code", [row[1:] for row in STREAM], ids=[row[0] for row in STREAM])
def test_a_stream_error_ends_the_stream_alone(serving, sent, code):
    client = http2.connect(serving)
    client.send(sent(client))
    got = client.read_until(lambda got: got.kind in (RST_STREAM, GOAWAY) and (got.kind == GOAWAY or got.stream == 1))
    assert got is not None and got.kind == RST_STREAM, got
    assert got.code == code
    # The connection goes on.
    client.next_stream = 7
    assert client.get().status == 200
    assert client.ping()


@pytest.mark.parametrize("sent, status", [row[1:] for row in FINE], ids=[row[0] for row in FINE])
def test_what_is_no_error_is_answered(serving, sent, status):
    client = http2.connect(serving)
    client.send(sent(client))
    response = client.response(1)
    assert response.status == status


def test_a_connection_that_begins_with_something_else_is_ended(serving):
    for preface in (b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r" + settings(), http2.PREFACE + frame(PING, 0, 0, bytes(8)), http2.PREFACE + settings(flags=ACK)):
        client = http2.connect(serving, preface=preface)
        away = client.read_until(lambda got: got.kind == GOAWAY)
        assert away is not None and away.code == "PROTOCOL_ERROR"


def test_the_table_has_enough_rows():
    assert len(CONNECTION) + len(STREAM) + len(FINE) >= 150
