"""Lines of the access log for requests that fail or are cut."""

import json
import socket
import struct

import gateway
import hostile_origin
import patience
import pytest
import wire
from hostile_origin import head

LOG = {"access": {"path": "access.log", "format": "json"}}


def lines(server, count):
    patience.until(lambda: len(server.access_log) >= count)
    return [json.loads(line) for line in server.access_log]


def slow_client(server):
    """A client that reads very little and then nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.ports["plain"]))
    return server.remember(wire.Client(sock))


@pytest.mark.parametrize("kind", ["files", "respond", "proxy"])
def test_a_response_that_is_not_taken_has_its_line_with_what_was_sent(start_gateway, tmp_path, kind):
    size = 24 << 20 if kind != "respond" else 2 << 20
    (tmp_path / "large").write_bytes(b"x" * size)
    with hostile_origin.Origin() as origin:
        origin.on("/large", head(f"Content-Length: {size}"), b"x" * size)
        action = {
            "files": {"files": {"root": str(tmp_path)}},
            "respond": {"respond": {"body": "x" * size}},
            "proxy": {"proxy": {"to": "o"}},
        }[kind]
        server = start_gateway(
            [{"path": "/large", **action}],
            upstreams={"o": {"servers": [{"url": origin.url}]}},
            limits={"write_timeout": "300ms"},
            log=LOG,
        )
        client = slow_client(server)
        client.send(wire.request("/large"))
        (record,) = lines(server, 1)
    assert record["status"] == 200 and record["reason"] == "response not taken in time"
    assert 0 < record["bytes"] < size


@pytest.mark.parametrize("kind", ["files", "respond", "proxy"])
def test_a_response_whose_client_goes_has_its_line(start_gateway, tmp_path, kind):
    size = 24 << 20 if kind != "respond" else 2 << 20
    (tmp_path / "large").write_bytes(b"x" * size)
    with hostile_origin.Origin() as origin:
        origin.on("/large", head(f"Content-Length: {size}"), b"x" * size)
        action = {
            "files": {"files": {"root": str(tmp_path)}},
            "respond": {"respond": {"body": "x" * size}},
            "proxy": {"proxy": {"to": "o"}},
        }[kind]
        server = start_gateway(
            [{"path": "/large", **action}], upstreams={"o": {"servers": [{"url": origin.url}]}}, log=LOG
        )
        client = slow_client(server)
        client.send(wire.request("/large"))
        client.receive()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        (record,) = lines(server, 1)
    # For a proxied one the log has 499, whatever head was sent.
    assert record["status"] == (499 if kind == "proxy" else 200) and record["reason"] == "client gone"
    assert record["bytes"] < size


@pytest.mark.parametrize("action", ["extension", "proxy", "collected"])
def test_an_upload_that_is_given_up_has_its_line(start_gateway, action):
    with hostile_origin.Origin() as origin:
        origin.on("/up", hostile_origin.read_body, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        what = {
            "extension": {"extension": "collects"},
            "proxy": {"proxy": {"to": "o"}},
            "collected": {"proxy": {"to": "o", "buffer": "request"}},
        }[action]
        server = start_gateway(
            [{"path": "/up", **what}], extensions=["collects"], upstreams={"o": {"servers": [{"url": origin.url}]}}, log=LOG
        )
        client = server.plain()
        client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\npart of it")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        (record,) = lines(server, 1)
    assert (record["method"], record["path"], record["status"]) == ("POST", "/up", 499)
    assert record["reason"] == "client gone" and record["bytes"] == 0


def test_an_upload_that_stops_has_its_line(start_gateway):
    with hostile_origin.Origin() as origin:
        server = start_gateway(
            [{"path": "/up", "proxy": {"to": "o"}}],
            upstreams={"o": {"servers": [{"url": origin.url}]}},
            limits={"body_timeout": "200ms"},
            log=LOG,
        )
        origin.on("/up", hostile_origin.hang)
        client = server.plain()
        client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        response = client.read_response()
        assert response.status == 408
        (record,) = lines(server, 1)
    assert (record["status"], record["bytes"]) == (408, len(response.body))
    assert record["reason"] == "request body not received in time"


@pytest.mark.parametrize(
    "sent, status, reason",
    [
        ("nonsense\r\n\r\n", 400, "invalid request line"),
        ("GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", 400, "white space before the colon of a field"),
        ("GET / HTTP/3.0\r\n\r\n", 505, "unsupported protocol version"),
        ("GET / HTTP/1.1\r\nHo", 408, "request head not received in time"),
    ],
)
def test_a_head_that_is_refused_has_its_line_with_reason_status_and_size(start_gateway, sent, status, reason):
    server = start_gateway([gateway.PING], limits={"header_timeout": "300ms"}, log=LOG)
    client = server.plain()
    client.send(sent)
    response = client.read_response()
    assert response.status == status
    (record,) = lines(server, 1)
    assert (record["status"], record["reason"], record["bytes"]) == (status, reason, len(response.body))
    assert record["client"] == "127.0.0.1" and record["path"] == ""
