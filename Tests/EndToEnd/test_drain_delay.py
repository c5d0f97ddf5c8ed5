"""With drain.delay the gateway serves on for a while after it is told to end, and says that it is not ready."""

import json
import os
import signal
import time

import gateway
import load
import patience
import pytest

LONG = {"delay": "1h"}
ADMIN = {"bind": "127.0.0.1:0", "socket": "admin.sock"}


def readiness(server):
    with server.raw("admin") as client:
        response = client.get("/readyz")
        return response.status, [condition["reason"] for condition in json.loads(response.text)["reasons"]]


def end(server, number=signal.SIGTERM):
    """Tells it to end, and waits until a balancer would know."""
    server.signal(number)
    patience.until(lambda: readiness(server) == (503, ["draining"]))


@pytest.mark.parametrize("arguments", [[], ["--foreground-single"]])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_it_serves_on_and_is_not_ready(start_gateway, number, arguments):
    server = start_gateway([gateway.PING], drain=LONG, admin=ADMIN, arguments=arguments)
    kept = server.secure()
    assert kept.get("/ping").status == 200
    end(server, number)
    server.log.wait_for("notice: ending in 1h: signal")
    assert kept.get("/ping")["Connection"] is None
    with server.secure() as client:
        assert client.get("/ping").status == 200
    server.signal(number)
    assert server.wait() == 0
    server.log.wait_for("second signal: stopping at once")


def test_it_drains_afterwards(start_gateway):
    server = start_gateway([gateway.PING], drain={"delay": "300ms"}, admin=ADMIN)
    with load.Load(server, kept=2) as clients:
        began = time.monotonic()
        end(server)
        clients.wait_for_answers(5)
        clients.is_ending = True
        server.log.wait_for("notice: draining")
        assert time.monotonic() - began >= 0.3
    assert clients.failures == []
    assert server.wait() == 0


def test_the_stop_command_waits_for_both(start_gateway):
    server = start_gateway([gateway.PING], drain={"delay": "200ms"}, admin=ADMIN)
    outcome = server.command("stop")
    assert outcome.returncode == 0, outcome.stderr
    server.log.wait_for("ending in 200ms: stop command")
    assert server.wait() == 0


def test_a_process_that_replaces_a_crashed_one_is_not_ready_either(start_gateway):
    server = start_gateway([gateway.PING], drain=LONG, admin=ADMIN)
    end(server)
    os.kill(server.gateway_pid, signal.SIGKILL)
    server.log.wait_for("notice: ready: ", count=2)
    patience.until(lambda: readiness(server) == (503, ["draining"]))
    with server.secure() as client:
        assert client.get("/ping").status == 200
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_nothing_is_reloaded_or_upgraded_meanwhile(start_gateway):
    server = start_gateway([gateway.PING], drain=LONG, admin=ADMIN)
    end(server)
    outcome = server.command("reload")
    assert outcome.returncode == 75, outcome.stderr
    process = server.gateway_pid
    server.signal(signal.SIGUSR2)
    assert server.command("status").returncode == 0
    assert server.gateway_pids == [process]
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_wrong_delay_is_named(ping):
    ping.configure({**ping.configuration, "drain": {"delay": "2h"}})
    outcome = ping.command("check")
    assert outcome.returncode == 78
    assert "delay" in outcome.stderr
