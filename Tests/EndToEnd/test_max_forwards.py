"""Max-Forwards, which limits how many gateways forward TRACE and OPTIONS."""

import hostile_origin
import pytest


@pytest.fixture
def origin():
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture
def server(start_gateway, origin):
    return start_gateway([{"path": "/*", "proxy": {"to": "o"}}], upstreams={"o": {"servers": [{"url": origin.url}]}})


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
@pytest.mark.parametrize("sent, told", [("5", "4"), ("1", "0"), ("007", "6"), ("99999999999999999999", "4294967295"), ("x", None)])
def test_the_number_is_counted_down(server, origin, method, sent, told):
    assert server.plain().get("/x", f"Max-Forwards: {sent}", method=method).status == 200
    assert origin.requests[0]["Max-Forwards"] == told


@pytest.mark.parametrize("method, status", [("OPTIONS", 200), ("TRACE", 405)])
def test_a_request_that_is_to_go_no_further_is_answered_here(server, origin, method, status):
    response = server.plain().get("/x", "Max-Forwards: 0", "Cookie: secret", method=method)
    assert response.status == status and b"secret" not in response.body
    assert origin.requests == []


def test_other_methods_are_not_counted(server, origin):
    server.plain().get("/x", "Max-Forwards: 0")
    assert origin.requests[0]["Max-Forwards"] == "0"
