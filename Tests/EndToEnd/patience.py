"""How long the tests wait for events that have to happen."""

import os
import time

# A sanitizer or a busy machine makes everything slower, not wrong.
FACTOR = float(os.environ.get("ISAGATE_TEST_PATIENCE", "1"))


def seconds(time):
    """`time` in seconds, longer on slow machines; only for deadlines that a passing test never reaches."""
    return time * FACTOR


def until(condition, limit=10):
    """Polls until the condition holds; fails when it does not within `limit` seconds.

    The pause leaves the processor to what is waited for, and stays below the gateway's handshakes of one client.
    """
    end = time.monotonic() + seconds(limit)
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)
