"""Requests of ServerSupportFunction: their results, and the response."""

import hashlib
import os
import socket
import ssl

import gateway
import patience
import pytest
import wire
from test_variables import client_certificate, sites

INSUFFICIENT_BUFFER, INVALID_PARAMETER, NO_DATA, NOT_SUPPORTED, FILE_NOT_FOUND = 122, 87, 232, 50, 2


@pytest.fixture(scope="module")
def server(start_shared_gateway, build_extension):
    routes = [
        gateway.PING,
        {"path": "/requests/*", "extension": "requests"},
        {"path": "/spooled/*", "extension": "spooled"},
        {"path": "/variables", "extension": "variables"},
    ]
    site = gateway.site(routes)
    # The development certificates come with a page's worth of text.
    site["error_pages"] = {"403": {"file": "ca.pem"}, "403.7": {"file": "localhost.pem"}}
    spooled = {"library": build_extension("requests"), "spool_request": True, "spool_limit": "200K"}
    return start_shared_gateway(sites=sites(site), extensions={"requests": {}, "variables": {}, "spooled": spooled})


# URLs


def test_a_url_in_utf_16_is_mapped_in_its_buffer(server):
    lines = server.secure().get("/requests/unicode_map?/a/b.txt").text.splitlines()
    path = f"{server.folder}/a/b.txt"
    size = 2 * (len(path) + 1)
    assert lines == [f"0 {INSUFFICIENT_BUFFER} {size}", f"1 0 {size} {path}"]


def test_a_url_is_mapped_with_access_and_the_matched_part(server):
    text = server.secure().get("/requests/map_ex?/a/b.txt").text
    assert text == f"1 0 {server.folder}/a/b.txt 205 /a/b.txt /a/b.txt\n"


def test_a_url_in_utf_16_is_mapped_with_access(server):
    assert server.secure().get("/requests/unicode_map_ex?/a").text == f"1 0 {server.folder}/a 205\n"


@pytest.mark.parametrize("request_name", ["map_ex", "unicode_map_ex"])
def test_a_path_longer_than_max_path_is_refused(server, request_name):
    text = server.secure().get(f"/requests/{request_name}?/{'x' * 260}").text
    assert text == f"0 {INSUFFICIENT_BUFFER} "


def test_a_url_is_normalized_in_its_buffer(server):
    client = server.secure()
    assert client.get("/requests/normalize?/a/%252e%252e/b%2541/./c%3fd").text == "1 0 /bA/c?d\n"
    assert client.get("/requests/normalize?/a/../b%3f/../%2531").text == "1 0 /b?/../%31\n"
    assert client.get("/requests/normalize?/a%5c..%5c..%5cx").text.startswith(f"0 {INVALID_PARAMETER} ")
    assert client.get("/requests/normalize?/../x").text.startswith(f"0 {INVALID_PARAMETER} ")


@pytest.mark.parametrize("request_name", ["map", "unicode_map", "map_ex", "unicode_map_ex"])
@pytest.mark.parametrize("url", ["/..", "/a/../../x", "/%252e%252e/x", "/a%5c..%5c..%5cx"])
def test_a_url_that_leaves_the_root_is_mapped_to_nothing(server, request_name, url):
    text = server.secure().get(f"/requests/{request_name}?{url}").text
    assert text.startswith(f"0 {INVALID_PARAMETER} ")


# The response


def test_a_url_is_sent_as_if_it_had_been_asked_for(server):
    client = server.secure()
    assert client.get("/requests/send_url?/ping").text == "pong\n"
    assert client.post("/requests/send_url?/variables%3FREQUEST_METHOD", "body").text.startswith("REQUEST_METHOD=GET")
    assert client.get("/requests/send_url?/nowhere").status == 404


def test_an_absolute_url_is_sent_as_a_redirect(server):
    response = server.secure().get("/requests/send_url?https%3A%2F%2Felsewhere.test%2F")
    assert (response.status, response["Location"]) == (302, "https://elsewhere.test/")


def test_a_custom_error_is_the_sites_page_for_status_and_substatus(server):
    client = server.secure()
    response = client.get("/requests/custom_error?403%20Stop%207")
    assert (response.status, response.body) == (403, (server.folder / "localhost.pem").read_bytes())
    response = client.get("/requests/custom_error?403%20Stop%208")
    assert (response.status, response.reason) == (403, "Stop")
    assert response.body == (server.folder / "ca.pem").read_bytes()
    assert client.get("/requests/custom_error?404%200").text == f"0 {FILE_NOT_FOUND} "


def test_each_write_leaves_at_once_with_the_flush_flag(server):
    client = server.secure()
    client.send(wire.request("/requests/flush", f"Content-Length: {(48 << 10) + 1}", method="POST") + "x" * (48 << 10))
    client.read_until(b"one\n")
    client.send("x")
    client.read_until(b"two\n")


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_an_abortive_close_resets_the_connection_behind_the_response(server, listener):
    client = getattr(server, listener)()
    assert client.get("/requests/abortive").text == "1 0 "
    # Without TLS, whose library reports a reset in its own way.
    with socket.socket(fileno=os.dup(client.socket.fileno())) as connection:
        connection.settimeout(patience.seconds(10))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_body_the_extension_frames_itself_is_framed_once(server, listener):
    client = getattr(server, listener)()
    for _ in range(2):
        response = client.get("/requests/own_chunks")
        assert response.text == "hello, world"
        assert response["Connection"] is None
    assert client.get("/ping").status == 200


def test_a_body_the_extension_frames_itself_is_plain_for_http_1_0(server):
    response = server.secure().get("/requests/own_chunks", version="HTTP/1.0")
    assert response["Transfer-Encoding"] is None and response.text == "hello, world"


def test_a_body_the_extension_frames_badly_is_cut_off_and_named_in_the_log(server):
    client = server.secure()
    with pytest.raises(EOFError):
        client.get("/requests/own_chunks?broken")
    server.log.wait_for("extension requests: its chunked body is malformed")


# The connection


def test_a_client_that_is_there_is_connected(server):
    assert server.secure().get("/requests/connected").text == "1 0 1\n"


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_client_that_has_gone_is_not_connected(start_gateway, listener):
    server = start_gateway([{"path": "/requests/*", "extension": "requests"}], ["requests"])
    client = getattr(server, listener)()
    client.send(wire.request("/requests/watch"))
    client.read_until(b"watching\n")
    other = server.plain()
    assert other.get("/requests/watched").text == "0\n"
    client.close()
    patience.until(lambda: other.get("/requests/watched").text == "1\n")


def test_the_clients_certificate_is_copied_with_its_flags(server):
    certificate, key = client_certificate(server.folder)
    context = server.context()
    context.load_cert_chain(certificate, key)
    text = server.secure(context).get("/requests/certificate").text
    first, error, second, _, flags, size, der = text.split()
    encoded = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    assert (first, int(error), second, flags) == ("0", INSUFFICIENT_BUFFER, "1", "1")
    assert (int(size), bytes.fromhex(der)) == (len(encoded), encoded)


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_without_a_certificate_there_is_no_data(server, listener):
    assert getattr(server, listener)().get("/requests/certificate").text == f"0 {NO_DATA} 0 {NO_DATA} 7 0 \n"


def test_the_channel_binding_is_the_hash_of_the_servers_certificate(server):
    client = server.secure()
    _, error, done, _, token = client.get("/requests/binding").text.split()
    assert (int(error), done) == (INSUFFICIENT_BUFFER, "1")
    token = bytes.fromhex(token)
    certificate = client.socket.getpeercert(binary_form=True)
    bound = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
    assert int.from_bytes(token[24:28], "little") == len(bound) and int.from_bytes(token[28:32], "little") == 32
    assert token[32:] == bound
    assert server.plain().get("/requests/binding").text == f"0 {NO_DATA} 0 {NO_DATA} \n"


# The server


def test_what_linux_has_no_counterpart_of_has_an_empty_answer(server):
    text = server.secure().get("/requests/empty_answers").text
    assert text == "1 0 1 0 trace 0 1 0 trace 0 1 0 1 0 invalidated 0\n"


def test_what_windows_alone_has_is_refused(server):
    assert server.secure().get("/requests/windows_only").text == f"0 {NOT_SUPPORTED} " * 7


def test_a_report_of_bad_health_succeeds_and_is_logged(server):
    assert server.secure().get("/requests/unhealthy?out%20of%20paper").text == "1 0 "
    server.log.wait_for("extension requests: reports itself unhealthy: out of paper")


# Lengths of bodies


def chunked(client, path, *sizes):
    client.send(wire.request(path, "Transfer-Encoding: chunked", method="POST"))
    for size in sizes:
        client.send(f"{size:x}\r\n" + "x" * size + "\r\n")
    client.send("0\r\n\r\n")
    return client.read_response()


def test_a_short_chunked_body_has_its_true_length(server):
    assert chunked(server.secure(), "/requests/totals", 5, 6).text == "11 11 1 0 11 11\n"


def test_a_long_chunked_body_has_no_length(server):
    assert chunked(server.secure(), "/requests/totals", 60_000).text == f"{0xFFFFFFFF} {48 << 10} 1 0  60000\n"


def test_a_spooled_chunked_body_has_its_length(server):
    assert chunked(server.secure(), "/spooled/totals", 60_000, 60_000).text == f"120000 {48 << 10} 1 0 120000 120000\n"


def test_a_chunked_body_beyond_the_spool_limit_is_refused(server):
    assert chunked(server.secure(), "/spooled/totals", 150_000, 60_000).status == 413
