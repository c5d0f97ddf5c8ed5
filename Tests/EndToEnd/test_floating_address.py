"""The files of deploy/fleet for a floating address (VRRP): it moves when its machine, or what the machine serves, fails."""

import re

import fleet
import network
import patience
import pytest

GATEWAYS = {"one": "192.0.2.21", "two": "192.0.2.22", "three": "192.0.2.23"}
KEEPALIVED = sorted(file.name for file in fleet.FOLDER.glob("keepalived-*.conf"))


@pytest.fixture(scope="module")
def hosts():
    network.required()
    with network.Network() as made:
        yield made


@pytest.fixture(scope="module")
def client(hosts):
    return hosts.host("client", "192.0.2.100")


@pytest.mark.parametrize("name", KEEPALIVED)
def test_keepalived_accepts_its_file(hosts, tmp_path, name):
    # keepalived 2.2.7 ends its own test by a signal when a script runs as another user: scripts are left out here.
    text = (fleet.FOLDER / name).read_text()
    file = tmp_path / name
    file.write_text(re.sub(r"vrrp_script.*?\n}\n|    track_script.*?\n    }\n", "", text, flags=re.S))
    host = hosts.host(f"test{KEEPALIVED.index(name)}", f"192.0.2.{60 + KEEPALIVED.index(name)}")
    outcome = host.run("keepalived", "--config-test", "--log-console", "-f", file)
    assert (outcome.returncode, outcome.stdout + outcome.stderr) == (0, "")


@pytest.fixture(scope="module")
def machines(hosts, tmp_path_factory, certificates):
    """Two with HAProxy and keepalived, in front of one gateway."""
    folder = tmp_path_factory.mktemp("machines")
    fleet.Member(hosts.host("one", GATEWAYS["one"]), folder, certificates, fleet.new_keys())
    found = []
    for name, address in [("first", "192.0.2.11"), ("second", "192.0.2.12")]:
        host = hosts.host(name, address)
        found.append(fleet.Balancer(host, folder))
        found[-1].keepalived = fleet.keepalived(host, folder, "keepalived-balancers.conf")
    return found


def holder(machines):
    """The machine with the floating address, and the other one, once exactly one has it."""
    patience.until(lambda: sum(machine.host.has(fleet.FLOATING) for machine in machines) == 1, 30)
    return sorted(machines, key=lambda machine: not machine.host.has(fleet.FLOATING))


def test_it_moves_when_haproxy_dies(machines, client, certificates):
    serving, waiting = holder(machines)
    with fleet.Clients(client, certificates / "ca.pem", count=8) as clients:
        serving.running.kill()
        patience.until(lambda: waiting.host.has(fleet.FLOATING), 20)
        clients.wait_for_answers(50)
    serving.launch()
    serving.wait_until_up("one")


def test_it_moves_when_the_machine_is_lost(machines, client, certificates):
    serving, waiting = holder(machines)
    # The other one takes over only when it could serve.
    waiting.keepalived.log.wait_for(r"VRRP_Script\(haproxy\) succeeded")
    with fleet.Clients(client, certificates / "ca.pem", count=8) as clients:
        serving.host.pull_cable()
        patience.until(lambda: waiting.host.has(fleet.FLOATING), 20)
        clients.wait_for_answers(50)
    serving.host.plug_cable()


def test_it_moves_between_two_gateways(tmp_path, certificates):
    """In a planned stop the address leaves the gateway while that serves on: no new connection is refused."""
    with network.Network() as hosts:
        client, keys = hosts.host("client", "192.0.2.100"), fleet.new_keys()
        members = [
            fleet.Member(hosts.host(name, GATEWAYS[name]), tmp_path, certificates, keys, direct=True)
            for name in ("one", "two")
        ]
        for member in members:
            member.keepalived = fleet.keepalived(member.host, tmp_path, "keepalived-gateways.conf")
        serving, waiting = holder(members)
        waiting.keepalived.log.wait_for(r"VRRP_Script\(gateway\) succeeded")
        with fleet.Clients(client, certificates / "ca.pem", count=8) as clients:
            serving.running.signal(fleet.signal.SIGTERM)
            patience.until(lambda: waiting.host.has(fleet.FLOATING), 20)
            clients.wait_for_answers(50)
        assert not serving.host.has(fleet.FLOATING)
        # Connections do not move: each may lose one request, a new one does not fail.
        assert [failure for failure in clients.outcome.failures if "refused" in failure.reason.lower()] == []
