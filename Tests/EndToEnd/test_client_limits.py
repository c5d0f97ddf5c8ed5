"""The limits of one client address: connections, and handshakes per time."""

import json
import socket

import gateway
import patience
import pytest
import wire
from test_proxy_protocol import binary_header, listeners as proxied_listeners

ADMIN = {"socket": "admin.sock"}


def start(start_gateway, listeners=gateway.LISTENERS, extensions=(), **limits):
    return start_gateway([gateway.PING], extensions, listeners=listeners, admin=ADMIN, limits=limits)


def client_at(server, address, listener="plain"):
    """A connection from another address of this machine, on which nothing was sent."""
    where = ("127.0.0.1", server.ports[listener])
    return server.remember(wire.Client(socket.create_connection(where, patience.seconds(10), (address, 0))))


def status(server):
    outcome = server.command("status", "--json")
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)["gateway"]


def refused(server, text):
    """How often clients were refused something for a reason that contains a text."""
    return sum(entry["count"] for entry in status(server)["refusals"] if text in entry["reason"])


def is_served(client):
    try:
        return client.get("/ping").status == 200
    except (ConnectionError, EOFError):
        return False


def test_a_client_has_no_more_connections_than_it_may_on_all_workers_together(start_gateway):
    server = start(start_gateway, client_connections=5)
    clients = [client_at(server, "127.0.0.2") for _ in range(5)]
    assert all(is_served(client) for client in clients)
    for _ in range(10):
        client_at(server, "127.0.0.2").expect_gone()
    assert is_served(client_at(server, "127.0.0.3"))
    assert all(is_served(client) for client in clients)

    line = server.log.wait_for("connection refused: .*of one client.*")[0]
    assert "too many connections of one client (client_connections 5), client 127.0.0.2" in line
    assert refused(server, "too many connections of one client") == 10
    assert "connection refused: too many connections of one client (client_connections 5): 10" in server.command(
        "status").stdout

    clients[0].close()
    patience.until(lambda: is_served(client_at(server, "127.0.0.2")))


def test_a_connection_that_never_sends_anything_counts_until_it_ends(start_gateway):
    server = start(start_gateway, client_connections=1)
    silent = client_at(server, "127.0.0.2", "secure")
    patience.until(lambda: status(server)["connections"] == 1)
    client_at(server, "127.0.0.2").expect_gone()
    silent.close()
    patience.until(lambda: is_served(client_at(server, "127.0.0.2")))


def test_handshakes_of_a_client_have_a_rate(start_gateway):
    server = start(start_gateway, client_handshakes="1/h", client_handshake_burst=3)
    for _ in range(3):
        assert server.secure().get("/ping").status == 200
    with pytest.raises((ConnectionError, OSError)):
        server.secure()
    # Connections without TLS are not limited, nor are other clients.
    assert is_served(server.plain())
    other = client_at(server, "127.0.0.9", "secure")
    assert wire.Client(wire.start_tls(other.socket, server.context(), "localhost")).get("/ping").status == 200
    server.log.wait_for(r"too many handshakes of one client \(client_handshakes 1/h\), client 127.0.0.1")
    assert refused(server, "too many handshakes of one client") == 1


def test_what_is_refused_for_its_handshake_is_no_connection_of_the_client(start_gateway):
    server = start(start_gateway, client_handshakes="1/h", client_handshake_burst=1, client_connections=2)
    assert server.secure().get("/ping").status == 200
    for _ in range(5):
        server.raw().expect_gone()
    assert is_served(server.plain())


def test_a_reload_changes_the_limit_and_forgets_no_connection(start_gateway):
    server = start(start_gateway, client_connections=3)
    clients = [client_at(server, "127.0.0.2") for _ in range(3)]
    assert all(is_served(client) for client in clients)
    server.configure({**server.configuration, "limits": {"client_connections": 4}})
    assert server.command("reload").returncode == 0
    assert is_served(client_at(server, "127.0.0.2"))
    client_at(server, "127.0.0.2").expect_gone()
    server.configure({**server.configuration, "limits": {"client_connections": "off"}})
    assert server.command("reload").returncode == 0
    assert all(is_served(client_at(server, "127.0.0.2")) for _ in range(20))


# Behind proxies


def proxied(server, address):
    client = server.raw("plain")
    client.send(binary_header(address, "198.51.100.1" if ":" not in address else "2001:db8::ffff"))
    return client


def test_the_proxy_protocol_names_the_client_of_a_connection(start_gateway):
    server = start(start_gateway, proxied_listeners(["127.0.0.0/8"]), client_connections=2)
    kept = [proxied(server, "192.0.2.7") for _ in range(2)]
    assert all(is_served(client) for client in kept)
    proxied(server, "192.0.2.7").expect_gone()
    assert is_served(proxied(server, "192.0.2.8"))
    server.log.wait_for(r"too many connections of one client .*, client 192.0.2.7")
    kept[0].close()
    patience.until(lambda: is_served(proxied(server, "192.0.2.7")))


def test_addresses_of_one_ipv6_network_are_one_client(start_gateway):
    server = start(start_gateway, proxied_listeners(["127.0.0.0/8"]), client_connections=2)
    kept = [proxied(server, f"2001:db8:0:1::{host}") for host in ("1", "ffff:1")]
    assert all(is_served(client) for client in kept)
    proxied(server, "2001:db8:0:1:aaaa::1").expect_gone()
    assert is_served(proxied(server, "2001:db8:0:2::1"))


def test_a_proxy_that_speaks_for_itself_has_no_limit(start_gateway):
    server = start(start_gateway, proxied_listeners(["127.0.0.0/8"]), client_connections=1)
    for _ in range(5):
        client = server.raw("plain")
        client.send(b"PROXY UNKNOWN\r\n")
        assert is_served(client)


TRUSTED = {"plain": {"bind": ["127.0.0.1:0"], "trusted": {"from": ["127.0.0.0/8"]}}}


def hold(server, address):
    """A request that a trusted proxy makes for a client, and that is not answered before it is released."""
    client = server.plain()
    client.send(wire.request("/holds", f"X-Forwarded-For: {address}"))
    return client


def test_requests_of_a_trusted_proxy_count_for_the_clients_that_it_names(start_gateway):
    server = start(start_gateway, TRUSTED, ["holds"], client_connections=2)
    control = server.plain()
    held = [hold(server, "192.0.2.7"), hold(server, "192.0.2.7"), hold(server, "192.0.2.8")]
    patience.until(lambda: control.get("/holds?count", "X-Forwarded-For: 192.0.2.9").text == "3\n")
    response = hold(server, "192.0.2.7").read_response()
    assert (response.status, response["Connection"]) == (429, "close")
    assert "too many connections of one client" in response.text
    assert refused(server, "too many connections of one client") == 1

    assert control.get("/holds?release", "X-Forwarded-For: 192.0.2.9").status == 200
    for client in held:
        assert client.read_response().text == "held\n"
    # On the same connections, which are the proxy's.
    for client in held:
        client.send(wire.request("/holds", "X-Forwarded-For: 192.0.2.10"))
    assert hold_outcomes(server, held, control) == [429, 200, 200]


def hold_outcomes(server, held, control):
    """The statuses in order, when two of the requests are held and one is refused."""
    patience.until(lambda: control.get("/holds?count", "X-Forwarded-For: 192.0.2.9").text == "2\n")
    assert control.get("/holds?release", "X-Forwarded-For: 192.0.2.9").status == 200
    return sorted((client.read_response().status for client in held), reverse=True)
