"""Ports for servers that cannot choose their own."""

import contextlib
import random
import socket

# Below those from which the system takes the ports of clients, one of which could be taken before the server listens.
RANGE = range(12_000, 32_000)


def take(count):
    """So many ports without a listener."""
    with contextlib.ExitStack() as sockets:
        found = []
        while len(found) < count:
            port = random.SystemRandom().choice(RANGE)
            with contextlib.suppress(OSError):
                sockets.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found
