"""Clients that speak another protocol than their port: plain HTTP where TLS is expected, and TLS where it is not."""

import ssl

import gateway
import pytest
import wire


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    return start_shared_gateway([gateway.PING])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "M-SEARCH"])
def test_plain_http_on_a_tls_port_is_told_where_to_go(server, method):
    port = server.ports["secure"]
    client = server.raw()
    client.send(wire.request("/a/b?c=d&e", f"Host: localhost:{port}", method=method))
    response = client.read_response()
    assert response.status == 400
    assert response["Connection"] == "close"
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert f'<a href="https://localhost:{port}/a/b?c=d&amp;e">' in response.text
    client.expect_end()
    server.log.wait_for("TLS handshake failed: http request")


def test_a_head_request_gets_no_body(server):
    client = server.raw()
    client.send(wire.request("/", method="HEAD"))
    assert client.read_response("HEAD").status == 400
    client.expect_end()


def test_a_request_without_a_host_is_told_the_address(server):
    client = server.raw()
    client.send("GET / HTTP/1.0\r\n\r\n")
    assert f'"https://127.0.0.1:{server.ports["secure"]}/"' in client.read_response().text


def test_what_a_client_names_stands_escaped_on_the_page(server):
    client = server.raw()
    client.send("GET /'\"<script>&a HTTP/1.1\r\nHost: a\r\n\r\n")
    response = client.read_response()
    assert response.status == 400
    assert '<a href="https://a/&#39;&quot;&lt;script&gt;&amp;a">' in response.text
    assert "<script>" not in response.text


def test_a_request_that_comes_in_pieces_is_answered_when_it_is_whole(server):
    client = server.raw()
    for byte in wire.request("/ping"):
        client.send(byte)
    assert client.read_response().status == 400
    client.expect_end()


def test_the_answer_arrives_although_the_client_sends_a_body(server):
    client = server.raw()
    client.send(wire.request("/", "Content-Length: 3000000", method="POST").encode() + bytes(3_000_000))
    assert "https://localhost/" in client.read_response().text
    client.expect_end()


def test_a_malformed_request_is_refused_with_its_reason(server):
    client = server.raw()
    client.send("GET / HTTP/1.1\nHost: a\n\n")
    response = client.read_response()
    assert response.status == 400 and "bare LF" in response.text
    client.expect_end()


def test_a_request_over_tls_is_served_as_ever(server):
    assert server.secure().get("/ping").status == 200


def hello(server):
    context = server.context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("count", [1, 2, 5, 100, None])
def test_a_tls_hello_on_a_plain_port_is_refused_at_once(server, count):
    client = server.plain()
    client.send(hello(server)[:count])
    response = client.read_response()
    assert response.status == 400
    assert "TLS handshake in place of a request" in response.text
    client.expect_end()
    server.log.wait_for("request refused: TLS handshake in place of a request")


def test_a_tls_hello_inside_tls_is_refused_too(server):
    client = server.secure()
    client.send(hello(server))
    assert client.read_response().status == 400
