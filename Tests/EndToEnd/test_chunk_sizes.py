"""Chunks whose size alone shows that the body is too long."""

import hostile_origin
import pytest
from hostile_origin import KEEP


@pytest.mark.parametrize("size", ["65", "0000065", "ffffffff", "fffffffffffffff", "65;a=b"])
@pytest.mark.parametrize("action", ["proxy", "extension", "collected"])
def test_a_chunk_beyond_the_limit_is_refused_by_its_size(start_gateway, action, size):
    with hostile_origin.Origin() as origin:
        origin.on("/up", hostile_origin.echo, KEEP)
        what = {
            "proxy": {"proxy": {"to": "o"}},
            "extension": {"extension": "collects"},
            "collected": {"proxy": {"to": "o", "buffer": "request"}},
        }[action]
        server = start_gateway(
            [{"path": "/up", **what}],
            extensions=["collects"],
            upstreams={"o": {"servers": [{"url": origin.url}]}},
            limits={"request_body": 100, "body_timeout": "1h"},
        )
        client = server.plain()
        # Not one byte of the chunk follows.
        client.send(f"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n")
        response = client.read_response()
        assert (response.status, response["Connection"]) == (413, "close")


def test_a_later_chunk_is_held_against_what_is_left(start_gateway):
    with hostile_origin.Origin() as origin:
        origin.on("/up", hostile_origin.echo, KEEP)
        server = start_gateway(
            [{"path": "/*", "proxy": {"to": "o"}}],
            upstreams={"o": {"servers": [{"url": origin.url}]}},
            limits={"request_body": 100, "body_timeout": "1h"},
        )
        client = server.plain()
        head = "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.send(head + "32\r\n" + "x" * 50 + "\r\n32\r\n" + "x" * 50 + "\r\n0\r\n\r\n")
        assert client.read_response().text == "x" * 100
        client.send(head + "32\r\n" + "x" * 50 + "\r\n33\r\n")
        assert client.read_response().status == 413
