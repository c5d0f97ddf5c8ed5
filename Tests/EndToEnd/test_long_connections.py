"""Reloads that do not change a site do not cut its long responses."""

import hashlib
import os
import threading
import time

import hostile_origin
import patience
import pytest
import rotation
import test_websockets
import wire
from authority import Authority

RELOADS = 20
# Each a good deal more than the buffers of two sockets hold, so that the gateway has something to send all the time.
SHARE = 3 << 20
SIZE = RELOADS * SHARE
SECONDS = 10


class SlowDownload(threading.Thread):
    """A client that reads a file in equal parts, each when it is allowed to and over half a second."""

    def __init__(self, client, path):
        super().__init__()
        self.client = client
        self.digest = hashlib.sha256()
        self.allowed, self.taken = threading.Semaphore(0), threading.Semaphore(0)
        client.send(wire.request(path))
        assert b" 200 " in client.read_until(b"\r\n")
        assert f"content-length: {SIZE}\r\n".encode() in client.read_until(b"\r\n\r\n").lower()
        self.start()

    def run(self):
        try:
            for _ in range(RELOADS):
                self.allowed.acquire()
                self.take_share()
                self.taken.release()
        except OSError:
            self.taken.release(RELOADS)

    def take_share(self, blocks=32):
        began = time.monotonic()
        for block in range(blocks):
            self.digest.update(self.client.read_bytes(SHARE // blocks))
            time.sleep(max(0, began + SECONDS / RELOADS * block / blocks - time.monotonic()))


@pytest.fixture
def content(tmp_path):
    folder = tmp_path / "public"
    folder.mkdir()
    content = os.urandom(SIZE)
    (folder / "large").write_bytes(content)
    return folder, hashlib.sha256(content).hexdigest()


@pytest.fixture
def origin():
    with hostile_origin.Origin() as origin:
        origin.on("/ws", test_websockets.accept)
        yield origin


def test_a_slow_download_and_an_idle_tunnel_survive_twenty_reloads(start_gateway, tmp_path, content, origin):
    folder, digest = content
    authority = Authority(tmp_path, "authority")
    own, other = authority.issue("own", ["localhost"], 10), authority.issue("other", ["other.test"], 11)
    routes = [{"path": "/ws", "proxy": {"to": "origin"}}, {"path": "/*", "files": {"root": str(folder)}}]
    untouched = {"hosts": ["localhost"], "certificates": [own], "routes": routes}

    def sites(turn):
        changed = {"hosts": ["other.test"], "certificates": [other], "routes": [{"path": f"/{turn}", "respond": {}}]}
        return [untouched, changed]

    server = start_gateway(
        sites=sites(0), upstreams={"origin": {"servers": [{"url": origin.url}]}}, admin={"socket": "admin.sock"}
    )
    server.authority = authority.file
    tunnel = test_websockets.WebSocket(server.secure())
    assert tunnel.echo(b"before") == b"before"
    download = SlowDownload(server.secure(), "/large")
    for turn in range(RELOADS):
        download.allowed.release()
        authority.issue("other", ["other.test"], 100 + turn)
        server.configure({**server.configuration, "sites": sites(turn + 1)})
        outcome = server.command("reload")
        assert outcome.returncode == 0, outcome.stderr
        assert rotation.serial(server.ports["secure"], authority.file, "other.test") == f"{100 + turn:02X}"
        assert download.taken.acquire(timeout=patience.seconds(10))
    assert download.digest.hexdigest() == digest
    for size in (5, 70_000, 1_000_000):
        payload = os.urandom(size)
        assert tunnel.echo(payload) == payload
    assert origin.connections == 1
