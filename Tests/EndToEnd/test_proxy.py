"""Requests passed on to servers behind the gateway: what the servers get, what the clients get, and over what."""

import json
import socket
import ssl
import threading

import gateway as gateways
import hostile_origin
import patience
import pytest
import wire
from hostile_origin import KEEP, OK, head


@pytest.fixture
def origin():
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture
def start_proxy(start_gateway, origin):
    """A function that starts a gateway which passes everything on to the origin; arguments are keys of the upstream."""

    def start(proxy=None, path="/*", routes=(), workers=1, limits=None, **upstream):
        return start_gateway(
            [*routes, {"path": path, "proxy": {"to": "origin", **(proxy or {})}}],
            upstreams={"origin": {"servers": [{"url": origin.url}], **upstream}},
            log={"access": {"path": "access.log", "format": "json"}},
            workers=workers,
            limits=limits or {},
        )

    return start


def record_of(gateway, path):
    """The access log's entry for `path`, which is there once a later request was answered."""
    with gateway.plain() as client:
        client.get("/later")
    return next(record for record in map(json.loads, gateway.access_log) if record["path"] == path)


def test_a_server_learns_where_a_request_came_from(start_proxy, origin):
    gateway = start_proxy()
    forged = ["X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4", "X-Forwarded-Proto: ftp"]
    gateway.secure().get("/x?a=b", "Accept: text/plain", *forged)
    (request,) = origin.requests
    assert request.line == "GET /x?a=b HTTP/1.1"
    assert request["Host"] == "localhost" and request["Accept"] == "text/plain"
    assert request["X-Forwarded-For"] == request["X-Real-IP"] == "127.0.0.1"
    assert request["X-Forwarded-Proto"] == "https" and request["X-Forwarded-Host"] == "localhost"
    assert request["X-Forwarded-Port"] == str(gateway.ports["secure"])
    assert request["Forwarded"] == 'for=127.0.0.1;proto=https;host="localhost"'
    assert request["Via"] == "1.1 isagate" and len(request["X-Request-ID"]) == 32
    assert request["Connection"] is None


def test_fields_of_the_clients_connection_stay_behind(start_proxy, origin):
    start_proxy().plain().get(
        "/", "Connection: keep-alive, X-Private, Cookie", "Keep-Alive: timeout=5", "X-Private: 1", "Cookie: a=b",
        "TE: trailers", "Proxy-Connection: close", "Proxy-Authorization: Basic x", "X-Kept: 1",
    )  # fmt: skip
    names = [name for name, _ in origin.requests[0].fields]
    assert "x-kept" in names and "cookie" in names, "Connection cannot take away what protects somebody"
    gone = {"connection", "keep-alive", "x-private", "te", "proxy-connection", "proxy-authorization"}
    assert not gone & set(names)


def test_fields_of_the_servers_connection_stay_behind(start_proxy, origin):
    origin.on("/", head("Content-Length: 0", "Connection: keep-alive, X-Private", "X-Private: 1", "X-Kept: 1"), KEEP)
    response = start_proxy().plain().get("/")
    assert response["X-Kept"] == "1" and response["X-Private"] is None and response["Connection"] is None


def test_headers_are_set_and_removed_for_the_server(start_proxy, origin):
    rules = {"set": {"X-Gateway": "yes", "Accept": "*/*"}, "remove": ["X-Secret"]}
    start_proxy({"headers": rules, "host": "inner.test"}).plain().get("/", "Accept: a/b", "X-Secret: 1")
    (request,) = origin.requests
    assert request["X-Gateway"] == "yes" and request["Accept"] == "*/*" and request["X-Secret"] is None
    assert request["Host"] == "inner.test" and request["X-Forwarded-Host"] == "localhost"


def test_the_host_can_be_the_servers_own(start_proxy, origin):
    start_proxy({"host": "server"}).plain().get("/")
    assert origin.requests[0]["Host"] == f"127.0.0.1:{origin.port}"


@pytest.mark.parametrize(
    "sent, got",
    [
        ("/api/users?q=1", "/users?q=1"),
        ("/api/", "/"),
        ("/api/a%2Fb%20c", "/a%2Fb%20c"),
        ("/api/x/../y%20z", "/y%20z"),
        ("/other/../api/%2e/z", "/z"),
        ("/%61pi/x%3Fy", "/x%3Fy"),
        ("/api/.well-known/x", "/.well-known/x"),
        ("/api//x", "//x"),
    ],
)
def test_the_prefix_of_a_route_is_taken_away(start_proxy, origin, sent, got):
    start_proxy({"strip_prefix": "/api"}, path="/api/*").plain().get(sent)
    assert origin.requests[0].path == got


def test_the_prefix_is_put_back_into_what_a_server_says_about_paths(start_proxy, origin):
    fields = ["Location: /a", "Refresh: 5; url=/b", "Set-Cookie: c=d; Path=/; Secure", "Content-Location: //x/y"]
    origin.on("/r", head("Content-Length: 0", *fields), KEEP)
    response = start_proxy({"strip_prefix": "/api"}, path="/api/*").plain().get("/api/r")
    assert response["Location"] == "/api/a" and response["Refresh"] == "5; url=/api/b"
    assert response["Set-Cookie"] == "c=d; Path=/api/; Secure" and response["Content-Location"] == "//x/y"


def test_bodies_pass_whole_in_both_directions(start_proxy, origin):
    origin.on("/", hostile_origin.echo, KEEP)
    client = start_proxy().secure()
    for size in (0, 1, 1000, 64 << 10, 3 << 20):
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        assert client.post("/", body).body == body
    assert origin.connections == 1


def test_a_chunked_body_is_framed_anew_with_its_trailers(start_proxy, origin):
    origin.on("/", hostile_origin.echo, KEEP)
    client = start_proxy().plain()
    client.send(wire.request("/", "Transfer-Encoding: chunked", method="POST"))
    client.send("5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 11\r\n\r\n")
    assert client.read_response().text == "hello world"
    assert origin.requests[0]["Content-Length"] is None and origin.requests[0].trailers == ["X-Sum: 11"]


def test_trailers_of_a_response_are_passed_on(start_proxy, origin):
    origin.on("/", head("Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n", KEEP)
    response = start_proxy().plain().get("/")
    assert response.text == "ok" and response.trailers == [("x-sum", "2")]


def test_early_hints_are_passed_on_to_clients_that_know_them(start_proxy, origin):
    origin.on("/", head("Link: </a.css>; rel=preload", status="103 Early Hints"), OK, KEEP)
    client = start_proxy().plain()
    hints = client.get("/")
    assert hints.status == 103 and hints["Link"] == "</a.css>; rel=preload"
    assert client.read_response().text == "ok\n"
    assert client.get("/", "Connection: keep-alive", version="HTTP/1.0").status == 200


def test_head_gets_the_length_and_no_body(start_proxy, origin):
    origin.on("/", head("Content-Length: 1000"), KEEP)
    client = start_proxy().plain()
    assert client.get("/", method="HEAD")["Content-Length"] == "1000"
    assert client.get("/later").text == "ok\n"


def test_a_server_that_wants_the_body_lets_the_client_send_it(start_proxy, origin):
    def ask(connection):
        connection.send(head(status="100 Continue"))
        hostile_origin.echo(connection)

    origin.on("/", ask, KEEP)
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    assert client.read_response().status == 100
    assert origin.requests[0]["Expect"] == "100-continue"
    client.send("hello")
    assert client.read_response().text == "hello"


def test_a_server_that_refuses_spares_the_client_the_body(start_proxy, origin):
    origin.on("/", head("Content-Length: 3", status="413 Too Large") + b"no\n")
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 5000000", "Expect: 100-continue", method="POST"))
    assert client.read_response().status == 413


def test_a_server_that_knows_no_100_is_sent_the_body_after_a_while(start_proxy, origin):
    origin.on("/", hostile_origin.echo, KEEP)
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    assert client.read_response().status == 100
    client.send("hello")
    assert client.read_response().text == "hello"


def test_a_server_may_answer_before_it_has_the_whole_body(start_proxy, origin):
    origin.on("/", OK)
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 100000", method="POST"))
    client.send("x" * 1000)
    assert client.read_response().text == "ok\n"


def test_a_stream_reaches_the_client_piece_by_piece(start_proxy, origin):
    proceed = threading.Event()

    def stream(connection):
        connection.send(head("Transfer-Encoding: chunked", "Content-Type: text/event-stream") + b"5\r\nfirst\r\n")
        assert proceed.wait(patience.seconds(10))
        connection.send(b"6\r\nsecond\r\n0\r\n\r\n")

    origin.on("/", stream, KEEP)
    client = start_proxy().secure()
    client.send(wire.request("/"))
    assert client.read_until(b"first\r\n")
    proceed.set()
    assert client.read_until(b"0\r\n\r\n").endswith(b"6\r\nsecond\r\n0\r\n\r\n")


def test_pipelined_requests_of_all_kinds_are_answered_in_order(start_proxy, origin):
    origin.on("/a", head("Content-Length: 1") + b"a", KEEP)
    origin.on("/b", hostile_origin.drip(head("Content-Length: 1") + b"b"), KEEP)
    client = start_proxy(routes=[gateways.PING]).plain()
    client.send("".join(wire.request(path) for path in ("/a", "/ping", "/b", "/a", "/ping", "/b")))
    assert [client.read_response().text for _ in range(6)] == ["a", "pong\n", "b"] * 2


# Connections


def test_a_connection_is_used_again(start_proxy, origin):
    origin.on("/", OK, KEEP)
    gateway = start_proxy()
    for _ in range(5):
        assert gateway.plain().get("/").text == "ok\n"
    assert origin.connections == 1


def test_no_connection_is_kept_when_none_should_be(start_proxy, origin):
    origin.on("/", OK, KEEP)
    client = start_proxy(keep_alive={"connections": 0}).plain()
    client.get("/")
    client.get("/")
    assert origin.connections == 2


def test_an_idle_connection_is_closed_after_its_time(start_proxy, origin):
    origin.on("/", OK, KEEP)
    start_proxy(keep_alive={"idle_timeout": "100ms"}).plain().get("/")
    origin.wait_until_closed()


def test_a_connection_that_the_server_closed_is_not_used_again(start_proxy, origin):
    origin.on("/", OK)
    client = start_proxy().plain()
    for _ in range(20):
        assert client.post("/", "").text == "ok\n"
        origin.wait_until_closed()
    assert origin.connections == 20


def test_a_request_on_a_connection_that_breaks_is_sent_again_when_that_does_no_harm(start_proxy, origin):
    origin.on("/keep", OK, KEEP)
    origin.on("/break", hostile_origin.reset)
    client = start_proxy().plain()
    client.get("/keep")
    assert client.get("/break").status == 502
    assert [request.path for request in origin.requests] == ["/keep", "/break", "/break", "/break"][: len(origin.requests)]
    assert len(origin.requests) == 3, "once on the kept connection, once on a fresh one"
    client.get("/keep")
    client.post("/break", "")
    assert [request.path for request in origin.requests].count("/break") == 3, "a POST is never sent twice"


def test_another_server_is_asked_when_one_cannot_be_reached(start_gateway, origin):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        servers = [{"url": f"http://127.0.0.1:{closed.getsockname()[1]}"}, {"url": origin.url}]
        gateway = start_gateway([{"path": "/*", "proxy": {"to": "a"}}], upstreams={"a": {"servers": servers}}, workers=1)
        client = gateway.plain()
        assert [client.post("/", "x").status for _ in range(6)] == [200] * 6
        gateway.log.wait_for("upstream failed: a .*connection to the server failed: Connection refused")


def test_servers_take_turns(start_gateway):
    with hostile_origin.Origin() as first, hostile_origin.Origin() as second:
        for origin, name in ((first, b"1"), (second, b"2")):
            origin.on("/", head("Content-Length: 1") + name, KEEP)
        servers = [{"url": first.url, "weight": 2}, {"url": second.url}]
        gateway = start_gateway([{"path": "/*", "proxy": {"to": "a"}}], upstreams={"a": {"servers": servers}}, workers=1)
        client = gateway.plain()
        assert "".join(client.get("/").text for _ in range(6)) == "121121"


def test_a_server_is_reached_through_the_file_system(start_gateway, tmp_path):
    with hostile_origin.Origin(tmp_path / "origin.sock") as origin:
        origin.on("/", OK, KEEP)
        servers = [{"url": f"unix:{tmp_path}/origin.sock"}]
        gateway = start_gateway([{"path": "/*", "proxy": {"to": "a"}}], upstreams={"a": {"servers": servers}})
        assert gateway.plain().get("/").text == "ok\n"


# Deadlines and clients


@pytest.mark.parametrize(
    "steps, keys, status, reason",
    [
        ((hostile_origin.hang,), {"response_timeout": "200ms"}, 504, "response head not received in time"),
        ((b"HTTP/1.1 200", hostile_origin.hang), {"response_timeout": "200ms"}, 504, "response head not received in time"),
        (
            (head("Content-Length: 10") + b"x", hostile_origin.hang),
            {"read_timeout": "200ms"},
            None,
            "response body not received in time",
        ),
        (
            (hostile_origin.endless(b""),),
            {"connect_timeout": "200ms", "send_timeout": "200ms", "response_timeout": "200ms", "read_timeout": "200ms",
             "request_timeout": "200ms"},
            504,
            "in time",
        ),
    ],
)  # fmt: skip
def test_a_server_that_hangs_is_given_up(start_proxy, origin, steps, keys, status, reason):
    origin.on("/", *steps)
    origin.on("/later", OK, KEEP)
    gateway = start_proxy(**keys)
    client = gateway.plain()
    if status:
        assert client.get("/").status == status
    else:
        with pytest.raises((EOFError, ConnectionError)):
            client.get("/")
    assert reason in record_of(gateway, "/")["reason"]


def test_a_connection_that_is_never_made_is_given_up(start_gateway):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        queued = [socket.socket() for _ in range(4)]
        for sock in queued:
            sock.setblocking(False)
            sock.connect_ex(address)
        gateway = start_gateway(
            [{"path": "/*", "proxy": {"to": "a"}}],
            upstreams={"a": {"servers": [{"url": f"http://127.0.0.1:{address[1]}"}], "connect_timeout": "300ms"}},
        )
        assert gateway.plain().get("/").status == 504
        for sock in queued:
            sock.close()


@pytest.mark.parametrize("ending", ["finish", "reset"])
def test_a_client_that_goes_away_cancels_its_request(start_proxy, origin, ending):
    origin.on("/", hostile_origin.hang)
    gateway = start_proxy()
    client = gateway.plain()
    client.send(wire.request("/"))
    origin.wait_for_requests(1)
    if ending == "reset":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    origin.wait_until_closed()
    record = record_of(gateway, "/")
    assert (record["status"], record["reason"]) == (499, "client gone")


def test_a_client_that_goes_away_inside_its_body_cancels_its_request(start_proxy, origin):
    origin.on("/", hostile_origin.hang)
    client = start_proxy().plain()
    client.send(wire.request("/", "Content-Length: 100", method="POST") + "x")
    origin.wait_for_requests(1)
    client.close()
    origin.wait_until_closed()


def test_a_slow_client_holds_the_server_back_and_not_the_gateways_memory(start_proxy, origin):
    origin.on("/", head("Connection: close"), hostile_origin.endless(b"x" * 65536))
    gateway = start_proxy(limits={"write_timeout": "1s"})
    before = gateway.resident_size
    client = gateway.plain()
    client.send(wire.request("/"))
    client.read_bytes(1 << 20)
    origin.wait_until_closed()
    assert gateway.resident_size - before < 32 << 20


# TLS to servers


@pytest.fixture
def secure_origin(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
    with hostile_origin.Origin(context=context) as origin:
        yield origin


def start_secure(start_gateway, origin, host="localhost", **tls):
    return start_gateway(
        [{"path": "/*", "proxy": {"to": "a"}}],
        upstreams={"a": {"servers": [{"url": f"https://{host}:{origin.port}"}], **({"tls": tls} if tls else {})}},
        workers=1,
    )


def test_a_server_inside_tls_is_verified_and_its_connection_kept(start_gateway, secure_origin):
    secure_origin.on("/", OK, KEEP)
    gateway = start_secure(start_gateway, secure_origin, ca="ca.pem")
    client = gateway.secure()
    assert [client.get("/").text for _ in range(3)] == ["ok\n"] * 3
    assert secure_origin.connections == 1


@pytest.mark.parametrize(
    "tls, reason",
    [({}, "unable to get local issuer certificate"), ({"ca": "ca.pem", "server_name": "other.test"}, "hostname mismatch")],
)
def test_a_server_that_does_not_prove_its_name_is_not_asked(start_gateway, secure_origin, tls, reason):
    gateway = start_secure(start_gateway, secure_origin, **tls)
    assert gateway.plain().get("/").status == 502
    gateway.log.wait_for(f"TLS handshake with the server failed: .*{reason}")
    assert not secure_origin.requests


def test_a_server_is_not_verified_only_where_that_is_written(start_gateway, secure_origin):
    secure_origin.on("/", OK, KEEP)
    assert start_secure(start_gateway, secure_origin, verify="off").plain().get("/").text == "ok\n"


def test_a_body_that_ends_with_tls_that_was_cut_is_cut(start_gateway, secure_origin):
    secure_origin.on("/", head("Connection: close") + b"partial")
    with pytest.raises((EOFError, ConnectionError)):
        start_secure(start_gateway, secure_origin, ca="ca.pem").plain().get("/")


# Configuration


@pytest.mark.parametrize(
    "change, message",
    [
        ({"route": {"to": "orign"}}, "unknown upstream 'orign'; did you mean 'origin'?"),
        ({"upstream": {"read_timeout": "2h"}}, "read_timeout (2h) must not be longer than request_timeout (1h)"),
        ({"upstream": {"servers": [{"url": "ftp://x"}]}}, "expected a URL such as"),
        ({"upstream": {"servers": [{"url": "http://x/y"}]}}, "a server's url has neither path nor user"),
        ({"upstream": {"tls": {"ca": "ca.pem"}}}, "tls needs a server whose url begins with https://"),
        ({"route": {"to": "origin", "strip_prefix": "/other"}}, "is not how every path of this route begins"),
    ],
)
def test_mistakes_are_named_with_their_place(ping, change, message):
    configuration = dict(ping.configuration)
    upstream = {"servers": [{"url": "http://127.0.0.1:1"}], **change.get("upstream", {})}
    route = {"path": "/api/*", "proxy": change.get("route", {"to": "origin"})}
    configuration["upstreams"] = {"origin": upstream}
    configuration["sites"] = [gateways.site([route])]
    ping.configure(configuration)
    result = ping.command("check")
    assert result.returncode == 78
    assert message in result.stderr and f"{ping.file}:" in result.stderr
