"""Servers, names and clients that fail, phase by phase: the status, the reason, and that nothing leaks."""

import json
import socket
import threading

import gateway as gateways
import hostile_origin
import nameserver
import patience
import pytest
import wire
from hostile_origin import KEEP, OK, head


@pytest.fixture
def origin():
    with hostile_origin.Origin() as origin:
        origin.on("/later", OK, KEEP)
        yield origin


@pytest.fixture
def start(start_gateway):
    def start(*urls, limits=None, sections=None, **upstream):
        return start_gateway(
            [{"path": "/*", "proxy": {"to": "a"}}],
            upstreams={"a": {"servers": [{"url": url} for url in urls], "retries": 0, **upstream}},
            log={"level": "debug", "access": {"path": "access.log", "format": "json"}},
            workers=1,
            limits=limits or {},
            **(sections or {}),
        )

    return start


def expect_record(gateway, path, status, reason):
    """The access log has one line for the path; it is written after the response."""

    def found():
        return [record for record in map(json.loads, gateway.access_log) if record["path"] == path]

    patience.until(found)
    assert [(record["status"], record.get("reason")) for record in found()] == [(status, reason)]


class Raw:
    """A server that does one thing with every connection."""

    def __init__(self, behave):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = []
        self.behave = behave
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(sock)
            self.behave(sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for sock in self.open:
            sock.close()


def reset(sock):
    sock.recv(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


HANDSHAKE = "TLS handshake with the server failed"


@pytest.mark.parametrize(
    "behave, status, reason",
    [
        (lambda sock: None, 504, "connection to the server not made in time"),
        (lambda sock: sock.close(), 502, HANDSHAKE),
        (reset, 502, HANDSHAKE),
        (lambda sock: sock.sendall(OK), 502, HANDSHAKE),
        (lambda sock: sock.sendall(b"\x16\x03\x03\xff\xff" + b"x" * 65535), 502, HANDSHAKE),
        (lambda sock: sock.sendall(b"\x15\x03\x03\0\2\2\x28"), 502, HANDSHAKE),
    ],
    ids=["hangs", "closes", "resets", "speaks HTTP", "talks nonsense", "alerts"],
)
def test_a_server_fails_in_its_handshake(start, behave, status, reason):
    with Raw(behave) as server:
        gateway = start(f"https://127.0.0.1:{server.port}", connect_timeout="300ms")
        assert gateway.plain().get("/x").status == status
        expect_record(gateway, "/x", status, reason)


def test_a_server_does_not_take_the_request(start):
    with Raw(lambda sock: None) as server:
        gateway = start(f"http://127.0.0.1:{server.port}", send_timeout="300ms")
        client = gateway.plain()
        client.send(wire.request("/x", "Content-Length: 100000000", method="POST"))
        sender = threading.Thread(target=send_all, args=(client, b"x" * 100_000_000), daemon=True)
        sender.start()
        assert client.read_response().status == 504
        expect_record(gateway, "/x", 504, "server did not take the request in time")
        client.close()
        sender.join()


def send_all(client, data):
    try:
        client.send(data)
    except OSError:
        pass


def test_a_server_ends_while_it_is_sent_the_request(start, origin):
    origin.on("/x", lambda connection: connection.read_bytes(10), hostile_origin.reset)
    gateway = start(origin.url)
    client = gateway.plain()
    client.send(wire.request("/x", "Content-Length: 100", method="POST") + "x" * 50)
    assert client.read_response().status == 502
    origin.wait_until_closed()


def test_a_server_answers_too_slowly_to_end_in_time(start, origin):
    def drip(connection):
        connection.send(head("Content-Length: 1000"))
        while not connection.origin.stopped.wait(0.02):
            connection.send(b"x")

    origin.stopped = threading.Event()
    origin.on("/x", drip)
    times = ("connect_timeout", "send_timeout", "response_timeout", "read_timeout", "request_timeout")
    gateway = start(origin.url, **dict.fromkeys(times, "300ms"))
    with pytest.raises((EOFError, ConnectionError)):
        gateway.plain().get("/x")
    origin.stopped.set()
    expect_record(gateway, "/x", 200, "request not answered in time")


def test_a_server_that_grows_without_end_needs_no_memory(start, origin):
    origin.on("/x", head("Transfer-Encoding: chunked"), hostile_origin.endless(b"1000\r\n" + b"x" * 4096 + b"\r\n"))
    gateway = start(origin.url)
    before = gateway.resident_size
    client = gateway.plain()
    client.send(wire.request("/x"))
    for _ in range(50):
        client.read_bytes(1 << 20)
    client.close()
    origin.wait_until_closed()
    assert gateway.resident_size - before < 32 << 20


@pytest.mark.parametrize("fault", ["fails", "empty", "silent"])
def test_a_name_without_an_address_is_answered_503_and_found_later(start, origin, fault):
    names = nameserver.NameServer()
    if fault == "empty":
        names.records["a.test", 99] = []
    if fault == "silent":
        answer = names.answer
        names.answer = lambda message: b""
    resolver = {"servers": [f"127.0.0.1:{names.port}"], "min_ttl": "100ms", "timeout": "100ms", "tries": 1, "patience": "1s"}
    gateway = start(f"http://a.test:{origin.port}", sections={"resolver": resolver})
    client = gateway.plain()
    response = client.get("/x")
    assert response.status == 503 and response["Retry-After"] == "1"
    expect_record(gateway, "/x", 503, "no server available")
    if fault == "silent":
        names.answer = answer
    names.set_addresses("a.test", "127.0.0.1")
    patience.until(lambda: client.get("/later").status == 200)
    names.stop()


def test_a_name_that_flaps_keeps_its_last_address(start, origin):
    names = nameserver.NameServer()
    names.set_addresses("a.test", "127.0.0.1")
    resolver = {"servers": [f"127.0.0.1:{names.port}"], "min_ttl": "100ms", "timeout": "100ms", "tries": 1, "patience": "5s"}
    gateway = start(f"http://a.test:{origin.port}", sections={"resolver": resolver})
    client = gateway.plain()
    for _ in range(5):
        names.forget("a.test")
        assert names.asked.acquire(timeout=patience.seconds(5))
        assert client.get("/later").status == 200
        names.set_addresses("a.test", "127.0.0.1")
        assert names.asked.acquire(timeout=patience.seconds(5))
    names.stop()


def test_a_client_stalls_inside_its_body(start, origin):
    origin.on("/x", hostile_origin.hang)
    gateway = start(origin.url, limits={"body_timeout": "300ms"})
    client = gateway.plain()
    client.send(wire.request("/x", "Content-Length: 100", method="POST") + "x")
    assert client.read_response().status == 408
    origin.wait_until_closed()


def test_a_client_vanishes_while_its_server_is_reached(start):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        queued = [socket.socket() for _ in range(4)]
        for sock in queued:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        gateway = start(f"http://127.0.0.1:{full.getsockname()[1]}")
        client = gateway.plain()
        client.send(wire.request("/x"))
        client.close()
        expect_record(gateway, "/x", 499, "client gone")
        for sock in queued:
            sock.close()


def test_a_client_vanishes_inside_its_response(start, origin):
    origin.on("/x", head("Content-Length: 100000") + b"x", hostile_origin.hang)
    gateway = start(origin.url)
    client = gateway.plain()
    client.send(wire.request("/x"))
    client.read_until(b"\r\n\r\nx")
    client.close()
    origin.wait_until_closed()
    expect_record(gateway, "/x", 499, "client gone")


def test_a_client_sends_nonsense_inside_its_chunks(start, origin):
    origin.on("/x", hostile_origin.hang)
    gateway = start(origin.url)
    client = gateway.plain()
    client.send(wire.request("/x", "Transfer-Encoding: chunked", method="POST") + "1\r\na\r\nzz\r\n")
    assert client.read_response().status == 400
    origin.wait_until_closed()
    assert gateway.plain().get("/later").text == "ok\n"


def test_mixes_of_all_kinds_are_answered_in_order(start_gateway, origin):
    """Proxied, local, buffered, authorized and failing requests of one connection, some of them with bodies."""
    origin.on("/slow", hostile_origin.drip(head("Content-Length: 4") + b"slow"), KEEP)
    origin.on("/echo", hostile_origin.echo, KEEP)
    origin.on("/bad", b"nonsense\r\n\r\n")
    origin.on("/chunks", head("Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n", KEEP)
    gateway = start_gateway(
        [
            gateways.PING,
            {"path": "/asked", "forward_auth": {"to": "a", "path": "/later"}, "respond": {"body": "asked"}},
            {"path": "/held/*", "proxy": {"to": "a", "buffer": "both", "strip_prefix": "/held"}},
            {"path": "/*", "proxy": {"to": "a"}},
        ],
        upstreams={"a": {"servers": [{"url": origin.url}]}},
        workers=1,
    )
    turn = [
        (wire.request("/slow"), (200, "slow")), (wire.request("/ping"), (200, "pong\n")),
        (wire.request("/echo", "Content-Length: 3", method="POST") + "one", (200, "one")),
        (wire.request("/asked"), (200, "asked")), (wire.request("/bad"), (502, None)),
        (wire.request("/held/echo", "Transfer-Encoding: chunked", method="POST") + "3\r\ntwo\r\n0\r\n\r\n", (200, "two")),
        (wire.request("/none", method="HEAD"), (200, "")), (wire.request("/chunks"), (200, "abc")),
        (wire.request("/ping"), (200, "pong\n")),
    ]  # fmt: skip
    for client in (gateway.plain(), gateway.secure()):
        client.send("".join(request for request, _ in turn * 5))
        for request, (status, text) in turn * 5:
            response = client.read_response(request.split(" ")[0])
            assert response.status == status and text in (None, response.text), request
