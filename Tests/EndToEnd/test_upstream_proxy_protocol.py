"""Servers that receive the client of a connection in a PROXY protocol header."""

import ipaddress
import ssl
import struct

import daemons
import gateway as gateways
import hostile_origin
import pytest
from authority import Authority

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class Announced(hostile_origin.Origin):
    """An origin whose connections begin with a header; `headers` are those that came."""

    def __init__(self):
        self.headers = []
        super().__init__()

    def serve(self, sock):
        line = b""
        while not line.endswith(b"\n") or line == b"\r\n" or SIGNATURE.startswith(line) and line != SIGNATURE:
            byte = sock.recv(1)
            if not byte:
                return sock.close()
            line += byte
        if line == SIGNATURE:
            start = receive(sock, 4)
            line += start + receive(sock, struct.unpack("!H", start[2:])[0])
        self.headers.append(line)
        super().serve(sock)


def receive(sock, count):
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data))
    return data


def entries(data):
    while data:
        kind, length = struct.unpack("!BH", data[:3])
        yield kind, data[3 : 3 + length]
        data = data[3 + length :]


@pytest.fixture
def origin():
    with Announced() as origin:
        origin.on("/", hostile_origin.OK, hostile_origin.KEEP)
        yield origin


def start(start_gateway, url, version, **upstream):
    return start_gateway(
        [{"path": "/*", "proxy": {"to": "a"}}],
        listeners={**gateways.LISTENERS, "trusting": {"bind": ["127.0.0.1:0"], "trusted": {"from": ["127.0.0.1"]}}},
        upstreams={"a": {"servers": [{"url": url}], "proxy_protocol": version, **upstream}},
        workers=1,
    )


def test_a_line_names_the_client_and_the_listener(start_gateway, origin):
    gateway = start(start_gateway, origin.url, "v1")
    client = gateway.plain()
    assert client.get("/").text == "ok\n"
    port = client.socket.getsockname()[1]
    assert origin.headers == [f"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {gateway.ports['plain']}\r\n".encode()]


def test_a_binary_header_tells_of_the_clients_tls(start_gateway, origin):
    gateway = start(start_gateway, origin.url, "v2")
    client = gateway.secure()
    assert client.get("/").text == "ok\n"
    (header,) = origin.headers
    assert header[12:14] == b"\x21\x11"
    source, destination, source_port, destination_port = struct.unpack("!4s4sHH", header[16:28])
    assert source == destination == ipaddress.ip_address("127.0.0.1").packed
    assert (source_port, destination_port) == (client.socket.getsockname()[1], gateway.ports["secure"])
    facts = dict(entries(header[28:]))
    assert facts[1] == b"http/1.1" and facts[2] == b"localhost"
    assert facts[0x20][:5] == b"\x01\0\0\0\x01", "inside TLS, without a certificate"
    assert dict(entries(facts[0x20][5:]))[0x21] == b"TLSv1.3"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_clients_certificate_is_of_this_connection_or_of_an_earlier_one(start_gateway, origin, tmp_path, version):
    authority = Authority(tmp_path, "authority")
    shown = authority.issue("client", ["client"], 99)
    site = gateways.site([{"path": "/*", "proxy": {"to": "a"}}], ["localhost"])
    site["client_certificates"] = {"mode": "require", "ca": str(authority.file)}
    upstreams = {"a": {"servers": [{"url": origin.url}], "proxy_protocol": "v2"}}
    gateway = start_gateway(sites=[site], upstreams=upstreams)
    context = gateway.context()
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(shown["chain"], shown["key"])
    with gateway.secure(context) as first:
        assert first.get("/").text == "ok\n"
        session = first.socket.session
    with gateway.secure(context, session=session) as second:
        assert second.socket.session_reused
        assert second.get("/").text == "ok\n"
    facts = [dict(entries(header[28:]))[0x20][:5] for header in origin.headers]
    # PP2_CLIENT_SSL and PP2_CLIENT_CERT_SESS, with PP2_CLIENT_CERT_CONN (2) for the one that was sent on its connection.
    assert facts == [b"\x07\0\0\0\0", b"\x05\0\0\0\0"]


def test_the_client_is_the_one_that_a_trusted_proxy_names(start_gateway, origin):
    gateway = start(start_gateway, origin.url, "v1")
    assert gateway.raw("trusting").get("/", "X-Forwarded-For: 192.0.2.7").text == "ok\n"
    assert origin.headers[0].startswith(b"PROXY TCP4 192.0.2.7 127.0.0.1 0 ")


def test_no_connection_is_used_for_a_second_request(start_gateway, origin):
    gateway = start(start_gateway, origin.url, "v2")
    for client in (gateway.plain(), gateway.plain()):
        assert [client.get("/").text, client.get("/").text] == ["ok\n"] * 2
    assert len(origin.headers) == 4
    origin.wait_until_closed()


def test_checks_speak_for_the_gateway_itself(start_gateway, origin):
    start(start_gateway, origin.url, "v2", health={"active": {"path": "/", "every": "100ms", "timeout": "100ms"}})
    origin.wait_for_requests(1)
    assert origin.headers[0][12:14] == b"\x20\0"


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_haproxy_believes_it(start_gateway, tmp_path, certificates, version, scheme):
    pem = tmp_path / "front.pem"
    pem.write_bytes((certificates / "localhost.pem").read_bytes() + (certificates / "localhost.key").read_bytes())
    tell = 'http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[fc_pp_authority]"'
    options = "accept-proxy" + (f" ssl crt {pem}" if scheme == "https" else "")
    with daemons.haproxy(tmp_path, [tell], options) as port:
        tls = {"tls": {"ca": str(certificates / "ca.pem")}} if scheme == "https" else {}
        gateway = start(start_gateway, f"{scheme}://localhost:{port}", version, **tls)
        client = gateway.secure()
        answer = client.get("/").text.split(" ")
    assert answer[:2] == ["127.0.0.1", str(client.socket.getsockname()[1])]
    assert answer[2] == ("localhost" if version == "v2" else "")
