"""Request bodies that are refused while an extension reads them: the client and the log get the reason."""

import gzip
import json

import gateway
import patience
import pytest
import wire

# After the read-ahead.
BEHIND_READ_AHEAD = 200_000


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    routes = [
        {"path": "/counted", "extension": "collects", "request_body": BEHIND_READ_AHEAD},
        {"path": "/decoded", "extension": "collects", "request_body": "8M", "decode_request": {"ratio": 10}},
        {"path": "/echo", "extension": "echo", "request_body": BEHIND_READ_AHEAD},
        {"path": "/unread", "extension": "hello", "request_body": BEHIND_READ_AHEAD},
    ]
    return start_shared_gateway(
        sites=[gateway.site(routes)],
        extensions=["collects", "echo", "hello"],
        log={"access": {"path": "access.log", "format": "json"}},
    )


def chunked(path, body, *fields, size=16_000):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    head = wire.request(path, "Transfer-Encoding: chunked", *fields, method="POST").encode()
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def refused(server, message, path, status, reason):
    client = server.secure()
    client.send(message)
    response = client.read_response()
    assert (response.status, response["Connection"]) == (status, "close")
    assert reason in response.text
    client.expect_gone()
    server.log.wait_for(f"request refused: {reason}")
    record = {"path": path, "status": status, "reason": reason}
    patience.until(lambda: any(record.items() <= json.loads(line).items() for line in server.access_log))
    assert server.secure().post("/counted", b"next").text == "4"


def test_a_body_too_large_after_the_read_ahead_is_reported(server):
    message = chunked("/counted", b"x" * (BEHIND_READ_AHEAD + 1))
    refused(server, message, "/counted", 413, "request body too large")


def test_a_body_at_the_limit_is_not_refused(server):
    client = server.secure()
    client.send(chunked("/counted", b"x" * BEHIND_READ_AHEAD))
    assert client.read_response().text == str(BEHIND_READ_AHEAD)


def test_a_bomb_after_the_read_ahead_is_reported(server):
    # Text that hardly shrinks, then a megabyte and more of nothing.
    text = bytes((n * n >> 3) & 255 for n in range(100_000))
    message = chunked("/decoded", gzip.compress(text + bytes(6 << 20)), "Content-Encoding: gzip")
    refused(server, message, "/decoded", 413, "request body expands too much")


def test_a_body_that_breaks_after_the_read_ahead_is_reported(server):
    message = chunked("/counted", b"x" * 100_000)[:-5] + b"zz\r\n"
    refused(server, message, "/counted", 400, "invalid chunk size")


def test_a_damaged_coding_after_the_read_ahead_is_reported(server):
    coded = gzip.compress(bytes((n * n >> 3) & 255 for n in range(100_000)), compresslevel=0)
    message = chunked("/decoded", coded[:-8] + bytes(8), "Content-Encoding: gzip")
    refused(server, message, "/decoded", 400, "malformed coding of the request body")


def test_a_response_that_has_begun_is_cut_off(server):
    client = server.secure()
    client.send(chunked("/echo", b"x" * (BEHIND_READ_AHEAD + 1)))
    client.read_until(b"\r\n\r\n")
    client.expect_gone()
    server.log.wait_for("extension echo: the request ended early: request body too large")


def test_an_extension_that_reads_nothing_answers_before(server):
    client = server.secure()
    client.send(chunked("/unread", b"x" * (BEHIND_READ_AHEAD + 1)))
    assert client.read_response().status == 200
