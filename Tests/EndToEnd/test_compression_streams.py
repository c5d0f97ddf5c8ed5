"""Streams through a coder: flushed data reaches the client before anything follows it."""

import threading
import zlib

import gateway as gateways
import hostile_origin
import patience
import pytest
import wire

EVENTS = [b"id: %d\ndata: event %d\n\n" % (number, number) for number in range(3)]


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def server(start_shared_gateway, origin):
    routes = [
        {"path": "/events", "extension": "events"},
        {"path": "/prose", "extension": "prose"},
        {"path": "/passed/*", "proxy": {"to": "origin"}},
    ]
    site = {**gateways.site(routes), "compress": "on"}
    return start_shared_gateway(
        sites=[site],
        extensions={"events": {}, "prose": {"threads": 1}},
        upstreams={"origin": {"servers": [{"url": origin.url}]}},
        log={"access": {"path": "access.log", "format": "json"}},
    )


class Decoding:
    """A client that decodes what it has received so far."""

    def __init__(self, client, path, coding, version="HTTP/1.1"):
        self.client = client
        client.send(wire.request(path, f"Accept-Encoding: {coding}", version=version))
        self.response = wire.Response(client.read_until(b"\r\n\r\n")[:-4])
        assert self.response["Content-Encoding"] == coding
        assert self.response["Content-Length"] is None
        self.is_chunked = version == "HTTP/1.1"
        assert self.response["Transfer-Encoding"] == ("chunked" if self.is_chunked else None)
        self.decoder = zlib.decompressobj(31 if coding == "gzip" else 15)

    def read(self, count):
        """The next `count` bytes of the content."""
        content = b""
        while len(content) < count:
            content += self.decoder.decompress(self.piece())
        assert len(content) == count, content
        return content

    def piece(self):
        if not self.is_chunked:
            if not self.client.received:
                self.client.receive()
            return self.client.take(len(self.client.received))
        size = int(self.client.read_until(b"\r\n"), 16)
        piece = self.client.read_bytes(size)
        assert self.client.read_bytes(2) == b"\r\n"
        return piece

    def expect_end(self):
        assert self.decoder.flush() == b""
        while not self.decoder.eof:
            assert self.decoder.decompress(self.piece()) == b""
        assert self.decoder.unused_data == b""
        if self.is_chunked:
            assert self.client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        else:
            self.client.expect_end()


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("by", [0, 1, 2], ids=["written", "flush flag", "asynchronous"])
@pytest.mark.parametrize("listener", ["secure", "plain"])
def test_each_event_of_an_extension_arrives_before_the_next_is_made(server, listener, by, coding, version):
    with getattr(server, listener)() as allowing, getattr(server, listener)() as client:
        allowing.get("/events?allow")
        reading = Decoding(client, f"/events?by={by}&count={len(EVENTS)}", coding, version)
        for number, event in enumerate(EVENTS):
            assert reading.read(len(event)) == event
            if number + 1 < len(EVENTS):
                assert allowing.get("/events?allow").status == 200
        reading.expect_end()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_each_event_of_a_server_arrives_before_the_next_is_made(server, origin, coding):
    steps = threading.Semaphore(1)

    def send_events(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event in EVENTS:
            assert steps.acquire(timeout=patience.seconds(20))
            connection.send(b"%x\r\n%s\r\n" % (len(event), event))
        connection.send(b"0\r\n\r\n")

    origin.on("/passed/events", send_events)
    with server.secure() as client:
        reading = Decoding(client, "/passed/events", coding)
        for event in EVENTS:
            assert reading.read(len(event)) == event
            steps.release()
        reading.expect_end()


def test_a_client_that_leaves_a_coded_stream_ends_the_work(server):
    for listener in [server.plain, server.secure]:
        with listener() as client:
            client.send(wire.request("/prose?size=1000000000000000&most=1000&binary=1", "Accept-Encoding: gzip"))
            client.read_until(b"\r\n\r\n")
        # The extension has one thread, which would write for years.
        assert server.plain().get("/prose?size=10").status == 200
