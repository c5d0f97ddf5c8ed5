"""Connections on which the client sends nothing."""

import time

import gateway
import pytest


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_before_the_first_request_it_is_the_heads_time_that_counts(start_gateway, listener):
    server = start_gateway([gateway.PING], limits={"header_timeout": "300ms", "idle_timeout": "1h"})
    client = getattr(server, listener)()
    client.expect_end()


def test_behind_a_request_it_is_the_idle_time_that_counts(start_gateway):
    server = start_gateway([gateway.PING], limits={"header_timeout": "100ms", "idle_timeout": "1h"})
    client = server.plain()
    for _ in range(3):
        assert client.get("/ping").text == "pong\n"
        time.sleep(0.4)
    assert client.get("/ping").text == "pong\n"


def test_an_empty_line_is_no_request(start_gateway):
    server = start_gateway([gateway.PING], limits={"header_timeout": "300ms", "idle_timeout": "1h"})
    client = server.plain()
    client.send("\r\n")
    assert client.read_response().status == 408
