"""Connections to servers: which are kept, how long the gateway waits, and clients that disconnect."""

import json
import socket

import hostile_origin
import pytest
import wire
from hostile_origin import KEEP, OK, head


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
    origin.on("/", OK, KEEP)
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


def record_of(gateway, path):
    """The access log's entry for `path`."""
    return json.loads(gateway.wait_for_line(lambda line: json.loads(line)["path"] == path))


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
