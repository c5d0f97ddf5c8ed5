"""Every combination of conditions, range and method on a file, against the order of evaluation of RFC 9110 §13.2.2."""

import email.utils
import itertools
import os

import pytest
import wire

CONTENT = b"The content of the file, all of it.\n"
MODIFIED = 784_111_777
BEFORE, SAME, AFTER = (email.utils.formatdate(MODIFIED + shift, usegmt=True) for shift in (-1, 0, 1))
TAG = "the file's own"

# Each field with its values; None leaves it out, TAG is replaced by the file's entity tag.
FIELDS = {
    "If-Match": [None, TAG, '"x"', "*"],
    "If-Unmodified-Since": [None, BEFORE, SAME],
    "If-None-Match": [None, TAG, "W/" + TAG, '"x"', "*"],
    "If-Modified-Since": [None, BEFORE, AFTER],
    "Range": [None, "bytes=4-10", "bytes=1000-"],
    "If-Range": [None, TAG, "W/" + TAG, SAME, BEFORE],
}


@pytest.fixture(scope="module")
def server(start_shared_gateway, tmp_path_factory):
    root = tmp_path_factory.mktemp("conditions")
    (root / "file.txt").write_bytes(CONTENT)
    os.utime(root / "file.txt", (MODIFIED, MODIFIED))
    return start_shared_gateway([{"path": "/*", "files": {"root": str(root)}}], log={})


def expected(method, fields):
    """The status that RFC 9110 requires."""
    match, unmodified = fields.get("If-Match"), fields.get("If-Unmodified-Since")
    if match is not None:
        if match not in (TAG, "*"):
            return 412
    elif unmodified == BEFORE:
        return 412
    none_match, modified = fields.get("If-None-Match"), fields.get("If-Modified-Since")
    if none_match is not None:
        if none_match != '"x"':
            return 304
    elif modified == AFTER:
        return 304
    if method == "HEAD" or "Range" not in fields:
        return 200
    # A weak validator, or another date, is another version.
    if fields.get("If-Range") not in (None, TAG, SAME):
        return 200
    return 206 if fields["Range"] == "bytes=4-10" else 416


def combinations():
    for method, *values in itertools.product(["GET", "HEAD"], *FIELDS.values()):
        yield method, {name: value for name, value in zip(FIELDS, values) if value is not None}


def check(method, fields, response, tag):
    status = expected(method, fields)
    assert response.status == status, (method, fields)
    assert response["ETag"] == (tag if status in (200, 206, 304) else None)
    assert response["Last-Modified"] == (SAME if status in (200, 206, 304) else None)
    assert response["Accept-Ranges"] == ("bytes" if status in (200, 206) else None)
    ranges = {206: f"bytes 4-10/{len(CONTENT)}", 416: f"bytes */{len(CONTENT)}"}
    assert response["Content-Range"] == ranges.get(status)
    content = {200: CONTENT, 206: CONTENT[4:11], 304: b""}.get(status)
    if method == "HEAD" and status == 200:
        assert (response["Content-Length"], response.body) == (str(len(CONTENT)), b"")
    elif content is not None:
        assert response.body == content


def test_every_combination_has_the_status_and_the_fields_of_the_standard(server):
    client = server.plain()
    tag = client.get("/file.txt")["ETag"]
    waiting = []
    for method, fields in combinations():
        lines = [f"{name}: {value.replace(TAG, tag)}" for name, value in fields.items()]
        client.send(wire.request("/file.txt", *lines, method=method))
        waiting.append((method, fields))
        # A few at a time, so that the two sides do not wait for each other.
        if len(waiting) == 50:
            for method, fields in waiting:
                check(method, fields, client.read_response(method), tag)
            waiting.clear()
    for method, fields in waiting:
        check(method, fields, client.read_response(method), tag)
