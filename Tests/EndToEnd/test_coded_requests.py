"""Request bodies with a content coding: decoded for extensions that want it, within limits; and limits per route."""

import gzip
import zlib

import gateway
import pytest
import wire

TEXT = b"The quick brown fox jumps over the lazy dog. " * 5000


@pytest.fixture(scope="module")
def decoding(start_shared_gateway):
    routes = [
        gateway.PING,
        {"path": "/raw", "extension": "echo"},
        {"path": "/decoded", "extension": "echo", "decode_request": True, "request_body": "4M"},
        {"path": "/small", "extension": "echo", "request_body": 40, "decode_request": True},
        {"path": "/fields", "extension": "variables", "decode_request": True},
        {"path": "/closed", "request_body": 0, "respond": {"body": "closed\n"}},
    ]
    return start_shared_gateway(
        sites=[gateway.site(routes)], extensions=["echo", "variables"], limits={"request_body": "1M"}
    )


def multimember(content):
    half = len(content) // 2
    return gzip.compress(content[:half]) + gzip.compress(content[half:])


@pytest.mark.parametrize(
    "coding, encode",
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("GZIP", multimember), ("deflate", zlib.compress)],
)
@pytest.mark.parametrize("content", [b"", b"x", TEXT])
def test_an_extension_reads_what_was_coded(decoding, coding, encode, content):
    client = decoding.secure()
    response = client.post("/decoded", encode(content), f"Content-Encoding: {coding}")
    assert (response.status, response.body) == (200, content)
    assert client.get("/ping").status == 200


def test_a_chunked_coded_body_is_decoded_at_every_split(decoding):
    coded = gzip.compress(b"Hello, world")
    client = decoding.plain()
    for split in range(1, len(coded)):
        head = wire.request("/decoded", "Transfer-Encoding: chunked", "Content-Encoding: gzip", method="POST").encode()
        pieces = [coded[:split], coded[split:]]
        client.send(head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n")
        assert client.read_response().body == b"Hello, world"


def test_without_decoding_the_body_stays_as_it_is(decoding):
    coded = gzip.compress(TEXT)
    assert decoding.secure().post("/raw", coded, "Content-Encoding: gzip").body == coded
    assert decoding.secure().post("/decoded", coded, "Content-Encoding: br").body == coded


def test_an_extension_receives_the_decoded_body(decoding):
    names = "CONTENT_LENGTH,HTTP_CONTENT_LENGTH,HTTP_CONTENT_ENCODING,HTTP_X_OTHER"
    response = decoding.secure().post(
        f"/fields?{names}", gzip.compress(b"x"), "Content-Encoding: gzip", "X-Other: kept"
    )
    lines = dict(line.replace("!", "=").split("=", 1) for line in response.text.splitlines())
    assert lines["HTTP_X_OTHER"].startswith("kept ")
    assert "gzip" not in response.text and lines["HTTP_CONTENT_LENGTH"].startswith(" ")


@pytest.mark.parametrize(
    "path, body, status, reason",
    [
        ("/small", gzip.compress(b"x" * 1000), 413, "request body too large"),
        ("/decoded", gzip.compress(TEXT[:9000])[:-1], 400, "malformed coding of the request body"),
        ("/decoded", gzip.compress(TEXT[:9000]) + b"x", 400, "malformed coding of the request body"),
        ("/decoded", b"plain text", 400, "malformed coding of the request body"),
    ],
    ids=["long", "cut off", "followed", "plain"],
)
def test_what_cannot_be_decoded_is_refused(decoding, path, body, status, reason):
    response = decoding.secure().post(path, body, "Content-Encoding: gzip")
    assert response.status == status
    assert reason in response.text
    assert decoding.secure().get("/ping").status == 200


def test_each_route_has_its_own_limit(decoding):
    assert decoding.secure().post("/small", b"x" * 40).status == 200
    assert decoding.secure().post("/small", b"x" * 41).status == 413
    assert decoding.secure().post("/decoded", b"x" * (3 << 20)).status == 200
    assert decoding.secure().post("/raw", b"x" * (3 << 20)).status == 413
    assert decoding.secure().post("/closed", b"x").status == 413
    client = decoding.secure()
    client.send(wire.request("/small", "Transfer-Encoding: chunked", method="POST") + "29\r\n" + "x" * 41 + "\r\n0\r\n\r\n")
    assert client.read_response().status == 413


def test_without_memory_a_coded_body_is_refused(start_gateway):
    routes = [{"path": "/decoded", "extension": "echo", "decode_request": True}]
    small = start_gateway(routes, extensions=["echo"], limits={"compression_memory": 0})
    response = small.secure().post("/decoded", gzip.compress(b"x"), "Content-Encoding: gzip")
    assert response.status == 503
