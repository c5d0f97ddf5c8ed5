"""Everything that upstream servers may do, and the results: every behaviour of the hostile origin."""

import json
import time

import hostile_origin
import patience
import pytest

ALL = {**hostile_origin.REFUSED, **hostile_origin.CUT, **hostile_origin.GOOD}


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        for name, (steps, *_) in ALL.items():
            origin.on(f"/{name}", *steps)
        yield origin


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, origin):
    return start_shared_gateway(
        [{"path": "/*", "proxy": {"to": "origin"}}],
        upstreams={"origin": {"servers": [{"url": origin.url}]}},
        log={"access": {"path": "access.log", "format": "json"}},
    )


def get_final(client, path):
    """The final response, after any interim ones."""
    response = client.get(path)
    while response.status < 200:
        response = client.read_response()
    return response


def expect_reason(gateway, path, reason):
    """The access log's line for `path` names the reason; the line is written after the client has its answer."""
    deadline = time.monotonic() + patience.seconds(5)
    found = []
    while not found and time.monotonic() < deadline:
        with gateway.plain() as client:
            # Its own line is written after those of its worker, so the log advances.
            client.get("/plain")
        records = [json.loads(line) for line in gateway.access_log]
        found = [record["reason"] for record in records if record["path"] == path and "reason" in record]
    assert found and found[-1] == reason


@pytest.mark.parametrize("name", hostile_origin.REFUSED)
def test_a_bad_response_is_answered_502_with_its_reason_in_the_log(gateway, name):
    _, reason = hostile_origin.REFUSED[name]
    client = gateway.plain()
    response = get_final(client, f"/{name}")
    assert response.status == 502, response.text
    assert client.get("/plain").text == "ok\n", "the client's connection goes on"
    expect_reason(gateway, f"/{name}", reason)


@pytest.mark.parametrize("name", hostile_origin.CUT)
def test_a_response_that_breaks_off_is_cut_off_visibly(gateway, name):
    _, reason = hostile_origin.CUT[name]
    with pytest.raises((EOFError, ConnectionError)):
        gateway.plain().get(f"/{name}")
    expect_reason(gateway, f"/{name}", reason)


@pytest.mark.parametrize("name", hostile_origin.CUT)
def test_a_client_of_http_10_gets_a_reset_where_only_closing_ends_a_body(gateway, name):
    client = gateway.plain()
    with pytest.raises((EOFError, ConnectionError)):
        client.get(f"/{name}", version="HTTP/1.0")


@pytest.mark.parametrize("name", hostile_origin.GOOD)
def test_an_unusual_response_arrives_whole(gateway, name):
    _, status, body = hostile_origin.GOOD[name]
    client = gateway.plain()
    response = get_final(client, f"/{name}")
    assert (response.status, response.body) == (status, body)
    assert client.get("/plain").text == "ok\n", "nothing is left over for the next request"


@pytest.mark.parametrize("name", hostile_origin.GOOD)
def test_an_unusual_response_arrives_through_tls(gateway, name):
    _, status, body = hostile_origin.GOOD[name]
    client = gateway.secure()
    response = get_final(client, f"/{name}")
    assert (response.status, response.body) == (status, body)


def test_there_are_at_least_sixty_behaviours():
    assert len(ALL) >= 60
