"""`spool_request`: chunked bodies that are collected, in memory and then in a file, before an extension is called."""

import os
import resource

import patience
import pytest
import wire

PATTERN = bytes(range(256))


@pytest.fixture
def server(start_gateway, tmp_path):
    (tmp_path / "spool").mkdir()
    settings = {"spool_request": True, "spool_limit": "4M", "spool_folder": str(tmp_path / "spool")}
    routes = [{"path": "/async/*", "extension": "async"}]
    return start_gateway(routes, {"echo": settings, "async": settings}, workers=1)


def spooled_files(server):
    """How many files without a name the gateway process has open."""
    folder = f"/proc/{server.gateway_pid}/fd"
    count = 0
    for name in os.listdir(folder):
        try:
            count += "/spool/" in os.readlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue
    return count


def begin(client, path, body):
    """Sends all of a chunked body but for its end."""
    client.send(wire.request(path, "Transfer-Encoding: chunked", method="POST").encode() + chunks(body))


def chunks(body, size=50_000):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def post(client, path, body):
    begin(client, path, body)
    client.send("0\r\n\r\n")
    return client.read_response()


@pytest.mark.parametrize("size", [0, 1, 48 << 10, (48 << 10) + 1, 64 << 10, (64 << 10) + 1, 3 << 20])
def test_a_collected_body_arrives_whole_and_with_its_length(server, size):
    body = (PATTERN * (size // 256 + 1))[:size]
    client = server.secure()
    for _ in range(2):
        response = post(client, "/echo", body)
        assert response.body == body
        assert response["Content-Length"] == str(size)
    patience.until(lambda: spooled_files(server) == 0)


def test_what_does_not_fit_the_memory_is_in_a_file_without_a_name(server, tmp_path):
    client = server.plain()
    body = PATTERN * 1000
    begin(client, "/echo", body)
    patience.until(lambda: spooled_files(server) == 1)
    assert not os.listdir(tmp_path / "spool")
    client.send("0\r\n\r\n")
    assert client.read_response().body == body
    patience.until(lambda: spooled_files(server) == 0)


@pytest.mark.parametrize("size", [100, 60_000, 1_000_000])
def test_a_child_request_inherits_a_collected_body(server, size):
    body = (PATTERN * (size // 256 + 1))[:size]
    assert post(server.plain(), "/async/child?url=/echo", body).body == body


def test_a_client_that_leaves_takes_its_file_along(server):
    client = server.plain()
    begin(client, "/echo", PATTERN * 1000)
    patience.until(lambda: spooled_files(server) == 1)
    client.close()
    patience.until(lambda: spooled_files(server) == 0)


def test_no_room_is_answered_507_with_a_reason_and_the_next_request_is_served(server, tmp_path):
    (tmp_path / "spool").rmdir()
    response = post(server.plain(), "/echo", PATTERN * 1000)
    assert response.status == 507 and "no room to hold the request" in response.text
    server.log.wait_for("extension echo: no room to hold the request: No such file or directory, request ")
    assert post(server.plain(), "/echo", PATTERN).body == PATTERN


def test_a_full_disk_is_answered_507_with_a_reason_and_the_next_request_is_served(server):
    resource.prlimit(server.gateway_pid, resource.RLIMIT_FSIZE, (100 << 10, 100 << 10))
    assert post(server.plain(), "/echo", PATTERN * 2000).status == 507
    server.log.wait_for("extension echo: no room to hold the request: File too large, request ")
    assert post(server.plain(), "/echo", PATTERN * 300).body == PATTERN * 300


def test_a_body_beyond_the_limit_is_refused(server):
    assert post(server.plain(), "/echo", bytes(5 << 20)).status == 413
