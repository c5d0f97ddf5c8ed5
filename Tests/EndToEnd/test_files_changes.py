"""Files that change, vanish or shrink while they are served, and clients that do."""

import os
import shutil

import pytest


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    return folder


@pytest.fixture
def server(start_gateway, root):
    return start_gateway(
        [{"path": "/*", "files": {"root": str(root)}}], file_cache={"fresh": "0s", "small_file": "64K"}, workers=1
    )


def descriptors(server):
    return len(os.listdir(f"/proc/{server.gateway_pid}/fd"))


def test_a_changed_file_is_seen(server, root):
    client = server.plain()
    first = client.get("/a.txt")
    (root / "a.txt").write_text("three")
    second = client.get("/a.txt")
    assert (first.text, second.text) == ("one", "three")
    assert first["ETag"] != second["ETag"]
    (root / "a.txt").unlink()
    assert client.get("/a.txt").status == 404


def test_a_root_that_vanishes_and_returns(server, root):
    client = server.plain()
    assert client.get("/a.txt").status == 200
    shutil.rmtree(root)
    assert client.get("/a.txt").status == 404
    server.log.wait_for("file not served: .*the root is not there")
    root.mkdir()
    (root / "a.txt").write_text("again")
    assert client.get("/a.txt").text == "again"


def test_a_file_that_may_not_be_read_is_forbidden(server, root):
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    (root / "b.txt").write_text("secret")
    os.chmod(root / "b.txt", 0)
    assert server.plain().get("/b.txt").status == 403


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_file_that_shrinks_while_it_is_sent_ends_its_response_only(server, root, listener):
    (root / "large").write_bytes(b"x" * 50_000_000)
    client = getattr(server, listener)()
    client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.receive()
    os.truncate(root / "large", 1000)
    client.expect_gone()
    server.log.wait_for("file not served: a file became shorter while it was sent")
    assert server.plain().get("/a.txt").text == "one"


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_clients_that_vanish_leave_no_descriptor_behind(server, root, listener):
    (root / "large").write_bytes(b"x" * 20_000_000)
    connect = getattr(server, listener)
    last = connect()
    assert last.get("/large", method="HEAD").status == 200
    before = descriptors(server)
    for _ in range(20):
        client = connect()
        client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.receive()
        client.close()
    # The server has noticed every end once it has answered somebody who came later, and one turn has passed.
    for _ in range(1000):
        assert last.get("/a.txt").status == 200
        if descriptors(server) <= before + 1:
            break
    assert descriptors(server) <= before + 1
