"""Clients that send or read just enough not to be called idle."""

import json
import socket
import ssl
import threading
import time

import gateway
import hostile_origin
import patience
import pytest
import wire

# As fast as a test can wait for, and far above what the slow clients here do.
SLOW = {"min_request_rate": "4K", "min_response_rate": "256K", "rate_grace": "300ms", "write_timeout": "2s"}
ADMIN = {"socket": "admin.sock"}
JSON = {"access": {"path": "access.log", "format": "json"}}


def refused(server):
    outcome = server.command("status", "--json")
    assert outcome.returncode == 0, outcome.stderr
    return {entry["reason"]: entry["count"] for entry in json.loads(outcome.stdout)["gateway"]["refusals"]}


def connection(server, listener):
    return server.secure() if listener == "secure" else server.plain()


def trickle_body(client, path, framing, pieces):
    """Sends a head and then pieces of its body with a pause before each, until a response comes."""
    client.send(wire.request(path, framing, method="POST"))
    client.socket.settimeout(0.05)
    end = time.monotonic() + patience.seconds(20)
    for piece in pieces:
        assert time.monotonic() < end, "the gateway takes the slow body for ever"
        try:
            client.receive()
            break
        except TimeoutError:
            client.send(piece)
    client.socket.settimeout(patience.seconds(10))
    return client.read_response()


def forever(piece):
    while True:
        yield piece


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize(
    "framing, piece", [("Content-Length: 1000000", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")])
def test_a_body_that_trickles_is_refused(start_gateway, listener, framing, piece):
    server = start_gateway(extensions=["echo"], limits=SLOW, admin=ADMIN, log=JSON)
    response = trickle_body(connection(server, listener), "/echo", framing, forever(piece))
    assert (response.status, response["Connection"]) == (408, "close")
    assert "request body received too slowly" in response.text
    server.log.wait_for("request refused: request body received too slowly, client 127.0.0.1, request ")
    assert refused(server) == {"request body received too slowly": 1}
    patience.until(lambda: server.access_log)
    assert json.loads(server.access_log[0])["status"] == 408


def test_a_body_that_trickles_to_a_server_is_refused(start_proxy, origin):
    origin.on("/slow", hostile_origin.hang)
    server = start_proxy(limits=SLOW)
    response = trickle_body(server.plain(), "/slow", "Content-Length: 1000000", forever(b"x"))
    assert response.status == 408
    assert "request body received too slowly" in response.text


def test_a_body_that_nobody_wants_is_not_drained_for_ever(start_gateway):
    server = start_gateway([gateway.PING], limits=SLOW, admin=ADMIN)
    client = server.plain()
    client.send(wire.request("/ping", "Content-Length: 200000", method="POST"))
    assert client.read_response().status == 200
    end = time.monotonic() + patience.seconds(20)
    with pytest.raises((ConnectionError, EOFError)):
        while time.monotonic() < end:
            client.send(b"x")
            client.socket.settimeout(0.05)
            try:
                client.receive()
            except TimeoutError:
                pass
    assert refused(server) == {"request body received too slowly": 1}


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_body_that_keeps_to_the_rate_is_taken_to_its_end(start_gateway, listener):
    server = start_gateway(extensions=["echo"], limits=SLOW)
    client = connection(server, listener)
    client.send(wire.request("/echo", "Content-Length: 8000", method="POST"))
    for _ in range(16):
        time.sleep(0.05)
        client.send(b"x" * 500)
    response = client.read_response()
    assert response.status == 200 and len(response.body) >= 8000


def test_a_record_that_comes_in_parts_counts_byte_by_byte(start_gateway):
    """The system has seen the bytes before a TLS record is complete."""
    limits = {"min_request_rate": "2K", "rate_grace": "300ms", "body_timeout": "500ms"}
    server = start_gateway(extensions=["echo"], limits=limits)
    with Throttle(server.ports["secure"], up=10_000) as middle:
        client = server.remember(wire.Client(wire.start_tls(wire.connect(middle.port), server.context(), "localhost")))
        # One record of 16 KiB takes over a second and a half.
        response = client.post("/echo", b"y" * 16_000)
    assert response.status == 200 and response.body.endswith(b"y" * 16_000)


class Throttle:
    """Forwards the bytes of one client, `up` bytes a second."""

    def __init__(self, port, up):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = port
        self.up = up

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        client, _ = self.listener.accept()
        server = wire.connect(self.target)
        threading.Thread(target=self.copy, args=(server, client, None), daemon=True).start()
        self.copy(client, server, self.up)

    def copy(self, source, destination, rate):
        step = 65536 if rate is None else rate // 50
        try:
            while data := source.recv(step):
                destination.sendall(data)
                if rate is not None:
                    time.sleep(len(data) / rate)
        except OSError:
            pass


# Responses

RESPONSES = ["/big.bin", "/stream?count=2000&size=10000", "/proxied"]


@pytest.fixture
def start_serving(start_gateway, tmp_path, origin):
    root = tmp_path / "root"
    root.mkdir()
    (root / "big.bin").write_bytes(bytes(20_000_000))
    length = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n"
    origin.on("/proxied", length + bytes(20_000_000))

    def start(**limits):
        return start_gateway(
            [{"path": "/big.bin", "files": {"root": str(root)}}, {"path": "/proxied", "proxy": {"to": "origin"}}],
            ["stream"], upstreams={"origin": {"servers": [{"url": origin.url}]}}, limits=limits, admin=ADMIN, log=JSON)

    return start


def read_slowly(client, size, pause, limit):
    """Reads `size` bytes after each pause; the seconds until the connection is cut, and the number of bytes."""
    began = time.monotonic()
    total = 0
    while time.monotonic() - began < patience.seconds(limit):
        time.sleep(pause)
        try:
            data = client.socket.recv(size)
        except (ConnectionError, ssl.SSLError):
            return time.monotonic() - began, total
        if not data:
            return time.monotonic() - began, total
        total += len(data)
    raise AssertionError(f"the connection is still open after {total} bytes")


def small_window(server, listener):
    """A client whose system buffers little."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    raw.settimeout(patience.seconds(10))
    raw.connect(("127.0.0.1", server.ports[listener]))
    return server.remember(
        wire.Client(raw if listener == "plain" else wire.start_tls(raw, server.context(), "localhost")))


def cut_off(start_serving, path, listener, reason, **limits):
    server = start_serving(**limits)
    client = small_window(server, listener)
    client.send(wire.request(path))
    with_reason = threading.Event()
    reader = threading.Thread(target=drip, args=(client, with_reason), daemon=True)
    reader.start()
    server.log.wait_for(f"response cut: {reason}, client 127.0.0.1, request ")
    with_reason.set()
    reader.join()
    patience.until(lambda: server.access_log)
    entry = json.loads(server.access_log[0])
    assert (entry["status"], entry["reason"]) == (200, reason)
    assert entry["bytes"] < 20_000_000
    assert refused(server) == {reason: 1}


def drip(client, stop):
    """Reads a little, repeatedly, so that the client never seems idle."""
    try:
        while not stop.wait(0.02) and client.socket.recv(1000):
            pass
    except (OSError, ssl.SSLError):
        pass


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize("path", RESPONSES)
def test_a_response_that_is_taken_too_slowly_is_cut(start_serving, path, listener):
    cut_off(start_serving, path, listener, "response taken too slowly", **SLOW)


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize("path", RESPONSES)
def test_a_response_has_an_end_that_no_trickle_pushes_on(start_serving, path, listener):
    cut_off(
        start_serving, path, listener, "response not taken within response_timeout",
        min_response_rate="off", response_timeout="1s")


@pytest.mark.parametrize("path", RESPONSES)
def test_a_client_that_takes_nothing_is_cut_by_the_write_timeout(start_serving, path):
    server = start_serving(write_timeout="500ms", min_response_rate="off")
    client = small_window(server, "plain")
    client.send(wire.request(path))
    server.log.wait_for("response cut: response not taken in time, client 127.0.0.1, request ")


def test_a_client_that_reads_slower_than_the_write_timeout_but_steadily_gets_all(start_serving):
    """The socket has space again only when much has been read; the bytes that the client acknowledges count."""
    server = start_serving(write_timeout="400ms", rate_grace="200ms", min_response_rate="10K")
    client = small_window(server, "plain")
    client.send(wire.request("/stream?count=80&size=10000&length=1"))
    total = 0
    while b"\r\n\r\n" not in client.received:
        client.receive()
    while total < 600_000:
        time.sleep(0.02)
        data = client.socket.recv(6000)
        assert data, f"cut after {total} bytes"
        total += len(data)


def test_a_fast_client_may_pause_as_long_as_the_write_timeout(start_serving):
    server = start_serving(write_timeout="20s", rate_grace="100ms", min_response_rate="1M")
    client = small_window(server, "plain")
    client.send(wire.request("/big.bin"))
    while b"\r\n\r\n" not in client.received:
        client.receive()
    length = len(client.received) - client.received.index(b"\r\n\r\n") - 4
    while length < 10_000_000:
        length += len(client.socket.recv(1 << 16))
    # Longer than the grace by far; the bytes so far are worth ten seconds.
    time.sleep(1)
    while length < 20_000_000:
        data = client.socket.recv(1 << 16)
        assert data
        length += len(data)


def test_a_response_that_never_waits_for_its_client_has_no_end(start_gateway):
    server = start_gateway(extensions=["stream"], limits={"response_timeout": "1s"})
    response = server.plain().get("/stream?count=8&size=10&wait=200")
    assert response.status == 200 and len(response.body) == 80


def test_the_next_response_has_a_time_of_its_own(start_serving):
    server = start_serving(response_timeout="5s", min_response_rate="off")
    client = small_window(server, "plain")
    for _ in range(4):
        client.send(wire.request("/stream?count=60&size=10000&length=1"))
        while b"\r\n\r\n" not in client.received:
            client.receive()
        client.read_until(b"\r\n\r\n")
        total = len(client.take(len(client.received)))
        began = time.monotonic()
        while total < 600_000:
            time.sleep(0.02)
            data = client.socket.recv(8000)
            assert data, f"cut after {total} bytes and {time.monotonic() - began} seconds"
            total += len(data)
