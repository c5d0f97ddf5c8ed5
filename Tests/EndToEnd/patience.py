"""How long the tests wait for what must happen."""

import os

# A sanitizer or a busy machine makes everything slower, not wrong.
FACTOR = float(os.environ.get("ISAGATE_TEST_PATIENCE", "1"))


def seconds(time):
    """`time` in seconds, longer on slow machines; only for deadlines that a passing test never reaches."""
    return time * FACTOR
