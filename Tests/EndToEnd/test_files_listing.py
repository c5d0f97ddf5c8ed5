"""Listings of folders, as data, as a page, and as a browser shows them."""

import json
import os
import shutil
import struct
import subprocess
import zlib

import patience
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
    assert "hidden" not in page.text and "b.txt~" not in page.text and "etc" not in page.text
    assert client.get("/sub").status == 308
    assert '<a href="../">..</a>' in client.get("/sub/").text
    assert client.get("/sub/c.txt").text == "c"


def test_head_and_conditions_do_not_disturb(server):
    client = server.plain()
    assert client.get("/", method="HEAD").status == 200
    assert client.get("/", "Range: bytes=0-1").status == 200
    assert client.get("/sub/c.txt").status == 200


def screenshot(url, file, width, height, *flags):
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *flags]
    home = os.path.dirname(file)
    subprocess.run(
        [*command, f"--user-data-dir={home}/profile", f"--window-size={width},{height}", f"--screenshot={file}", url],
        check=True,
        capture_output=True,
        env={**os.environ, "HOME": home},
        timeout=patience.seconds(60),
    )
    return pixels(file)


def pixels(file):
    """Width, height and rows of RGB pixels of a PNG with 8 bits a channel."""
    with open(file, "rb") as png:
        data = png.read()
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


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs a browser")
@pytest.mark.parametrize("width, height, scheme", [(500, 400, "light"), (1200, 400, "dark")])
def test_a_browser_shows_the_page(server, tmp_path, width, height, scheme):
    flags = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    shown_width, shown_height, rows = screenshot(
        server.url("/", "plain"), str(tmp_path / "page.png"), width, height, *flags
    )
    assert (shown_width, shown_height) == (width, height)
    background = rows[-1][-1]
    assert background == ((13, 17, 23) if scheme == "dark" else (255, 255, 255))
    # Something is written, and nothing reaches the edges: the page is not wider than the window.
    written = [(x, y) for y, row in enumerate(rows) for x, pixel in enumerate(row) if pixel != background]
    assert len(written) > 2000
    assert all(5 < x < width - 5 for x, _ in written)
