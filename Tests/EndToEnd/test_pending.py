"""Many requests that wait at an extension at the same time."""

import patience
import pending

COUNT = 2000
# Beyond the connection.
BYTES = 6 << 10


def test_thousands_of_pending_requests_cost_little_memory_and_are_all_answered(start_gateway):
    extensions = {"holds": {"threads": 8, "request_timeout": "10m"}}
    server = start_gateway(pending.ROUTES[:1], extensions, log={}, descriptors=3 * COUNT)
    cost = pending.measure(server, COUNT)
    # What checks memory takes memory.
    assert cost <= BYTES or patience.seconds(1) > 1
