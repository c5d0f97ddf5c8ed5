"""Three gateways behind a balancer share accounts, certificates and challenges in a Redis (RFC 8555)."""

import contextlib
import datetime
import ipaddress
import json
import os
import pathlib
import signal
import socket
import ssl

import fleet
import gateway
import network
import patience
import pebble
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GATEWAYS = {"one": "192.0.2.21", "two": "192.0.2.22", "three": "192.0.2.23"}
REDIS, AUTHORITY = "192.0.2.30", "192.0.2.40"
NAMES = [f"name{number}.gateway.test" for number in range(10)]
LOCK_TIMEOUT = 5
BALANCER = """
defaults
    mode tcp
    timeout connect 2s
    timeout client 1m
    timeout server 1m
    retries 3
    option redispatch 1
listen secure
    bind :443
    balance random(1)
    default-server check inter 200ms fall 1 rise 1 on-marked-down shutdown-sessions
{secure}
listen plain
    bind :80
    balance random(1)
    default-server check inter 200ms fall 1 rise 1
{plain}
"""


def self_signed(folder):
    """A certificate for the authority's own address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(AUTHORITY))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "authority.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


class Authority:
    """Pebble on a host of its own, for which every name leads to the balancer."""

    def __init__(self, host, folder):
        self_signed(folder)
        settings = {
            "listenAddress": f"{AUTHORITY}:14000",
            "managementListenAddress": f"{AUTHORITY}:15000",
            "certificate": str(folder / "authority.pem"),
            "privateKey": str(folder / "authority.key"),
            "httpPort": 80,
            "tlsPort": 443,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        names = ["pebble-challtestsrv", "-defaultIPv4", fleet.FLOATING, "-defaultIPv6", ""]
        names += ["-http01", "", "-https01", "", "-tlsalpn01", "", "-dns01", "127.0.0.1:8053", "-management", ":8055"]
        host.start(*names)
        environment = {**os.environ, "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_VA_NOSLEEP": "1"}
        command = ["pebble", "-config", folder / "pebble.json", "-dnsserver", "127.0.0.1:8053"]
        self.running = host.start(*command, env=environment)
        self.log = self.running.log
        self.log.wait_for("ACME directory available at")
        self.root = folder / "root.pem"

        def has_root():
            with host.entered():
                try:
                    context = ssl.create_default_context(cafile=folder / "authority.pem")
                    sock = socket.create_connection((AUTHORITY, 15000), timeout=patience.seconds(5))
                except OSError:
                    return False
            with context.wrap_socket(sock, server_hostname=AUTHORITY) as secure:
                secure.sendall(b"GET /roots/0 HTTP/1.0\r\n\r\n")
                answer = b""
                while part := secure.recv(65536):
                    answer += part
            self.root.write_bytes(answer.split(b"\r\n\r\n", 1)[1])
            return True

        patience.until(has_root)

    def orders(self):
        """How many it was asked for."""
        return count(self.log, "POST /order-plz")


class Redis:
    def __init__(self, host, folder):
        self.host, self.folder = host, folder
        self.launch()

    def launch(self):
        command = ["redis-server", "--bind", REDIS, "--protected-mode", "no", "--save", "", "--appendonly", "no"]
        self.running = self.host.start(*command, "--dir", self.folder)
        self.running.log.wait_for("Ready to accept connections")

    def command(self, *words):
        return self.host.run("redis-cli", "-h", REDIS, *words).stdout


class Member:
    """A gateway with a folder of its own and the common Redis."""

    def __init__(self, host, folder, challenge):
        self.host = host
        self.folder = folder / host.name
        self.folder.mkdir()
        configuration = {
            "version": 1,
            "listeners": {"secure": {"bind": "0.0.0.0:443", "tls": {}}, "plain": {"bind": "0.0.0.0:80"}},
            "admin": {"socket": str(self.folder / "admin.sock")},
            "acme": {
                "pebble": {
                    "directory": f"https://{AUTHORITY}:14000/dir",
                    "ca": str(folder / "authority.pem"),
                    "contact": "admin@gateway.test",
                    "terms_agreed": True,
                    "challenge": challenge,
                    "storage": {
                        "redis": f"redis://{REDIS}",
                        "folder": str(self.folder / "acme"),
                        "lock_timeout": f"{LOCK_TIMEOUT}s",
                    },
                }
            },
            "watch": True,
            "sites": [
                {"hosts": [name], "certificates": "acme", "routes": [{"path": "/ping", "respond": "pong\n"}]}
                for name in NAMES
            ],
        }
        self.file = self.folder / "isagate.yaml"
        self.file.write_text(yaml.safe_dump(configuration))
        self.launch()

    def launch(self):
        self.running = self.host.start(gateway.binary(), "run", "--config", self.file)
        self.running.log.wait_for(" notice: ready: ")

    def command(self, *words):
        return self.host.run(gateway.binary(), "acme", *words, "--config", self.file)

    @contextlib.contextmanager
    def without(self, address):
        """Packets to an address are dropped, as by a network that has parted."""
        self.host.run("ip", "route", "add", "blackhole", f"{address}/32")
        try:
            yield
        finally:
            self.host.run("ip", "route", "delete", "blackhole", f"{address}/32")

    def ask_for_renewal(self, name):
        """Does not wait for it."""
        return self.host.start(gateway.binary(), "acme", "renew", "--force", name, "--config", self.file)

    def serial(self, name=NAMES[0]):
        """Of the certificate that this gateway shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self.host.entered():
            sock = socket.create_connection(("127.0.0.1", 443), timeout=patience.seconds(10))
        with context.wrap_socket(sock, server_hostname=name) as secure:
            return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True)).serial_number


class Fleet:
    def __init__(self, hosts, folder, challenge):
        store = hosts.host("redis", REDIS)
        self.authority = Authority(hosts.host("authority", AUTHORITY), folder)
        places = {name: hosts.host(name, address) for name, address in GATEWAYS.items()}
        balancer = hosts.host("balancer", "192.0.2.11", fleet.FLOATING)
        self.client = hosts.host("client", "192.0.2.100")

        def servers(port):
            return "\n".join(f"    server {name} {address}:{port}" for name, address in GATEWAYS.items())

        file = folder / "haproxy.cfg"
        file.write_text(BALANCER.format(secure=servers(443), plain=servers(80)))
        balancer.start("haproxy", "-db", "-f", file)
        self.members = [Member(host, folder, challenge) for host in places.values()]
        # Nobody orders before that, so that every gateway is there to be asked.
        self.redis = Redis(store, folder)
        self.renewals = 0

    def wait_until_issued(self):
        """Until all gateways show the same certificate, for every name."""

        def is_issued():
            serials = [[member.serial(name) for name in NAMES] for member in self.members]
            return serials[0] == serials[1] == serials[2] and self.issued() >= len(NAMES)

        patience.until(is_issued, 60)

    def issued(self):
        """How many certificates the gateways say that they got."""
        return sum(count(member.running.log, "has issued a certificate") for member in self.members)

    def holder(self):
        """The gateway that orders; None without one."""
        words = self.redis.command("GET", "{isagate:acme}:lock").split()
        pid = words[-1].split(":")[1] if words else None
        return next((member for member in self.members if pid in pids(member)), None)

    def command(self, *words):
        """What the gateway answers that orders; None when there is none."""
        holder = self.holder()
        return holder and holder.command(*words)

    def renew(self):
        """Every name."""
        holder = self.holder()
        commands = [holder.ask_for_renewal(name) for name in NAMES]
        for command in commands:
            assert command.wait(60) == 0, command.log.text
        self.renewals += len(NAMES)

    def clients(self):
        return fleet.Clients(self.client, self.authority.root, count=8, pause=0.2, fresh=2, name=NAMES[0])


def pids(member):
    supervisor = member.running.process.pid
    try:
        return pathlib.Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    except FileNotFoundError:
        return []


def count(log, text):
    return sum(text in line for line in list(log.lines))


@pytest.fixture
def started(tmp_path):
    network.required()
    with network.Network() as hosts:
        yield lambda challenge: Fleet(hosts, tmp_path, challenge)


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_one_gateway_orders_and_any_answers(started, challenge):
    members = started(challenge)
    members.wait_until_issued()
    # One order in all for each name, although each challenge was asked for at any of them.
    assert members.issued() == len(NAMES)
    assert members.authority.orders() == len(NAMES)


def test_renewals_go_on_through_every_failure(started):
    """50 renewals under load, while Redis is killed, cut off and restarted, and the gateway that orders is killed."""
    members = started("http-01")
    members.wait_until_issued()
    with members.clients() as clients:
        members.renew()

        # Without Redis nobody orders, and everything is served. It comes back empty.
        members.redis.running.kill()
        for member in members.members:
            member.running.log.wait_for("certificates in hand are served, and none is ordered until it is back", count=2)
        assert members.command("renew", "--force", NAMES[0]) is None
        clients.wait_for_answers(100)
        members.redis.launch()
        for member in members.members:
            member.running.log.wait_for(r"acme: redis://\S+ is back", count=2)
        patience.until(members.holder)
        members.renew()

        # The gateway that orders is cut off from Redis: another one orders when its lock has ended.
        cut_off = members.holder()
        with cut_off.without(REDIS):
            patience.until(lambda: members.holder() not in (None, cut_off), 30)
            refused = cut_off.command("renew", "--force", NAMES[0])
            assert (refused.returncode, f"redis://{REDIS}:6379" in refused.stderr) == (1, True), refused
        cut_off.running.log.wait_for(r"acme: redis://\S+ is back", count=3)
        members.renew()

        # All are cut off from it.
        members.redis.host.pull_cable()
        clients.wait_for_answers(100)
        members.redis.host.plug_cable()
        patience.until(members.holder, 30)
        members.renew()
    assert clients.outcome.failures == []

    # It dies in the middle of an order, with the connections that it has; another one goes on with the order.
    dying = members.holder()
    before, old = members.authority.orders(), dying.serial(NAMES[1])
    dying.ask_for_renewal(NAMES[1])
    patience.until(lambda: members.authority.orders() > before)
    dying.running.kill()
    patience.until(lambda: members.holder() not in (None, dying), 30)
    patience.until(lambda: members.holder().serial(NAMES[1]) != old, 30)
    assert members.authority.orders() == before + 1
    dying.launch()
    with members.clients() as clients:
        members.renew()
        assert members.renewals == 50
        patience.until(lambda: len({member.serial(NAMES[0]) for member in members.members}) == 1)
    assert clients.outcome.failures == []
    # Each renewal was ordered once, and each first certificate.
    assert members.authority.orders() == len(NAMES) + members.renewals + 1


def test_a_gateway_starts_with_what_it_has_copied(started):
    members = started("http-01")
    members.wait_until_issued()
    serial = members.members[1].serial()
    members.redis.running.kill()
    member = members.members[1]
    member.running.signal(signal.SIGTERM)
    assert member.running.wait(60) == 0
    member.launch()
    assert member.serial(NAMES[0]) == serial
    assert members.authority.orders() == len(NAMES)
