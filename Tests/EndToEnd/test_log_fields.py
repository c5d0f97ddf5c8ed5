"""Fields of access logs that say how a request was received and who answered it."""

import json
import socket
import ssl

import gateway
import origin

FIELDS = [
    "path", "status", "tls_version", "tls_cipher", "tls_resumed", "server_name", "client_subject", "extension",
    "upstream", "upstream_server", "upstream_retries",
]


def records(server, names=FIELDS):
    server.stop()
    found = [json.loads(line) for line in server.access_log]
    return [{key: record[key] for key in names if key in record} for record in found]


LOG = {"access": {"path": "access.log", "format": {"json": FIELDS}}}


def test_a_line_has_what_tls_negotiated(start_gateway):
    server = start_gateway([gateway.PING], log=LOG, workers=1)
    context = server.context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = server.secure(context)
    client.get("/ping")
    cipher, session = client.socket.cipher()[0], client.socket.session
    client.close()
    server.secure(context, session=session).get("/ping")
    server.secure().get("/ping")
    server.plain().get("/ping")
    first, second, third, plain = records(server)
    known = {"path": "/ping", "status": 200, "server_name": "localhost"}
    assert first == {**known, "tls_version": "TLSv1.2", "tls_cipher": cipher, "tls_resumed": "no"}
    assert second == {**first, "tls_resumed": "yes"}
    assert (third["tls_version"], third["tls_cipher"][:4]) == ("TLSv1.3", "TLS_")
    assert plain == {"path": "/ping", "status": 200}


def test_a_line_names_the_extension_that_answered(start_gateway):
    server = start_gateway([gateway.PING], ["counts"], log=LOG)
    client = server.plain()
    client.get("/counts")
    client.get("/ping")
    assert [record.get("extension") for record in records(server)] == ["counts", None]


def test_a_line_names_the_server_that_answered_and_the_retries(start_gateway):
    living = origin.Origin("living")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = closed.getsockname()[1]
        servers = [{"url": f"http://127.0.0.1:{dead}"}, {"url": f"http://127.0.0.1:{living.port}", "backup": True}]
        server = start_gateway(
            [{"path": "/one", "proxy": {"to": "api"}}, gateway.PING], upstreams={"api": {"servers": servers}}, log=LOG,
            workers=1,
        )
        client = server.plain()
        assert client.get("/one").status == 200
        client.get("/ping")
    living.stop()
    first, second = records(server)
    assert first == {
        "path": "/one", "status": 200, "upstream": "api", "upstream_server": f"127.0.0.1:{living.port}",
        "upstream_retries": 1,
    }
    assert second == {"path": "/ping", "status": 200}
