"""Mixed clients of extensions: synchronous, pending, asynchronous, and some that disconnect in the middle.

`soak.py SECONDS` starts its own gateway. It fails unless every request that was not cancelled has the expected
response, and the gateway has as many descriptors and threads in the end as after the first round.
"""

import concurrent.futures
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time

import gateway
import patience
import wire
from conftest import compile_extension, source_of

EXTENSIONS = ["async", "echo", "hello", "pending", "stream"]
CLIENTS = 12
# ThreadSanitizer may start its symbolizer meanwhile, and communicates with it through two.
SANITIZER_DESCRIPTORS = 2 if "sanitize=thread" in os.environ.get("ISAGATE_TEST_COMPILER", "") else 0


class Mix:
    """The requests of the clients, and the checks of their responses."""

    def __init__(self, server, file):
        self.server = server
        self.file = file
        self.answered = 0
        self.given_up = 0

    def converse(self, seed, until):
        choice = random.Random(seed)
        kinds = [self.synchronous, self.pending, self.write, self.read, self.transmit, self.child, self.leave]
        answered = given_up = 0
        while time.monotonic() < until:
            listener = choice.choice(["plain", "secure"])
            with getattr(self.server, listener)() as client:
                self.server.clients.remove(client)
                for _ in range(choice.randrange(1, 6)):
                    if not choice.choice(kinds)(client, choice):
                        given_up += 1
                        break
                    answered += 1
        return answered, given_up

    def synchronous(self, client, choice):
        size = choice.randrange(1, 50_000)
        assert len(client.get(f"/stream?count=3&size={size}").body) == 3 * size
        return client.get("/hello").status == 200

    def pending(self, client, _):
        return client.get("/pending").text == "Answered later, from another thread.\n"

    def write(self, client, _):
        return len(client.get("/async/write").body) > 3_000_000

    def read(self, client, choice):
        size = choice.randrange(0, 200_000)
        return client.post("/async/read", b"r" * size).text.startswith(f"total {size} ")

    def transmit(self, client, choice):
        offset = choice.randrange(0, 100_000)
        return len(client.get(f"/async/file?file={self.file}&offset={offset}").body) > 900_000 - offset

    def child(self, client, _):
        return client.get("/async/child?url=/hello").status == 200

    def leave(self, client, choice):
        """Requests much, reads little, and disconnects, sometimes with a reset."""
        client.send(wire.request(choice.choice(["/async/write", "/stream?count=100&size=100000"])))
        client.read_bytes(100)
        if choice.random() < 0.5:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def counts(server):
    """Descriptors and threads of the gateway process."""
    place = f"/proc/{server.gateway_pid}"
    return len(os.listdir(f"{place}/fd")), len(os.listdir(f"{place}/task"))


def settled(server, wanted):
    """Whether the counts return to their former values within the time connections take to end."""
    deadline = time.monotonic() + patience.seconds(20)
    while time.monotonic() < deadline:
        now = counts(server)
        if now[0] <= wanted[0] and now[1] <= wanted[1]:
            break
        time.sleep(0.2)
    return now


def run(server, file, seconds):
    """Sends requests for that long; returns the numbers of requests answered and cancelled."""
    mix = Mix(server, file)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
        until = time.monotonic() + seconds
        results = [threads.submit(mix.converse, seed, until) for seed in range(CLIENTS)]
        totals = [result.result() for result in results]
    return sum(total[0] for total in totals), sum(total[1] for total in totals)


def soak(server, file, seconds):
    run(server, file, min(2, seconds))
    descriptors, threads = counts_at_rest(server)
    began = descriptors + SANITIZER_DESCRIPTORS, threads
    memory = server.resident_size
    answered, given_up = run(server, file, seconds)
    ended = settled(server, began)
    assert ended[0] <= began[0] and ended[1] <= began[1], f"descriptors and threads: {began} before, {ended} after"
    assert answered > 0 and given_up > 0
    return answered, given_up, began, ended, memory, server.resident_size


def counts_at_rest(server):
    """The counts once they stay the same for a second."""
    previous, since = counts(server), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.1)
        if (now := counts(server)) != previous:
            previous, since = now, time.monotonic()
    return previous


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificates = folder / "certificates"
        subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), certificates], check=True, capture_output=True)
        libraries = {name: {"library": compile_extension(source_of(name), folder / f"{name}.so")} for name in EXTENSIONS}
        file = folder / "file"
        file.write_bytes(b"0123456789" * 100_000)
        configuration = {
            "version": 1,
            "workers": 2,
            "listeners": gateway.LISTENERS,
            "extensions": libraries,
            "sites": [gateway.site(routes())],
        }
        server = gateway.Gateway(folder / "gateway", certificates, configuration)
        try:
            answered, given_up, began, ended, before, after = soak(server, file, seconds)
        finally:
            server.stop()
        print(f"{answered} requests answered, {given_up} given up by their clients in {seconds:.0f} s")
        print(f"descriptors {began[0]} -> {ended[0]}, threads {began[1]} -> {ended[1]}")
        print(f"memory {before >> 20} -> {after >> 20} MiB")


def routes():
    return [{"path": "/async/*", "extension": "async"}] + [
        {"path": f"/{name}", "extension": name} for name in EXTENSIONS if name != "async"
    ]


if __name__ == "__main__":
    main()
