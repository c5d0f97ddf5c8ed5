"""Large files over TLS, which are sent from a memory mapping, and changes of them meanwhile."""

import os
import random
import signal
import socket
import ssl
import tempfile

import gateway
import patience
import pytest
import wire

SIZE = 12_000_000
LARGE = bytes(random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz", k=SIZE // 16)) * 16


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "large").write_bytes(LARGE)
    return folder


@pytest.fixture
def serve(start_gateway, root):
    def start(**cache):
        routes = [
            {"path": "/transmits/*", "extension": "transmits"},
            {"path": "/*", "files": {"root": str(root)}},
        ]
        return start_gateway(
            sites=[gateway.site(routes)], extensions=["transmits"], file_cache={"fresh": "0s", **cache}
        )

    return start


@pytest.fixture(params=["files", "extension"])
def path(request, root):
    """Both ways to the same file."""
    return "/large" if request.param == "files" else f"/transmits/?{root / 'large'}"


def mappings(server):
    """How many files are mapped, those that were deleted not counted."""
    with open(f"/proc/{server.gateway_pid}/maps") as lines:
        return sum(line.endswith("/public/large\n") for line in lines)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.gateway_pid}/fd"))


def make_hot(server, path):
    """Makes the gateway map the present version of the file."""
    client = server.secure()
    for _ in range(2):
        assert client.get(path).body
    assert mappings(server) == 1
    client.close()


def slow_client(server):
    """A client that reads little at a time, so that most of a response is still to be read from the file."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
    sock.settimeout(patience.seconds(10))
    sock.connect(("127.0.0.1", server.ports["secure"]))
    return server.remember(wire.Client(wire.start_tls(sock, server.context())))


def begin(client, path):
    """Asks for the file and reads the head and a first part."""
    client.send(wire.request(path))
    head = wire.Response(client.read_until(b"\r\n\r\n")[:-4])
    while len(client.received) < 100_000:
        client.receive()
    return int(head["Content-Length"])


def rest(client, length):
    """The received bytes, and whether they are complete."""
    try:
        while len(client.received) < length:
            client.receive()
    except (EOFError, ConnectionError, ssl.SSLError):
        return bytes(client.received), False
    return bytes(client.received), True


def test_a_file_that_is_asked_for_again_is_mapped_once(serve, path):
    server = serve()
    clients = [server.secure() for _ in range(3)]
    assert clients[0].get(path).body == LARGE
    assert mappings(server) == 0
    for client in clients:
        assert client.get(path).body == LARGE
    before = descriptors(server)
    for client in clients:
        assert client.get(path).body == LARGE
    assert mappings(server) == 1
    patience.until(lambda: descriptors(server) <= before)


def test_a_file_that_is_on_the_disk_only_is_read_first(serve, root):
    server = serve()
    client = server.secure()
    assert client.get("/large").body == LARGE
    with open(root / "large", "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert client.get("/large").body == LARGE
    assert mappings(server) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give itself up")
def test_a_file_of_another_account_is_mapped_as_well(start_gateway):
    # Not below pytest's own folder, which other users may not enter.
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder = os.path.join(place, "public")
        os.mkdir(folder)
        with open(os.path.join(folder, "large"), "wb") as file:
            file.write(LARGE)
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        server = start_gateway([{"path": "/*", "files": {"root": folder}}], user="nobody", log={})
        for _ in range(3):
            assert server.secure().get("/large").body == LARGE
        assert mappings(server) == 1


def test_ranges_are_sent_from_memory(serve):
    server = serve()
    make_hot(server, "/large")
    client = server.secure()
    for first, last in [(0, SIZE - 1), (4095, 2_000_000), (SIZE - 300_001, SIZE - 1)]:
        response = client.get("/large", f"Range: bytes={first}-{last}")
        assert (response.status, response.body) == (206, LARGE[first : last + 1])


@pytest.mark.parametrize("limit", ["0", str(SIZE - 1)])
def test_nothing_is_mapped_beyond_the_limit(serve, limit):
    server = serve(mapped=limit)
    client = server.secure()
    for _ in range(3):
        assert client.get("/large").body == LARGE
    assert mappings(server) == 0


def test_a_reload_can_switch_mapping_off(serve):
    server = serve()
    make_hot(server, "/large")
    server.configuration["file_cache"]["mapped"] = 0
    server.configure(server.configuration)
    server.signal(signal.SIGHUP)
    patience.until(lambda: mappings(server) == 0)
    assert server.secure().get("/large").body == LARGE


@pytest.mark.parametrize("size", [0, 5_000_001])
def test_a_file_that_becomes_shorter_ends_its_response_only(serve, root, path, size):
    server = serve()
    pid = server.gateway_pid
    make_hot(server, path)
    client = slow_client(server)
    length = begin(client, path)
    os.truncate(root / "large", size)
    body, is_whole = rest(client, length)
    assert not is_whole and LARGE.startswith(body)
    assert server.secure().get(path).body == LARGE[:size]
    assert server.gateway_pid == pid


def test_a_file_that_is_replaced_is_sent_as_it_was(serve, root, path):
    server = serve()
    make_hot(server, path)
    client = slow_client(server)
    length = begin(client, path)
    (root / "new").write_bytes(LARGE.upper())
    os.rename(root / "new", root / "large")
    assert rest(client, length) == (LARGE, True)
    make_hot(server, path)
    assert server.secure().get(path).body == LARGE.upper()


def test_a_file_that_grows_is_sent_as_long_as_it_was(serve, root, path):
    server = serve()
    make_hot(server, path)
    client = slow_client(server)
    length = begin(client, path)
    with open(root / "large", "ab") as file:
        file.write(b"more")
    assert rest(client, length) == (LARGE, True)
    assert server.secure().get(path).body == LARGE + b"more"


def test_a_file_that_is_rewritten_in_place_has_old_and_new_bytes_only(serve, root, path):
    server = serve()
    make_hot(server, path)
    client = slow_client(server)
    length = begin(client, path)
    with open(root / "large", "r+b") as file:
        file.write(LARGE.upper())
    body, is_whole = rest(client, length)
    assert is_whole and body.lower() == LARGE
    for _ in range(2):
        assert server.secure().get(path).body == LARGE.upper()


def test_a_file_that_becomes_shorter_at_any_moment_is_never_sent_wrong(serve, root):
    server = serve()
    pid = server.gateway_pid
    generator = random.Random(2)
    for _ in range(12):
        (root / "large").write_bytes(LARGE)
        make_hot(server, "/large")
        client = server.secure()
        client.send(wire.request("/large"))
        head = wire.Response(client.read_until(b"\r\n\r\n")[:-4])
        while len(client.received) < generator.randrange(SIZE // 2):
            client.receive()
        os.truncate(root / "large", generator.randrange(SIZE))
        body, _ = rest(client, int(head["Content-Length"]))
        assert LARGE.startswith(body)
    assert server.gateway_pid == pid


def test_an_extension_may_take_bus_errors_over(serve, root):
    server = serve()
    pid = server.gateway_pid
    make_hot(server, "/large")
    assert server.plain().get("/transmits/take-bus-errors").text == "taken\n"
    for _ in range(3):
        assert server.secure().get("/large").body == LARGE
    server.log.wait_for("files are not mapped: other code has taken the signal SIGBUS over")
    assert server.log.text.count("has taken the signal") == 1
    client = slow_client(server)
    length = begin(client, "/large")
    os.truncate(root / "large", 5_000_001)
    body, is_whole = rest(client, length)
    assert not is_whole and LARGE.startswith(body)
    assert server.secure().get("/large").body == LARGE[:5_000_001]
    assert server.gateway_pid == pid
