"""Slow clients get the requested file, whatever happens to it, to the cache and to descriptors meanwhile.

Each response begins while the file is on the disk only, stops when the client stops reading, and continues after
others have requested the file and secrets, whose descriptors take every number that has become free.
"""

import os
import random
import signal
import socket
import ssl
import zlib

import gateway
import patience
import pytest
import wire

SIZE = 1_000_000
CONTENT = b"A" * SIZE
# Less than what a slow client's response has left when it stops.
SHORT = 300_000
# Three quarters of it are left when it is compressed.
MIXED = bytes(random.Random(14).choices(bytes(range(32, 96)), k=SIZE))
SECRET = b"S" * 3_000_000
SECRETS = [f"secret{number}.txt" for number in range(6)]

# More than the smallest cache can keep.
SMALL = [f"small{number}.txt" for number in range(40)]

# Variants of the request: the client's field lines, and the possible content for each.
WAYS = ["whole", "large", "range", "ranges", "compressed", "coded", "handle", "descriptor", "vector"]
FIELDS = {
    "range": ["Range: bytes=10-999989"],
    "ranges": ["Range: bytes=0-399999,500000-999999"],
    "compressed": ["Accept-Encoding: gzip"],
    "coded": ["Accept-Encoding: gzip"],
}
EVENTS = ["kept", "replaced", "removed", "grown", "shortened", "crowded"]


def serve(start, root, cache):
    for name in SECRETS:
        (root / name).write_bytes(SECRET)
    for name in SMALL:
        (root / name).write_text(name)
    routes = [
        {"path": "/lets_go/*", "extension": "lets_go"},
        {"path": "/coded/*", "compress": "on", "files": {"root": str(root), "strip_prefix": "/coded"}},
        {"path": "/*", "files": {"root": str(root), "precompressed": ["gz"]}},
    ]
    sites = [gateway.site(routes)]
    return start(sites=sites, extensions=["lets_go"], workers=1, file_cache={"fresh": "0s", **cache}), root


@pytest.fixture(scope="module")
def served(start_shared_gateway, tmp_path_factory):
    """A gateway of one worker with the cache as it is by default, and the folder of its files."""
    return serve(start_shared_gateway, tmp_path_factory.mktemp("public"), {})


@pytest.fixture(scope="module", params=[{"small_file": 0}, {"files": 16, "mapped": 0}], ids=["opened", "few"])
def tight(request, start_shared_gateway, tmp_path_factory):
    """As `served`, with a cache that keeps less."""
    return serve(start_shared_gateway, tmp_path_factory.mktemp("public"), request.param)


def put(path, content):
    """Evicts the file from the page cache."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def target_of(way, root, name):
    if way == "compressed":
        return f"/coded/{name}"
    if way in ("handle", "descriptor", "vector"):
        return f"/lets_go/?file={root / name}&other={root / SECRETS[0]}&{way}"
    return f"/{name}"


def slow_client(server, listener):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(patience.seconds(10))
    sock.connect(("127.0.0.1", server.ports[listener]))
    if listener == "secure":
        sock = wire.start_tls(sock, server.context())
    return server.remember(wire.Client(sock))


def begin(server, listener, way, target):
    """Requests the file and reads only the head."""
    client = slow_client(server, listener)
    client.send(wire.request(target, *FIELDS.get(way, [])))
    head = client.read_until(b"\r\n\r\n")
    client.received[:0] = head
    return client


def take_free_numbers(server, listener, count=len(SECRETS)):
    """Clients that read only heads: for each of them the gateway keeps a secret open."""
    clients = []
    for name in SECRETS[:count]:
        client = slow_client(server, listener)
        client.send(wire.request(f"/{name}"))
        client.read_until(b"\r\n\r\n")
        clients.append(client)
    return clients


def happen(event, server, root, name):
    path = root / name
    if event == "replaced":
        put(root / "new", b"B" * SIZE)
        os.rename(root / "new", path)
    elif event == "removed":
        path.unlink()
    elif event == "grown":
        with open(path, "ab") as file:
            file.write(b"A" * 1000)
    elif event == "shortened":
        os.truncate(path, SHORT)
    elif event == "crowded":
        client = server.plain()
        for other in [*SMALL, *SECRETS]:
            client.get(f"/{other}")
        client.close()


def rest(client, is_whole):
    """The response; the received part of its body if it may be cut."""
    if is_whole:
        return client.read_response()
    response = wire.Response(client.read_until(b"\r\n\r\n")[:-4])
    length = response["Content-Length"]
    try:
        while len(client.received) < int(length) if length else not client.received.endswith(b"\r\n0\r\n\r\n"):
            client.receive()
    except (EOFError, ConnectionError, ssl.SSLError):
        pass
    response.body = bytes(client.received)
    return response


def check_whole(way, response):
    assert response.status == (206 if way in ("range", "ranges") else 200)
    body = response.body
    if way == "range":
        assert body == CONTENT[10:999_990]
    elif way == "ranges":
        parts = [part.partition(b"\r\n\r\n")[2] for part in body.split(b"\r\n--")]
        assert [part for part in parts if part] == [CONTENT[:400_000], CONTENT[500_000:]]
    elif way in ("compressed", "coded"):
        assert response["Content-Encoding"] == "gzip"
        assert zlib.decompress(body, 31) == (MIXED if way == "compressed" else CONTENT)
    elif way == "large":
        assert body == CONTENT * 4
    else:
        assert body == CONTENT


def check_cut(way, response):
    """All bytes before the end are the file's."""
    body = response.body
    if way in ("compressed", "coded"):
        return
    if way == "ranges":
        body = b"".join(part.partition(b"\r\n\r\n")[2] for part in body.split(b"\r\n--"))
    assert set(body) <= set(b"A")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_slow_client_gets_the_file_it_asked_for(served, listener, way, event):
    check(served, listener, way, event)


@pytest.mark.parametrize("event", ["kept", "replaced", "crowded"])
@pytest.mark.parametrize("way", ["whole", "ranges", "compressed", "coded"])
@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_slow_client_gets_the_file_it_asked_for_from_a_smaller_cache(tight, listener, way, event):
    check(tight, listener, way, event)


def check(served, listener, way, event):
    server, root = served
    name = f"{listener}-{way}-{event}.txt"
    content = {"large": CONTENT * 4, "compressed": MIXED}.get(way, CONTENT)
    put(root / name, content)
    if way == "coded":
        # Stored blocks: as many bytes as the file has.
        packed = zlib.compressobj(0, zlib.DEFLATED, 31)
        put(root / f"{name}.gz", packed.compress(CONTENT) + packed.flush())
    target = target_of(way, root, name)
    if way == "large":
        # From the second request on it is sent from a mapping.
        other = server.secure()
        other.get(target)
        other.close()
        put(root / name, content)
        other = server.secure()
        other.get(target)
        other.close()
    victim = begin(server, listener, way, target)
    asking = server.plain()
    asked = target if way == "compressed" else f"/{name}"
    for _ in range(3):
        assert asking.get(asked).status == 200
    happen(event, server, root, f"{name}.gz" if way == "coded" else name)
    for _ in range(2):
        asking.get(asked)
        asking.get(asked, *FIELDS.get("coded"))
    holders = take_free_numbers(server, listener)
    response = rest(victim, is_whole=event != "shortened")
    if event == "shortened":
        check_cut(way, response)
    else:
        check_whole(way, response)
    for client in [victim, asking, *holders]:
        client.close()


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_reload_that_changes_the_root_leaves_responses_alone(start_gateway, tmp_path, listener):
    roots = [tmp_path / "old", tmp_path / "new"]
    for root, letter in zip(roots, [b"A", b"S"]):
        root.mkdir()
        for name in ["a.txt", *SECRETS]:
            put(root / name, letter * SIZE)
    server = start_gateway([{"path": "/*", "files": {"root": str(roots[0])}}], workers=1)
    victims = [begin(server, listener, "whole", "/a.txt") for _ in range(3)]
    server.configuration["sites"][0]["routes"][0]["files"]["root"] = str(roots[1])
    server.configure(server.configuration)
    server.signal(signal.SIGHUP)
    server.log.wait_for("reload: serving generation 2")
    with server.plain() as client:
        assert client.get("/a.txt").body == b"S" * SIZE
    holders = take_free_numbers(server, listener)
    for victim in victims:
        assert victim.read_response().body == CONTENT
    for client in holders:
        client.close()


def test_many_clients_of_a_file_on_the_disk_all_get_it(start_gateway, tmp_path):
    put(tmp_path / "cold.txt", CONTENT)
    server = start_gateway([{"path": "/*", "files": {"root": str(tmp_path)}}], workers=1)
    clients = [server.plain() for _ in range(60)]
    for client in clients:
        client.send(wire.request("/cold.txt"))
    for client in clients:
        assert client.read_response().body == CONTENT
    assert "became shorter" not in server.log.text
