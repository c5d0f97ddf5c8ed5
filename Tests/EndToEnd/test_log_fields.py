"""Fields of access logs that say how a request was received and who answered it."""

import json
import socket
import ssl
import time

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

TIMES = ["path", "head_ms", "wait_ms", "response_ms", "duration_ms"]


def logged(*names):
    return {"access": {"path": "access.log", "format": {"json": list(names)}}}


def test_a_line_has_the_times_of_the_phases(start_gateway):
    slow = origin.Origin("slow")
    slow.delay = 0.2
    server = start_gateway(
        [gateway.PING, {"path": "/up", "proxy": {"to": "slow"}}],
        ["slow"],
        upstreams={"slow": {"servers": [{"url": f"http://127.0.0.1:{slow.port}"}]}},
        log=logged(*TIMES),
    )
    client = server.plain()
    client.get("/ping")
    client.get("/slow?200")
    client.get("/up")
    slow.stop()
    plain, extension, upstream = records(server, TIMES)
    assert "wait_ms" not in plain
    for record in [extension, upstream]:
        # The loop's clock may be a few milliseconds behind at either end.
        assert 150 <= record["wait_ms"] <= record["response_ms"] <= record["duration_ms"]


def test_the_time_for_the_head_is_that_of_a_slow_client(start_gateway):
    server = start_gateway([gateway.PING], log=logged(*TIMES))
    client = server.plain()
    client.get("/ping")
    client.send("GET /ping HTTP/1.1\r\nHost: local")
    time.sleep(0.6)
    client.send("host\r\n\r\n")
    assert client.read_response().status == 200
    quick, slow = records(server, TIMES)
    assert quick["head_ms"] == 0
    assert 200 <= slow["head_ms"] <= slow["response_ms"] <= slow["duration_ms"]


def test_a_response_begins_before_a_slow_client_has_taken_it(start_gateway, tmp_path):
    (tmp_path / "large").write_bytes(bytes(64 << 20))
    server = start_gateway([{"path": "/*", "files": str(tmp_path)}], log=logged(*TIMES))
    client = server.plain()
    client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.6)
    assert client.read_response().status == 200
    (record,) = records(server, TIMES)
    assert record["response_ms"] + 200 <= record["duration_ms"]


def test_a_line_has_the_bytes_of_the_request(start_gateway):
    server = start_gateway([gateway.PING], ["counts"], log=logged("path", "request_bytes"))
    client = server.plain()
    client.get("/counts")
    client.post("/counts", b"x" * 5000)
    client.send(
        "POST /counts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    client.read_response()
    assert [record["request_bytes"] for record in records(server, ["request_bytes"])] == [0, 5000, 5]


def test_a_line_has_the_coding_and_the_bytes_before_it(start_gateway):
    names = ["path", "coding", "uncoded_bytes", "bytes"]
    text = "much of the same, " * 500
    fixed = {"headers": {"Content-Type": "text/plain"}, "body": text}
    server = start_gateway(
        [
            {"path": "/prose", "compress": {"min_size": 0}, "extension": "prose"},
            {"path": "/fixed", "compress": {"min_size": 0}, "respond": fixed},
        ],
        {"prose": {}},
        log=logged(*names),
    )
    client = server.plain()
    sizes = []
    for path in ["/prose?size=20000&length=1", "/prose?size=900000&most=700", "/fixed"]:
        sizes.append(len(client.get(path, "Accept-Encoding: gzip").body))
        client.get(path)
    found = records(server, names)
    for record, path, size, before in zip(found[::2], ["/prose", "/prose", "/fixed"], sizes, [20000, 900000, len(text)]):
        assert record == {"path": path, "coding": "gzip", "uncoded_bytes": before, "bytes": size}
    for record in found[1::2]:
        assert sorted(record) == ["bytes", "path"]


def test_a_line_names_the_pool_and_the_group(start_gateway):
    isolated = {"run": "isolated"}
    server = start_gateway(
        [gateway.PING], {"counts": isolated, "slow": {"pool": "shared"}}, pools={"shared": {}},
        log=logged("extension", "pool", "tls_group"), workers=1,
    )
    client = server.plain()
    for path in ["/counts", "/slow?0", "/ping"]:
        client.get(path)
    context = server.context()
    context.set_ecdh_curve("secp384r1")
    server.secure(context).get("/ping")
    counts, slow, none, secure = records(server, ["extension", "pool", "tls_group"])
    assert counts == {"extension": "counts", "pool": "counts"}
    assert slow == {"extension": "slow", "pool": "shared"}
    assert none == {}
    assert secure == {"tls_group": "P-384"}
