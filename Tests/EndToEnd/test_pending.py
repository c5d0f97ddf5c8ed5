"""Many requests that wait at an extension at the same time."""

import resource

import gateway
import patience
import pending
import pytest

# Beyond the connection; by HTTP/2 a request has a stream, too, and an isolated extension has a copy of it.
BYTES = (8 if gateway.SPEAKS_HTTP2 or gateway.RUNS_ISOLATED else 6) << 10
# A sanitizer takes memory, and time.
IS_CHECKED = patience.seconds(1) > 1


@pytest.fixture
def many():
    """How many clients this process may have: 10,000, unless the system allows fewer descriptors."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield min(2_000 if IS_CHECKED else 10_000, most - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def start(start_gateway, count):
    extensions = {"holds": {"threads": 8, "queue": count, "request_timeout": "10m"}}
    # All of them connect before the first asks for anything.
    limits = {"max_connections": count + 100, "client_connections": "off", "client_handshakes": "off"}
    limits["header_timeout"] = "10m"
    return start_gateway(pending.ROUTES[:1], extensions, log={}, limits=limits)


def test_ten_thousand_pending_requests_cost_little_memory_and_are_all_answered(start_gateway, many):
    cost = pending.measure(start(start_gateway, many), many)
    assert cost <= BYTES or IS_CHECKED


def test_a_pending_request_costs_as_little_over_tls(start_gateway, many):
    # So many handshakes take no longer than the rest.
    count = min(1_500, many)
    cost = pending.measure(start(start_gateway, count), count, "secure")
    assert cost <= BYTES or IS_CHECKED
