"""Responses coded with gzip and deflate: what is coded, with which fields, and that clients decode the same bytes."""

import gzip
import random
import subprocess
import zlib

import gateway
import patience
import pytest
import wire

TEXT = "The quick brown fox jumps over the lazy dog. " * 200

ROUTES = [
    {"path": "/text", "respond": {"body": TEXT, "headers": {"Content-Type": "text/html", "ETag": '"t"'}}},
    {"path": "/short", "respond": {"body": "short", "headers": {"Content-Type": "text/html"}}},
    {"path": "/image", "respond": {"body": TEXT, "headers": {"Content-Type": "image/png"}}},
    {"path": "/same", "respond": {"status": 304, "headers": {"ETag": '"t"'}}},
    {"path": "/off", "compress": "off", "respond": {"body": TEXT}},
    {"path": "/small/*", "compress": {"min_size": 1}, "extension": "prose"},
    {"path": "/typed/*", "compress": {"types": ["image/*"]}, "extension": "prose"},
]


@pytest.fixture(scope="module")
def coding(start_shared_gateway, tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    (root / "text.html").write_text(TEXT)
    files = {"path": "/files/*", "files": {"root": str(root), "strip_prefix": "/files"}}
    extensions = ["prose", "stream"]
    served = gateway.site([*ROUTES, files, *({"path": f"/{name}", "extension": name} for name in extensions)])
    served["compress"] = "on"
    return start_shared_gateway(sites=[served], extensions=extensions)


def decoded(response):
    """The content, decoded to its very end."""
    match response["Content-Encoding"]:
        case None:
            return response.body
        case "gzip":
            decoder = zlib.decompressobj(31)
        case "deflate":
            decoder = zlib.decompressobj(15)
    content = decoder.decompress(response.body)
    assert decoder.eof and not decoder.unused_data
    return content


def prose(size):
    return bytes(97 + (n * n >> 7) % 26 for n in range(size))


def takes(codings):
    return [f"Accept-Encoding: {codings}"] if codings is not None else []


@pytest.mark.parametrize(
    "accepted, coding_used",
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate, gzip", "gzip"),
        ("deflate;q=1, gzip;q=0.5", "deflate"),
        ("gzip;q=0", None),
        ("gzip;q=0.001", "gzip"),
        ("identity;q=0.5, gzip;q=0.4", None),
        ("identity;q=0.4, gzip;q=0.5", "gzip"),
        ("*", "gzip"),
        ("*;q=0.1, gzip;q=0", "deflate"),
        ("identity;q=0", None),
        ("identity;q=0, *", "gzip"),
        ("gzip;q=2", None),
        ("gzip;q=", None),
        ("gzip deflate", None),
        ("gzip;level=9", None),
        ("br, zstd, compress, gzip", "gzip"),
        (" , gzip ,, ", "gzip"),
    ],
)
@pytest.mark.parametrize("path", ["/text", "/prose?length=1"])
def test_the_coding_is_the_one_the_client_likes_best(coding, path, accepted, coding_used):
    response = coding.secure().get(path, *takes(accepted))
    assert response["Content-Encoding"] == coding_used
    assert response["Vary"] == "Accept-Encoding"
    assert decoded(response) == (TEXT.encode() if path == "/text" else prose(10000))


def test_several_lines_of_the_field_are_one_list(coding):
    response = coding.secure().get("/text", "Accept-Encoding: gzip;q=0", "Accept-Encoding: deflate")
    assert response["Content-Encoding"] == "deflate"


def test_a_fixed_response_has_its_coded_length_and_a_weak_tag(coding):
    response = coding.secure().get("/text", "Accept-Encoding: gzip")
    assert int(response["Content-Length"]) == len(response.body) < 200
    assert response["ETag"] == 'W/"t"'
    assert coding.secure().get("/text")["ETag"] == '"t"'


def test_head_has_the_fields_of_get(coding):
    client = coding.secure()
    got = client.get("/text", "Accept-Encoding: gzip")
    head = client.get("/text", "Accept-Encoding: gzip", method="HEAD")
    assert [field for field in head.fields if field[0] != "date"] == [f for f in got.fields if f[0] != "date"]
    got = client.get("/prose?length=1&etag=1", "Accept-Encoding: gzip")
    head = client.get("/prose?length=1&etag=1", "Accept-Encoding: gzip", method="HEAD")
    assert [field for field in head.fields if field[0] != "date"] == [f for f in got.fields if f[0] != "date"]


def test_head_does_not_code_a_file_to_know_its_length(coding):
    client = coding.secure()
    got = client.get("/files/text.html", "Accept-Encoding: gzip")
    head = client.get("/files/text.html", "Accept-Encoding: gzip", method="HEAD")
    assert got["Content-Length"] == str(len(got.body)) and head["Content-Encoding"] == "gzip"
    assert [f for f in head.fields if f[0] != "date"] == [f for f in got.fields if f[0] not in ("date", "content-length")]
    assert client.get("/files/text.html").text == TEXT


@pytest.mark.parametrize("ranges", ["0-9", "0-1,4-5"])
def test_a_range_is_not_coded_and_has_the_vary_of_the_whole(coding, ranges):
    response = coding.plain().get("/files/text.html", "Accept-Encoding: gzip", f"Range: bytes={ranges}")
    assert (response.status, response["Vary"], response["Content-Encoding"]) == (206, "Accept-Encoding", None)
    assert response["ETag"].startswith('"') and b"Th" in response.body


@pytest.mark.parametrize("path", ["/short", "/image", "/off"])
def test_what_gains_nothing_is_sent_as_it_is(coding, path):
    response = coding.secure().get(path, "Accept-Encoding: gzip")
    assert (response["Content-Encoding"], response["Vary"]) == (None, None)


@pytest.mark.parametrize(
    "query", ["type=png", "type=none", "fixed=1", "coded=1", "size=100&length=1", "status=204&size=0"]
)
def test_what_may_not_be_changed_is_sent_as_it_is(coding, query):
    response = coding.secure().get(f"/prose?{query}", "Accept-Encoding: gzip")
    assert response["Content-Encoding"] == ("br" if query == "coded=1" else None)
    assert response["Vary"] is None


def test_not_modified_has_the_vary_of_the_whole(coding):
    response = coding.secure().get("/same", "Accept-Encoding: gzip")
    assert (response.status, response["Vary"]) == (304, "Accept-Encoding")


def test_fields_that_mean_the_uncoded_content_are_changed(coding):
    client = coding.secure()
    response = client.get("/prose?etag=1", "Accept-Encoding: gzip")
    assert (response["ETag"], response["Accept-Ranges"]) == ('W/"one"', None)
    assert [value for name, value in response.fields if name == "vary"] == ["Origin", "Accept-Encoding"]
    response = client.get("/prose?etag=1")
    assert (response["ETag"], response["Accept-Ranges"]) == ('"one"', "bytes")


def test_a_route_may_differ_from_its_site(coding):
    client = coding.secure()
    assert client.get("/small/x?size=100&length=1", "Accept-Encoding: gzip")["Content-Encoding"] == "gzip"
    assert client.get("/typed/x?type=png", "Accept-Encoding: gzip")["Content-Encoding"] == "gzip"
    assert client.get("/typed/x", "Accept-Encoding: gzip")["Content-Encoding"] is None


def test_each_flushed_piece_can_be_decoded_at_once(coding):
    client = coding.secure()
    client.send(wire.request("/stream?count=3&size=2000&wait=100", "Accept-Encoding: gzip"))
    response = wire.Response(client.read_until(b"\r\n\r\n")[:-4])
    assert (response["Content-Encoding"], response["Transfer-Encoding"]) == ("gzip", "chunked")
    decoder = zlib.decompressobj(31)
    content = b""
    for letter in b"abc":
        while len(content) < 2000:
            size = int(client.read_until(b"\r\n"), 16)
            assert size > 0
            content += decoder.decompress(client.read_bytes(size))
            client.read_bytes(2)
        assert content == bytes([letter]) * 2000
        content = b""


def test_an_old_client_gets_a_coded_body_until_the_connection_closes(coding):
    client = coding.secure()
    response = client.get("/stream?count=3&size=2000&wait=20", "Accept-Encoding: gzip", version="HTTP/1.0")
    assert (response["Content-Encoding"], response["Transfer-Encoding"]) == ("gzip", None)
    assert decoded(response) == b"a" * 2000 + b"b" * 2000 + b"c" * 2000


@pytest.mark.parametrize("coding_used", ["gzip", "deflate"])
def test_bodies_of_all_sizes_come_out_as_they_went_in(coding, coding_used):
    dice = random.Random(coding_used)
    client = coding.secure()
    sizes = [0, 1, 1023, 1024, 65535, 65536, 262143, 262145, 1 << 20] + [dice.randrange(1 << 20) for _ in range(12)]
    for size in sizes:
        most = dice.choice([1000, 20000, 300000])
        has_length = dice.randrange(2)
        query = f"size={size}&seed={dice.randrange(10000)}&most={most}&length={has_length}"
        response = client.get(f"/prose?{query}", f"Accept-Encoding: {coding_used}")
        plain = client.get(f"/prose?{query}")
        assert (len(plain.body), plain["Content-Encoding"]) == (size, None)
        assert decoded(response) == plain.body, query
        # A short body of unknown length is coded if its extension takes longer than the flush delay.
        expected = {coding_used} if size >= 1024 else {None} if has_length or size == 0 else {None, coding_used}
        assert response["Content-Encoding"] in expected, query


def curl(served, path, *arguments, text=False):
    command = ["curl", "-sS", "--cacert", str(served.authority), *arguments, served.url(path)]
    return subprocess.run(command, capture_output=True, check=True, timeout=patience.seconds(30)).stdout


@pytest.mark.parametrize("query", ["size=300000", "size=300000&length=1", "size=5000&wait=3&most=500"])
def test_curl_and_gzip_read_it(coding, query, tmp_path):
    plain = curl(coding, f"/prose?{query}")
    assert curl(coding, f"/prose?{query}", "--compressed") == plain
    file = tmp_path / "body.gz"
    file.write_bytes(curl(coding, f"/prose?{query}", "-H", "Accept-Encoding: gzip"))
    subprocess.run(["gzip", "-t", file], check=True, timeout=patience.seconds(30))
    assert gzip.decompress(file.read_bytes()) == plain


def test_a_client_that_vanishes_ends_the_work(coding):
    for _ in range(3):
        client = coding.secure()
        client.send(wire.request("/prose?size=50000000&most=1000", "Accept-Encoding: gzip"))
        client.read_until(b"\r\n\r\n")
        client.close()
    assert coding.secure().get("/text", "Accept-Encoding: gzip")["Content-Encoding"] == "gzip"


def test_without_memory_for_it_nothing_is_coded(start_gateway):
    served = gateway.site([ROUTES[0], {"path": "/prose", "extension": "prose"}])
    served["compress"] = "on"
    small = start_gateway(sites=[served], extensions={"prose": {}}, limits={"compression_memory": 0})
    for path in ["/text", "/prose?length=1", "/prose", "/prose?wait=3&most=2000"]:
        response = small.secure().get(path, "Accept-Encoding: gzip")
        assert (response["Content-Encoding"], response["Vary"]) == (None, "Accept-Encoding")
        assert len(response.body) in (len(TEXT), 10000)
