"""Connections when libssl does not behave as the gateway's records require: requests work, and no sequence number is
used twice under one key."""

import os
import subprocess

import gateway
import pytest
import tls13

FAULTS = ["no-key-log", "wrong-key-log", "late-key-log", "no-messages", "messages-twice", "messages-halved", "no-info"]
LEFT_TO_OPENSSL = r"warning: OpenSSL .* makes and opens all records itself, which costs time: "


@pytest.fixture(scope="session")
def faulty_library(tmp_path_factory):
    source = os.path.join(gateway.ROOT, "Tests/EndToEnd/faults/libssl_callbacks.c")
    library = tmp_path_factory.mktemp("faults") / "libssl_callbacks.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    return str(library)


@pytest.fixture
def start_faulty(start_gateway, faulty_library):
    def start(fault, first=None, routes=(gateway.PING,), **sections):
        environment = {"LD_PRELOAD": faulty_library, "FAULT": fault}
        if first is not None:
            environment["FAULT_FROM"] = str(first)
        return start_gateway(list(routes), environment=environment, **sections)

    return start


def ask_much(server, tmp_path):
    """Requests, key updates in both directions and a long response; every record is opened and has its own number."""
    with tls13.Client(server, tmp_path) as client:
        client.get()
        client.get(count=20)
        client.send(client.change_keys(asking=True) + client.sending.seal(tls13.request()))
        # `opened` requires each record to have the next number, from 0 under each key.
        client.wait_for(lambda: client.data().count(b"HTTP/1.1 ") == 22)
        assert len(client.key_updates()) == 1
        client.get("/large")
        client.wait_for(lambda: client.data().endswith(b"x" * 200_000))
        client.send(client.sending.seal(b"\x01\x00", 21))
        assert client.wait_for_end()
        assert client.alerts() == [(1, 0)]


LARGE = {"path": "/large", "respond": {"status": 200, "body": "x" * 200_000}}


@pytest.mark.parametrize("fault", FAULTS)
def test_requests_work_and_no_number_is_used_twice(start_faulty, tmp_path, fault):
    server = start_faulty(fault, routes=[gateway.PING, LARGE])
    for _ in range(3):
        ask_much(server, tmp_path)


@pytest.mark.parametrize("fault", ["no-key-log", "wrong-key-log", "late-key-log"])
def test_a_library_that_does_not_fit_is_told_of_once(start_faulty, tmp_path, faulty_library, fault):
    server = start_faulty(fault)
    for _ in range(3):
        with tls13.Client(server, tmp_path) as client:
            client.get()
    server.log.wait_for(LEFT_TO_OPENSSL)
    assert sum("makes and opens all records" in line for line in server.log.lines) == 1
    version = subprocess.run(
        [gateway.binary(), "version"],
        capture_output=True,
        text=True,
        env={**os.environ, "LD_PRELOAD": faulty_library, "FAULT": fault},
    ).stdout
    assert "TLS 1.3 records: OpenSSL's, since " in version


# The trial at the start receives twice five secrets per handshake, some of them in sessions without a listener.
@pytest.mark.parametrize("fault", ["no-key-log", "wrong-key-log"])
def test_a_fault_that_begins_later_is_met_on_each_connection(start_faulty, tmp_path, fault):
    server = start_faulty(fault, first=18 * 5, admin={"socket": "isagate.sock"})
    for _ in range(3):
        with tls13.Client(server, tmp_path) as client:
            client.get()
            client.get(count=3)
            assert client.opened()
    server.log.wait_for("did not show the keys and numbers of its records")
    assert sum("did not show the keys" in line for line in server.log.lines) == 1
    assert "TLS 1.3 records: isagate's, but OpenSSL's on 3 connections" in server.command("status").stdout


def test_the_library_that_is_there_fits(start_gateway, tmp_path):
    server = start_gateway([gateway.PING], admin={"socket": "isagate.sock"})
    with tls13.Client(server, tmp_path) as client:
        client.get()
    version = subprocess.run([gateway.binary(), "version"], capture_output=True, text=True).stdout
    assert "TLS 1.3 records: isagate's\n" in version
    assert "TLS 1.3 records: isagate's\n" in server.command("status").stdout
    assert not any("records" in line for line in server.log.lines)
