"""Servers of an upstream that come from a file: what a change of the file does, and what it leaves alone."""

import json
import os
import threading

import pytest

import origin
import patience


@pytest.fixture
def origins():
    started = [origin.Origin(name) for name in "abc"]
    yield started
    for each in started:
        if each.held is not None:
            each.held.set()
        each.stop()


class ServersFile:
    """A file as Kubernetes has it in a volume: behind a link to a folder that is exchanged as a whole."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        folder.mkdir()
        self.path = folder / "servers.json"
        self.path.symlink_to("..data/servers.json")

    def write(self, text):
        self.count += 1
        version = self.folder / f"..{self.count}"
        version.mkdir()
        (version / "servers.json").write_text(text)
        link = self.folder / "..next"
        link.symlink_to(version.name)
        os.replace(link, self.folder / "..data")

    def list(self, *servers):
        self.write(json.dumps([each.url if isinstance(each, origin.Origin) else each for each in servers]))


@pytest.fixture
def servers(tmp_path):
    return ServersFile(tmp_path / "volume")


@pytest.fixture
def start(start_gateway, servers):
    """Starts a gateway with one worker, whose turns can be predicted."""

    def start(**keys):
        return start_gateway(
            workers=1,
            admin={"socket": "admin.sock"},
            upstreams={"api": {"servers_from": str(servers.path), **keys}},
            routes=[{"path": "/*", "proxy": {"to": "api"}}],
        )

    return start


def names(client, count):
    return [client.get("/").text.split()[0] for _ in range(count)]


def states(gateway):
    status = json.loads(gateway.command("status", "--json").stdout)
    return {server["url"]: server["state"] for server in status["gateway"]["upstreams"][0]["servers"]}


def test_a_change_cuts_nothing_and_keeps_the_connections_of_servers_that_stay(start, servers, origins):
    a, b, c = origins
    servers.list(a, b)
    gateway = start()
    client = gateway.plain()
    assert set(names(client, 4)) == {"a", "b"}
    kept = set(a.connections)
    a.held = b.held = threading.Event()
    waiting = [gateway.plain() for _ in range(2)]
    for each in waiting:
        each.send("GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
    patience.until(lambda: {each.requests[-1][1] for each in (a, b)} == {"/hold"})
    servers.list(c, a)
    gateway.log.wait_for("servers of upstream api: 1 added, 1 removed, 2 in use")
    a.held.set()
    assert {each.read_response().text.split()[0] for each in waiting} == {"a", "b"}
    assert set(names(client, 6)) == {"a", "c"}
    assert set(a.connections) >= kept and len(a.connections) <= len(kept) + 1
    # The one that is gone has no idle connection left.
    patience.until(lambda: not b.connections)
    assert set(states(gateway)) == {a.url, c.url}


def test_requests_during_changes_are_all_answered(start, servers, origins):
    servers.list(*origins)
    gateway = start()
    client = gateway.plain()
    for change in range(6):
        servers.list(origins[change % 3], origins[(change + 1) % 3])
        while gateway.log.text.count(" in use") <= change:
            assert client.get("/").status == 200


def test_a_server_that_stays_is_still_ejected(start, servers, origins):
    a, b, c = origins
    servers.list(a, b)
    a.stop()
    gateway = start(health={"passive": {"fails": 1, "eject": "1h"}})
    assert set(names(gateway.plain(), 4)) == {"b"}
    servers.list(c, b, a)
    gateway.log.wait_for("3 in use")
    assert states(gateway) == {a.url: "ejected", b.url: "up", c.url: "up"}


def test_a_request_that_waits_is_sent_to_a_new_server(start, servers, origins):
    a, b, _ = origins
    servers.list({"url": a.url, "max_connections": 1})
    gateway = start(queue={"timeout": "30s"}, request_timeout="60s")
    a.held = threading.Event()
    busy, waiting = gateway.plain(), gateway.plain()
    busy.send("GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
    patience.until(lambda: a.requests)
    waiting.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    servers.list({"url": a.url, "max_connections": 1}, b)
    assert waiting.read_response().text.split() == ["b"]
    a.held.set()
    assert busy.read_response().text.split() == ["a"]


def test_a_malformed_file_is_named_and_changes_nothing(start, servers, origins):
    servers.list(origins[0])
    gateway = start()
    servers.write('[\n  "http://127.0.0.1:1",\n  {"url": "http://127.0.0.1:2", "wieght": 3}\n]')
    gateway.log.wait_for(r"servers\.json:3:\d+: error: unknown key 'wieght'; did you mean 'weight'")
    assert set(names(gateway.plain(), 2)) == {"a"}
    servers.list(origins[1])
    gateway.log.wait_for("1 added, 1 removed")
    assert set(names(gateway.plain(), 2)) == {"b"}


def test_without_a_server_in_the_file_the_configured_ones_are_used(start, servers, origins):
    servers.list(origins[0])
    gateway = start(servers=[origins[2].url])
    client = gateway.plain()
    assert names(client, 1) == ["a"]
    servers.list()
    gateway.log.wait_for("1 added, 1 removed, 1 in use")
    assert names(client, 1) == ["c"]


def test_without_any_server_requests_are_answered_503(start, servers, origins):
    servers.list()
    gateway = start()
    client = gateway.plain()
    assert client.get("/").status == 503
    gateway.log.wait_for("no server available")
    servers.list(origins[0])
    gateway.log.wait_for("1 added")
    assert names(client, 1) == ["a"]


def test_check_judges_the_file(start, servers, origins):
    servers.list(origins[0])
    gateway = start()
    assert gateway.command("check").returncode == 0
    servers.write('["http://127.0.0.1:80/path"]')
    judged = gateway.command("check")
    assert judged.returncode != 0
    assert "servers.json:1:2: error: a server's url has neither path nor user" in judged.stderr
