"""Connections that end by a fatal alert, while the client is still sending."""

import ssl

import gateway
import pytest
import wire
from authority import Authority

MORE = b"\x17\x03\x03\x40\x00" + bytes(0x4000)

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]

DAMAGED = {
    "bad record mac": b"\x17\x03\x03\x00\x40" + bytes(0x40),
    "record overflow": b"\x17\x03\x03\x48\x01" + bytes(0x4801),
    "unexpected message": b"\x19\x03\x03\x00\x01\x00",
}


class Session:
    """A TLS client whose bytes leave when the test says so."""

    def __init__(self, server, context, name="localhost"):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.wire = server.raw()

    def shake_hands(self):
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.wire.socket.recv(1 << 16))

    def flush(self):
        self.wire.send(self.outgoing.read())

    def write(self, data):
        self.tls.write(data)

    def alert(self):
        """The server's last message; fails when the connection is reset before it was read."""
        rest = self.wire.read_to_end()
        self.incoming.write(rest)
        self.incoming.write_eof()
        try:
            while self.tls.read(1 << 16):
                pass
        except ssl.SSLError as error:
            return error.reason.lower().replace("_", " ")
        return "close notify"


def context_for(server, version):
    context = server.context()
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", DAMAGED)
def test_a_client_that_sends_a_damaged_record_and_more_reads_the_alert(ping, version, kind):
    session = Session(ping, context_for(ping, version))
    session.shake_hands()
    session.write(wire.request("/ping").encode())
    session.wire.send(session.outgoing.read() + DAMAGED[kind] + MORE * 16)
    session.wire.send(MORE * 64)
    assert session.alert() != "close notify"
    assert ping.secure().get("/ping").status == 200


def test_a_damaged_record_within_a_body_ends_with_an_alert_too(ping):
    session = Session(ping, context_for(ping, ssl.TLSVersion.TLSv1_3))
    session.shake_hands()
    session.write(wire.request("/ping", "Content-Length: 100000", method="POST").encode() + bytes(1000))
    session.wire.send(session.outgoing.read() + DAMAGED["bad record mac"] + MORE * 64)
    assert "bad record mac" in session.alert()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_without_the_certificate_it_needs_reads_the_alert(start_gateway, tmp_path, version):
    authority = Authority(tmp_path, "authority")
    site = gateway.site([gateway.PING], ["localhost"])
    site["client_certificates"] = {"mode": "require", "ca": str(authority.file)}
    server = start_gateway(sites=[site], listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": {}}})
    session = Session(server, context_for(server, version))
    if version == ssl.TLSVersion.TLSv1_3:
        # For this client the handshake is complete when its own part is.
        session.shake_hands()
        session.write(bytes(16000))
        session.wire.send(session.outgoing.read() + MORE * 64)
    else:
        with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
            session.shake_hands()
        return
    assert "certificate required" in session.alert()


def test_a_client_whose_hello_is_refused_reads_the_alert(ping):
    context = ping.context()
    context.set_alpn_protocols(["h3"])
    session = Session(ping, context)
    with pytest.raises(ssl.SSLWantReadError):
        session.tls.do_handshake()
    session.wire.send(session.outgoing.read() + MORE * 64)
    session.incoming.write(session.wire.read_to_end())
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        session.tls.do_handshake()


def test_a_server_reads_the_alert_about_its_certificate(start_gateway, certificates, tmp_path):
    heard = []
    with Listening(certificates, heard) as port:
        server = start_gateway(
            [{"path": "/*", "proxy": {"to": "a"}}],
            upstreams={
                "a": {
                    "servers": [{"url": f"https://localhost:{port}"}],
                    "tls": {"ca": str(Authority(tmp_path, "stranger").file)},
                }
            },
        )
        assert server.plain().get("/").status == 502
    assert heard and "unknown ca" in heard[0]


class Listening:
    """A TLS server that records why its first handshake failed."""

    def __init__(self, certificates, heard):
        import socket
        import threading

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, args=(context, heard), daemon=True)
        self.thread.start()

    def serve(self, context, heard):
        sock, _ = self.socket.accept()
        try:
            tls = context.wrap_socket(sock, server_side=True)
            tls.recv(1)
            heard.append("no alert")
        except (ssl.SSLError, OSError) as error:
            heard.append(str(error).lower().replace("_", " "))
        sock.close()

    def __enter__(self):
        return self.socket.getsockname()[1]

    def __exit__(self, *_):
        self.thread.join()
        self.socket.close()
