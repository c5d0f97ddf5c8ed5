"""Long work of a command shows on a terminal how far it is, and elsewhere nothing."""

import json
import os
import pty
import re
import subprocess

import authority
import gateway
import patience
import pytest
import wire

ADMIN = {"socket": "admin.sock"}


class Terminal:
    """A command whose standard error is a terminal."""

    def __init__(self, server, *arguments):
        self.end, other = pty.openpty()
        command = [gateway.binary(), *arguments, "--config", str(server)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=other)
        os.close(other)
        self.text = ""

    def read(self):
        """False at the end."""
        try:
            piece = os.read(self.end, 4096)
        except OSError:
            return False
        self.text += piece.decode()
        return bool(piece)

    def wait_for(self, pattern):
        while not re.search(pattern, self.text):
            assert self.read(), f"{pattern} is not in {self.text!r}"

    def finish(self):
        while self.read():
            pass
        self.process.stdout.close()
        os.close(self.end)
        return self.process.wait(patience.seconds(30))


@pytest.fixture
def held(start_gateway, tmp_path):
    """A gateway with a request under way, and a function that lets it end."""
    os.mkfifo(tmp_path / "hold")
    server = start_gateway(
        extensions=["lifetime"], environment={"ISAGATE_TEST_FOLDER": str(tmp_path)}, admin=ADMIN
    )
    client = server.secure()
    client.send(wire.request("/lifetime?held"))
    hold = open(tmp_path / "hold", "w")
    yield server, client, hold.close
    hold.close()


@pytest.mark.parametrize("command", ["drain", "stop"])
def test_a_drain_shows_the_connections_that_are_left(held, command):
    server, client, let_go = held
    terminal = Terminal(server.file, command)
    terminal.wait_for("draining: 1 connection is left")
    let_go()
    assert client.read_response().status == 200
    assert terminal.finish() == 0
    assert terminal.text.endswith("\r\x1b[K"), "the line is erased in the end"


def test_a_drain_without_a_terminal_shows_nothing(held):
    server, client, let_go = held
    command = [gateway.binary(), "drain", "--config", str(server.file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    server.log.wait_for("draining")
    patience.until(lambda: "draining: " in server.command("status").stdout)
    let_go()
    assert client.read_response().status == 200
    assert process.communicate(timeout=patience.seconds(30)) == ("", "")


def test_the_state_can_be_asked_during_a_drain(held):
    server, client, let_go = held
    process = subprocess.Popen([gateway.binary(), "drain", "--config", str(server.file)])
    server.log.wait_for("draining")
    outcome = server.command("status")
    assert outcome.returncode == 0 and "1 connections of 1 clients" in outcome.stdout
    let_go()
    assert client.read_response().status == 200
    assert process.wait(patience.seconds(30)) == 0


def test_a_check_of_many_certificates_shows_how_many_are_read(tmp_path):
    issuer = authority.Authority(tmp_path, "operators")
    pairs = [issuer.issue(f"site{number}", [f"s{number}.test"], number + 1) for number in range(4000)]
    sites = [
        {**gateway.site([gateway.PING], [f"s{number}.test"]), "certificates": [pair]}
        for number, pair in enumerate(pairs)
    ]
    file = tmp_path / "isagate.yaml"
    file.write_text(json.dumps({"version": 1, "listeners": gateway.LISTENERS, "sites": sites}))
    terminal = Terminal(file, "check")
    terminal.wait_for(r"checking certificates: \d+ of 8000 files")
    assert terminal.finish() == 0
    assert "\r\x1b[K" in terminal.text


def test_a_check_of_a_moment_shows_nothing(start_gateway):
    server = start_gateway([gateway.PING], admin=ADMIN)
    terminal = Terminal(server.file, "check")
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.text
