"""Files that change, vanish or shrink while they are served, and clients that do."""

import html
import json
import os
import re
import shutil
import tempfile
import urllib.parse

import patience
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
    # The server has noticed every end once it has answered a later client, and one turn has passed.
    for _ in range(1000):
        assert last.get("/a.txt").status == 200
        if descriptors(server) <= before + 1:
            break
    assert descriptors(server) <= before + 1


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_slow_readers_leave_no_descriptor_behind(start_gateway, root, listener):
    (root / "large").write_bytes(b"x" * 20_000_000)
    server = start_gateway([{"path": "/*", "files": {"root": str(root)}}], workers=1, limits={"write_timeout": "300ms"})
    last = getattr(server, listener)()
    assert last.get("/large", method="HEAD").status == 200
    before = descriptors(server)
    clients = [getattr(server, listener)() for _ in range(20)]
    for client in clients:
        client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.receive()
    assert descriptors(server) > before
    # They read no further; the gateway closes them.
    patience.until(lambda: descriptors(server) <= before)
    assert last.get("/a.txt").text == "one"


def test_names_in_every_encoding_are_found_and_listed(start_gateway, tmp_path):
    names = [b"gr\xc3\xbc\xc3\x9fe.txt", b"gr\xfc\xdfe.txt", b"\xe6\x97\xa5\xe6\x9c\xac", b"a b;c=d&e+f%41.txt", b"\xff\xfe", b"q?#"]
    folder = tmp_path / "names"
    folder.mkdir()
    for name in names:
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(name)
    server = start_gateway([{"path": "/*", "files": {"root": str(folder), "listing": "on"}}])
    client = server.secure()
    for name in names:
        response = client.get("/" + urllib.parse.quote_from_bytes(name))
        assert (response.status, response.body) == (200, name)
    page = client.get("/").text
    for link in re.findall(r'href="\./([^"]*)"', page):
        assert client.get("/" + html.unescape(link)).body == urllib.parse.unquote_to_bytes(html.unescape(link))
    assert len(re.findall(r'href="\./', page)) == len(names)
    assert len(json.loads(client.get("/", "Accept: application/json").body)) == len(names)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give itself up")
def test_what_the_gateways_account_may_not_read_is_forbidden(start_gateway):
    # Not below pytest's own folder, which other users may not enter.
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        for name in ["open.txt", "closed.txt"]:
            with open(os.path.join(place, name), "w") as file:
                file.write(name)
        os.chmod(os.path.join(place, "closed.txt"), 0o600)
        os.mkdir(os.path.join(place, "closed"), 0o700)
        server = start_gateway([{"path": "/*", "files": {"root": place}}], user="nobody", log={})
        client = server.plain()
        assert client.get("/open.txt").text == "open.txt"
        for path in ["/closed.txt", "/closed/x", "/closed/"]:
            assert client.get(path).status == 403, path
        server.log.wait_for("file not served: .*not permitted to read")
        assert client.get("/open.txt").text == "open.txt"


def test_a_full_disk_under_the_access_log_does_not_disturb(start_gateway, root):
    server = start_gateway(
        [{"path": "/*", "files": {"root": str(root)}}], log={"access": {"path": "/dev/full", "format": "json"}}
    )
    for _ in range(3):
        assert server.secure().get("/a.txt").text == "one"
