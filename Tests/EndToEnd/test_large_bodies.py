"""Bodies whose length needs more than 32 bits, in both directions."""

import socket

import patience
import pytest
import wire

LENGTH = (4 << 30) + 3
UNKNOWN = 0xFFFFFFFF

pytestmark = pytest.mark.skipif(patience.seconds(1) > 1, reason="gigabytes are for a binary that is fast")


@pytest.fixture
def server(start_gateway):
    return start_gateway(extensions=["counts"], limits={"request_body": "8G"})


def test_an_upload_of_more_than_4_gib_is_read_to_its_end(server, tmp_path):
    # It has holes instead of blocks.
    with open(tmp_path / "body", "wb+") as body:
        body.truncate(LENGTH)
        client = server.plain()
        client.send(wire.request("/counts", f"Content-Length: {LENGTH}", method="POST"))
        client.socket.sendfile(body)
    response = client.read_response()
    # The control block has 32 bits for the length, the variable has all of it.
    assert response.text == f"{LENGTH} {UNKNOWN} {LENGTH}\n"


def test_a_response_of_more_than_4_gib_is_sent_to_its_end(server):
    client = server.plain()
    client.send(wire.request(f"/counts?send={LENGTH}"))
    head = client.read_until(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % LENGTH in head
    count = len(client.received)
    while count < LENGTH:
        # Without a copy to this process.
        data = client.socket.recv(1 << 20, socket.MSG_TRUNC)
        assert data
        count += len(data)
    client.received.clear()
    assert count == LENGTH
    assert client.get("/counts?send=3").body == b"\0\0\0"
