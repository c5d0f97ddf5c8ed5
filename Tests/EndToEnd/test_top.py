"""`isagate top`: on a terminal, and as lines."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import gateway
import patience
import pytest

ADMIN = {"socket": "admin.sock", "bind": "127.0.0.1:0"}


@pytest.fixture
def server(start_gateway):
    return start_gateway([gateway.PING], admin=ADMIN)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, server, *arguments):
        self.master, self.slave = pty.openpty()
        self.resize(30, 100)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [gateway.binary(), "top", *arguments, "--config", str(server.file)],
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.output = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, pattern, start=0):
        end = time.monotonic() + patience.seconds(15)
        while not (match := re.compile(pattern, re.DOTALL).search(self.output, start)):
            assert time.monotonic() < end, f"{pattern!r} is not in {self.output!r}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.output += os.read(self.master, 65536).decode()
        return match.end()

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        status = self.process.wait(patience.seconds(15))
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536).decode()
        return status

    def is_restored(self):
        """The other screen is left, the cursor is visible, and lines are edited and echoed again."""
        shown = self.output.endswith("\x1b[?25h\x1b[?1049l")
        return shown and termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(server):
    terminal = Terminal(server, "--interval", "0.1")
    yield terminal
    terminal.close()


def test_the_screen_is_renewed_until_q_is_pressed(server, terminal):
    shown = terminal.wait_for(r"\x1b\[\?1049h.*requests/s -")
    with server.plain() as client:
        for _ in range(20):
            client.get("/ping")
        shown = terminal.wait_for(r"requests/s [1-9][0-9]*\.[0-9].*total 20", shown)
        terminal.wait_for(r"1 connections of 1 clients", shown - 200)
    terminal.type("q")
    assert terminal.end() == 0
    assert terminal.is_restored()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(terminal, number):
    terminal.wait_for("requests/s")
    terminal.process.send_signal(number)
    assert terminal.end() == 0
    assert terminal.is_restored()


def test_lines_fit_a_window_that_becomes_smaller(terminal):
    terminal.wait_for("requests/s")
    terminal.resize(3, 20)
    end = terminal.wait_for(r"\x1b\[Hisagate \S+  proce[^\r]{0,8}\x1b\[K\r+\n")
    terminal.wait_for(r"\x1b\[J", end)
    screen = re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", terminal.output[terminal.output.rindex("\x1b[H") :])
    assert len(re.split(r"\r+\n", screen)) <= 3
    assert all(len(line) <= 20 for line in re.split(r"\r+\n", screen))


def test_the_end_of_the_gateway_ends_it_with_the_terminal_restored(server, terminal):
    terminal.wait_for("requests/s")
    server.stop()
    assert terminal.end() == 69
    assert terminal.is_restored()


def test_without_a_terminal_it_prints_lines(server):
    outcome = server.command("top", "--interval", "0.1", "--count", "3")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("requests/s -  errors/s -  refused/s -  connections 0  p50 -  p99 -")
    assert lines[2].startswith("requests/s 0.0  errors/s 0.0  refused/s 0.0")


def test_times_and_errors_are_those_of_the_interval(server):
    top = subprocess.Popen(
        [gateway.binary(), "top", "--interval", "0.3", "--config", str(server.file)], stdout=subprocess.PIPE, text=True
    )
    assert top.stdout.readline().startswith("requests/s -")
    with server.plain() as client:
        for _ in range(10):
            client.get("/ping")
        assert re.search(r"p50 [0-9]+ ms  p99 [0-9]+ ms", top.stdout.readline() + top.stdout.readline())
    top.terminate()
    top.wait()
    top.stdout.close()


def test_without_a_gateway_the_exit_code_says_so(server):
    server.stop()
    assert server.command("top", "--count", "1").returncode == 69


@pytest.mark.parametrize("arguments", [["--interval", "0"], ["--count", "0"], ["--interval", "x"]])
def test_a_wrong_command_line_is_refused(server, arguments):
    assert server.command("top", *arguments).returncode == 64
