"""Servers with names: resolved in the background, again when records expire, and kept in between."""

import pytest

import nameserver
import origin
import patience


@pytest.fixture
def names():
    server = nameserver.NameServer()
    yield server
    server.stop()


@pytest.fixture
def origins():
    """Two servers with the same port at different addresses."""
    first = origin.Origin("first")
    second = origin.Origin("second", first.port, "127.0.0.2")
    yield first, second
    first.stop()
    second.stop()


def start(start_gateway, names, server):
    resolver = {"servers": [f"127.0.0.1:{names.port}"], "min_ttl": "100ms", "timeout": "200ms", "patience": "5s"}
    return start_gateway(
        resolver=resolver,
        upstreams={"api": {"servers": [server], "health": {"passive": {"fails": 0}}}},
        routes=[{"path": "/*", "proxy": {"to": "api"}}],
    )


def name(client):
    return client.get("/").text.split()[0]


def test_a_server_that_moves_is_found_at_its_new_address(start_gateway, names, origins):
    names.set_addresses("api.test", "127.0.0.1")
    client = start(start_gateway, names, {"url": f"http://api.test:{origins[0].port}"}).plain()
    assert name(client) == "first"
    names.set_addresses("api.test", "127.0.0.2")
    patience.until(lambda: name(client) == "second")


def test_all_addresses_are_used(start_gateway, names, origins):
    names.set_addresses("api.test", "127.0.0.1", "127.0.0.2")
    gateway = start(start_gateway, names, {"url": f"http://api.test:{origins[0].port}"})
    client = gateway.plain()
    found = set()

    def both_answered():
        found.add(name(client))
        for each in origins:
            each.drop_connections()
        return found == {"first", "second"}

    patience.until(both_answered)


def test_an_address_stays_in_use_when_its_name_is_gone(start_gateway, names, origins):
    names.set_addresses("api.test", "127.0.0.1")
    gateway = start(start_gateway, names, {"url": f"http://api.test:{origins[0].port}"})
    client = gateway.plain()
    names.forget("api.test")
    gateway.log.wait_for("warning: name api.test cannot be resolved")
    assert name(client) == "first"


def test_the_gateway_starts_without_a_name_that_can_be_resolved(start_gateway, names, origins):
    gateway = start(start_gateway, names, {"url": f"http://api.test:{origins[0].port}"})
    client = gateway.plain()
    assert client.get("/").status == 503
    names.set_addresses("api.test", "127.0.0.1")
    gateway.log.wait_for("notice: name api.test is resolved")
    assert name(client) == "first"


def test_a_service_names_hosts_and_ports(start_gateway, names, origins):
    names.set_service("_api._tcp.test", (1, "a.test", origins[0].port), (2, "b.test", 1))
    names.set_addresses("a.test", "127.0.0.2")
    client = start(start_gateway, names, {"url": "http://_api._tcp.test", "srv": True}).plain()
    assert name(client) == "second"
