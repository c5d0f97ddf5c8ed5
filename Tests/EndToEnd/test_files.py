"""Files: which paths lead to which file, with which fields, and what is sent of it."""

import email.utils
import gzip
import os
import subprocess

import pytest

LARGE = bytes((i * 7 + i // 251) % 256 for i in range(3_000_000))
HTML = "<!doctype html><p>hello</p>\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("public")
    (root / "index.html").write_text(HTML)
    (root / "large.bin").write_bytes(LARGE)
    (root / "empty.txt").write_bytes(b"")
    (root / "with space.txt").write_text("space")
    (root / "sub").mkdir()
    (root / "sub" / "a.json").write_text("{}")
    (root / "docs").mkdir()
    (root / "docs" / "index.html").write_text("docs")
    (root / ".secret").write_text("hidden")
    (root / ".well-known").mkdir()
    (root / ".well-known" / "token").write_text("token")
    (root / "page.html~").write_text("backup")
    (root / "script.js").write_text("let a = 1;\n" * 200)
    (root / "script.js.gz").write_bytes(gzip.compress((root / "script.js").read_bytes()))
    (root / "stale.js").write_text("new")
    (root / "stale.js.gz").write_bytes(gzip.compress(b"old"))
    os.utime(root / "stale.js.gz", (1, 1))
    (root / "private.txt").write_text("private")
    (root.parent / "outside.txt").write_text("outside")
    os.symlink("../outside.txt", root / "escape.txt")
    os.symlink("index.html", root / "inside.html")
    os.symlink("/etc", root / "etc")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture(scope="module")
def server(start_shared_gateway, folder):
    return start_shared_gateway(
        [
            {"path": "/static/*", "files": {"root": str(folder), "strip_prefix": "/static"}},
            {"path": "/links/*", "files": {"root": str(folder), "strip_prefix": "/links", "follow_symlinks": "on"}},
            {
                "path": "/app/*",
                "files": {"root": str(folder), "strip_prefix": "/app", "fallback": "/index.html", "hidden": "on"},
            },
            {"path": "/*", "files": {"root": str(folder), "precompressed": ["gz"], "cache_control": "max-age=60"}},
        ]
    )


@pytest.fixture(params=["secure", "plain"])
def client(server, request):
    return getattr(server, request.param)()


def test_a_file_is_sent_with_its_type_and_validators(client, folder):
    response = client.get("/sub/a.json")
    assert (response.status, response.text) == (200, "{}")
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "max-age=60"
    assert response["Accept-Ranges"] == "bytes"
    modified = email.utils.parsedate_to_datetime(response["Last-Modified"]).timestamp()
    assert modified == int(os.stat(folder / "sub" / "a.json").st_mtime)
    assert response["ETag"].startswith('"')


def test_large_files_are_sent_whole_again_and_again(client):
    for _ in range(3):
        response = client.get("/large.bin")
        assert response.status == 200
        assert response.body == LARGE
    assert client.get("/sub/a.json").text == "{}"


def test_an_empty_file_has_no_content(client):
    response = client.get("/empty.txt")
    assert (response.status, response["Content-Length"], response.body) == (200, "0", b"")


def test_head_has_the_fields_of_get(client):
    for path in ["/sub/a.json", "/large.bin", "/script.js", "/empty.txt"]:
        head, whole = client.get(path, method="HEAD"), client.get(path)
        del head.fields[1], whole.fields[1]  # Date
        assert head.fields == whole.fields


def test_for_a_folder_its_index_is_served(client):
    assert client.get("/").text == HTML
    assert client.get("/docs/").text == "docs"
    assert client.get("/static/").text == HTML


def test_a_folder_without_slash_is_redirected(client):
    response = client.get("/docs?q=1")
    assert (response.status, response["Location"]) == (308, "/docs/?q=1")
    response = client.get("//evil.test/%2e%2e/../docs")
    assert (response.status, response["Location"]) == (308, "/docs/")


def test_other_methods_are_not_allowed(client):
    response = client.get("/index.html", method="DELETE")
    assert (response.status, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
    response = client.get("/index.html", method="OPTIONS")
    assert (response.status, response["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert client.post("/index.html", b"x").status == 405


def test_encoded_names_are_found(client):
    assert client.get("/with%20space.txt").text == "space"


@pytest.mark.parametrize(
    "path", ["/nothing", "/sub", "/index.html/", "/sub/", "/.secret", "/page.html~", "/pipe", "//.secret", "/sub//"]
)
def test_what_is_no_file_to_serve_is_not_found(client, path):
    assert client.get(path).status == (308 if path == "/sub" else 404)


def test_links_are_followed_only_where_asked_and_never_out_of_the_root(client):
    assert client.get("/inside.html").status == 404
    assert client.get("/links/inside.html").text == HTML
    for path in ["/escape.txt", "/links/escape.txt", "/etc/passwd", "/links/etc/passwd"]:
        assert client.get(path).status == 404


def test_the_fallback_is_served_for_files_that_do_not_exist(client):
    for path in ["/app/", "/app/users/7", "/app/nothing.js"]:
        response = client.get(path)
        assert (response.status, response.text) == (200, HTML)
        assert response["Content-Type"] == "text/html; charset=utf-8"
    assert client.get("/app/.secret").text == "hidden"


def test_well_known_files_are_served(client):
    assert client.get("/.well-known/token").text == "token"


def test_conditions_and_ranges(client):
    whole = client.get("/large.bin")
    tag, date = whole["ETag"], whole["Last-Modified"]
    table = [
        (["If-None-Match: " + tag], 304, b""),
        (["If-None-Match: W/" + tag], 304, b""),
        (["If-None-Match: \"x\""], 200, LARGE),
        (["If-Modified-Since: " + date], 304, b""),
        (["If-Match: \"x\""], 412, None),
        (["If-Match: " + tag, "Range: bytes=5-9"], 206, LARGE[5:10]),
        (["Range: bytes=0-"], 206, LARGE),
        (["Range: bytes=-3"], 206, LARGE[-3:]),
        (["Range: bytes=100-199,150-299"], 206, LARGE[100:300]),
        (["Range: bytes=0-1", "If-Range: \"x\""], 200, LARGE),
        (["Range: bytes=0-1", "If-Range: " + tag], 206, LARGE[:2]),
        (["Range: bytes=9-5"], 200, LARGE),
        (["Range: bytes=3000000-"], 416, None),
        (["Range: bytes=" + ",".join(["0-"] * 17)], 416, None),
    ]
    for fields, status, body in table:
        response = client.get("/large.bin", *fields)
        assert response.status == status, fields
        if body is not None:
            assert response.body == body, fields
        if status == 206:
            assert response["Content-Range"].endswith("/3000000")
        if status == 416:
            assert response["Content-Range"] == "bytes */3000000"
        if status in (200, 206, 304):
            assert (response["ETag"], response["Last-Modified"]) == (tag, date)
    assert client.get("/large.bin", "Range: bytes=0-1", method="HEAD").status == 200


def test_several_ranges_are_sent_as_parts(client):
    for path, content in [("/large.bin", LARGE), ("/index.html", HTML.encode())]:
        response = client.get(path, "Range: bytes=20-,0-3,6-9")
        assert response.status == 206
        kind, _, boundary = response["Content-Type"].partition("; boundary=")
        assert kind == "multipart/byteranges"
        message = email.message_from_bytes(
            b"Content-Type: multipart/byteranges; boundary=" + boundary.encode() + b"\r\n\r\n" + response.body
        )
        parts = [(part["Content-Range"], part.get_payload(decode=True)) for part in message.get_payload()]
        size = len(content)
        assert [place for place, _ in parts] == [
            f"bytes 20-{size - 1}/{size}",
            f"bytes 0-3/{size}",
            f"bytes 6-9/{size}",
        ]
        assert [content for _, content in parts] == [content[20:], content[:4], content[6:10]]


def test_a_coded_neighbour_is_sent_to_those_who_take_it(client, folder):
    plain = client.get("/script.js")
    assert (plain["Vary"], plain["Content-Encoding"]) == ("Accept-Encoding", None)
    assert plain.body == (folder / "script.js").read_bytes()
    coded = client.get("/script.js", "Accept-Encoding: br, gzip")
    assert (coded["Vary"], coded["Content-Encoding"]) == ("Accept-Encoding", "gzip")
    assert gzip.decompress(coded.body) == plain.body
    assert coded["Content-Type"] == plain["Content-Type"]
    assert coded["ETag"] != plain["ETag"]
    unchanged = client.get("/script.js", "Accept-Encoding: gzip", "If-None-Match: " + coded["ETag"])
    assert (unchanged.status, unchanged["Vary"]) == (304, "Accept-Encoding")
    assert client.get("/script.js", "If-None-Match: " + coded["ETag"]).status == 200
    assert client.get("/script.js", "Accept-Encoding: gzip;q=0")["Content-Encoding"] is None
    assert client.get("/stale.js", "Accept-Encoding: gzip").text == "new"


def test_http_1_0_clients_get_files(server):
    client = server.plain()
    assert client.get("/large.bin", version="HTTP/1.0").body == LARGE


def test_curl_reads_a_file_and_resumes(server, folder, tmp_path):
    def curl(*arguments):
        url = server.url("/large.bin")
        subprocess.run(["curl", "-sS", "--fail", "--cacert", server.authority, *arguments, url], check=True)

    target = tmp_path / "copy"
    target.write_bytes(LARGE[:1_000_000])
    curl("-C", "-", "-o", target)
    assert target.read_bytes() == LARGE
    stamp = tmp_path / "stamp"
    os.utime(target, (os.stat(folder / "large.bin").st_mtime,) * 2)
    curl("-z", target, "-o", stamp)
    assert not stamp.exists()
