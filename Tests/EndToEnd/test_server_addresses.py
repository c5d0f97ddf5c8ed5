"""A server whose name has several addresses: those that do not answer cost a request time, but not its response."""

import socket
import time

import nameserver
import origin
import pytest


@pytest.fixture
def names():
    server = nameserver.NameServer()
    yield server
    server.stop()


@pytest.fixture
def silent():
    """A function that makes an address silent on a port: nothing accepts there, and the queue is full."""
    sockets = []

    def silence(address, port):
        listener = socket.socket()
        sockets.append(listener)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(3):
            filler = socket.socket()
            sockets.append(filler)
            filler.setblocking(False)
            filler.connect_ex((address, port))

    yield silence
    for each in sockets:
        each.close()


def start(start_gateway, names, port, **settings):
    upstream = {"servers": [{"url": f"http://api.test:{port}"}], "connect_timeout": "2s", "retries": 0}
    server = start_gateway(
        resolver={"servers": [f"127.0.0.1:{names.port}"], "timeout": "200ms", "patience": "5s"},
        upstreams={"api": {**upstream, **settings}},
        routes=[{"path": "/*", "proxy": {"to": "api"}}],
        log={"access": {"path": "access.log", "format": "json"}},
    )
    return server


def test_one_silent_address_beside_a_living_one_fails_no_request(start_gateway, names, silent):
    living = origin.Origin("living")
    try:
        silent("127.0.0.2", living.port)
        names.set_addresses("api.test", "127.0.0.2", "127.0.0.1")
        server = start(start_gateway, names, living.port, keep_alive={"connections": 0})
        began = time.monotonic()
        for _ in range(12):
            assert server.plain().get("/").status == 200
        # Every worker tries the silent address once, for half of the time, and then tries it last.
        assert time.monotonic() - began < 12
    finally:
        living.stop()


def test_the_failure_of_the_address_that_answered_is_reported(start_gateway, names, silent):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        silent("127.0.0.2", port)
        for addresses in [("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1")]:
            names.set_addresses("api.test", *addresses)
            server = start(start_gateway, names, port)
            assert server.plain().get("/").status == 502


def test_only_silent_addresses_are_a_matter_of_time(start_gateway, names, silent):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    silent("127.0.0.2", port)
    silent("127.0.0.3", port)
    names.set_addresses("api.test", "127.0.0.2", "127.0.0.3")
    server = start(start_gateway, names, port, connect_timeout="600ms")
    began = time.monotonic()
    assert server.plain().get("/").status == 504
    assert 0.5 < time.monotonic() - began < 5
