"""Bodies that are buffered until they are complete."""

import os
import resource
import shlex
import subprocess
import threading

import gateway as gateways
import hostile_origin
import patience
import pytest
import wire
from hostile_origin import KEEP, head


@pytest.fixture
def origin():
    with hostile_origin.Origin() as origin:
        origin.on("/echo", hostile_origin.echo, KEEP)
        yield origin


@pytest.fixture
def start(start_gateway, origin, tmp_path):
    (tmp_path / "spool").mkdir()

    def start(buffer, retries=1, program=None, **keys):
        folder = {"buffer_folder": str(tmp_path / "spool")}
        return start_gateway(
            [{"path": "/*", "proxy": {"to": "a", "buffer": buffer, **folder, **keys}}],
            upstreams={"a": {"servers": [{"url": origin.url}], "retries": retries}},
            workers=1,
            limits={"request_body": "10M"},
            program=program,
        )

    return start


def open_files(gateway):
    """The files without a name that the gateway process has open."""
    folder = f"/proc/{gateway.gateway_pid}/fd"
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            continue
    return [link for link in links if "/spool/" in link]


@pytest.mark.parametrize("size", [0, 1, 64 << 10, (64 << 10) + 1, 3 << 20])
def test_both_bodies_pass_whole(start, origin, size):
    gateway = start("both")
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    client = gateway.secure()
    for _ in range(2):
        assert client.post("/echo", body).body == body
    assert origin.connections == 1
    patience.until(lambda: not open_files(gateway))


def test_a_server_is_asked_when_the_body_is_whole(start, origin, tmp_path):
    gateway = start("request")
    client = gateway.plain()
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
    assert client.read_response().status == 100
    client.send("20000\r\n" + "x" * 0x20000 + "\r\n")
    patience.until(lambda: open_files(gateway))
    assert not origin.requests and not os.listdir(tmp_path / "spool"), "the file has no name"
    client.send("0\r\n\r\n")
    assert client.read_response().body == b"x" * 0x20000
    (request,) = origin.requests
    assert request["Content-Length"] == str(0x20000) and request["Transfer-Encoding"] is None
    assert request["Expect"] is None


def test_trailers_of_both_are_kept(start, origin):
    def answer(connection):
        connection.read_body()
        connection.send(head("Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n")

    origin.on("/t", answer, KEEP)
    client = start("both").plain()
    client.send("POST /t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Own: 1\r\n\r\n")
    response = client.read_response()
    assert response.text == "ok" and response.trailers == [("x-sum", "2")]
    assert origin.requests[0].trailers == ["X-Own: 1"]


def test_a_held_body_can_be_sent_once_more(start, origin):
    attempts = []

    def break_first(connection):
        attempts.append(connection.read_body())
        if len(attempts) == 1:
            hostile_origin.reset(connection)
        else:
            connection.send(hostile_origin.OK)

    origin.on("/put", break_first, KEEP)
    gateway = start("request")
    client = gateway.plain()
    client.post("/echo", b"to keep a connection")
    client.send(wire.request("/put", "Content-Length: 100000", method="PUT").encode() + b"y" * 100000)
    assert client.read_response().text == "ok\n"
    assert attempts == [b"y" * 100000] * 2


def test_a_response_that_breaks_off_is_answered_502(start, origin):
    origin.on("/cut", head("Content-Length: 100") + b"only this")
    client = start("response").plain()
    assert client.get("/cut").status == 502
    assert client.post("/echo", b"x").text == "x", "the client's connection goes on"


def test_heads_without_bodies_keep_their_length(start, origin):
    origin.on("/head", head("Content-Length: 1000"), KEEP)
    origin.on("/304", head("Content-Length: 1000", status="304 Not Modified"), KEEP)
    client = start("response").plain()
    assert client.get("/head", method="HEAD")["Content-Length"] == "1000"
    assert client.get("/304").status == 304


def test_a_server_is_free_before_a_slow_client_has_its_response(start, origin):
    done = threading.Event()

    def large(connection):
        connection.send(head("Content-Length: 20000000") + b"z" * 20_000_000)
        done.set()

    origin.on("/large", large, KEEP)
    gateway = start("response")
    client = gateway.plain()
    client.send(wire.request("/large"))
    assert done.wait(patience.seconds(10)), "the client has read nothing yet"
    assert client.read_response().body == b"z" * 20_000_000


def test_a_response_that_is_too_large_is_not_begun(start, origin):
    origin.on("/large", head() + b"z" * 200_000)
    gateway = start("response", buffer_limit="100K")
    assert gateway.plain().get("/large").status == 502
    gateway.log.wait_for("response larger than may be held")


@pytest.mark.parametrize("buffer, status, reason", [("request", 507, "request"), ("response", 502, "response")])
def test_no_room_has_a_status_and_a_reason(start, origin, tmp_path, buffer, status, reason):
    gateway = start(buffer)
    (tmp_path / "spool").rmdir()
    client = gateway.plain()
    assert client.post("/echo", b"x" * 100_000).status == status
    assert client.post("/echo", b"x").text == "x"
    gateway.log.wait_for(f"no room to hold the {reason}: No such file or directory")


def test_a_file_that_may_not_grow_has_a_status_and_a_reason(start):
    gateway = start("request")
    resource.prlimit(gateway.gateway_pid, resource.RLIMIT_FSIZE, (100 << 10, 100 << 10))
    client = gateway.plain()
    assert client.post("/echo", b"x" * 300_000).status == 507
    gateway.log.wait_for("no room to hold the request: File too large")
    assert client.post("/echo", b"x" * 90_000).text == "x" * 90_000


@pytest.mark.parametrize("buffer, status, reason", [("request", 507, "request"), ("response", 502, "response")])
def test_a_full_disk_has_a_status_and_a_reason(start, on_small_disk, buffer, status, reason):
    gateway = start(buffer, program=on_small_disk)
    assert gateway.plain().post("/echo", b"x" * 1_000_000).status == status
    gateway.log.wait_for(f"no room to hold the {reason}: No space left on device")
    assert gateway.plain().post("/echo", b"x" * 90_000).text == "x" * 90_000


@pytest.fixture
def on_small_disk(tmp_path):
    """A program that runs the gateway with a disk of 256 KiB in place of the folder for bodies."""
    mount = f"mount -t tmpfs -o size=256k none {shlex.quote(str(tmp_path / 'spool'))}"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    program = tmp_path / "on-small-disk"
    program.write_text(f"#!/bin/sh\n{mount} && exec {shlex.quote(gateways.binary())} \"$@\"\n")
    program.chmod(0o755)
    wrapper = tmp_path / "gateway-on-small-disk"
    wrapper.write_text(f"#!/bin/sh\nexec unshare -m {shlex.quote(str(program))} \"$@\"\n")
    wrapper.chmod(0o755)
    return str(wrapper)


def test_an_upgrade_has_no_body_to_hold(start, origin):
    origin.on("/ws", head("Connection: Upgrade", "Upgrade: echo", status="101 Switching Protocols"), hostile_origin.hang)
    client = start("both").plain()
    assert client.get("/ws", "Connection: Upgrade", "Upgrade: echo").status == 101


def test_a_client_that_goes_away_leaves_nothing(start, origin):
    gateway = start("request")
    client = gateway.plain()
    client.send(wire.request("/echo", "Content-Length: 1000000", method="POST").encode() + b"x" * 500_000)
    patience.until(lambda: open_files(gateway))
    client.close()
    patience.until(lambda: not open_files(gateway))
    assert not origin.requests
