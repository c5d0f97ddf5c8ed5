"""certbot gets certificates from an ACME server and makes the gateway load them (RFC 8555)."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import urllib.request

import gateway
import load
import patience
import pytest
import rotation

NAME = "gateway.test"
HOOK = os.path.join(gateway.ROOT, "deploy/certbot-deploy-hook")


def free_ports(count):
    """Ports without a listener; the servers here cannot choose their own."""
    with contextlib.ExitStack() as sockets:
        bound = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in bound]


@pytest.fixture
def acme(tmp_path, certificates):
    """Pebble and the name server it asks: the address of its directory, its root, and the port it validates on."""
    listening, management, http, tls, dns, dns_management = free_ports(6)
    configuration = {
        "listenAddress": f"127.0.0.1:{listening}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(certificates / "localhost.pem"),
        "privateKey": str(certificates / "localhost.key"),
        "httpPort": http,
        "tlsPort": tls,
    }
    file = tmp_path / "pebble.json"
    file.write_text(json.dumps({"pebble": configuration}))
    names = ["pebble-challtestsrv", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]
    names += ["-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{dns_management}"]
    server = ["pebble", "-config", file, "-dnsserver", f"127.0.0.1:{dns}"]
    # Nonces are refused and validations delayed at random, unless configured otherwise.
    environment = {**os.environ, "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_VA_NOSLEEP": "1"}
    with running(names), running(server, environment) as log:
        # It prints that it listens before it does.
        log.wait_for("ACME directory available at")
        patience.until(lambda: all(accepts_connections(port) for port in (listening, management)))
        root = tmp_path / "root.pem"
        context = ssl.create_default_context(cafile=certificates / "ca.pem")
        with urllib.request.urlopen(f"https://localhost:{management}/roots/0", context=context) as answer:
            root.write_bytes(answer.read())
        yield {"directory": f"https://localhost:{listening}/dir", "root": root, "http": http}


def accepts_connections(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(command, environment=None):
    """A process and its log."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    log = gateway.Log(process.stdout)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(patience.seconds(10))
        log.thread.join()


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
