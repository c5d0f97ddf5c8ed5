"""What a connection of HTTP/2 may hold of the gateway's memory, whatever its client sends."""

import statistics
import time

import gateway
import hpack
import http2
import patience
import pytest
from http2 import END_HEADERS, END_STREAM, HEADERS, RST_STREAM, fields, frame, settings


@pytest.fixture
def start(start_gateway):
    def start(**sections):
        return start_gateway([gateway.PING], listeners=http2.LISTENERS, workers=1, **sections)

    return start


def anonymous_memory(server):
    """Memory of the gateway process without pages of files, in KiB."""
    with open(f"/proc/{server.gateway_pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


def test_an_idle_connection_holds_little_more_than_one_of_http_1(start):
    """After requests whose fields are in the tables of both directions."""
    agent = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
    accepted = [("accept", "text/html,*/*;q=0.8"), ("accept-language", "en"), ("accept-encoding", "gzip, deflate, br")]
    names = [*fields("/ping"), agent, *accepted, ("cookie", "session=" + "0123456789" * 20)]

    def by_http_2(server):
        client = http2.connect(server)
        encoder = hpack.Encoder()
        for stream in (1, 3, 5):
            client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, encoder.encode(names)))
            assert client.response(stream).status == 200
        return client

    def by_http_1(server):
        client = server.secure()
        for _ in range(3):
            assert client.get("/ping").status == 200
        return client

    limits = {"client_connections": "off", "client_handshakes": "off"}
    held = []
    for connect in (by_http_1, by_http_2):
        server = start(limits=limits)
        clients, levels = [], []
        # What is kept for further requests is given back after a second, and used by the next connections.
        for _ in range(5):
            clients += [connect(server) for _ in range(80)]
            time.sleep(1.5)
            levels.append(anonymous_memory(server))
        held.append((levels[-1] - levels[0]) / 320)
    assert held[1] <= held[0] + 2, held


def test_a_connection_that_was_idle_goes_on_with_its_table(start):
    """The gateway empties the table of its own fields, and keeps that of the client's."""
    client = http2.connect(start())
    encoder = hpack.Encoder()
    for stream in range(1, 9, 2):
        names = [*fields("/ping"), ("x-kept", "value"), ("x-number", str(stream))]
        client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, encoder.encode(names)))
        assert client.response(stream).text == "pong\n"
        if stream == 3:
            # Longer than memory is kept for further requests.
            time.sleep(1.5)


def test_references_to_fields_cost_no_memory(start):
    """One field put into the table, then thousands of references of one octet, pinned by a closed window."""
    server = start()
    seed = b"\x40" + http2.integer(3, 7) + b"x-a" + http2.integer(3000, 7) + b"b" * 3000

    def attack():
        client = http2.connect(server, preface=http2.PREFACE + settings((4, 0)))
        assert client.ping()
        before = anonymous_memory(server)
        for number in range(100):
            stream = client.next_stream
            client.next_stream += 2
            block = client.block(fields("/ping")) + (seed if number == 0 else b"") + b"\xbe" * 8000
            client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block))
        assert client.ping()
        statuses = [dict(got.names)[":status"] for got in client.frames if got.kind == HEADERS]
        assert set(statuses) == {"431"}
        return anonymous_memory(server) - before

    # The first connection also pays for what the process keeps. Each of the 100 responses waits, and holds some 2.6 KiB;
    # what the references stand for would be 23 MiB for each.
    growth = [attack() for _ in range(6)]
    assert statistics.median(growth[1:]) <= 288, growth
    assert http2.connect(server).get().status == 200


def test_many_heads_that_wait_are_bounded(start):
    server = start()
    client = http2.connect(server, preface=http2.PREFACE + settings((4, 0)))
    assert client.ping()
    before = server.resident_size
    more = [(f"x-{number}", "a" * 1500) for number in range(9)]
    for _ in range(100):
        client.open(fields("/ping", more=more))
    assert client.ping()
    refused = [got for got in client.frames if got.kind == RST_STREAM]
    assert refused and {got.code for got in refused} == {"REFUSED_STREAM"}
    assert server.resident_size - before < 3 << 20


def test_a_client_that_reads_nothing_holds_little(start):
    """It asks without end and takes no answer: the gateway stops reading, and ends the connection in time."""
    server = start(limits={"write_timeout": "1s"})
    client = http2.connect(server)
    assert client.ping()
    before = server.resident_size
    client.socket.settimeout(patience.seconds(30))
    try:
        while True:
            client.send(b"".join(http2.request(client, "/ping") for _ in range(100)))
    except OSError:
        pass
    assert server.resident_size - before < 4 << 20
    assert http2.connect(server).get().status == 200
