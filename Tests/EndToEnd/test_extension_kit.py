"""Extensions in Swift: handlers that block and handlers that suspend, over TLS."""

import contextlib
import os
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess

import gateway
import patience
import pytest
import wire

MEGABYTE = 1 << 20
KINDS = ["blocking", "suspending"]
CONTENT = bytes(range(256)) * 40_960


@pytest.fixture(scope="session")
def libraries():
    """The folder of the extensions, built as a package of its own that depends on this one."""
    build = ["swift", "build", "-c", "release", "--package-path", os.path.join(gateway.ROOT, "Tests/EndToEnd/kit")]
    build += ["--scratch-path", os.path.join(gateway.ROOT, ".build-kit")]
    subprocess.run(build, check=True, capture_output=True)
    return subprocess.check_output([*build, "--show-bin-path"], text=True).strip()


@pytest.fixture(scope="module")
def server(libraries, start_shared_gateway):
    """Both kinds, with a thread each."""
    settings = {kind: {"library": f"{libraries}/lib{kind}.so", "threads": 1} for kind in KINDS}
    routes = [{"path": f"/{kind}/*", "extension": kind} for kind in KINDS]
    return start_shared_gateway([gateway.PING, *routes], settings)


def census(server):
    """How many handlers of /wait, /begin and /stream are there, were cancelled, and wrote how much."""
    return [int(number) for number in server.secure().get("/suspending/census").text.split()]


def reset(client):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_answers(server, kind):
    client = server.secure()
    response = client.get(f"/{kind}/there?q")
    assert (response.status, response.text, response["Content-Length"]) == (200, "Hello/there?q", "13")
    assert client.get(f"/{kind}").text == "Hello?"
    assert client.get(f"/{kind}", method="HEAD")["Content-Length"] == "6"
    assert client.get("/ping").status == 200


def test_the_head_is_the_requests(server):
    lines = server.secure().get("/blocking/head?a=%20b", "X-Given: one", "x-given:  two").text.splitlines()
    assert re.fullmatch(r"GET https localhost(:\d+)? /blocking/head\?a=%20b", lines[0])
    assert lines[-2:] == ["X-Given=one", "x-given=two"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 49_152, 49_153, 1 << 20])
def test_a_body_comes_back(server, kind, size):
    assert server.secure().post(f"/{kind}/echo", CONTENT[:size]).body == CONTENT[:size]


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_over_the_handlers_limit_is_refused(server, kind):
    assert server.secure().post(f"/{kind}/echo", CONTENT[: MEGABYTE + 1]).status == 413


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_body_is_read_as_it_comes(server, kind):
    response = server.secure().post(f"/{kind}/count", CONTENT)
    assert response.text == f"{len(CONTENT)} {sum(CONTENT)}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunked_body_is_read_to_its_end(server, kind):
    client = server.secure()
    client.send(wire.request(f"/{kind}/count", "Transfer-Encoding: chunked", method="POST"))
    for _ in range(40):
        client.send(b"1000\r\n" + b"a" * 4096 + b"\r\n")
    client.send("0\r\n\r\n")
    assert client.read_response().text == f"{40 * 4096} {40 * 4096 * 97}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_response_is_sent_as_it_is_written(server, kind):
    client = server.secure()
    body = client.get(f"/{kind}/stream?{10 * MEGABYTE}").body
    assert body == b"".join(bytes([number]) * 65536 for number in range(160))
    assert client.get("/ping").status == 200


def send_while_reading(client, data):
    """Sends everything, and stores what arrives meanwhile."""
    rest = memoryview(data)
    client.socket.settimeout(0)
    while rest:
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            rest = rest[client.socket.send(rest[:65536]) :]
            continue
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            client.received += client.socket.recv(1 << 16)
            continue
        select.select([client.socket], [client.socket], [], patience.seconds(10))
    client.socket.settimeout(patience.seconds(10))


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_body_is_read_and_written_in_turns(server, kind, listener):
    client = getattr(server, listener)()
    head = wire.request(f"/{kind}/relay", f"Content-Length: {len(CONTENT)}", method="POST")
    send_while_reading(client, head.encode() + CONTENT)
    assert client.read_response().body == CONTENT


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_handler_leaves_unread_does_not_reach_the_next_request(server, kind):
    client = server.secure()
    assert client.post(f"/{kind}/unread", CONTENT[:200_000]).status == 200
    assert client.get(f"/{kind}/next").text == "Hello/next?"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_answered_and_logged(server, kind):
    client = server.secure()
    assert client.get(f"/{kind}/throw?q").status == 500
    assert client.get(f"/{kind}/silent").status == 500
    assert client.get("/ping").status == 200
    server.log.wait_for(f"extension {kind.title()}: GET /{kind}/throw\\?q: Broken\\(\\)")
    server.log.wait_for(f"extension {kind.title()}: GET /{kind}/silent: the handler sent no response")


@pytest.mark.parametrize("kind", KINDS)
def test_a_response_that_an_error_ends_is_not_taken_for_whole(server, kind):
    client = server.plain()
    client.send(wire.request(f"/{kind}/late"))
    client.read_until(b"\r\n\r\n")
    assert not client.read_to_end().endswith(b"0\r\n\r\n")


# Without a thread


def test_suspended_requests_hold_no_thread(server):
    """There is one thread; all of them are answered when the last has come."""
    clients = [server.plain() for _ in range(100)]
    for client in clients:
        client.send(wire.request("/suspending/together?100"))
    assert {client.read_response().text for client in clients} == {"together"}


def test_a_client_that_does_not_read_holds_the_handler_up(server):
    total = 48 * MEGABYTE
    before = census(server)[2]
    client = server.plain()
    client.send(wire.request(f"/suspending/stream?{total}", version="HTTP/1.0"))
    last = -1

    def has_stopped():
        nonlocal last
        last, previous = census(server)[2], last
        return before < last == previous

    patience.until(has_stopped)
    assert last - before < total
    assert len(client.read_to_end()) > total


def test_a_handler_that_does_not_read_holds_the_client_up(server):
    client = server.plain()
    body = CONTENT * 4
    client.send(wire.request("/suspending/later", f"Content-Length: {len(body)}", method="POST"))
    client.socket.settimeout(patience.seconds(0.5))
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < len(body):
            sent += client.socket.send(body[sent : sent + 65536])
    client.socket.settimeout(patience.seconds(10))
    assert server.plain().get("/suspending/open").text == "opened"
    client.send(body[sent:])
    assert client.read_response().text == f"{len(body)} {4 * sum(CONTENT)}"


@pytest.mark.parametrize("path", ["wait", "begin"])
def test_a_handler_is_cancelled_when_its_client_goes(server, path):
    clients = [server.plain() for _ in range(20)]
    for client in clients:
        client.send(wire.request(f"/suspending/{path}"))
    patience.until(lambda: census(server)[0] == 20)
    for client in clients[:10]:
        reset(client)
    for client in clients[10:]:
        client.close()
    patience.until(lambda: census(server)[0] == 0)


def test_a_handler_ends_when_its_client_goes_while_it_writes(server):
    client = server.plain()
    client.send(wire.request(f"/suspending/stream?{1 << 30}"))
    client.read_until(b"\r\n\r\n")
    reset(client)
    patience.until(lambda: census(server)[0] == 0)


# Loading


def test_swift_extensions_are_replaced_while_their_requests_go_on(libraries, start_gateway, tmp_path):
    library = tmp_path / "extension.so"
    shutil.copy(f"{libraries}/libsuspending.so", library)
    server = start_gateway(
        [{"path": "/swift/*", "extension": "swift"}],
        {"swift": {"library": str(library)}},
        admin={"socket": "isagate.sock"},
    )
    waiting = []
    # Only one of the two has this, which shows which one answers.
    for kind, is_blocking in [("blocking", True), ("suspending", False)] * 3:
        if not is_blocking:
            waiting.append(server.plain())
            waiting[-1].send(wire.request("/swift/together?2"))
        os.replace(shutil.copy(f"{libraries}/lib{kind}.so", tmp_path / "new"), library)
        outcome = server.command("reload")
        assert outcome.returncode == 0, outcome.stderr
        assert server.plain().get("/swift/head").text.startswith("GET ") == is_blocking
    assert server.plain().get("/swift/wait-no-longer").status == 200
    reset(waiting.pop())


def test_probe_describes_a_swift_extension(libraries):
    outcome = subprocess.run([gateway.binary(), "probe", f"{libraries}/libsuspending.so"], capture_output=True, text=True)
    assert outcome.returncode == 0 and "version: ISAPI 6.0, Suspending" in outcome.stdout
