"""Validators of files: entity tags, dates, ranges."""

import email.utils
import gzip
import json
import os
import re
import time

import pytest


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def serve(start_gateway, root):
    def start(**route):
        files = {"root": str(root), **route.pop("files", {})}
        return start_gateway([{"path": "/*", "files": files, **route}], file_cache={"fresh": "10ms"})

    return start


def write(file, content, when=1_700_000_000):
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(file, (when, when))


def test_the_same_file_has_the_same_tag_everywhere(start_gateway, tmp_path):
    tags = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder / "a.txt", "content")
        response = start_gateway([{"path": "/*", "files": {"root": str(folder)}}]).plain().get("/a.txt")
        tags.append(response["ETag"])
    # As in nginx.
    assert tags[0] == tags[1] == '"6553f100-7"'


def test_another_time_or_size_makes_another_tag(serve, root):
    server = serve()
    tags = set()
    for content, when in [("a", 1_700_000_000), ("ab", 1_700_000_000), ("a", 1_700_000_001), ("a", 1_700_000_000.25)]:
        write(root / f"{len(tags)}.txt", content, when)
        tags.add(server.plain().get(f"/{len(tags)}.txt")["ETag"])
    assert len(tags) == 4


def test_nothing_has_changed_later_than_now(serve, root):
    write(root / "future.txt", "content", time.time() + 86_400)
    write(root / "past.txt", "content")
    client = serve().plain()
    response = client.get("/future.txt")
    modified, date = (email.utils.parsedate_to_datetime(response[name]) for name in ("Last-Modified", "Date"))
    assert modified <= date
    assert client.get("/future.txt", f"If-None-Match: {response['ETag']}").status == 304
    assert client.get("/future.txt", f"If-Unmodified-Since: {response['Last-Modified']}").status == 200
    assert client.get("/future.txt", f"If-Modified-Since: {response['Last-Modified']}").status == 304
    assert client.get("/past.txt")["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


def parts(response):
    boundary = response["Content-Type"].partition("boundary=")[2].encode()
    return re.findall(rb"Content-Range: bytes ([^\r]+)\r\n\r\n(.*?)\r\n--" + boundary, response.body, re.DOTALL)


@pytest.mark.parametrize(
    "asked, got",
    [
        ("5-6,0-1", [b"5-6/10", b"0-1/10"]),
        ("8-9,4-5,0-1", [b"8-9/10", b"4-5/10", b"0-1/10"]),
        ("-1,0-0", [b"9-9/10", b"0-0/10"]),
        ("6-7,0-1,7-8", [b"6-8/10", b"0-1/10"]),
        ("6-7,0-1,2-3", [b"6-7/10", b"0-3/10"]),
    ],
)
def test_ranges_come_in_the_order_asked_for(serve, root, asked, got):
    write(root / "a.txt", "0123456789")
    response = serve().plain().get("/a.txt", f"Range: bytes={asked}")
    assert response.status == 206
    assert [place for place, _ in parts(response)] == got
    assert all(content == b"0123456789"[int(p.split(b"-")[0]) : int(p.split(b"-")[1].split(b"/")[0]) + 1] for p, content in parts(response))


@pytest.mark.parametrize("asked", ["0-", "0-0", "-5", "5-"])
def test_any_part_of_an_empty_file_is_all_of_it(serve, root, asked):
    write(root / "empty.txt", "")
    response = serve().plain().get("/empty.txt", f"Range: bytes={asked}")
    assert (response.status, response.body, response["Content-Range"]) == (200, b"", None)


CASES = {
    "an image": ("a.png", b"\x89PNG" + bytes(5000), {}),
    "a small file": ("a.txt", b"small", {}),
    "a coded neighbour": ("a.js", b"x" * 5000, {"precompressed": ["gz"]}),
    "a file that is coded": ("b.txt", b"x" * 5000, {}),
    "an empty file": ("e.txt", b"", {}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("encoding", ["Accept-Encoding: gzip", "Accept-Encoding: identity", "X: y"])
def test_not_modified_has_the_tag_and_vary_of_the_file(serve, root, case, encoding):
    name, content, files = CASES[case]
    write(root / name, content)
    if files:
        write(root / f"{name}.gz", gzip.compress(content))
    client = serve(files=files, compress="on").plain()
    whole = client.get(f"/{name}", encoding)
    assert whole.status == 200
    conditions = [f"If-None-Match: {whole['ETag']}", "If-None-Match: *", f"If-Modified-Since: {whole['Last-Modified']}"]
    for condition in conditions:
        unchanged = client.get(f"/{name}", encoding, condition)
        assert unchanged.status == 304, condition
        assert (unchanged["ETag"], unchanged["Vary"]) == (whole["ETag"], whole["Vary"]), condition


def test_a_name_that_no_url_leads_to_is_not_listed(serve, root):
    for name in (b"good", b"line\nbreak", b"bell\x07", b"back\\slash", b"latin-\xe9"):
        with open(os.path.join(os.fsencode(root), name), "wb") as file:
            file.write(name)
    os.mkdir(os.path.join(os.fsencode(root), b"folder-\xff"))
    with open(os.path.join(os.fsencode(root), b"folder-\xff", b"\xfe.txt"), "wb") as file:
        file.write(b"deep")
    client = serve(files={"listing": "on"}).plain()

    def links(path):
        return re.findall(r'<a href="(\./[^"]+)"', client.get(path).text)

    found = links("/")
    assert sorted(found) == ["./folder-%FF/", "./good", "./latin-%E9"]
    for link in found:
        assert client.get("/" + link[2:]).status == 200
    assert links("/folder-%FF/") == ["./%FE.txt"]
    assert client.get("/folder-%FF/%FE.txt").text == "deep"
    listed = json.loads(client.get("/", "Accept: application/json").text)
    assert sorted(entry.get("url", entry["name"]) for entry in listed) == ["./folder-%FF/", "./latin-%E9", "good"]


def test_a_listing_has_names_with_backslashes_where_they_can_be_asked_for(serve, root):
    (root / "back\\slash").write_text("it")
    client = serve(files={"listing": "on"}, allow_backslash=True).plain()
    assert "./back%5Cslash" in client.get("/").text
    assert client.get("/back%5Cslash").text == "it"
