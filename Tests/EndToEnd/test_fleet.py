"""The files of deploy/fleet for gateways behind HAProxy: upgrades, failures, and what all gateways have in common."""

import json
import re
import socket
import time

import fleet
import network
import patience
import pytest
import wire

GATEWAYS = {"one": "192.0.2.21", "two": "192.0.2.22", "three": "192.0.2.23"}


@pytest.fixture(scope="module")
def hosts():
    network.required()
    with network.Network() as made:
        yield made


@pytest.fixture(scope="module")
def client(hosts):
    return hosts.host("client", "192.0.2.100")


@pytest.fixture(scope="module")
def members(hosts, tmp_path_factory, certificates):
    """Three gateways with the same ticket keys."""
    folder, keys = tmp_path_factory.mktemp("members"), fleet.new_keys()
    return [fleet.Member(hosts.host(name, address), folder, certificates, keys) for name, address in GATEWAYS.items()]


@pytest.fixture(scope="module")
def shared_balancer(hosts, members, tmp_path_factory):
    """HAProxy on a machine that has the floating address."""
    return fleet.Balancer(hosts.host("first", "192.0.2.11", fleet.FLOATING), tmp_path_factory.mktemp("balancer"))


@pytest.fixture
def balancer(shared_balancer):
    shared_balancer.wait_until_up(*GATEWAYS)
    return shared_balancer


def left_out(balancer):
    """The gateways to which the balancer has sent nothing for a while; each is told of twice."""
    return set(re.findall(r"Server gateways/\w+ is (?:DOWN|going DOWN)", balancer.running.log.text))


def is_refused(client, address):
    with client.entered():
        try:
            socket.create_connection((address, 443), timeout=patience.seconds(10)).close()
        except ConnectionRefusedError:
            return True
    return False


def test_a_rolling_upgrade_fails_no_request(balancer, members, client, certificates):
    """Each program is replaced while it runs, on the same sockets."""
    with fleet.Clients(client, certificates / "ca.pem", fresh=4) as clients:
        for member in members:
            member.upgrade()
        clients.wait_for_answers(200)
    assert clients.outcome.failures == []


def test_a_rolling_restart_fails_no_request(balancer, members, client, certificates):
    """Each gateway is stopped and started when the one before serves again, as for another version of the system."""
    authority = certificates / "ca.pem"
    with fleet.Clients(client, authority, fresh=4) as clients, fleet.MultiplexedClients(client, authority) as others:
        for member in members:
            member.restart()
            balancer.wait_until_up(member.host.name)
        clients.wait_for_answers(200)
    assert clients.outcome.failures == []
    assert others.outcome.failures == []
    assert others.outcome.requests > 100 and others.outcome.announced >= others.count
    # The balancer knew of each before its port was closed, and the clients were told with their last response.
    assert len(left_out(balancer)) == len(members)
    assert clients.outcome.announced + clients.outcome.closed >= clients.count


def test_the_gateways_know_the_client(balancer, members, client, certificates):
    with fleet.Clients(client, certificates / "ca.pem", count=6) as clients:
        clients.wait_for_answers(20)
    for member in members:
        line = json.loads(member.running.log.wait_for(r'^\{.*"/ping".*\}$')[0])
        assert line["client"].startswith("192.0.2.100")


def test_a_session_is_resumed_by_another_gateway(balancer, members, client, certificates):
    context = wire.client_context(certificates / "ca.pem")

    def ask(session=None):
        with client.entered():
            sock = socket.create_connection((fleet.FLOATING, 443), timeout=patience.seconds(10))
        with wire.Client(wire.start_tls(sock, context, "localhost", session)) as asking:
            assert asking.get("/ping").status == 200
            return asking.socket.session, asking.socket.session_reused

    session, _ = ask()
    for only in GATEWAYS:
        for name in GATEWAYS:
            balancer.command(f"set server gateways/{name} state {'ready' if name == only else 'drain'}")
        session, is_resumed = ask(session)
        assert is_resumed
    for name in GATEWAYS:
        balancer.command(f"set server gateways/{name} state ready")


def test_a_gateway_that_dies_loses_its_connections_only(balancer, members, client, certificates):
    with fleet.Clients(client, certificates / "ca.pem") as clients:
        members[0].running.kill()
        patience.until(lambda: is_refused(client, GATEWAYS["one"]))
        died = time.monotonic()
        patience.until(lambda: balancer.states()["one"] == "DOWN", 20)
        clients.wait_for_answers(200)
    # At most one request of each of its connections, and what was connecting at that moment; new ones go to the others.
    assert len(clients.outcome.failures) < 64
    late = [failure for failure in clients.outcome.failures if failure.what == "connection" and failure.began > died]
    assert late == []
    members[0].launch()
