"""How a gateway speaks with the Redis in which it shares certificates: TLS, passwords, sentinels."""

import contextlib
import socket
import subprocess

import free_ports
import patience
import pebble
import pytest
from test_acme import is_trusted, sections

PASSWORD = "secret"


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def redis(folder, *settings):
    """A server with these settings; the value is its port."""
    (port,) = free_ports.take(1)
    command = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", folder, *settings]
    if "--tls-port" in command:
        command[command.index("--tls-port") + 1] = str(port)
    else:
        command += ["--port", str(port)]
    with pebble.running(list(map(str, command))):
        patience.until(lambda: answers(port))
        yield port


@pytest.fixture
def authority(tmp_path, certificates):
    with pebble.started(tmp_path, certificates) as server:
        yield server


@pytest.fixture
def start(start_gateway, authority, tmp_path):
    """Starts a gateway with this storage; it has a certificate when the log says so."""

    def start(storage):
        storage = {"folder": str(tmp_path / "copy"), **storage}
        return start_gateway(**sections(authority, tmp_path, {"storage": storage}))

    return start


def test_with_tls_and_a_user(start, authority, tmp_path, certificates):
    (tmp_path / "users").write_text(f"user default off\nuser isagate on >{PASSWORD} ~* &* +@all\n")
    (tmp_path / "password").write_text(PASSWORD + "\n")
    files = ["--tls-cert-file", certificates / "localhost.pem", "--tls-key-file", certificates / "localhost.key"]
    files += ["--tls-ca-cert-file", certificates / "ca.pem", "--tls-auth-clients", "no"]
    with redis(tmp_path, "--port", "0", "--tls-port", "0", *files, "--aclfile", tmp_path / "users") as port:
        server = start(
            {
                "redis": f"rediss://isagate@localhost:{port}/3",
                "password_file": str(tmp_path / "password"),
                "tls": {"ca": str(certificates / "ca.pem")},
            }
        )
        server.log.wait_for("acme: pebble has issued a certificate")
        patience.until(lambda: is_trusted(authority))


def test_a_wrong_password_is_told_without_it(start, tmp_path):
    with redis(tmp_path, "--requirepass", PASSWORD) as port:
        server = start({"redis": f"redis://:not%20it@127.0.0.1:{port}"})
        server.log.wait_for("acme: redis://.*: it refused: WRONGPASS .* and none is ordered until it is back")
        assert "not it" not in server.log.text and "not%20it" not in server.log.text
        status = server.command("acme", "status")
        assert status.returncode == 1 and "WRONGPASS" in status.stdout


def test_a_server_of_another_kind_is_told(start):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = start({"redis": f"redis://127.0.0.1:{listening.getsockname()[1]}"})
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            server.log.wait_for("acme: redis://.*: a reply begins with byte 72, which is no type of RESP")


def test_sentinels_lead_to_the_master_also_after_a_failover(start, authority, tmp_path):
    folders = [tmp_path / name for name in ("first", "second", "sentinel")]
    for folder in folders:
        folder.mkdir()
    (sentinel,) = free_ports.take(1)
    with contextlib.ExitStack() as servers:
        first = servers.enter_context(redis(folders[0]))
        second = servers.enter_context(redis(folders[1], "--replicaof", f"127.0.0.1 {first}"))
        lines = [
            f"port {sentinel}",
            f"dir {folders[2]}",
            f"sentinel monitor state 127.0.0.1 {first} 1",
            "sentinel down-after-milliseconds state 1000",
            "sentinel failover-timeout state 5000",
        ]
        (folders[2] / "sentinel.conf").write_text("\n".join(lines) + "\n")
        servers.enter_context(pebble.running(["redis-server", str(folders[2] / "sentinel.conf"), "--sentinel"]))
        patience.until(lambda: answers(sentinel))

        def ask(port, *words):
            return subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True).stdout

        patience.until(lambda: str(second) in ask(sentinel, "sentinel", "replicas", "state").split())
        patience.until(lambda: "master_link_status:up" in ask(second, "info", "replication"))
        server = start({"redis": f"redis+sentinel://127.0.0.1:{sentinel}/state", "lock_timeout": "5s"})
        server.log.wait_for("acme: pebble has issued a certificate")
        ask(first, "shutdown", "nosave")
        server.log.wait_for("until it is back")
        patience.until(lambda: "role:master" in ask(second, "info", "replication"), 30)
        server.log.wait_for(r"acme: redis\+sentinel://.* is back")
        patience.until(lambda: server.command("acme", "renew", "--force", "gateway.test").returncode == 0, 30)
