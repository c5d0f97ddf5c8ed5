"""Notifications of the service manager, and the sockets it opens."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess

import gateway
import patience
import pytest
import wire


class NotifySocket:
    """Acts as the service manager."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(patience.seconds(15))

    def next(self):
        """The next message as a mapping, watchdog notifications left out."""
        while True:
            message = dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())
            if "WATCHDOG" not in message:
                return message

    def wait_for_life(self):
        while b"WATCHDOG=1" not in self.socket.recv(4096):
            pass


@pytest.fixture
def manager(tmp_path):
    return NotifySocket(tmp_path / "notify.sock")


def test_ready_reloading_and_stopping_are_announced(start_gateway, manager):
    server = start_gateway([gateway.PING], environment={"NOTIFY_SOCKET": manager.path})
    assert manager.next()["READY"] == "1"
    server.signal(signal.SIGHUP)
    reloading = manager.next()
    assert reloading["RELOADING"] == "1"
    assert int(reloading["MONOTONIC_USEC"]) > 0
    assert manager.next()["READY"] == "1"
    server.signal(signal.SIGTERM)
    assert manager.next()["STOPPING"] == "1"
    assert server.wait() == 0


def test_signs_of_life_go_through_the_event_loops(start_gateway, manager):
    server = start_gateway(
        [gateway.PING], environment={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "300000"}
    )
    for _ in range(3):
        manager.wait_for_life()
    os.kill(server.gateway_pid, signal.SIGSTOP)
    try:
        manager.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(10):
                manager.wait_for_life()
    finally:
        os.kill(server.gateway_pid, signal.SIGCONT)


def test_an_upgrade_keeps_the_service_manager_informed(start_gateway, manager):
    server = start_gateway([gateway.PING], environment={"NOTIFY_SOCKET": manager.path})
    assert manager.next()["READY"] == "1"
    server.signal(signal.SIGUSR2)
    server.log.wait_for("its connections have finished")
    assert manager.next()["READY"] == "1"


def run_activated(folder, configuration, names, sockets):
    """Starts the gateway as the service manager does: descriptors from 3 on, and its own process id in the variables."""
    script = 'export LISTEN_PID=$$; exec "$@"'
    moves = " ".join(f"{3 + position}<&{each.fileno()}" for position, each in enumerate(sockets))
    file = folder / "isagate.yaml"
    file.write_text(configuration)
    return subprocess.Popen(
        ["bash", "-c", f"{script} {moves}", "bash", gateway.binary(), "run", "--config", str(file)],
        env={**os.environ, "LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join(names)},
        pass_fds=[each.fileno() for each in sockets],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


ACTIVATED = """\
version: 1
workers: 2
listeners: { plain: { bind: ["127.0.0.1:0"] } }
sites: [{ hosts: ["*"], routes: [{ path: /ping, respond: { body: pong } }] }]
"""


def listening_socket():
    """A socket as the service manager opens it, with a descriptor that is not overwritten by moving it."""
    server = socket.create_server(("127.0.0.1", 0))
    high = fcntl.fcntl(server, fcntl.F_DUPFD_CLOEXEC, 50)
    server.close()
    return socket.socket(fileno=high)


def test_a_socket_from_the_service_manager_is_served(tmp_path):
    with listening_socket() as server:
        port = server.getsockname()[1]
        process = run_activated(tmp_path, ACTIVATED, ["plain"], [server])
        log = gateway.Log(process.stderr)
        try:
            log.wait_for("notice: ready: ")
            with wire.Client(wire.connect(port)) as client:
                assert client.get("/ping").text == "pong"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(patience.seconds(15)) == 0


def test_a_socket_for_no_listener_is_an_error(tmp_path):
    with listening_socket() as server:
        process = run_activated(tmp_path, ACTIVATED, ["palin"], [server])
        _, errors = process.communicate(timeout=patience.seconds(15))
    assert process.returncode == 78
    assert b"no listener named palin" in errors


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_units_are_valid_and_hardened():
    units = [os.path.join(gateway.ROOT, "deploy", name) for name in ("isagate.service", "isagate.socket")]
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    # The program is not installed where the tests run.
    complaints = [line for line in verified.stderr.splitlines() if "isagate" in line and "not executable" not in line]
    assert complaints == []
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", units[0]], capture_output=True, text=True
    )
    assert rated.returncode == 0, rated.stdout
