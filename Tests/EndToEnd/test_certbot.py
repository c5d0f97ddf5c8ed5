"""certbot gets certificates from an ACME server and makes the gateway load them (RFC 8555)."""

import os
import subprocess

import gateway
import load
import patience
import pebble
import pytest
import rotation

NAME = "gateway.test"
HOOK = os.path.join(gateway.ROOT, "deploy/certbot-deploy-hook")


@pytest.fixture
def acme(tmp_path, certificates):
    """Pebble and the name server it asks: the address of its directory, its root, and the port it validates on."""
    with pebble.started(tmp_path, certificates) as server:
        yield {"directory": server.directory, "root": server.root, "http": server.http}


@pytest.fixture
def certbot(tmp_path, certificates, acme):
    """A function that runs certbot with everything it keeps in the test's folder."""
    folders = [f"--{kind}-dir={tmp_path / 'certbot' / kind}" for kind in ("config", "work", "logs")]
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(certificates / "ca.pem"), "ISAGATE": gateway.binary()}

    def run(*arguments, **variables):
        outcome = subprocess.run(
            ["certbot", *arguments, *folders, "--non-interactive", "--no-random-sleep-on-renew"],
            capture_output=True,
            text=True,
            env={**environment, **variables},
            timeout=patience.seconds(60),
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome

    return run


@pytest.fixture
def lineage(tmp_path, acme, certbot):
    """The folder of the certificate, issued once."""
    account = ["--server", acme["directory"], "--agree-tos", "--register-unsafely-without-email"]
    way = ["--standalone", "--http-01-address", "127.0.0.1", "--http-01-port", str(acme["http"])]
    certbot("certonly", *account, *way, "-d", NAME, "--deploy-hook", HOOK, ISAGATE_CONFIG="/dev/null/none")
    return tmp_path / "certbot/config/live" / NAME


def start(start_gateway, acme, lineage, **sections):
    pair = {"chain": str(lineage / "fullchain.pem"), "key": str(lineage / "privkey.pem")}
    site = {"hosts": [NAME], "certificates": [pair], "routes": [gateway.PING]}
    server = start_gateway(sites=[site], **sections)
    server.authority = acme["root"]
    return server


def serial(server):
    return rotation.serial(server.ports["secure"], server.authority, NAME)


def test_a_renewal_is_served_after_the_deploy_hook_and_loses_no_request(start_gateway, acme, lineage, certbot):
    server = start(start_gateway, acme, lineage, admin={"socket": "admin.sock"})
    before = serial(server)
    with load.Load(server, name=NAME) as clients:
        certbot("renew", "--force-renewal", ISAGATE_CONFIG=str(server.file))
        assert serial(server) != before
        clients.wait_for_answers(20)
    assert clients.failures == []


def test_a_renewal_is_noticed_where_files_are_watched(start_gateway, acme, lineage, certbot):
    server = start(start_gateway, acme, lineage, watch=True)
    before = serial(server)
    certbot("renew", "--force-renewal", ISAGATE_CONFIG=str(server.file.with_name("none")))
    server.log.wait_for("reload: serving generation 2")
    assert serial(server) != before
