"""HTTP/2 as browsers and other clients use it: every kind of route, both directions, and the end of connections."""

import hashlib
import json
import os
import shutil
import signal
import ssl
import struct
import subprocess

import browser
import gateway
import hostile_origin
import http2
import patience
import pytest
import rotation
import wire
from http2 import DATA, GOAWAY, HEADERS, PING, RST_STREAM, fields, frame, reset, settings, window_update


@pytest.fixture
def start(start_gateway, tmp_path):
    """A function that starts a gateway which speaks HTTP/2 on both listeners and serves files at /files/."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "small.txt").write_text("hello\n")
    (folder / "big.bin").write_bytes(os.urandom(1_000_000))

    def start(routes=(), extensions=(), **sections):
        files = {"path": "/files/*", "files": {"root": str(folder), "strip_prefix": "/files"}}
        sections.setdefault("listeners", http2.LISTENERS)
        started = start_gateway([gateway.PING, *routes, files], extensions, **sections)
        started.files = folder
        return started

    return start


# Negotiation


def negotiated(server, *offered):
    context = ssl.create_default_context(cafile=server.authority)
    if offered:
        context.set_alpn_protocols(list(offered))
    with wire.start_tls(wire.connect(server.ports["secure"]), context, "localhost", None) as sock:
        return sock.selected_alpn_protocol()


def test_the_first_protocol_that_both_know_is_chosen(start):
    server = start()
    assert negotiated(server, "http/1.1", "h2") == "h2"
    assert negotiated(server, "http/1.1") == "http/1.1"
    assert negotiated(server) is None
    assert server.secure().get("/ping").version == "HTTP/1.1"


def test_a_plain_listener_speaks_it_to_those_who_know(start):
    server = start()
    assert http2.connect(server, "plain").get(scheme="http").text == "pong\n"
    assert server.plain().get("/ping").text == "pong\n"
    client = server.plain()
    client.send("P")
    client.send("OST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    assert client.read_response().status == 200


def test_a_plain_listener_speaks_it_to_nobody_unless_told(start):
    server = start(listeners={"plain": {"bind": ["127.0.0.1:0"]}})
    client = server.plain()
    client.send(http2.PREFACE)
    assert client.read_response().status == 505


def test_there_is_no_upgrade_from_http_1(start):
    response = start().plain().get("/ping", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: ")
    assert (response.status, response.version) == (200, "HTTP/1.1")


FORBIDDEN = "ECDHE-ECDSA-AES128-SHA256"


def test_a_client_whose_cipher_http_2_forbids_gets_http_1(start):
    ciphers = [FORBIDDEN, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"]
    tls = {"alpn": ["h2", "http/1.1"], "ciphers": ciphers}
    server = start(listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": tls}})

    def protocol(cipher):
        command = ["curl", "-sk", "--http2", "--tls-max", "1.2", "--ciphers", cipher, "-o", "/dev/null", "-w", "%{http_version}"]
        return subprocess.check_output([*command, server.url("/ping")], text=True)

    assert (protocol(FORBIDDEN), protocol("ECDHE-ECDSA-AES128-GCM-SHA256")) == ("1.1", "2")


def test_a_configuration_without_a_cipher_for_http_2_is_refused(start):
    server = start()
    tls = {"alpn": ["h2"], "max": "1.2", "ciphers": [FORBIDDEN, "ECDHE-RSA-AES128-SHA256"]}
    configuration = {**server.configuration, "listeners": {"secure": {"bind": ["127.0.0.1:0"], "tls": tls}}}
    server.file.write_text(json.dumps(configuration))
    assert "alpn offers h2, but HTTP/2 allows none of these ciphers" in server.command("check").stderr


# Requests and responses


def test_responses_have_what_they_have_on_http_1(start):
    server = start()
    client = http2.connect(server)
    response = client.get("/ping")
    assert (response.status, response.text) == (200, "pong\n")
    assert response["server"] == "isagate" and response["content-length"] == "5" and response["date"]
    assert response["connection"] is None
    head = client.get("/ping", method="HEAD")
    assert (head.status, head.body, head["content-length"]) == (200, b"", "5")
    assert client.get("/nothing").status == 404
    assert client.get("/files/small.txt").text == "hello\n"


def test_repeated_fields_become_indices(start):
    client = http2.connect(start())

    def has_small_head():
        client.get("/ping")
        sizes = [len(got.payload) for got in client.frames if got.kind == HEADERS]
        return sizes[-1] < sizes[0] / 2

    # Date is a literal once in each second, and for a second it may share its place among the fields that were seen.
    patience.until(has_small_head)


def test_many_requests_at_once_are_answered(start):
    server = start(extensions=["hello", "pending"])
    client = http2.connect(server)
    paths = ["/ping", "/hello", "/pending", "/files/small.txt"] * 25
    streams = [client.open(fields(path)) for path in paths]
    waiting = set(streams)
    while waiting:
        got = client.read_frame()
        assert got is not None and got.kind not in (RST_STREAM, GOAWAY)
        if got.ends_stream:
            waiting.remove(got.stream)


def test_files_are_sent_in_ranges_and_whole(start):
    server = start()
    client = http2.connect(server)
    content = (server.files / "big.bin").read_bytes()
    response = client.get("/files/big.bin")
    assert response.body == content
    part = client.get("/files/big.bin", more=[("range", "bytes=1000-200999")])
    assert (part.status, part.body) == (206, content[1000:201000])
    several = client.get("/files/big.bin", more=[("range", "bytes=0-9,100-109")])
    assert several.status == 206 and content[100:110] in several.body
    same = client.get("/files/big.bin", more=[("if-none-match", response["etag"])])
    assert (same.status, same.body) == (304, b"")


def test_responses_are_compressed(start):
    server = start(
        [{"path": "/text", "respond": {"status": 200, "body": "word " * 2000, "headers": {"Content-Type": "text/plain"}},
          "compress": {}}]
    )
    response = http2.connect(server).get("/text", more=[("accept-encoding", "gzip")])
    assert response["content-encoding"] == "gzip" and len(response.body) < 1000


def test_a_body_reaches_an_extension_and_comes_back(start):
    server = start(extensions=["echo"])
    client = http2.connect(server)
    assert client.post("/echo", b"abc").body == b"abc"
    assert client.post("/echo", b"abc", more=[("content-length", "3")]).body == b"abc"
    assert client.post("/echo", b"x" * 60_000, pieces=7).body == b"x" * 60_000
    assert client.post("/echo", b"").body == b""


def test_windows_open_as_a_body_is_used(start):
    server = start(extensions=["echo"])
    body = server.files / "big.bin"
    sent = subprocess.run(
        ["curl", "-sk", "--http2", "--data-binary", f"@{body}", server.url("/echo")], capture_output=True, check=True)
    assert hashlib.sha256(sent.stdout).digest() == hashlib.sha256(body.read_bytes()).digest()


def test_a_client_that_waits_for_100_gets_it(start):
    client = http2.connect(start(extensions=["echo"]))
    stream = client.open(fields("/echo", "POST", more=[("expect", "100-continue"), ("content-length", "3")]), ends=False)
    got = client.read_until(lambda got: got.kind == HEADERS)
    assert got.names == [(":status", "100")] and not got.ends_stream
    client.send_content(stream, b"abc")
    assert client.response(stream).body == b"abc"


def test_an_early_answer_tells_the_client_to_stop_sending(start):
    client = http2.connect(start())
    stream = client.open(fields("/ping", "POST"), ends=False)
    response = client.response(stream)
    assert (response.status, response.text) == (200, "pong\n")
    got = client.read_until(lambda got: got.kind == RST_STREAM)
    assert (got.stream, got.code) == (stream, "NO_ERROR")
    # What was on its way does no harm.
    client.send(frame(DATA, 0, stream, b"x" * 1000))
    assert client.get().status == 200


def test_a_body_beyond_the_limit_is_refused(start):
    client = http2.connect(start(extensions=["echo"], limits={"request_body": 1000}))
    assert client.post("/echo", b"x" * 2000).status == 413
    assert client.post("/echo", b"x" * 2000, more=[("content-length", "2000")]).status == 413
    assert client.get().status == 200


def test_an_extension_is_told_of_the_request(start):
    client = http2.connect(start(extensions=["variables"]))
    response = client.get("/variables?SERVER_PROTOCOL")
    assert response.text == "SERVER_PROTOCOL=HTTP/2.0 (9)\n"
    raw = client.get("/variables?ALL_RAW", more=[("x-test", "a b"), ("cookie", "a=b"), ("cookie", "c=d")])
    lines = raw.text.removeprefix("ALL_RAW=").split("\r\n")
    assert "x-test: a b" in lines and "cookie: a=b; c=d" in lines and "host: localhost" in lines
    assert client.get("/variables?HTTP_X_TEST", more=[("x-test", "y")]).text == "HTTP_X_TEST=y (2)\n"
    assert client.get("/variables?HTTPS").text == "HTTPS=on (3)\n"


def test_the_access_log_names_the_protocol(start):
    server = start(log={"access": {"path": "access.log", "format": "json"}})
    http2.connect(server).get("/ping")
    log = server.folder / "access.log"
    patience.until(lambda: log.exists() and log.read_text().strip())
    entry = json.loads(log.read_text().splitlines()[0])
    assert (entry["protocol"], entry["path"], entry["status"]) == ("HTTP/2.0", "/ping", 200)


PAGE = """<!doctype html><script>
async function read() {
  const paths = Array.from({ length: 200 }, (_, number) => "/files/" + number + ".txt");
  const texts = await Promise.all(paths.map(async path => (await fetch(path)).text()));
  const protocols = performance.getEntriesByType("resource").map(entry => entry.nextHopProtocol);
  return [texts.map(text => text.length), Array.from(new Set(protocols))];
}
</script>"""


@browser.needed
def test_a_browser_loads_a_page_of_200_files(start, tmp_path):
    server = start([{"path": "/page", "respond": {"status": 200, "body": PAGE, "headers": {"Content-Type": "text/html"}}}])
    for number in range(200):
        (server.files / f"{number}.txt").write_text("x" * (number * 331))
    with browser.opened(tmp_path) as window:
        window.call("Security.enable")
        window.call("Security.setIgnoreCertificateErrors", ignore=True)
        window.show(server.url("/page"), 800, 600)
        lengths, protocols = window.evaluate("read()")
    assert lengths == [number * 331 for number in range(200)]
    assert protocols == ["h2"]


# Proxy


@pytest.fixture
def start_behind(start, origin):
    def start_behind(**proxy):
        return start(
            [{"path": "/up/*", "proxy": {"to": "origin", **proxy}}], upstreams={"origin": {"servers": [{"url": origin.url}]}})

    return start_behind


def test_a_request_is_passed_on_as_http_1(start_behind, origin):
    origin.on("/up/a", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-gone\r\nX-Gone: 1\r\nX-Kept: 2\r\n\r\nok")
    client = http2.connect(start_behind())
    response = client.get("/up/a", more=[("x-asked", "1"), ("te", "trailers")])
    assert (response.status, response.text, response["x-kept"], response["x-gone"]) == (200, "ok", "2", None)
    asked = origin.requests[0]
    assert asked["x-asked"] == "1" and asked["te"] is None and asked["host"] == "localhost"
    assert "2.0 isagate" in asked["via"]


def test_interim_responses_and_trailers_of_a_server_pass(start_behind, origin):
    origin.on(
        "/up/a",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n",
    )
    response = http2.connect(start_behind()).get("/up/a")
    assert [(made.status, made["link"]) for made in response.interim] == [(103, "</a>")]
    assert (response.body, response.trailers) == (b"abc", [("x-sum", "7")])


def test_request_trailers_are_no_fields_of_the_head(start_behind, origin):
    origin.on("/up/a", hostile_origin.echo)
    client = http2.connect(start_behind())
    stream = client.open(fields("/up/a", "POST"), ends=False)
    client.send(frame(DATA, 0, stream, b"abc"), client.headers([("x-sum", "7")], stream))
    assert client.response(stream).body == b"abc"
    assert origin.requests[0]["x-sum"] is None


def test_both_bodies_move_at_once(start_behind, origin):
    origin.on("/up/a", hostile_origin.echo)
    client = http2.connect(start_behind())
    response = client.post("/up/a", b"y" * 50_000, pieces=1000)
    assert response.body == b"y" * 50_000


def test_a_response_that_is_cut_off_is_reset(start_behind, origin):
    origin.on("/up/a", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    client = http2.connect(start_behind())
    response = client.response(client.open(fields("/up/a")))
    assert (response.status, response.reset) == (200, "INTERNAL_ERROR")
    assert client.get().status == 200


# Flow control and priorities


def test_a_stream_whose_window_is_closed_holds_up_no_other(start):
    client = http2.connect(start(), preface=http2.PREFACE + settings((4, 1000)))
    slow = client.open(fields("/files/big.bin"))
    client.read_until(lambda got: got.kind == DATA and got.stream == slow)
    for _ in range(20):
        assert client.get("/ping").status == 200
    client.send(window_update(slow, 1 << 20), window_update(0, 1 << 20))
    received = 1000
    while received < 1_000_000:
        received += len(client.read_until(lambda got: got.kind == DATA and got.stream == slow).payload)


def test_windows_and_frame_sizes_of_the_client_are_heeded(start):
    client = http2.connect(start(), preface=http2.PREFACE + settings((4, 10)))
    stream = client.open(fields("/files/big.bin"))
    got = client.read_until(lambda got: got.kind == DATA)
    assert len(got.payload) == 10
    client.send(window_update(stream, 5))
    assert len(client.read_until(lambda got: got.kind == DATA).payload) == 5
    client.send(settings((4, 1)))
    assert client.ping()
    client.send(window_update(stream, 9))
    # The setting has made the window smaller than nothing; this has made it 0.
    assert client.ping()
    client.send(window_update(stream, 3))
    assert len(client.read_until(lambda got: got.kind == DATA).payload) == 3


def test_an_urgent_response_goes_first(start):
    client = http2.connect(start(), preface=http2.PREFACE + settings((4, 1 << 20)))
    # The connection's window is used up by the first.
    client.answers = False
    later = client.open(fields("/files/big.bin", more=[("priority", "u=6")]))
    received = 0
    while received < 65535:
        received += len(client.read_until(lambda got: got.kind == DATA).payload)
    urgent = client.open(fields("/files/big.bin", more=[("priority", "u=0")]))
    client.read_until(lambda got: got.kind == HEADERS and got.stream == urgent)
    client.send(window_update(0, 100_000))
    order = []
    received = 0
    while received < 100_000:
        got = client.read_until(lambda got: got.kind == DATA)
        received += len(got.payload)
        order.append(got.stream)
    assert set(order) == {urgent}, (later, urgent, order)


# Coalescing


def test_a_site_with_another_certificate_wants_a_connection_of_its_own(start):
    def site(host, chain):
        return {"hosts": [host], "certificates": [{"chain": f"{chain}.pem", "key": f"{chain}.key"}], "routes": [gateway.PING]}

    server = start(sites=[site("localhost", "localhost"), site("127.0.0.1", "localhost-rsa"), site("[::1]", "localhost")])
    client = http2.connect(server)
    assert client.get("/ping", authority="localhost").status == 200
    assert client.get("/ping", authority="[::1]").status == 200
    assert client.get("/ping", authority="127.0.0.1").status == 421
    assert client.get("/ping", authority="localhost").status == 200


# Resets


@pytest.mark.parametrize("path", ["/ping", "/hello", "/pending", "/echo", "/files/big.bin", "/slow", "/nothing"])
@pytest.mark.parametrize("moment", ["at once", "behind the head", "behind content"])
def test_a_reset_ends_one_stream_alone(start, path, moment):
    server = start(extensions=["hello", "pending", "echo", "slow"])
    client = http2.connect(server)
    for _ in range(20):
        has_body = path == "/echo"
        stream = client.open(fields(path, "POST" if has_body else "GET"), ends=not has_body)
        if moment != "at once":
            assert client.ping()
        if moment == "behind content" and has_body:
            client.send(frame(DATA, 0, stream, b"abc"))
            assert client.ping()
        client.send(reset(stream))
    assert client.get("/ping").status == 200
    assert client.post("/echo", b"abc").body == b"abc"


def test_streams_end_with_their_connection(start):
    server = start(extensions=["pending", "echo"])
    client = http2.connect(server)
    for _ in range(20):
        client.open(fields("/pending"))
        client.open(fields("/echo", "POST"), ends=False)
        client.open(fields("/files/big.bin"))
    assert client.ping()
    client.close()
    assert http2.connect(server).get("/ping").status == 200


# The end of connections


def test_a_drain_tells_the_client_in_two_steps(start):
    server = start(extensions=["pending"])
    client = http2.connect(server)
    stream = client.open(fields("/pending"))
    assert client.ping()
    server.signal(signal.SIGTERM)
    first = client.read_until(lambda got: got.kind == GOAWAY)
    assert struct.unpack(">I", first.payload[:4])[0] == (1 << 31) - 1 and first.code == "NO_ERROR"
    # A request that was on its way is still answered.
    late = client.open(fields("/ping"))
    ping = client.read_until(lambda got: got.kind == PING and not got.flags & 1)
    client.send(frame(PING, 1, 0, ping.payload))
    answered, last = set(), None
    while (got := client.read_frame()) is not None:
        if got.kind == GOAWAY:
            last = struct.unpack(">I", got.payload[:4])[0]
        if got.ends_stream:
            answered.add(got.stream)
    assert last == late and {stream, late} <= answered | {ended.stream for ended in client.frames if ended.ends_stream}
    assert server.wait() == 0


def test_a_client_that_does_not_answer_is_told_as_well(start):
    server = start()
    client = http2.connect(server)
    assert client.ping()
    server.signal(signal.SIGTERM)
    while client.read_frame() is not None:
        pass
    assert [got.code for got in client.frames if got.kind == GOAWAY] == ["NO_ERROR", "NO_ERROR"]
    assert server.wait() == 0


def test_a_connection_ends_after_so_many_requests(start):
    client = http2.connect(start(limits={"http2": {"requests": 5}}))
    for _ in range(5):
        assert client.get().status == 200
    assert client.read_until(lambda got: got.kind == GOAWAY).code == "NO_ERROR"


def test_an_idle_connection_is_ended(start):
    client = http2.connect(start(limits={"idle_timeout": "300ms"}))
    assert client.get().status == 200
    assert client.read_until(lambda got: got.kind == GOAWAY).code == "NO_ERROR"
    assert client.read_frame() is None


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2, signal.SIGTERM, signal.SIGQUIT])
def test_a_thousand_requests_under_way_are_answered_through_it(start, number):
    """A reload leaves connections as they are; an upgrade and a drain have them end when all is answered."""
    server = start(extensions=["pending"])
    clients = [http2.connect(server) for _ in range(16)]
    streams = {client: {client.open(fields("/pending")) for _ in range(62)} for client in clients}
    for client in clients:
        assert client.ping()
    server.signal(number)
    for client in clients:
        left = streams[client] - {got.stream for got in client.frames if got.ends_stream}
        while left:
            got = client.read_frame()
            assert got is not None and got.kind != RST_STREAM
            if got.kind == GOAWAY:
                assert got.code == "NO_ERROR"
            elif got.ends_stream:
                left.discard(got.stream)
        assert {dict(got.names)[":status"] for got in client.frames if got.kind == HEADERS} == {"200"}
    if number == signal.SIGHUP:
        assert all(client.get().status == 200 for client in clients)
    else:
        for client in clients:
            client.read_until(lambda got: False)
            assert [got.code for got in client.frames if got.kind == GOAWAY] == ["NO_ERROR", "NO_ERROR"]


def answers(client, streams):
    """The fields and the content of the responses of these streams, which may be answered in any order."""
    missing = set(streams) - {got.stream for got in client.frames if got.ends_stream}
    while missing:
        got = client.read_frame()
        assert got is not None and got.kind not in (RST_STREAM, GOAWAY)
        if got.ends_stream:
            missing.discard(got.stream)
    heads = {got.stream: dict(got.names) for got in client.frames if got.kind == HEADERS}
    bodies = {stream: b"" for stream in streams}
    for got in client.frames:
        if got.kind == DATA and got.stream in bodies:
            bodies[got.stream] += got.payload
    return [(heads[stream], bodies[stream]) for stream in streams]


def test_a_thousand_requests_under_way_are_answered_while_the_certificate_is_replaced(start, tmp_path):
    """Connections go on with the certificate that they began with; new ones get the new one."""
    server = start(extensions=["pending"])
    ca, port = str(server.folder / "ca.pem"), server.ports["secure"]
    before = rotation.serial(port, ca)
    renewed = tmp_path / "renewed"
    shutil.copytree(server.folder, renewed, ignore=shutil.ignore_patterns("localhost.*"))
    subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), renewed], check=True, capture_output=True)
    clients = [http2.connect(server) for _ in range(16)]
    streams = {client: [client.open(fields("/pending")) for _ in range(62)] for client in clients}
    for client in clients:
        assert client.ping()
    for name in ("localhost.pem", "localhost.key"):
        os.replace(renewed / name, server.folder / name)
    server.signal(signal.SIGHUP)
    server.log.wait_for("reload: serving generation 2")
    assert rotation.serial(port, ca) != before
    for client in clients:
        assert {answer[":status"] for answer, _ in answers(client, streams[client])} == {"200"}
        assert client.get().status == 200
        assert not any(got.kind in (GOAWAY, RST_STREAM) for got in client.frames)


def test_a_server_decides_about_each_stream(start):
    """forward_auth: its refusals are answers of their streams, and the others go on."""
    with hostile_origin.Origin() as judge:
        judge.on("/", hostile_origin.head("Content-Length: 0"), hostile_origin.KEEP)
        refusal = hostile_origin.head("Content-Length: 3", "WWW-Authenticate: Bearer", status="401 Who are you")
        judge.on("/no", refusal + b"no\n", hostile_origin.KEEP)
        routes = [
            {"path": "/own", "forward_auth": {"to": "judge", "path": "/"}, "respond": {"body": "own"}},
            {"path": "/no", "forward_auth": {"to": "judge", "path": "/no"}, "respond": {"body": "secret"}},
        ]
        client = http2.connect(start(routes, upstreams={"judge": {"servers": [{"url": judge.url}]}}))
        streams = [client.open(fields(path)) for path in ("/own", "/no", "/ping") * 8]
        answered = answers(client, streams)
        expected = [("200", b"own"), ("401", b"no\n"), ("200", b"pong\n")] * 8
        assert [(answer[":status"], body) for answer, body in answered] == expected
        assert all(answer["www-authenticate"] == "Bearer" for answer, _ in answered[1::3])
        assert {(asked["X-Forwarded-Uri"], asked["X-Forwarded-Host"]) for asked in judge.requests} == {
            ("/own", "localhost"),
            ("/no", "localhost"),
        }


def test_a_listener_that_is_gone_lets_its_connections_end(start):
    server = start(extensions=["pending"])
    client = http2.connect(server, "plain")
    stream = client.open(fields("/pending", scheme="http"))
    assert client.ping()
    configuration = {**server.configuration, "listeners": {"secure": server.configuration["listeners"]["secure"]}}
    server.file.write_text(json.dumps(configuration))
    server.signal(signal.SIGHUP)
    assert client.response(stream).status == 200
    server.log.wait_for("serving generation 2 of the configuration")
    # What is noticed at the latest with the next request.
    late = client.open(fields("/ping", scheme="http"))
    ended = client.read_until(lambda got: got.kind == GOAWAY and got.code == "NO_ERROR")
    assert ended is not None
    client.read_until(lambda got: False)
    assert any(got.ends_stream and got.stream == late for got in client.frames)
