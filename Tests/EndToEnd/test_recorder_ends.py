"""The flight recorder: requests that are cut or become tunnels, and gateway processes that are replaced."""

import json
import os
import signal

import gateway
import patience
import pytest
import wire
from hostile_origin import head

ADMIN = {"socket": "admin.sock"}


@pytest.fixture
def start(start_gateway, origin):
    def start(**keys):
        routes = [gateway.PING, {"path": "/*", "proxy": {"to": "app"}}]
        return start_gateway(
            routes, upstreams={"app": {"servers": [origin.url]}}, admin=ADMIN, recorder={"only": "failed"}, **keys
        )

    return start


def trace(server, *arguments):
    outcome = server.command("trace", "--json", *arguments)
    assert outcome.returncode == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_a_response_that_the_client_does_not_take_has_failed_and_is_cut(start, origin):
    size = 24 << 20
    origin.on("/large", head(f"Content-Length: {size}"), b"x" * size)
    server = start(limits={"write_timeout": "300ms"})
    client = server.raw("plain")
    client.send(wire.request("/large"))
    patience.until(lambda: trace(server))
    (record,) = trace(server, "--failed")
    assert (record["status"], record["isCut"], record["reason"]) == (200, True, "response not taken in time")
    assert 0 < record["responseBytes"] < size and record["milliseconds"]["total"] >= 300
    assert " cut " in server.command("trace").stdout


def test_a_request_that_becomes_a_tunnel_is_recorded_when_it_does(start, origin, start_gateway):
    origin.on("/ws", head("Upgrade: x", "Connection: Upgrade", status="101 Switching Protocols"), b"hello")
    routes = [{"path": "/*", "proxy": {"to": "app"}}]
    server = start_gateway(routes, upstreams={"app": {"servers": [origin.url]}}, admin=ADMIN, recorder={})
    client = server.raw("plain")
    client.send(wire.request("/ws", "Connection: Upgrade", "Upgrade: x"))
    assert client.read_response().status == 101 and client.read_bytes(5) == b"hello"
    (record,) = trace(server)
    assert (record["status"], record["upstream"], record["isCut"]) == (101, "app", False)


def test_what_a_process_has_recorded_is_gone_with_it(start):
    server = start()
    server.plain().post("/ping", "x", "Expect: nonsense")
    patience.until(lambda: trace(server))
    os.kill(server.gateway_pid, signal.SIGKILL)
    server.log.wait_for("notice: ready: ", 2)
    assert trace(server) == []
    server.plain().post("/ping", "x", "Expect: nonsense")
    (record,) = trace(server)
    assert record["sequence"] == 1 and record["status"] == 417
