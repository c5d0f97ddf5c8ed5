"""Listings of folders, as data, as a page, and as a browser shows them."""

import json
import os
import re
import struct
import zlib

import browser
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("listed")
    (root / "b.txt").write_text("bb")
    (root / "a long name with spaces & <signs> that has to be wrapped on a phone.pdf").write_bytes(b"x" * 3_000_000)
    (root / "sub").mkdir()
    (root / "sub" / "c.txt").write_text("c")
    (root / ".hidden").write_text("h")
    (root / "b.txt~").write_text("h")
    os.symlink("/etc", root / "etc")
    for path in root.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    return root


@pytest.fixture(scope="module")
def server(start_shared_gateway, folder):
    return start_shared_gateway([{"path": "/*", "files": {"root": str(folder), "listing": "on"}}])


def test_data_lists_what_is_served(server):
    response = server.secure().get("/", "Accept: application/json")
    assert (response.status, response["Content-Type"], response["Vary"]) == (200, "application/json", "Accept")
    assert json.loads(response.body) == [
        {"name": "sub", "type": "folder", "modified": "2023-11-14T22:13:20Z"},
        {
            "name": "a long name with spaces & <signs> that has to be wrapped on a phone.pdf",
            "type": "file",
            "size": 3_000_000,
            "modified": "2023-11-14T22:13:20Z",
        },
        {"name": "b.txt", "type": "file", "size": 2, "modified": "2023-11-14T22:13:20Z"},
    ]


def test_the_page_links_to_what_it_lists(server):
    client = server.plain()
    page = client.get("/?sort=size&order=desc", "Accept: text/html,*/*;q=0.8")
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert '<a href="./sub/">sub/</a>' in page.text
    assert not re.search(r"\.hidden|b\.txt~|etc", page.text)
    assert client.get("/sub").status == 308
    assert '<a href="../">..</a>' in client.get("/sub/").text
    assert client.get("/sub/c.txt").text == "c"


def test_head_and_conditions_do_not_disturb(server):
    client = server.plain()
    assert client.get("/", method="HEAD").status == 200
    assert client.get("/", "Range: bytes=0-1").status == 200
    assert client.get("/sub/c.txt").status == 200


def pixels(data):
    """Width, height and rows of RGB pixels of a PNG with 8 bits a channel."""
    position, packed, width, height, kind = 8, b"", 0, 0, 0
    while position < len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        chunk = data[position + 8 : position + 8 + length]
        if name == b"IHDR":
            width, height, _, kind = struct.unpack(">IIBB", chunk[:10])
        elif name == b"IDAT":
            packed += chunk
        position += length + 12
    channels = {2: 3, 6: 4}[kind]
    return width, height, unfilter(zlib.decompress(packed), width * channels, height, channels)


def unfilter(data, stride, height, channels):
    rows, above = [], bytearray(stride)
    for index in range(height):
        method, row = data[index * (stride + 1)], bytearray(data[index * (stride + 1) + 1 : (index + 1) * (stride + 1)])
        for i in range(stride if method else 0):
            left = row[i - channels] if i >= channels else 0
            up, corner = above[i], above[i - channels] if i >= channels else 0
            row[i] = (row[i] + (0, left, up, (left + up) // 2, paeth(left, up, corner))[method]) & 255
        rows.append([tuple(row[i : i + 3]) for i in range(0, stride, channels)])
        above = row
    return rows


def paeth(left, up, corner):
    estimate = left + up - corner
    distances = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
    return (left, up, corner)[distances.index(min(distances))]


@browser.needed
def test_a_browser_shows_the_page(server, tmp_path):
    with browser.opened(tmp_path) as window:
        for width, height, scheme in [(390, 450, "light"), (390, 450, "dark"), (1200, 350, "dark")]:
            window.show(server.url("/", "plain"), width, height, scheme)
            check_picture(pixels(window.screenshot()), width, height, scheme)
            assert window.evaluate("document.documentElement.scrollWidth") == width
            assert window.evaluate("document.querySelectorAll('tbody tr').length") == 3


def check_picture(picture, width, height, scheme):
    shown_width, shown_height, rows = picture
    assert (shown_width, shown_height) == (width, height)
    background = rows[-1][-1]
    assert (sum(background) < 150) == (scheme == "dark")
    # There is text, and nothing reaches the edges: the page is not wider than the window.
    written = [(x, y) for y, row in enumerate(rows) for x, pixel in enumerate(row) if pixel != background]
    assert len(written) > 2000
    assert all(5 < x < width - 5 for x, _ in written)
