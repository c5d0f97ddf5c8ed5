"""The gateway as a client of TLS 1.3: records, tickets and key updates of upstream servers."""

import patience
import pytest
import tls13

REQUEST = b"\r\n\r\n"


@pytest.fixture
def start(start_gateway, certificates, tmp_path):
    servers = []

    def start(serve, tickets=2):
        server = tls13.Server(certificates, tmp_path, serve, tickets)
        servers.append(server)
        gateway = start_gateway(
            [{"path": "/*", "proxy": {"to": "a"}}],
            upstreams={"a": {"servers": [{"url": f"https://localhost:{server.port}"}], "tls": {"ca": "ca.pem"}}},
            workers=1,
        )
        return gateway, server

    yield start
    for server in servers:
        server.close()
        assert not server.failures


def wait_for_request(peer, count=1):
    peer.wait_for(lambda: peer.data().count(REQUEST) == count)


def answer_once(peer, number):
    peer.send()
    wait_for_request(peer)
    peer.send(peer.sending.seal(tls13.response(b"pong", "Connection: close")) + peer.sending.seal(b"\1\0", 21))
    peer.wait_for_end()


@pytest.mark.parametrize("tickets", [1, 2, 5])
def test_sessions_with_servers_are_resumed(start, tickets):
    gateway, server = start(answer_once, tickets)
    client = gateway.plain()
    assert [client.get("/").text for _ in range(3)] == ["pong"] * 3
    assert server.resumed == [False, True, True]


def test_servers_that_give_no_tickets_are_asked_in_full(start):
    gateway, server = start(answer_once, tickets=0)
    client = gateway.plain()
    assert [client.get("/").text for _ in range(2)] == ["pong"] * 2
    assert server.resumed == [False, False]


def test_servers_may_change_keys_and_have_us_change_ours(start):
    def serve(peer, number):
        peer.send()
        for round in range(1, 5):
            wait_for_request(peer, round)
            updates = b"".join(peer.change_keys(asking=asking) for asking in [True, False, True])
            peer.send(updates + peer.sending.seal(tls13.response(b"%d" % round)))
            peer.wait_for(lambda: len(peer.key_updates()) == 2 * round)

    gateway, server = start(serve)
    client = gateway.plain()
    assert [client.get("/").text for _ in range(4)] == ["1", "2", "3", "4"]
    assert len(server.resumed) == 1


def test_tickets_may_come_in_pieces_and_between_answers(start):
    ticket = b"\4\0\0\x14" + b"\0\0\1\0" + b"\1\2\3\4" + b"\1\7" + b"\0\6ticket" + b"\0\0"

    def serve(peer, number):
        peer.send(b"".join(peer.sending.seal(ticket[i : i + 5], 22) for i in range(0, len(ticket), 5)))
        for round in range(1, 4):
            wait_for_request(peer, round)
            peer.send(peer.sending.seal(tls13.response(b"pong")) + peer.sending.seal(ticket * 2, 22))

    gateway, server = start(serve)
    client = gateway.plain()
    assert [client.get("/").text for _ in range(3)] == ["pong"] * 3


@pytest.mark.parametrize("size", [1, 3, 100, 10_000])
def test_records_come_in_any_pieces(start, size):
    body = bytes(range(256)) * 40

    def serve(peer, number):
        data = peer.last_flight + peer.sending.seal(tls13.response(body)[:7]) + peer.sending.seal(tls13.response(body)[7:])
        peer.last_flight = b""
        wait_for_request(peer)
        for start in range(0, len(data), size):
            peer.send(data[start : start + size])

    gateway, _ = start(serve)
    assert gateway.plain().get("/").body == body


def test_a_body_that_is_cut_without_close_notify_is_cut(start):
    def serve(peer, number):
        peer.send()
        wait_for_request(peer)
        peer.send(peer.sending.seal(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npartial"))

    gateway, _ = start(serve)
    with pytest.raises((EOFError, ConnectionError)):
        gateway.plain().get("/")


def test_a_body_that_ends_with_close_notify_is_whole(start):
    def serve(peer, number):
        peer.send()
        wait_for_request(peer)
        peer.send(peer.sending.seal(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwhole") + peer.sending.seal(b"\1\0", 21))
        peer.wait_for_end()

    gateway, _ = start(serve)
    assert gateway.plain().get("/").text == "whole"


@pytest.mark.parametrize(
    "content, type, alert",
    [(b"\x0d\0\0\3\0\0\0", 22, 10), (b"\x18\0\0\1\5", 22, 47), (b"\4\0\0\1\0", 22, 50), (b"\1", 21, 50), (b"\1", 20, 10)],
)
def test_what_servers_must_not_send_is_answered_by_its_alert(start, content, type, alert):
    seen = []

    def serve(peer, number):
        peer.send(peer.sending.seal(content, type))
        peer.wait_for_end()
        seen.append(peer.alerts())

    gateway, _ = start(serve)
    assert gateway.plain().get("/").status == 502
    patience.until(lambda: seen)
    assert seen[0] == [(2, alert)]
