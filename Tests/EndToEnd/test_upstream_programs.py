"""Third-party servers as upstreams: nginx, haproxy and OpenSSL's s_server."""

import hashlib
import os
import re

import authority
import daemons
import patience
import pytest
import wire


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    """An authority with certificates that are valid, expired, for another name, and a client's."""
    folder = tmp_path_factory.mktemp("issued")
    issuer = authority.Authority(folder, "upstream-ca")
    issued = {
        "good": issuer.issue("good", ["localhost"], 10),
        "expired": issuer.issue("expired", ["localhost"], 11, days=-1),
        "other": issuer.issue("other", ["other.test"], 12),
        "client": issuer.issue("client", ["gateway.test"], 13),
    }
    return {**issued, "ca": str(issuer.file)}


def start(start_gateway, url, proxy=None, **upstream):
    return start_gateway(
        [{"path": "/*", "proxy": {"to": "a", **(proxy or {})}}],
        upstreams={"a": {"servers": [{"url": url}], **upstream}},
        workers=1,
        log={"access": {"path": "access.log", "format": "json"}},
    )


# nginx


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "small.txt").write_text("small\n" * 100)
    (folder / "large.bin").write_bytes(os.urandom(1 << 20) * 8)
    (folder / "folder").mkdir()
    os.utime(folder / "small.txt", (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture
def behind_nginx(start_gateway, tmp_path, files):
    """A gateway in front of nginx, with which it talks without TLS."""
    server = [
        f"root {files}; gzip on; gzip_min_length 1; gzip_types text/plain; gzip_http_version 1.0; gzip_proxied any;",
        'location /count { return 200 "$connection $connection_requests"; }',
        f"location /upload {{ root {tmp_path}; dav_methods PUT; create_full_put_path on; client_max_body_size 64m; }}",
        'location /fields { return 200 "$http_host $http_x_forwarded_for $http_via $server_protocol"; }',
        "location /refuse { client_max_body_size 10; dav_methods PUT; }",
        "location /cut { return 444; }",
    ]
    with daemons.nginx(tmp_path, server) as port:
        yield start(start_gateway, f"http://127.0.0.1:{port}")


def test_nginx_keeps_one_connection_for_many_requests(behind_nginx):
    client = behind_nginx.secure()
    counts = [client.get("/count").text.split() for _ in range(5)]
    assert len({connection for connection, _ in counts}) == 1 and counts[-1][1] == "5"


def test_nginx_sends_files_ranges_and_conditions(behind_nginx, files):
    client = behind_nginx.secure()
    large = (files / "large.bin").read_bytes()
    assert hashlib.sha256(client.get("/large.bin").body).digest() == hashlib.sha256(large).digest()
    part = client.get("/large.bin", "Range: bytes=1000-1999")
    assert part.status == 206 and part.body == large[1000:2000]
    small = client.get("/small.txt")
    assert client.get("/small.txt", f"If-None-Match: {small['ETag']}").status == 304
    assert client.get("/small.txt", method="HEAD")["Content-Length"] == "600"
    coded = client.get("/small.txt", "Accept-Encoding: gzip")
    assert coded["Content-Encoding"] == "gzip" and coded["Content-Length"] is None
    assert client.get("/none").status == 404


def test_nginx_redirects_to_where_the_client_is(behind_nginx):
    location = behind_nginx.secure().get("/folder")["Location"]
    assert location == f"http://localhost:{location.split(':')[2].split('/')[0]}/folder/" or location == "/folder/"


def test_nginx_takes_bodies_of_both_framings(behind_nginx, tmp_path):
    client = behind_nginx.secure()
    body = os.urandom(3 << 20)
    client.send(wire.request("/upload/a", f"Content-Length: {len(body)}", method="PUT").encode() + body)
    assert client.read_response().status == 201
    client.send(wire.request("/upload/b", "Transfer-Encoding: chunked", method="PUT"))
    for start in range(0, len(body), 100_000):
        piece = body[start : start + 100_000]
        client.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
    client.send("0\r\n\r\n")
    assert client.read_response().status == 201
    assert (tmp_path / "upload/a").read_bytes() == (tmp_path / "upload/b").read_bytes() == body


def test_nginx_refuses_a_body_before_it_comes(behind_nginx):
    client = behind_nginx.plain()
    client.send(wire.request("/refuse", "Content-Length: 100000", "Expect: 100-continue", method="PUT"))
    assert client.read_response().status == 413


def test_nginx_receives_the_fields_of_the_gateway(behind_nginx):
    assert behind_nginx.secure().get("/fields").text == "localhost 127.0.0.1 1.1 isagate HTTP/1.1"


def test_nginx_closes_without_an_answer(behind_nginx):
    assert behind_nginx.secure().get("/cut").status == 502


@pytest.mark.parametrize("shows", [True, False])
def test_nginx_asks_the_gateway_for_a_certificate(start_gateway, tmp_path, issued, shows):
    server = [
        f"ssl_certificate {issued['good']['chain']}; ssl_certificate_key {issued['good']['key']};",
        f"ssl_client_certificate {issued['ca']}; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3;",
        'location / { return 200 "$ssl_client_s_dn $ssl_protocol $ssl_server_name"; }',
    ]
    with daemons.nginx(tmp_path, server, "ssl") as port:
        tls = {"ca": issued["ca"], **({"certificate": issued["client"]} if shows else {})}
        gateway = start(start_gateway, f"https://localhost:{port}", tls=tls)
        response = gateway.secure().get("/")
    if shows:
        assert response.text == "CN=gateway.test TLSv1.3 localhost"
    else:
        assert response.status == 400 and "No required SSL certificate" in response.text


# haproxy


def test_haproxy_answers_between_the_gateway_and_others(start_gateway, tmp_path):
    frontend = [
        "http-request return status 200 content-type text/plain lf-string %[path] if { path_beg /own }",
        "http-request deny deny_status 429 if { path /limited }",
        "use_backend none",
    ]
    with daemons.haproxy(tmp_path, frontend, backend="backend none") as port:
        client = start(start_gateway, f"http://127.0.0.1:{port}").secure()
        assert [client.get(f"/own/{number}").text for number in range(10)] == [f"/own/{n}" for n in range(10)]
        assert client.get("/limited").status == 429
        assert client.get("/nowhere").status == 503, "haproxy's own answer, passed on"


def test_haproxy_that_restarts_is_found_again(start_gateway, tmp_path):
    frontend = ["http-request return status 200 content-type text/plain string ok"]
    with daemons.haproxy(tmp_path, frontend) as port:
        gateway = start(start_gateway, f"http://127.0.0.1:{port}", health={"passive": {"fails": 0}})
        client = gateway.plain()
        assert client.get("/").text == "ok"
    assert client.get("/").status == 502
    with daemons.haproxy(tmp_path, frontend, port=port):
        patience.until(lambda: client.get("/").status == 200)


# OpenSSL


@pytest.mark.parametrize(
    "certificate, options, tls, reason",
    [
        ("expired", [], {}, "certificate has expired"),
        ("other", [], {}, "hostname mismatch"),
        ("good", ["-tls1_2"], {"min": "1.3"}, "alert protocol version"),
        ("good", ["-no_tls1_3", "-no_tls1_2", "-cipher", "ALL:@SECLEVEL=0"], {}, "alert protocol version"),
        ("good", ["-Verify", "1", "-verify_return_error"], {}, "no certificate"),
    ],
)
def test_a_server_that_openssl_makes_wrong_is_not_asked(
    start_gateway, tmp_path, issued, certificate, options, tls, reason
):
    files = issued[certificate]
    with daemons.openssl_server(tmp_path, files["chain"], files["key"], *options) as port:
        gateway = start(start_gateway, f"https://localhost:{port}", tls={"ca": issued["ca"], **tls})
        assert gateway.plain().get("/").status == 502
        if reason != "no certificate":
            gateway.log.wait_for(f"TLS handshake with the server failed: .*{reason}")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_openssl_sees_the_version_and_the_resumed_session(start_gateway, tmp_path, issued, version):
    files = issued["good"]
    options = ["-no_tls1_3"] if version == "1.2" else ["-tls1_3"]
    with daemons.openssl_server(tmp_path, files["chain"], files["key"], *options) as port:
        gateway = start(start_gateway, f"https://localhost:{port}", tls={"ca": issued["ca"]})
        client = gateway.plain()
        seen = [re.search(r"(New|Reused), (TLSv[\d.]+)", client.get("/").text).groups() for _ in range(3)]
    assert seen == [("New", f"TLSv{version}"), ("Reused", f"TLSv{version}"), ("Reused", f"TLSv{version}")]


def test_openssl_is_shown_the_gateways_certificate(start_gateway, tmp_path, issued):
    files = issued["good"]
    options = ["-Verify", "1", "-verify_return_error", "-CAfile", issued["ca"]]
    with daemons.openssl_server(tmp_path, files["chain"], files["key"], *options) as port:
        tls = {"ca": issued["ca"], "certificate": issued["client"]}
        response = start(start_gateway, f"https://localhost:{port}", tls=tls).plain().get("/")
    assert response.status == 200 and "gateway.test" in response.text
