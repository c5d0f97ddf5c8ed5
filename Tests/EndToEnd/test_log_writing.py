"""Lines of access logs are written beside the requests: a file that accepts none delays nobody."""

import fcntl
import json
import os
import signal
import threading

import gateway
import patience
import pytest

LINE = 4000
BUFFER = 256 << 10
PIPE = 4096


class SlowFile:
    """A file whose writer has to wait, as for a slow disk: a pipe that is only read when a test says so."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self.reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        # The least that a pipe can hold.
        fcntl.fcntl(self.reader, fcntl.F_SETPIPE_SZ, PIPE)
        self.lines = []
        self.thread = None

    def read(self):
        os.set_blocking(self.reader, True)
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def follow(self):
        with os.fdopen(self.reader) as stream:
            self.lines += stream

    def finish(self):
        """All lines, when the writer has ended."""
        self.thread.join(patience.seconds(15))
        assert not self.thread.is_alive()
        return [line.rstrip("\n") for line in self.lines]


@pytest.fixture
def slow(tmp_path, start_gateway):
    file = SlowFile(tmp_path / "slow")
    log = {"path": str(file.path), "format": {"template": "{query} {header.x-long}"}, "buffer": "256K"}
    file.server = start_gateway([gateway.PING], log={"access": log}, admin={"socket": "admin.sock"})
    return file


def ask(server, count):
    client = server.plain()
    for number in range(count):
        assert client.get(f"/ping?{number}", f"X-Long: {'x' * LINE}").status == 200


def counts(server):
    (log,) = json.loads(server.command("status", "--json").stdout)["gateway"]["accessLogs"]
    return log["lines"], log["lost"]


def test_a_slow_file_delays_no_request_and_loses_nothing_up_to_the_bound(slow):
    count = BUFFER // LINE - 4
    ask(slow.server, count)
    assert counts(slow.server) == (count, 0)
    slow.read()
    slow.server.stop()
    assert [line.split()[0] for line in slow.finish()] == [str(number) for number in range(count)]


def test_what_a_slow_file_loses_is_counted_and_logged(slow):
    count = 4 * BUFFER // LINE
    ask(slow.server, count)
    written, lost = counts(slow.server)
    assert written + lost == count and BUFFER * 9 // 10 < written * LINE <= BUFFER + PIPE
    slow.read()
    slow.server.log.wait_for(f"error: access log access: {lost} lines are lost, because they were not written in time")
    slow.server.stop()
    lines = slow.finish()
    assert [int(line.split()[0]) for line in lines] == list(range(written))
    assert all(len(line.split()[1]) == LINE for line in lines)


def test_lines_of_a_full_disk_are_kept_and_its_error_is_logged_once(start_gateway):
    server = start_gateway(
        [gateway.PING], log={"access": {"path": "/dev/full"}}, admin={"socket": "admin.sock"}
    )
    client = server.plain()
    client.get("/ping?1")
    server.log.wait_for("error: access log access: No space left on device .*; its lines are kept in memory, up to 8388608")
    client.get("/ping?2")
    assert counts(server) == (2, 0)
    server.stop()
    assert server.log.text.count("No space left on device") == 1


def test_kept_lines_go_to_a_file_that_is_opened_again(start_gateway, tmp_path):
    place = tmp_path / "place"
    place.symlink_to("/dev/full")
    server = start_gateway([gateway.PING], log={"access": {"path": str(place), "format": {"template": "{query}"}}})
    client = server.plain()
    client.get("/ping?1")
    server.log.wait_for("error: access log access: No space left on device")
    client.get("/ping?2")
    place.unlink()
    server.signal(signal.SIGUSR1)
    server.log.wait_for("notice: access log access: lines are written again")
    client.get("/ping?3")
    server.stop()
    assert place.read_text() == "1\n2\n3\n"
