"""Short requests run on a worker's thread; those that turn out to be long delay no others."""

import concurrent.futures
import ssl
import time

import gateway
import pytest
import wire
from patience import seconds


@pytest.mark.parametrize("extension", ["slow?1000", "spin?1000"])
def test_a_request_that_takes_long_does_not_hold_up_its_worker(start_gateway, extension):
    server = start_gateway([gateway.PING], [extension.partition("?")[0]], workers=1)
    slow, quick = server.secure(), server.secure()
    quick.get("/ping")
    slow.send(wire.request(f"/{extension}"))
    began = time.monotonic()
    while time.monotonic() < began + 0.3:
        asked = time.monotonic()
        assert quick.get("/ping").status == 200
        assert time.monotonic() < asked + seconds(0.5)
    assert slow.read_response().text == "1000\n"


def test_requests_behind_a_long_one_are_answered_by_other_threads(start_gateway):
    server = start_gateway(extensions=["slow"], workers=1)
    clients = [server.secure() for _ in range(6)]
    for client in clients:
        client.get("/slow?0")
    began = time.monotonic()
    for client in clients:
        client.send(wire.request("/slow?600"))
    for client in clients:
        assert client.read_response().text == "600\n"
    assert time.monotonic() < began + seconds(1.8)


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_requests_run_at_a_time_than_the_extension_has_threads(start_gateway, threads):
    server = start_gateway(extensions={"most_at_once": {"threads": threads}}, workers=2)

    def ask(_):
        client = server.secure()
        return [int(client.get(f"/most_at_once?{threads}").text) for _ in range(5)]

    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        assert max(max(answers) for answers in executor.map(ask, range(8))) == threads


def test_a_writer_that_waits_for_its_client_lets_the_worker_send(start_gateway):
    server = start_gateway([gateway.PING], ["stream"], workers=1)
    for _ in range(3):
        assert len(server.secure().get("/stream?count=40&size=100000").body) == 4_000_000


def test_what_was_written_before_a_request_turns_out_long_is_sent(start_gateway):
    server = start_gateway(extensions=["stream"], workers=1)
    client = server.secure()
    client.get("/stream?count=1&size=10")
    began = time.monotonic()
    client.send(wire.request("/stream?count=2&size=10&wait=1000"))
    client.read_until(b"a" * 10)
    assert time.monotonic() < began + 0.9


@pytest.mark.parametrize("query", ["", "?at=once"])
def test_what_a_pending_request_has_written_is_sent_while_it_waits(start_gateway, query):
    server = start_gateway(extensions=["pauses"], workers=1)
    client, other = server.secure(), server.secure()
    for _ in range(3):
        client.send(wire.request(f"/pauses{query}"))
        client.read_until(b"first\n")
        assert other.get("/pauses?go").status == 200
        client.read_until(b"second\n")
        client.read_until(b"0\r\n\r\n")


@pytest.mark.skipif(gateway.RUNS_ISOLATED, reason="its process has no OpenSSL")
def test_errors_that_an_extension_leaves_in_openssl_reach_no_connection(start_gateway):
    server = start_gateway([gateway.PING], ["leaves_errors"], workers=1)
    other = server.secure()
    sock = wire.connect(server.ports["secure"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = server.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    exchange(sock, incoming, outgoing, session.do_handshake)
    for _ in range(3):
        assert other.get("/leaves_errors").text == "left\n"
        session.write(wire.request("/ping").encode())
        record = outgoing.read()
        # Half a record: there is nothing to read yet, and nothing wrong.
        sock.sendall(record[:40])
        assert other.get("/ping").status == 200
        sock.sendall(record[40:])
        assert exchange(sock, incoming, outgoing, lambda: session.read(4096)).startswith(b"HTTP/1.1 200")
    sock.close()


def exchange(sock, incoming, outgoing, work):
    """Lets the peer read and answer until `work` is done."""
    while True:
        try:
            return work()
        except ssl.SSLWantReadError:
            pass
        finally:
            sock.sendall(outgoing.read())
        incoming.write(sock.recv(65536))
