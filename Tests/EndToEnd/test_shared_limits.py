"""Limits that hold for several gateways together, counted by real Redis servers."""

import contextlib
import json
import os
import re
import signal
import socket
import threading
import time

import authority
import free_ports
import gateway
import patience
import pytest
import wire
from metrics import BIND, Metrics
from redis_server import Redis

LOST = r"warning: shared engine state: .* is lost: {} \(shared_engine_lost\)"
BACK = "notice: shared engine state: .* is back"


def limited(path="/*", **limit):
    return {"path": path, "respond": {"body": "ok\n"}, "limit": limit}


def rate(requests="1/h", **settings):
    return {"rate": {"requests": requests, "shared": "state", **settings}}


@pytest.fixture
def redis(tmp_path):
    with Redis(tmp_path) as server:
        yield server


@pytest.fixture
def start(start_gateway):
    """A function that starts a gateway whose engine `state` is at a URL, and waits until it is used."""

    def start(url, *routes, is_lost=False, **engine):
        server = start_gateway(routes, shared={"state": {"redis": url, **engine}}, admin=BIND)
        if not is_lost:
            patience.until(lambda: connections(server) >= 2)
        return server

    return start


def connections(server):
    """The number of connections made to the engine: each worker has one."""
    return Metrics(server).sum("isagate_shared_connections_total")


def status(server, *fields, path="/"):
    with server.plain() as client:
        return client.get(path, *fields).status


def statuses(servers, count, *fields):
    return [status(servers[index % len(servers)], *fields) for index in range(count)]


# Rates


def test_two_gateways_share_a_rate_and_the_refusal_says_when_to_come_again(start, redis):
    routes = [limited(**rate(burst=4, by="route"))]
    servers = [start(redis.url, *routes) for _ in range(2)]
    assert statuses(servers, 6) == [200] * 4 + [429] * 2
    with servers[0].plain() as client:
        answer = client.get("/")
    assert answer.status == 429 and 3000 < int(answer["Retry-After"]) <= 3600
    patience.until(lambda: Metrics(servers[0]).sum("isagate_shared_instances") == 2)


def test_what_was_refused_once_costs_the_server_nothing(start, redis):
    server = start(redis.url, limited(**rate(burst=2, by="route")))
    assert statuses([server], 3) == [200, 200, 429]
    asked = redis.calls("evalsha") + redis.calls("eval")
    assert statuses([server], 50) == [429] * 50
    # The announcements of two workers go on.
    assert redis.calls("evalsha") + redis.calls("eval") - asked < 20


def test_keys_are_counted_apart_and_do_not_reach_the_server(start, redis):
    servers = [start(redis.url, limited(**rate(burst=1, by={"header": "X-Key"}))) for _ in range(2)]
    for key in ["short", "long" * 500, "b\x80\xff"]:
        assert statuses(servers, 3, f"X-Key: {key}") == [200, 429, 429]
    names = redis.ask("KEYS", "*")
    assert sorted(name.split(":")[2] for name in names) == ["instances"] + ["rate"] * 3
    assert all(re.fullmatch(r"isagate:\{state\}:(instances|rate:[0-9a-f]{16}:[0-9a-f]{32})", name) for name in names)
    times = [redis.ask("PTTL", name) for name in names]
    assert all(0 < left <= 3_600_000 for left in times), times


def test_a_script_that_the_server_has_forgotten_is_sent_again(start, redis):
    server = start(redis.url, limited(**rate(burst=3, by="route")))
    assert status(server) == 200
    redis.ask("SCRIPT", "FLUSH")
    assert statuses([server], 3) == [200, 200, 429]


def test_the_commands_of_a_turn_leave_in_one_send(start_gateway, redis):
    server = start_gateway(
        [limited(**rate("1000000/s", by="route"))], shared={"state": {"redis": redis.url}}, admin=BIND, workers=1
    )
    clients = [server.plain() for _ in range(32)]
    before = Metrics(server)
    # The gateway sees all of them in one turn.
    os.kill(server.gateway_pid, signal.SIGSTOP)
    for client in clients:
        client.send(wire.request("/"))
    os.kill(server.gateway_pid, signal.SIGCONT)
    assert {client.read_response().status for client in clients} == {200}
    after = Metrics(server)

    def increase(name):
        return after.sum(name) - before.sum(name)

    assert increase("isagate_shared_commands_total") >= 32
    assert increase("isagate_shared_sends_total") <= 4
    assert increase("isagate_shared_failures_total") == 0
    assert increase("isagate_shared_command_seconds_total") > 0


# Without the server


@pytest.mark.parametrize("mode, expected", [("allow", 200), ("deny", 503), ("local", 200)])
def test_a_server_that_is_killed_and_comes_back(start, redis, mode, expected):
    server = start(redis.url, limited(**rate(burst=2, by="route")), on_failure=mode)
    redis.kill()
    server.log.wait_for(LOST.format("it closed the connection"))
    answers = statuses([server], 4)
    assert answers[0] == expected
    assert answers[3] == (429 if mode == "local" else expected)
    if mode == "deny":
        with server.plain() as client:
            answer = client.get("/")
        assert "the limits cannot be counted" in answer.text and answer["Retry-After"] == "1"
        assert "limits_not_counted" in server.command("explain", "the limits cannot be counted").stdout
    condition = {"reason": "shared_engine_lost", "name": "state"}
    assert condition in Metrics(server).labels("isagate_condition")
    assert "shared_engine_lost" in server.command("status").stdout
    assert Metrics(server).sum("isagate_shared_up") == 0
    redis.start()
    server.log.wait_for(BACK)
    assert status(server, path="/again") in (200, 429)
    # It has a new memory.
    if mode != "local":
        assert statuses([server], 2)[-1] == 429
    patience.until(lambda: Metrics(server).sum("isagate_shared_up") == 1)
    assert len(re.findall("is lost", server.log.text)) == 1
    assert Metrics(server).labels("isagate_condition") == []


def test_a_server_that_does_not_answer_holds_requests_up_for_the_timeout_only(start, redis):
    server = start(redis.url, limited(**rate("1000/s", by="route")), timeout="100ms", on_failure="allow")
    redis.pause()
    began = time.monotonic()
    assert status(server) == 200
    assert 0.09 <= time.monotonic() - began < patience.seconds(3)
    server.log.wait_for(LOST.format("no reply in time"))
    assert statuses([server], 50) == [200] * 50
    redis.resume()
    server.log.wait_for(BACK)


def test_without_a_server_at_the_start_the_gateway_serves_and_finds_it_later(start, tmp_path):
    port = free_ports.take(1)[0]
    server = start(f"redis://127.0.0.1:{port}", limited(**rate(burst=1, by="route")), is_lost=True, on_failure="deny")
    server.log.wait_for(LOST.format(r"no connection \(Connection refused\)"))
    assert status(server) == 503
    with Redis(tmp_path, port=port):
        server.log.wait_for(BACK)
        assert statuses([server], 2) == [200, 429]


@pytest.mark.parametrize("nonsense", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+OK\r\n", b":1\r\n:2\r\n", b"%1\r\n"])
def test_a_server_that_speaks_something_else_is_lost(start, nonsense):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    with sock:
                        sock.settimeout(patience.seconds(5))
                        sock.recv(4096)
                        sock.sendall(nonsense)
                        with contextlib.suppress(OSError):
                            sock.recv(4096)

        threading.Thread(target=serve, daemon=True).start()
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        server = start(url, limited(**rate(by="route")), is_lost=True, on_failure="deny")
        server.log.wait_for(r"shared engine state: .* is lost: (no reply of Redis|a reply that no command|no reply in time)")
        assert status(server) == 503
        listener.shutdown(socket.SHUT_RDWR)


def test_a_server_that_is_full_is_lost_as_a_whole(start, redis):
    server = start(redis.url, limited(**rate("1000/s", by="route")), on_failure="deny")
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    server.log.wait_for(LOST.format("it answers OOM .*"))
    assert status(server) == 503
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    server.log.wait_for(BACK)
    assert status(server) == 200


# Ways to the server


def test_passwords(start, tmp_path):
    with Redis(tmp_path, password="correct horse") as redis:
        secret = tmp_path / "redis.password"
        secret.write_text("correct horse\n")
        place = f"127.0.0.1:{redis.port}"
        servers = [
            start(f"redis://:correct%20horse@{place}", limited(**rate(burst=2, by="route"))),
            start(f"redis://default@{place}", limited(**rate(burst=2, by="route")), password_file=str(secret)),
        ]
        assert statuses(servers, 3) == [200, 200, 429]
        url = f"redis://default:battery@{place}"
        wrong = start(url, limited(**rate(by="route")), is_lost=True, on_failure="deny")
        wrong.log.wait_for(LOST.format("it answers WRONGPASS"))
        none = start(f"redis://{place}", limited(**rate(by="route")), is_lost=True, on_failure="deny")
        none.log.wait_for(LOST.format("it answers NOAUTH"))
        for server in [*servers, wrong]:
            seen = server.log.text + json.dumps(server.command("status").stdout)
            assert "horse" not in seen and "battery" not in seen


def test_a_server_with_tls_whose_certificate_is_checked(start, tmp_path):
    folder = tmp_path / "tls"
    folder.mkdir()
    root = authority.Authority(folder, "redis-ca")
    issued = root.issue("redis", ["localhost"], 7)
    port = free_ports.take(1)[0]
    settings = [f"tls-port {port}", f"tls-cert-file {issued['chain']}", f"tls-key-file {issued['key']}", "tls-auth-clients no"]
    with Redis(tmp_path, *settings):
        route = limited(**rate(burst=1, by="route"))
        server = start(f"rediss://localhost:{port}/3", route, tls={"ca": str(root.file)})
        assert statuses([server], 2) == [200, 429]
        stranger = start(f"rediss://localhost:{port}", route, is_lost=True, on_failure="deny")
        stranger.log.wait_for("is lost: TLS handshake failed")
        named = start(f"rediss://127.0.0.1:{port}", route, tls={"ca": str(root.file), "server_name": "localhost"})
        assert named


def test_a_server_on_a_unix_domain_socket(start, tmp_path):
    with Redis(tmp_path, f"unixsocket {tmp_path}/r.sock"):
        server = start(f"unix://{tmp_path}/r.sock", limited(**rate(burst=1, by="route")))
        assert statuses([server], 2) == [200, 429]


def test_a_replica_is_not_used(start, tmp_path, redis):
    with Redis(tmp_path, f"replicaof 127.0.0.1 {redis.port}", name="replica") as replica:
        server = start(replica.url, limited(**rate(by="route")), is_lost=True, on_failure="deny")
        server.log.wait_for(LOST.format("it is no master"))
        assert status(server) == 503


# Requests at the same time


class Held:
    """Requests that an origin holds until they are released."""

    def __init__(self, origin):
        self.release = threading.Event()
        origin.on("/held", lambda _: self.release.wait(patience.seconds(30)), b"HTTP/1.1 204 Done\r\n\r\n")
        self.origin = origin
        self.clients = []

    def begin(self, server, count=1):
        goal = len(self.origin.requests) + count
        for _ in range(count):
            client = server.plain()
            client.send(wire.request("/held"))
            self.clients.append(client)
        patience.until(lambda: len(self.origin.requests) >= goal)

    def end(self):
        self.release.set()
        return [client.read_response().status for client in self.clients]


@pytest.fixture
def start_concurrent(start_gateway, origin):
    def start(url, requests, **engine):
        server = start_gateway(
            [{"path": "/held", "proxy": "app", "limit": {"concurrency": {"requests": requests, "shared": "state"}}}],
            upstreams={"app": {"servers": [origin.url]}}, shared={"state": {"redis": url, **engine}}, admin=BIND,
        )  # fmt: skip
        patience.until(lambda: connections(server) >= 2)
        return server

    return start


def test_two_gateways_share_the_requests_at_the_same_time(start_concurrent, redis, origin):
    servers = [start_concurrent(redis.url, 3) for _ in range(2)]
    held = Held(origin)
    held.begin(servers[0], 2)
    held.begin(servers[1], 1)
    with servers[0].plain() as client:
        answer = client.get("/held")
        assert (answer.status, answer["Retry-After"]) == (429, "1")
        assert "too many requests at the same time" in answer.text
    assert status(servers[1], path="/held") == 429
    assert held.end() == [204] * 3
    # Nothing is left of them.
    patience.until(lambda: not [name for name in redis.ask("KEYS", "*") if "concurrency" in name])
    assert status(servers[1], path="/held") == 204


def test_requests_of_a_gateway_that_was_killed_stop_counting(start_concurrent, redis, origin):
    servers = [start_concurrent(redis.url, 2, lease="3s") for _ in range(2)]
    held = Held(origin)
    held.begin(servers[0], 2)
    assert status(servers[1], path="/held") == 429
    os.kill(servers[0].process.pid, signal.SIGKILL)
    for pid in servers[0].gateway_pids:
        os.kill(pid, signal.SIGKILL)
    servers[0].process.wait()
    held.release.set()
    patience.until(lambda: status(servers[1], path="/held") == 204, 20)
    patience.until(lambda: Metrics(servers[1]).sum("isagate_shared_instances") == 1, 20)


def test_requests_in_progress_are_told_to_a_server_that_has_lost_them(start_concurrent, redis, origin):
    servers = [start_concurrent(redis.url, 2) for _ in range(2)]
    held = Held(origin)
    held.begin(servers[0], 2)
    redis.kill()
    for server in servers:
        server.log.wait_for("is lost")
    redis.start()
    for server in servers:
        server.log.wait_for(BACK)
    patience.until(lambda: [name for name in redis.ask("KEYS", "*") if "concurrency" in name])
    patience.until(lambda: status(servers[1], path="/held") == 429)
    assert held.end() == [204] * 2


# Reloads


def test_a_reload_changes_the_server_and_its_settings(start, redis, tmp_path):
    server = start(redis.url, limited(**rate(burst=1, by="route")))
    assert statuses([server], 2) == [200, 429]
    with Redis(tmp_path, name="other") as other:
        changed = json.loads(json.dumps(server.configuration))
        changed["shared"]["state"] = {"redis": other.url, "on_failure": "allow"}
        server.configure(changed)
        assert server.command("reload").returncode == 0
        patience.until(lambda: "isagate:{state}:instances" in other.ask("KEYS", "*"))
        # The old connections say good-bye.
        patience.until(lambda: redis.ask("ZCARD", "isagate:{state}:instances") == 0)
