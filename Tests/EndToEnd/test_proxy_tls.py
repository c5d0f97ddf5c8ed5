"""Servers with TLS, and the verification of their certificates."""

import ssl

import hostile_origin
import pytest
from hostile_origin import KEEP, OK, head


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
