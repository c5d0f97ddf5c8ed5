"""Files of access logs that are put aside, and lines that go to syslog."""

import os
import re
import socket

import gateway
import patience
import pytest

PATTERN = r"<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+ isagate \d+ access - (.*)"


def files(server):
    return sorted(name for name in os.listdir(server.folder) if name.startswith("access.log"))


def ask(server, count, size=1000):
    client = server.plain()
    for number in range(count):
        assert client.get(f"/ping?{number:05}", f"X-Long: {'x' * size}").status == 200


def start(start_gateway, rotate, format=None):
    log = {"path": "access.log", "format": format or {"template": "{query} {header.x-long}"}, "rotate": rotate}
    return start_gateway([gateway.PING], log={"access": log})


def test_a_file_is_put_aside_before_it_is_larger_than_its_size_and_no_line_is_lost(start_gateway):
    server = start(start_gateway, {"size": "64K"})
    ask(server, 200)
    server.stop()
    assert files(server) == ["access.log", "access.log.1", "access.log.2", "access.log.3"]
    texts = [(server.folder / name).read_text() for name in reversed(files(server))]
    assert all(len(text) <= 64 << 10 and text.endswith("\n") for text in texts)
    assert all(len(text) > 63 << 10 for text in texts[:3])
    assert [line.split()[0] for line in "".join(texts).splitlines()] == [f"{number:05}" for number in range(200)]


def test_so_many_files_are_kept(start_gateway):
    server = start(start_gateway, {"size": "64K", "keep": 2})
    ask(server, 400)
    server.stop()
    assert files(server) == ["access.log", "access.log.1", "access.log.2"]
    lines = "".join((server.folder / name).read_text() for name in reversed(files(server))).splitlines()
    assert lines[-1].startswith("00399 ") and len(lines) < 200


def test_a_file_of_an_earlier_day_is_put_aside(start_gateway, tmp_path):
    log = tmp_path / "access.log"
    log.write_text("of yesterday\n")
    os.utime(log, (1_700_000_000, 1_700_000_000))
    settings = {"path": str(log), "format": {"template": "{query}"}, "rotate": {"daily": True}}
    server = start_gateway([gateway.PING], log={"access": settings})
    ask(server, 2)
    server.stop()
    assert (tmp_path / "access.log.1").read_text() == "of yesterday\n"
    assert log.read_text() == "00000\n00001\n"


def test_every_file_of_a_w3c_log_begins_with_its_directives(start_gateway):
    server = start(start_gateway, {"size": "64K"}, {"w3c": ["date", "time", "cs-uri-query", "cs(X-Long)"]})
    ask(server, 100)
    server.stop()
    assert files(server) == ["access.log", "access.log.1"]
    for name in files(server):
        lines = (server.folder / name).read_text().splitlines()
        assert [line.split()[0] for line in lines[:4]] == ["#Software:", "#Version:", "#Date:", "#Fields:"]
        assert lines[3] == "#Fields: date time cs-uri-query cs(x-long)"
        assert not any(line.startswith("#") for line in lines[4:])


# Syslog


def receive(receiver):
    receiver.settimeout(patience.seconds(10))
    return receiver.recv(1 << 17).decode()


@pytest.fixture(params=["unix", "udp"])
def daemon(request, tmp_path):
    """A socket that receives messages, and its address in the configuration."""
    if request.param == "unix":
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(str(tmp_path / "log"))
        address = f"unix:{tmp_path}/log"
    else:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("127.0.0.1", 0))
        address = f"udp:127.0.0.1:{receiver.getsockname()[1]}"
    with receiver:
        yield receiver, address


def test_every_line_is_a_message_of_syslog(start_gateway, daemon):
    receiver, address = daemon
    server = start_gateway([gateway.PING], log={"access": {"syslog": address, "format": {"template": "{status} {query}"}}})
    client = server.plain()
    for number in range(3):
        client.get(f"/ping?{number}")
    for number in range(3):
        assert re.fullmatch(PATTERN, receive(receiver))[1] == f"200 {number}"


def test_the_facility_and_the_name_of_the_program_are_chosen(start_gateway, daemon):
    receiver, address = daemon
    syslog = {"to": address, "facility": "daemon", "tag": "edge"}
    server = start_gateway([gateway.PING], log={"access": [{"name": "audit", "syslog": syslog}]})
    server.plain().get("/ping")
    assert re.fullmatch(r"<30>1 \S+ \S+ edge \d+ audit - 127.0.0.1 - - .*", receive(receiver))


def test_a_very_long_line_is_cut_off_and_not_left_out(start_gateway, daemon):
    receiver, address = daemon
    server = start_gateway(
        [gateway.PING], log={"access": {"syslog": address, "format": {"template": "{status} {header.x-long}"}}}
    )
    client = server.plain()
    assert client.get("/ping", f"X-Long: {chr(34) * 30_000}").status == 200
    assert client.get("/ping", "X-Long: short").status == 200
    first, second = receive(receiver), receive(receiver)
    assert len(first) == 64_000 and re.fullmatch(PATTERN, first)[1].startswith(r"200 \x22\x22")
    assert re.fullmatch(PATTERN, second)[1] == "200 short"


def test_lines_wait_for_a_daemon_that_is_started_again(start_gateway, tmp_path):
    path = tmp_path / "log"
    log = {"access": {"syslog": f"unix:{path}", "format": {"template": "{query}"}}}
    server = start_gateway([gateway.PING], log=log)
    server.plain().get("/ping?1")
    server.log.wait_for("error: access log access: .*; its lines are kept in memory")
    for first, last in [("1", "2"), ("3", "4")]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(str(path))
            assert re.fullmatch(PATTERN, receive(receiver))[1] == first
            server.plain().get(f"/ping?{last}")
            assert re.fullmatch(PATTERN, receive(receiver))[1] == last
        path.unlink()
        server.plain().get(f"/ping?{int(last) + 1}")
