"""What an operator should know has one word: in metrics, in the log, on the status page, and in `isagate status`."""

import os
import signal

import authority
import free_ports
import gateway
import patience
import pytest
import redis_server
import wire
from metrics import BIND, Metrics
from test_status_events import Stream


def status(server):
    outcome = server.command("status")
    return outcome.stdout + outcome.stderr


def page(server):
    """The first state that the status page gets."""
    return Stream(server).next("status")


DAY = 86400


def seen(server, reason, name=None):
    """Waits until the condition is seen in all places."""
    patience.until(lambda: Metrics(server).sum("isagate_condition", reason=reason) >= 1)
    wanted = {"reason": reason, **({"name": name} if name else {})}
    assert wanted in [{key: one.get(key) for key in wanted} for one in page(server)["conditions"]]
    assert f"{reason}: " in status(server)
    server.log.wait_for(reason)
    assert server.command("explain", reason).stdout.startswith(reason)


def gone(server, reason):
    patience.until(lambda: Metrics(server).sum("isagate_condition", reason=reason) == 0)
    assert reason not in status(server)


def test_a_gateway_without_problems_has_no_condition(start_gateway):
    server = start_gateway([gateway.PING], admin=BIND)
    assert Metrics(server).labels("isagate_condition") == []
    assert page(server)["conditions"] == []


def test_a_refused_reload_is_a_condition_until_one_succeeds(start_gateway):
    server = start_gateway([gateway.PING], admin=BIND)
    good = server.configuration
    server.configure({**good, "sties": []})
    assert server.command("reload").returncode == 78
    seen(server, "reload_refused")
    server.configure(good)
    assert server.command("reload").returncode == 0
    gone(server, "reload_refused")


def test_a_dead_server_is_a_condition_until_it_answers(start_gateway, origin):
    active = {"path": "/up", "every": "300ms", "timeout": "300ms", "rise": 1, "fall": 1, "status": 200}
    server = start_gateway(
        [{"path": "/*", "proxy": "app"}],
        upstreams={"app": {"servers": [{"url": origin.url}], "health": {"active": active}}},
        admin=BIND,
    )
    origin.on("/up", b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")
    seen(server, "upstream_server_down", name=f"app {origin.url}")
    del origin.behaviours["/up"]
    gone(server, "upstream_server_down")


def test_a_lost_server_of_shared_limits_is_a_condition_until_it_is_back(start_gateway, tmp_path):
    port = free_ports.take(1)[0]
    server = start_gateway(
        [gateway.PING], shared={"state": {"redis": f"redis://user:secret@127.0.0.1:{port}"}}, admin=BIND
    )
    seen(server, "shared_engine_lost", name="state")
    assert "secret" not in status(server) + server.log.text
    with redis_server.Redis(tmp_path, "user user on >secret ~isagate:* +@all", port=port):
        gone(server, "shared_engine_lost")


def test_a_server_that_is_left_out_is_a_condition(start_gateway, origin):
    passive = {"fails": 1, "within": "10s", "eject": "30s"}
    server = start_gateway(
        [{"path": "/*", "proxy": "app"}],
        upstreams={"app": {"servers": [origin.url, "http://127.0.0.1:1"], "health": {"passive": passive}}},
        admin=BIND,
    )
    with server.plain() as client:
        for _ in range(4):
            client.get("/")
    seen(server, "upstream_server_ejected", name="app http://127.0.0.1:1")


def test_the_crash_of_a_process_is_a_condition(start_gateway):
    server = start_gateway(extensions={"crashes": {"run": "isolated"}}, admin=BIND)
    assert server.plain().get("/crashes?pointer").status == 502
    seen(server, "pool_process_crashed", name="crashes")


def test_a_pool_that_crashes_too_often_is_a_condition(start_gateway):
    rapid = {"crashes": 1, "within": "5m", "pause": "5m"}
    server = start_gateway(extensions={"crashes": {"run": "isolated", "rapid_fail": rapid}}, admin=BIND)
    assert server.plain().get("/crashes?pointer").status == 502
    seen(server, "pool_stopped", name="crashes")


def test_the_crash_of_the_gateway_is_a_condition(start_gateway):
    server = start_gateway([gateway.PING], admin=BIND)
    os.kill(server.gateway_pid, signal.SIGKILL)
    server.log.wait_for("starting another")
    patience.until(lambda: server.plain().get("/ping").status == 200)
    seen(server, "gateway_process_replaced")


@pytest.mark.parametrize("days, reason", [(3, "certificate_expiring"), (30, None)])
def test_a_certificate_that_expires_soon_is_a_condition(start_gateway, tmp_path, days, reason):
    issuer = authority.Authority(tmp_path, "operators")
    pair = issuer.issue("soon", ["localhost"], 7, days=days)
    server = start_gateway(sites=[{**gateway.site([gateway.PING]), "certificates": [pair]}], admin=BIND)
    if reason is None:
        assert "certificate_expiring" not in {one["reason"] for one in page(server)["conditions"]}
    else:
        seen(server, reason, name=pair["chain"])


def test_a_certificate_that_comes_near_its_end_while_it_is_served_is_a_condition(start_gateway, tmp_path):
    pair = authority.Authority(tmp_path, "operators").issue("soon", ["localhost"], 7, days=14 + patience.seconds(3) / DAY)
    server = start_gateway(sites=[{**gateway.site([gateway.PING]), "certificates": [pair]}], admin=BIND)
    assert "certificate_expiring" not in server.log.text
    seen(server, "certificate_expiring", name=pair["chain"])
    assert "the certificate expires in 14 days" in status(server)


def test_a_certificate_that_expires_while_it_is_served_is_a_condition(start_gateway, tmp_path):
    pair = authority.Authority(tmp_path, "operators").issue("ends", ["localhost"], 7, days=patience.seconds(4) / DAY)
    server = start_gateway(sites=[{**gateway.site([gateway.PING]), "certificates": [pair]}], admin=BIND)
    server.log.wait_for(rf"{pair['chain']}: the certificate has expired \(certificate_expired\)")
    seen(server, "certificate_expired", name=pair["chain"])


def test_a_drain_is_a_condition(start_gateway, tmp_path):
    server = start_gateway(
        extensions=["lifetime"], environment={"ISAGATE_TEST_FOLDER": str(tmp_path)}, admin=BIND
    )
    os.mkfifo(tmp_path / "hold")
    client = server.secure()
    client.send(wire.request("/lifetime?held"))
    with open(tmp_path / "hold", "w"):
        server.signal(signal.SIGTERM)
        server.log.wait_for("draining")
        assert Metrics(server).sum("isagate_condition", reason="draining") == 1
        assert {"reason": "draining", "text": "the gateway ends"} in page(server)["conditions"]
        assert "draining: " in status(server)
    assert client.read_response().status == 200
