"""How the gateway ends."""

import os
import signal

import gateway
import pytest
import wire


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_an_idle_gateway(ping, number):
    ping.signal(number)
    assert ping.wait() == 0
    ping.log.wait_for("stopped")


@pytest.fixture
def start_busy(start_gateway, tmp_path):
    """A function that starts a gateway; returns also a client whose request an extension holds, and its release."""

    def start(routes=(), extensions=(), **environment):
        os.mkfifo(tmp_path / "hold")
        environment["ISAGATE_TEST_FOLDER"] = str(tmp_path)
        server = start_gateway(routes, extensions=["lifetime", *extensions], environment=environment)
        client = server.secure()
        client.send(wire.request("/lifetime?held"))
        # Opens when the extension does, which then reads until the end.
        hold = open(tmp_path / "hold", "w")
        return server, client, hold.close

    return start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_request_in_flight_is_finished(start_busy, number):
    server, client, let_go = start_busy()
    server.signal(number)
    server.log.wait_for("draining")
    let_go()
    response = client.read_response()
    assert (response.status, response.text) == (200, "request 1\n")
    assert response["Connection"] == "close"
    client.expect_end()
    assert server.wait() == 0


def wait_until_taken(server):
    """Returns once a request sent before has been read: the same worker may serve both connections."""
    for _ in range(8):
        with server.plain() as client:
            client.get("/nothing")


def test_no_connection_is_accepted_while_draining(start_busy):
    server, client, let_go = start_busy()
    server.signal(signal.SIGTERM)
    server.log.wait_for("draining")
    with pytest.raises(ConnectionError):
        server.plain()
    let_go()
    assert client.read_response().status == 200
    assert server.wait() == 0


def test_connections_that_wait_to_be_accepted_are_served(ping):
    process = ping.gateway_pid
    os.kill(process, signal.SIGSTOP)
    waiting = [ping.raw("plain") for _ in range(8)]
    for client in waiting:
        client.send(wire.request("/ping"))
    ping.signal(signal.SIGTERM)
    # The supervisor has closed its sockets and sent its message.
    ping.log.wait_for("notice: ending: signal TERM")
    os.kill(process, signal.SIGCONT)
    for client in waiting:
        assert client.read_response().status == 200
        client.expect_end()
    assert ping.wait() == 0


def test_a_kept_connection_is_closed_with_its_next_response(start_busy):
    server, busy, let_go = start_busy([gateway.PING])
    idle = server.secure()
    assert idle.get("/ping")["Connection"] is None
    server.signal(signal.SIGTERM)
    server.log.wait_for("draining")
    assert idle.get("/ping")["Connection"] == "close"
    idle.expect_end()
    let_go()
    assert busy.read_response().status == 200
    assert server.wait() == 0


def test_an_idle_connection_does_not_delay_the_end(ping):
    idle = ping.secure()
    assert idle.get("/ping").status == 200
    ping.signal(signal.SIGTERM)
    idle.expect_end()
    assert ping.wait() == 0


def test_a_second_signal_stops_at_once(start_gateway):
    server = start_gateway(extensions=["pending_forever"], environment=gateway.ABANDONING)
    client = server.secure()
    client.send(wire.request("/pending_forever"))
    wait_until_taken(server)
    server.signal(signal.SIGTERM)
    server.log.wait_for("draining")
    server.signal(signal.SIGTERM)
    client.expect_gone()
    assert server.wait() == 0


def test_the_grace_period_ends_a_request_that_does_not(start_gateway):
    server = start_gateway(
        extensions=["pending_forever"], environment=gateway.ABANDONING, drain={"grace": "300ms"}
    )
    client = server.secure()
    client.send(wire.request("/pending_forever"))
    wait_until_taken(server)
    server.signal(signal.SIGTERM)
    client.expect_gone()
    assert server.wait() == 0
    server.log.wait_for("grace period over")


def test_extensions_are_terminated_last_and_must_unload(start_busy, tmp_path):
    record = tmp_path / "record"
    server, client, let_go = start_busy(extensions=["terminate"], ISAGATE_TEST_FILE=str(record))
    assert server.plain().get("/terminate").text == "running\n"
    server.signal(signal.SIGTERM)
    server.log.wait_for("draining")
    assert not record.exists()
    let_go()
    assert client.read_response().status == 200
    assert server.wait() == 0
    must_unload = 2
    assert record.read_text() == f"TerminateExtension {must_unload}\n"


def test_dllmain_learns_of_load_and_unload(start_gateway, tmp_path):
    record = tmp_path / "record"
    server = start_gateway(extensions=["dllmain"], environment={"ISAGATE_TEST_FILE": str(record)})
    response = server.plain().get("/dllmain")
    assert response.text == "process attach 1\nbefore version 1\nprocess detach 0\n"
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    lines = record.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("DllMain 1", "DllMain 0")
