"""Paths that try to leave the folder of a files route: none of them finds anything outside."""

import itertools
import os

import pytest
import wire

SECRET = "outside of the root"

DOTS = [
    "..", ".%2e", "%2e.", "%2e%2e", "%2E%2E", "%252e%252e", "%25252e%25252e", "%25%32%65%25%32%65", "..%00", "%00..",
    "..%01", "%c0%ae%c0%ae", "%c0%2e%c0%2e", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae%f0%80%80%ae", "%fc%80%80%80%80%ae",
    "%uff0e%uff0e", "%u002e%u002e", "%ef%bc%8e%ef%bc%8e", "%e2%80%a5", "..;", "..;a=b", "..%20", "..%09", "..%0a", "...",
    "....", ". .", "..%c3%a9", "%2e%2e%2e",
]  # fmt: skip
SLASHES = [
    "/", "//", "/./", "%2f", "%2F", "%2f%2f", "%252f", "\\", "%5c", "%5C", "%255c", "\\/", "%c0%af", "%c1%9c",
    "%e0%80%af", "%c0%2f", "%u2215", "%ef%bc%8f", "/;/", "%00/",
]  # fmt: skip
SPECIAL = [
    "//etc/passwd", "///etc/passwd", "/%2fetc/passwd", "/%2f%2fetc%2fpasswd", "/file:///etc/passwd",
    "/etc/passwd", "/./etc/passwd", "/C:/outside.txt", "/c%3a%5coutside.txt", "/C|/outside.txt", "/\\\\host\\share\\x",
    "/%5c%5chost%5cshare", "/?/../../outside.txt", "/#/../outside.txt", "/index.html/../../outside.txt",
    "/index.html%00/../../outside.txt", "/index.html::$DATA/../../outside.txt", "/../outside.txt%00.html",
    "/out", "/out/", "/out/outside.txt", "/outside.txt", "/etc", "/etc/", "/etc/passwd", "/sub/up/outside.txt",
    "/sub/up/../outside.txt", "/sub/up/sub/up/outside.txt", "/sub/chain/outside.txt", "/loop", "/loop/outside.txt",
    "/absolute.txt", "/absolute.txt/", "/sub/absolute/outside.txt", "/proc/self/root/etc/passwd", "/process/environ",
    "/process/root/etc/passwd", "/process/cwd/outside.txt", "/dangling", "/hardly/../../outside.txt", "/~root/.profile",
    "/~/../outside.txt", "/.%00./outside.txt", "/sub/.../outside.txt", "/sub/..%2f..%2foutside.txt?x=/index.html",
    "/index.html/..%2f..%2foutside.txt", "/nothing/../../outside.txt", "/sub/%2e%2e/%2e%2e/outside.txt",
    "/%", "/%2", "/%zz", "/%00", "/%ff%fe", "/\x80\xff", "/" + "../" * 200 + "etc/passwd",
    "/" + "sub/../" * 200 + "../outside.txt", "/" + "a" * 300 + "/../../outside.txt", "/sub/" + "%2e%2e%2f" * 40 + "etc/passwd",
]  # fmt: skip


def corpus():
    """Each spelling of dots with each spelling of a slash, one and two folders up, and some special cases."""
    for dots, slash in itertools.product(DOTS, SLASHES):
        yield f"/{dots}{slash}outside.txt"
        yield f"/sub/{dots}{slash}{dots}{slash}outside.txt"
    yield from SPECIAL


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("traversal")
    (base / "outside.txt").write_text(SECRET)
    root = base / "root"
    (root / "sub").mkdir(parents=True)
    (root / "index.html").write_text("inside")
    os.symlink("..", root / "out")
    os.symlink("/etc", root / "etc")
    os.symlink("/proc/self", root / "process")
    os.symlink("../..", root / "sub" / "up")
    os.symlink("up", root / "sub" / "chain")
    os.symlink(base, root / "sub" / "absolute")
    os.symlink(base / "outside.txt", root / "absolute.txt")
    os.symlink("../outside.txt", root / "outside.txt")
    os.symlink("loop", root / "loop")
    os.symlink("../nowhere", root / "dangling")
    return root


@pytest.mark.parametrize("settings", [{}, {"follow_symlinks": "on", "hidden": "on", "listing": "on"}], ids=["plain", "open"])
@pytest.mark.parametrize("prefix", ["", "/static"])
def test_nothing_outside_the_root_is_found(start_gateway, folder, settings, prefix):
    route = {"path": f"{prefix}/*", "files": {"root": str(folder), "strip_prefix": prefix, **settings}}
    if not prefix:
        del route["files"]["strip_prefix"]
    server = start_gateway([route])
    client = server.plain()
    paths = list(dict.fromkeys(corpus()))
    assert len(paths) > 1000
    statuses = {}
    for path in paths:
        client.send(wire.request(prefix + path))
        response = client.read_response()
        found = response.body.decode("latin-1")
        assert SECRET not in found and "root:" not in found and "environ" not in found, path
        statuses.setdefault(response.status, []).append(path)
        if response["Connection"] == "close":
            client.close()
            client = server.plain()
    assert set(statuses) <= {200, 308, 400, 404}, {status: paths[:3] for status, paths in statuses.items()}
    # Anything that is found is a page or folder inside.
    assert client.get(f"{prefix}/index.html").text == "inside"


def test_the_absolute_form_is_no_way_around(start_gateway, folder):
    server = start_gateway([{"path": "/*", "files": {"root": str(folder)}}])
    for target in ["http://localhost/../outside.txt", "http://localhost/%2e%2e/outside.txt", "file:///etc/passwd"]:
        client = server.plain()
        client.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        response = client.read_response()
        assert response.status in (400, 404) and SECRET not in response.text
