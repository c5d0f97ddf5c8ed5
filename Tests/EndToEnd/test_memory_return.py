"""The memory of thousands of clients is returned to the system."""

import resource
import ssl

import gateway
import patience
import pytest

CLIENTS = 3000


@pytest.fixture
def descriptors():
    """Raises the descriptor limit for the sockets of all clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CLIENTS + 500:
        pytest.skip("not enough descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (CLIENTS + 500, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hello():
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


@pytest.mark.skipif("san" in gateway.binary().split("/")[-3], reason="a sanitizer keeps what is freed")
def test_clients_that_leave_during_their_handshake_leave_no_memory(start_gateway, descriptors):
    server = start_gateway([gateway.PING], limits={
        "max_connections": CLIENTS + 100, "client_connections": "off", "client_handshakes": "off", "handshake_timeout": "60s"})
    for _ in range(20):
        with server.secure() as client:
            assert client.get("/ping").status == 200
    before = server.resident_size
    flight = hello()
    clients = [server.raw() for _ in range(CLIENTS)]
    for client in clients:
        client.send(flight)
    for client in clients:
        client.receive()
    assert server.resident_size > 2 * before, "each of them costs memory while it is there"
    for client in clients:
        client.close()
    patience.until(lambda: server.resident_size <= 1.2 * before, 60)
