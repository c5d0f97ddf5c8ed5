"""Health as a monitoring system asks for it: /livez, /readyz and /status.json of the admin listener."""

import json
import os
import signal

import authority
import gateway
import patience
import pytest
import wire

BIND = {"bind": "127.0.0.1:0", "socket": "admin.sock"}


def ask(server, path):
    with server.raw("admin") as client:
        return client.get(path)


def readiness(server):
    """The status and the reasons of /readyz."""
    response = ask(server, "/readyz")
    body = json.loads(response.text)
    assert body["ready"] == (response.status == 200)
    return response.status, {(each["reason"], each.get("name")) for each in body["reasons"]}


def test_a_gateway_that_serves_is_live_and_ready(start_gateway):
    server = start_gateway([gateway.PING], admin=BIND)
    assert json.loads(ask(server, "/livez").text) == {"live": True}
    assert readiness(server) == (200, set())


# Draining


@pytest.fixture
def start_held(start_gateway, tmp_path):
    """A function that starts a gateway with a request which an extension holds; returns also its release."""

    def start(**settings):
        os.mkfifo(tmp_path / "hold")
        server = start_gateway(
            extensions=["lifetime"], environment={"ISAGATE_TEST_FOLDER": str(tmp_path)}, admin=BIND, **settings
        )
        client = server.secure()
        client.send(wire.request("/lifetime?held"))
        # Opens when the extension does, which then reads until the end.
        hold = open(tmp_path / "hold", "w")
        return server, client, hold.close

    return start


@pytest.mark.parametrize("arguments", [[], ["--foreground-single"]])
def test_a_gateway_that_drains_is_live_and_not_ready(start_held, arguments):
    server, client, let_go = start_held(arguments=arguments)
    server.signal(signal.SIGTERM)
    server.log.wait_for("draining")
    # Every worker has a part of the admin listener's queue, also one without connections.
    for _ in range(20):
        assert readiness(server) == (503, {("draining", None)})
        assert ask(server, "/livez").status == 200
    let_go()
    assert client.read_response().status == 200
    assert server.wait() == 0


def test_a_connection_from_before_learns_of_the_drain(start_held):
    server, client, let_go = start_held()
    with server.raw("admin") as probe:
        assert probe.get("/readyz").status == 200
        server.signal(signal.SIGTERM)
        server.log.wait_for("draining")
        response = probe.get("/readyz")
        assert (response.status, response["Connection"]) == (503, "close")
    let_go()
    assert client.read_response().status == 200


def test_probes_do_not_prolong_a_drain(start_held):
    server, client, let_go = start_held()
    with server.raw("admin") as idle:
        assert idle.get("/livez").status == 200
        server.signal(signal.SIGTERM)
        server.log.wait_for("draining")
        let_go()
        assert client.read_response().status == 200
        assert server.wait() == 0


# Not ready


def test_a_pool_that_is_stopped_is_a_reason(start_gateway):
    pool = {"run": "isolated", "rapid_fail": {"crashes": 1, "within": "1m", "pause": "1h"}}
    server = start_gateway(extensions={"knows_process": pool}, admin=BIND)
    assert readiness(server) == (200, set())
    with server.secure() as client:
        assert client.get("/knows_process?kill").status == 502
    patience.until(lambda: readiness(server) == (503, {("pool_stopped", "knows_process")}))
    assert server.command("pools", "start", "knows_process").returncode == 0
    patience.until(lambda: readiness(server) == (200, set()))


def test_a_pool_that_waits_for_its_first_request_is_none(start_gateway):
    pool = {"run": "isolated", "load": "first_request"}
    server = start_gateway(extensions={"knows_process": pool}, admin=BIND)
    assert readiness(server) == (200, set())


def test_an_extension_that_does_not_load_is_a_reason(start_gateway, tmp_path):
    (tmp_path / "broken.so").write_text("not a library")
    server = start_gateway(
        [gateway.PING, {"path": "/broken", "extension": "broken"}],
        {"broken": {"library": str(tmp_path / "broken.so")}},
        admin=BIND,
    )
    assert readiness(server) == (503, {("extension_not_loaded", "broken")})


def test_a_listener_whose_certificates_have_expired_is_a_reason(start_gateway, tmp_path):
    issuer = authority.Authority(tmp_path, "issuer")
    brief = issuer.issue("brief", ["localhost"], 5, days=patience.seconds(4) / 86400)
    site = {"hosts": ["*"], "certificates": [brief], "routes": [gateway.PING]}
    server = start_gateway(sites=[site], admin=BIND)
    assert readiness(server) == (200, set())
    patience.until(lambda: readiness(server) == (503, {("certificate_expired", "secure")}))


# The status


def test_the_status_is_that_of_the_command(start_gateway):
    server = start_gateway([gateway.PING], admin=BIND)
    with server.secure() as client:
        client.get("/ping")
        server.configure({**server.configuration, "version": 2})
        assert server.command("reload").returncode == 78
        # The supervisor answers the command and tells the gateway process at the same time.
        patience.until(lambda: json.loads(ask(server, "/status.json").text)["failedReloads"] == 1)
        asked = json.loads(ask(server, "/status.json").text)
        told = json.loads(server.command("status", "--json").stdout)
    for each in (asked, told):
        each["gateway"].pop("uptimeSeconds")
        for certificate in each["gateway"]["certificates"]:
            certificate.pop("secondsLeft")
    assert asked == told
    assert (asked["failedReloads"], asked["lastReload"]["succeeded"]) == (1, False)


def test_the_status_tells_how_the_last_reload_ended(start_gateway):
    server = start_gateway([gateway.PING], admin=BIND)
    assert "lastReload" not in json.loads(ask(server, "/status.json").text)
    assert server.command("reload").returncode == 0
    patience.until(lambda: "lastReload" in json.loads(ask(server, "/status.json").text))
    last = json.loads(ask(server, "/status.json").text)["lastReload"]
    assert (last["succeeded"], last["message"]) == (True, "serving generation 2 of the configuration")
