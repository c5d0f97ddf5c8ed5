"""No request becomes two on its way to a server, and no server receives one that could be parsed in two ways."""

import contextlib
import socket
import threading

import patience
import pytest
import smuggling
import wire


class RecordingOrigin:
    """Answers every whole request with its body, and keeps the bytes of all heads and the bodies as they came."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heads = []
        self.whole = []
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections.append(sock)
                threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        client = wire.Client(sock)
        with contextlib.suppress(OSError, EOFError, ValueError):
            while True:
                head = client.read_until(b"\r\n\r\n")
                self.heads.append(head)
                body = self.read_body(client, head)
                self.whole.append((head.split(b" ")[1], body))
                client.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        sock.close()

    def read_body(self, client, head):
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        if fields.get(b"transfer-encoding") != b"chunked":
            return client.read_bytes(int(fields.get(b"content-length", 0)))
        body = b""
        while size := int(client.read_until(b"\r\n"), 16):
            body += client.read_bytes(size)
            assert client.read_bytes(2) == b"\r\n"
        while client.read_until(b"\r\n") != b"\r\n":
            pass
        return body

    def close(self):
        self.listener.close()
        for sock in self.connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def origin():
    origin = RecordingOrigin()
    yield origin
    origin.close()


@pytest.fixture(scope="module")
def server(start_shared_gateway, origin):
    return start_shared_gateway(
        [{"path": "/*", "proxy": {"to": "o"}}],
        upstreams={"o": {"servers": [{"url": f"http://127.0.0.1:{origin.port}"}], "health": {"passive": {"fails": 0}}}},
        limits={"request_head": "64K"},
    )


@pytest.fixture(autouse=True)
def forget(origin):
    origin.heads.clear()
    origin.whole.clear()


def statuses(client):
    """The statuses of all responses until the gateway closes."""
    found = []
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            found.append(client.read_response().status)
    return found


@pytest.mark.parametrize("name", smuggling.REFUSED)
def test_an_ambiguous_request_is_refused_and_nothing_behind_it_is_served(server, origin, name):
    client = server.plain()
    client.send(smuggling.REFUSED[name] + smuggling.TAIL)
    (status,) = statuses(client)
    assert 400 <= status < 600
    assert origin.heads == []


@pytest.mark.parametrize("name", smuggling.BROKEN)
def test_a_body_that_could_end_elsewhere_is_never_whole(server, origin, name):
    client = server.plain()
    client.send(smuggling.BROKEN[name] + smuggling.TAIL)
    found = statuses(client)
    assert found in ([], [400], [413], [431])
    assert origin.whole == []
    assert all(b"/tail" not in head for head in origin.heads)


@pytest.mark.parametrize("name", smuggling.SERVED)
def test_an_unusual_request_is_one_request_for_everybody(server, origin, name):
    text, body = smuggling.SERVED[name]
    client = server.plain()
    client.send(text + smuggling.TAIL)
    method = text.lstrip().split(" ")[0]
    response = client.read_response(method)
    assert (response.status, response.text) == (200, body)
    assert client.read_response().status == 200
    patience.until(lambda: len(origin.whole) == 2)
    assert origin.whole == [(origin.whole[0][0], body.encode()), (b"/tail", b"")]
    assert [head for head in origin.heads if smuggling.ambiguous(head)] == []


@pytest.mark.parametrize("name", ["a length", "chunked", "a trailer", "a body that looks like a request"])
def test_a_request_that_is_read_alike_is_so_at_every_split(server, origin, name):
    text, body = smuggling.SERVED[name]
    client = server.plain()
    for split in range(1, len(text)):
        client.send(text[:split])
        client.send(text[split:])
        assert client.read_response().text == body
