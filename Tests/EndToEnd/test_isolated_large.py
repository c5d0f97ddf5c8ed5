"""Large bodies at isolated extensions, whose bytes pass through two processes: neither keeps them."""

import os
import socket

import patience
import pytest
import wire

LENGTH = 1 << 30
# What the memory may grow by, for buffers on the way.
ROOM = 4 << 20

pytestmark = pytest.mark.skipif(patience.seconds(1) > 1, reason="gigabytes are for a binary that is fast")


@pytest.fixture
def server(start_gateway, tmp_path):
    # Holes take no space on the disk.
    with open(tmp_path / "large", "wb") as file:
        file.truncate(LENGTH)
    isolated = {"run": "isolated"}
    return start_gateway(
        extensions={"counts": isolated, "transmits": isolated}, limits={"request_body": "2G", "write_timeout": "10m"}
    )


def largest(server):
    """The most anonymous memory that each process may have had: all that it had at any time, in bytes."""
    found = {}
    for process in [server.gateway_pid, *server.pool_processes()]:
        with open(f"/proc/{process}/status") as status:
            found[process] = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
    return found


def assert_flat(server, before):
    now = largest(server)
    assert now.keys() == before.keys()
    assert all(now[process] - before[process] <= ROOM for process in now), (before, now)


def test_an_upload_of_1_gib_is_read_with_flat_memory(server, tmp_path):
    client = server.plain()
    client.send(wire.request("/counts", f"Content-Length: {1 << 20}", method="POST") + "x" * (1 << 20))
    assert client.read_response().text.startswith(f"{1 << 20} ")
    before = largest(server)
    client.send(wire.request("/counts", f"Content-Length: {LENGTH}", method="POST"))
    with open(tmp_path / "large", "rb") as body:
        client.socket.sendfile(body)
    assert client.read_response().text.startswith(f"{LENGTH} ")
    assert_flat(server, before)


def test_a_file_of_1_gib_is_transmitted_with_flat_memory(server, tmp_path):
    client = server.plain()
    small = tmp_path / "small"
    small.write_bytes(b"x" * (1 << 20))
    assert len(client.get(f"/transmits?{small}").body) == 1 << 20
    before = largest(server)
    client.send(wire.request(f"/transmits?{tmp_path / 'large'}"))
    head = client.read_until(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % LENGTH in head
    count = len(client.received)
    while count < LENGTH:
        # Without a copy to this process.
        data = client.socket.recv(1 << 20, socket.MSG_TRUNC)
        assert data
        count += len(data)
    assert count == LENGTH
    assert_flat(server, before)
    os.unlink(small)
