"""Large files by HTTP/2, which are sealed from memory: what changes of a file, and slow streams, do to the others."""

import os
import random

import gateway
import http2
import pytest
from http2 import DATA, RST_STREAM, fields, settings, window_update

SIZE = 4_000_000
LARGE = bytes(random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz", k=SIZE // 16)) * 16


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "large").write_bytes(LARGE)
    return folder


@pytest.fixture
def server(start_gateway, root):
    routes = [gateway.PING, {"path": "/*", "files": {"root": str(root)}}]
    return start_gateway(routes, listeners=http2.LISTENERS, file_cache={"fresh": "0s"}, workers=1)


def mappings(server):
    with open(f"/proc/{server.gateway_pid}/maps") as lines:
        return sum(line.endswith("/public/large\n") for line in lines)


def anonymous_memory(server):
    """Memory without pages of files, in bytes."""
    with open(f"/proc/{server.gateway_pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) << 10


def make_hot(server):
    """Makes the gateway map the present version of the file."""
    client = http2.connect(server)
    for _ in range(2):
        assert len(client.get("/large").body) == SIZE
    assert mappings(server) == 1
    client.close()


def begin(client, path="/large", count=100_000):
    """Asks for a file and reads a part; the stream's window stays closed after it."""
    stream = client.open(fields(path))
    body = bytearray()
    while len(body) < count:
        got = client.read_until(lambda got: got.kind == DATA and got.stream == stream)
        body += got.payload
    return stream, body


def rest(client, stream, body):
    """Opens the stream's window and reads on; the bytes, and the code if the stream was reset."""
    client.send(window_update(stream, 1 << 30))
    while (got := client.read_frame()) is not None:
        if got.stream != stream:
            continue
        if got.kind == RST_STREAM:
            return body, got.code
        if got.kind == DATA:
            body += got.payload
            if got.ends_stream:
                return body, None
    raise AssertionError("the connection ended")


def slow_settings(window):
    return http2.PREFACE + settings((4, window))


def test_a_file_is_the_same_from_the_disk_from_a_mapping_and_in_ranges(server):
    client = http2.connect(server)
    for count in range(3):
        assert client.get("/large").body == LARGE
        assert mappings(server) == (1 if count else 0)
    for first, last in [(0, SIZE - 1), (4095, 2_000_000), (SIZE - 300_001, SIZE - 1)]:
        response = client.get("/large", more=[("range", f"bytes={first}-{last}")])
        assert (response.status, response.body) == (206, LARGE[first : last + 1])


def test_a_frame_fills_a_record_and_the_last_one_ends_the_stream(server):
    make_hot(server)
    client = http2.connect(server)
    stream = client.open(fields("/large"))
    client.send(window_update(stream, 1 << 30), window_update(0, 1 << 30))
    ended = client.read_until(lambda got: got.stream == stream and got.ends_stream)
    frames = [got for got in client.frames if got.kind == DATA]
    assert ended.payload
    # A frame is shorter where a window ends, or other frames precede it in its record.
    assert sum(len(got.payload) == (16 << 10) - 9 for got in frames) > 0.8 * len(frames)


@pytest.mark.parametrize("size", [0, 2_000_001])
def test_a_file_that_becomes_shorter_ends_the_streams_that_send_it_only(server, root, size):
    pid = server.gateway_pid
    (root / "other").write_bytes(LARGE[::-1])
    make_hot(server)
    client = http2.connect(server, preface=slow_settings(100_000))
    stream, body = begin(client)
    other, beginning = begin(client, "/other")
    os.truncate(root / "large", size)
    body, code = rest(client, stream, body)
    assert code == "INTERNAL_ERROR" and LARGE.startswith(bytes(body))
    assert rest(client, other, beginning) == (LARGE[::-1], None)
    assert client.get("/ping").status == 200
    assert server.gateway_pid == pid


def test_a_file_that_becomes_shorter_at_any_moment_is_never_sent_wrong(server, root):
    pid = server.gateway_pid
    generator = random.Random(2)
    cut = 0
    client = http2.connect(server)
    for _ in range(16):
        (root / "large").write_bytes(LARGE)
        make_hot(server)
        stream = client.open(fields("/large"))
        client.send(window_update(stream, 1 << 30))
        body, amount = bytearray(), generator.randrange(SIZE // 2)
        while len(body) < amount:
            got = client.read_until(lambda got: got.stream == stream and got.kind == DATA)
            body += got.payload
        os.truncate(root / "large", generator.randrange(SIZE))
        body, code = rest(client, stream, body)
        assert LARGE.startswith(bytes(body)) and (code == "INTERNAL_ERROR" or body == LARGE)
        cut += code is not None
        assert client.get("/ping").status == 200
    assert cut > 0
    assert server.gateway_pid == pid


def test_a_file_that_is_replaced_is_sent_as_it_was(server, root):
    make_hot(server)
    client = http2.connect(server, preface=slow_settings(100_000))
    stream, body = begin(client)
    (root / "new").write_bytes(LARGE.upper())
    os.rename(root / "new", root / "large")
    assert client.get("/large").body == LARGE.upper()
    assert rest(client, stream, body) == (LARGE, None)


def test_a_file_that_is_on_the_disk_only_is_read_first(server, root):
    make_hot(server)
    with open(root / "large", "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert http2.connect(server).get("/large").body == LARGE
    assert mappings(server) == 1


def test_a_slow_stream_of_a_file_does_not_hold_up_another_one_of_it(server):
    make_hot(server)
    client = http2.connect(server, preface=slow_settings(100_000))
    slow, body = begin(client)
    for _ in range(3):
        assert client.get("/large").body == LARGE
    assert not [got for got in client.frames if got.stream == slow][int(len(body) / 16384) + 3 :]
    assert rest(client, slow, body) == (LARGE, None)


def test_streams_of_a_file_take_turns(server):
    """Both are incremental (RFC 9218): neither waits for the end of the other."""
    make_hot(server)
    client = http2.connect(server, preface=slow_settings(1 << 24))
    client.send(window_update(0, 1 << 30))
    streams = [client.open(fields("/large", more=[("priority", "u=3, i")])) for _ in range(2)]
    ended = set()
    while len(ended) < 2:
        got = client.read_frame()
        if got.ends_stream:
            ended.add(got.stream)
    order = [got.stream for got in client.frames if got.kind == DATA]
    halves = [order[: len(order) // 2].count(stream) / order.count(stream) for stream in streams]
    assert all(0.3 < half < 0.7 for half in halves), halves


def test_streams_that_wait_hold_no_content_of_their_file(server):
    make_hot(server)
    client = http2.connect(server, preface=slow_settings(20_000))
    client.send(window_update(0, 1 << 30))
    assert client.get("/ping").status == 200
    before = anonymous_memory(server)
    streams = {client.open(fields("/large")) for _ in range(90)}
    sent = dict.fromkeys(streams, 0)
    while any(count < 20_000 for count in sent.values()):
        got = client.read_frame()
        if got.kind == DATA:
            sent[got.stream] += len(got.payload)
    assert client.ping()
    assert not any(got.kind == RST_STREAM for got in client.frames)
    assert anonymous_memory(server) - before < 3 << 20


def test_a_client_that_reads_nothing_delays_nobody(server):
    make_hot(server)
    silent = http2.connect(server, preface=slow_settings((1 << 31) - 1))
    silent.send(window_update(0, 1 << 30))
    for _ in range(4):
        silent.open(fields("/large"))
    client = http2.connect(server)
    for _ in range(2):
        assert client.get("/large").body == LARGE


