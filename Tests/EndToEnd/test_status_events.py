"""The events that the status page is made of, as a client without a browser receives them."""

import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess

import gateway
import patience
import pytest
import wire
from test_access import basic, hashed
from test_admin_listener import ask

BIND = {"bind": "127.0.0.1:0"}
PAIR = {"chain": "localhost.pem", "key": "localhost.key"}


class Stream:
    """The events of a stream as they arrive: pairs of a name and its data."""

    def __init__(self, server, *fields):
        self.client = server.raw("admin")
        self.client.send(wire.request("/events", *fields))
        self.head = wire.Response(self.client.read_until(b"\r\n\r\n")[:-4])
        self.text = b""

    def next(self, name=None):
        """The data of the next event of that name; None when the stream has ended properly."""
        while True:
            while b"\n\n" not in self.text:
                size = int(self.client.read_until(b"\r\n"), 16)
                self.text += self.client.read_bytes(size)
                assert self.client.read_bytes(2) == b"\r\n"
                if size == 0:
                    return None
            event, _, self.text = self.text.partition(b"\n\n")
            fields = dict(line.split(": ", 1) for line in event.decode().split("\n") if not line.startswith(":"))
            if "event" in fields and name in (None, fields["event"]):
                return json.loads(fields["data"])

    def last(self):
        """The last state before the stream ends."""
        state = None
        while (following := self.next("status")) is not None:
            state = following
        return state


@pytest.fixture
def server(start_gateway):
    return start_gateway([gateway.PING], admin={**BIND, "socket": "admin.sock"})


def test_the_state_is_sent_every_second(server):
    stream = Stream(server)
    assert (stream.head.status, stream.head["Content-Type"]) == (200, "text/event-stream")
    assert stream.head["Cache-Control"] == "no-store"
    first, second, third = (stream.next("status") for _ in range(3))
    assert first["gateway"]["generation"] == 1 and first["readiness"] == {"ready": True, "reasons": []}
    assert 0.5 < third["now"] - second["now"] < patience.seconds(5)


def test_what_was_counted_follows(server):
    stream = Stream(server)
    before = sum(stream.next("status")["gateway"]["traffic"]["classes"])
    with server.plain() as client:
        for _ in range(3):
            client.get("/ping")
        client.get("/missing")
    patience.until(lambda: sum(stream.next("status")["gateway"]["traffic"]["classes"]) == before + 4)
    state = stream.next("status")
    assert state["gateway"]["traffic"]["classes"][1::2] == [3, 1]
    assert {(row["route"], row["requests"]) for row in state["gateway"]["sites"]["rows"]} == {("respond", 3), ("none", 1)}


def test_the_history_grows_while_nobody_looks(server):
    with server.plain() as client:
        client.get("/ping")

    def counted():
        stream = Stream(server)
        history = stream.next("history")
        # The second one comes after a second.
        stream.next("status"), stream.next("status")
        stream.client.close()
        return sum(sum(classes) for classes in history["classes"])

    patience.until(lambda: counted() == 1, limit=30)


def test_the_number_of_streams_is_bounded(server):
    streams = [Stream(server) for _ in range(16)]
    assert all(stream.head.status == 200 for stream in streams)
    refused = ask(server, "/events")
    assert (refused.status, refused["Retry-After"]) == (503, "5")
    assert "16 status pages are open already" in refused.text
    streams.pop().client.close()
    patience.until(lambda: Stream(server).head.status == 200)
    # All of them are still served.
    for stream in streams:
        assert stream.next("status")["readiness"]["ready"]


def test_a_stream_ends_with_the_drain_that_it_tells_of(server):
    stream = Stream(server)
    stream.next("status")
    with server.plain() as busy:
        # A request in progress, which the drain waits for.
        busy.get("/ping")
        busy.send("GET /ping HTTP/1.1\r\nHost: localhost\r\n")
        server.signal(signal.SIGTERM)
        state = stream.last()
        assert state["isDraining"]
        assert [reason["reason"] for reason in state["readiness"]["reasons"]] == ["draining"]
        busy.send("\r\n")
        assert busy.read_response().status == 200
    assert server.wait() == 0


def test_a_page_that_asks_again_does_not_hold_a_drain_up(start_gateway):
    server = start_gateway([gateway.PING], admin=BIND, drain={"grace": "60s"})
    stream = Stream(server)
    stream.next("status")
    server.signal(signal.SIGTERM)
    assert stream.last()["isDraining"]
    with contextlib.suppress(OSError, EOFError):
        while True:
            assert Stream(server).last()["isDraining"]
    assert server.wait() == 0


def test_a_reload_ends_a_stream_with_what_is_served_then(server):
    stream = Stream(server)
    stream.next("status")
    assert server.command("reload").returncode == 0
    assert stream.last()["gateway"]["generation"] == 2
    patience.until(lambda: Stream(server).next("status")["reloads"])
    last = Stream(server).next("status")["reloads"][0]
    assert (last["succeeded"], last["changes"]) == (True, [])


def test_rules_of_a_reload_hold_for_pages_that_are_open(server, tmp_path):
    stream = Stream(server)
    stream.next("status")
    (tmp_path / "users").write_text(f"alice:{hashed('secret', '$2y$05$abcdefghijklmnopqrstuu')}\n")
    admin = {**server.configuration["admin"], "basic_auth": {"users": str(tmp_path / "users")}}
    server.configure({**server.configuration, "admin": admin})
    assert server.command("reload").returncode == 0
    assert stream.last() is not None
    assert Stream(server).head.status == 401
    assert ask(server, "/").status == 401
    assert Stream(server, basic("alice", "secret")).next("status")["gateway"]["generation"] == 2
    assert ask(server, "/", basic("alice", "secret")).status == 200


def test_a_refused_reload_is_told_with_its_reasons(server):
    stream = Stream(server)
    server.configure({**server.configuration, "sitess": []})
    assert server.command("reload").returncode == 78
    patience.until(lambda: stream.next("status")["reloads"])
    state = stream.next("status")
    assert not state["reloads"][0]["succeeded"] and "unknown key 'sitess'" in state["reloads"][0]["message"]
    assert (state["refusedReloadCount"], state["gateway"]["generation"]) == (1, 1)


def test_it_is_sent_by_http_2(start_gateway):
    server = start_gateway([gateway.PING], admin={**BIND, "certificates": [PAIR]})
    curl = subprocess.Popen(
        ["curl", "-sSN", "--http2", "--cacert", server.authority, "-D", "-", f"https://localhost:{server.ports['admin']}/events"],
        stdout=subprocess.PIPE,
    )
    log = gateway.Log(curl.stdout)
    try:
        log.wait_for(r"^HTTP/2 200")
        log.wait_for(r"^event: status", count=3)
        server.signal(signal.SIGTERM)
        log.wait_for(r'"isDraining":true')
        assert curl.wait(patience.seconds(20)) == 0
    finally:
        curl.kill()
        curl.wait()


def test_a_client_that_does_not_read_is_cut(start_gateway):
    servers = [{"url": f"http://127.0.0.1:{port}"} for port in range(20_000, 21_500)]
    server = start_gateway(
        [gateway.PING, {"path": "/up", "proxy": {"to": "many"}}], admin=BIND,
        upstreams={"many": {"servers": servers}}, limits={"write_timeout": "1s"})  # fmt: skip
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(patience.seconds(60))
    sock.connect(("127.0.0.1", server.ports["admin"]))
    sock.sendall(wire.request("/events").encode())
    server.log.wait_for(r"response cut: response (not taken in time|taken too slowly), client 127.0.0.1")
    sock.close()


def test_a_crash_of_the_gateway_process_is_told_by_its_successor(server):
    Stream(server).next("status")
    first = server.gateway_pid
    os.kill(first, signal.SIGSEGV)

    def is_told():
        # The process that crashes may have accepted the connection.
        with contextlib.suppress(OSError, EOFError):
            state = Stream(server).next("status")
            return state["pid"] != first and state["restarts"]

    patience.until(is_told, limit=30)
    state = Stream(server).next("status")
    assert state["restartCount"] == 1 and f"gateway process {first}" in state["restarts"][0]["text"]


# The page itself


def test_it_is_read_only(server):
    for path in ("/", "/events"):
        assert ask(server, path, "Content-Length: 0", method="POST").status == 405
        response = ask(server, path, method="HEAD")
        assert (response.status, response.body) == (200, b"")


def test_the_page_may_use_nothing_but_what_it_contains(server):
    page = ask(server, "/")
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert (page["X-Content-Type-Options"], page["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert page["Cache-Control"] == "no-store"
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for kind in ("script", "style"):
        (text,) = re.findall(f"<{kind}>(.*)</{kind}>", page.text, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page.text)
    assert len(page.body) < 100_000


@pytest.mark.parametrize("site, status", [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)])
def test_pages_of_other_sites_take_no_stream(server, site, status):
    assert Stream(server, f"Sec-Fetch-Site: {site}").head.status == status


@pytest.mark.parametrize("path", ["/", "/events"])
def test_other_listeners_do_not_serve_it(server, path):
    with server.plain() as client:
        assert client.get(path).status == 404
