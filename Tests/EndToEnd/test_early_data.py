"""Early data (RFC 8446 §4.2.10), which no ticket of the gateway allows, from a client that sends it all the same."""

import os
import subprocess

import gateway
import patience
import pytest


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    program = tmp_path_factory.mktemp("client") / "early_data"
    source = os.path.join(gateway.ROOT, "Tests/EndToEnd/clients/early_data.c")
    subprocess.run(["cc", "-Wall", "-Werror", "-o", program, source, "-lssl", "-lcrypto"], check=True)
    return program


@pytest.fixture
def server(start_gateway):
    return start_gateway(routes=[{"path": "/ping", "respond": {"body": "pong"}}])


def send(client, server, count):
    command = [client, str(server.ports["secure"]), server.authority, str(count)]
    return subprocess.run(command, capture_output=True, text=True, timeout=patience.seconds(20))


@pytest.mark.parametrize("count", [1, 60, 5000, 16000])
def test_early_data_is_skipped_and_the_request_after_the_handshake_is_answered_once(client, server, count):
    outcome = send(client, server, count)
    assert "early data rejected, session resumed" in outcome.stdout
    # One answer on the connection before, and one on that with early data.
    assert outcome.stdout.count("HTTP/1.1 200 OK") == 2
    assert outcome.returncode == 0


def test_more_early_data_than_a_record_ends_the_handshake_with_its_reason(client, server):
    assert send(client, server, 100_000).stdout.count("HTTP/1.1 200 OK") == 1
    server.log.wait_for("TLS handshake failed: too much early data")
