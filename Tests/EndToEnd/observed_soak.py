"""A gateway under full load whose metrics are collected every second, with an access log and the status page open.

`observed_soak.py SECONDS` starts its own gateway. It fails if the memory grows once it is warm, if a line of the log is
lost or a request fails, or if metrics or page stop coming.
"""

import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import gateway
import patience
from metrics import BIND, Metrics

ROUTES = [
    {"path": "/ping", "respond": {"body": "pong\n"}},
    {"path": "/hello", "extension": "hello"},
    {"path": "/none", "respond": {"status": 503, "body": "none\n"}},
]
LOG = {"access": {"path": "access.log", "format": "json", "rotate": {"size": "64M", "keep": 1}}}
# What may be added by the ring of the last 15 minutes, and by pages of the allocators.
TOLERANCE = 2 << 20


class Page:
    """An open status page: counts the states that it gets."""

    def __init__(self, server):
        self.states = 0
        self.is_over = False
        self.url = f"http://127.0.0.1:{server.ports['admin']}/events"
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        with urllib.request.urlopen(self.url, timeout=patience.seconds(30)) as answer:
            while line := answer.readline():
                self.states += line.startswith(b"event: status")


def load(server, seconds):
    """Requests of three kinds from 32 connections each; returns how many were answered."""
    options = ["--h1", "-t1", "-c32", "--warm-up-time=0", f"-D{seconds}"]
    commands = [
        ["h2load", *options, f"https://127.0.0.1:{server.ports['secure']}{route['path']}"] for route in ROUTES
    ]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    texts = [process.communicate(timeout=seconds + patience.seconds(60))[0] for process in running]
    answers = 0
    for route, text in zip(ROUTES, texts, strict=True):
        done, failed, errors = re.search(r"(\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored", text).groups()
        assert errors == "0" and (failed == "0" or route is ROUTES[-1]), text
        answers += int(done)
    return answers


def anonymous_memory(server):
    """Of the gateway process, in bytes."""
    text = pathlib.Path(f"/proc/{server.gateway_pid}/smaps_rollup").read_text()
    return int(re.search(r"Anonymous:\s+(\d+)", text)[1]) << 10


def soak(server, seconds):
    """Returns the number of answers, and by how many bytes the memory has grown behind the first fifth."""
    page = Page(server)
    collections = []
    ended = threading.Event()

    def collect():
        while not ended.wait(1):
            collections.append((time.monotonic(), anonymous_memory(server), Metrics(server)))

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        began = time.monotonic()
        answers = load(server, seconds)
    finally:
        ended.set()
        collector.join()
    warm = [memory for at, memory, _ in collections if at > began + seconds / 5]
    assert len(collections) > seconds / 3, "metrics were not collected every second"
    assert page.states > seconds / 3, "the page has stood still"
    patience.until(lambda: Metrics(server).sum("isagate_requests_total") >= answers)
    metrics = Metrics(server)
    assert metrics.sum("isagate_access_log_lines_lost_total") == 0
    return answers, max(warm[-3:]) - min(warm[:3])


def main(seconds):
    import conftest

    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificates = folder / "certificates"
        root = pathlib.Path(__file__).parents[2]
        subprocess.run([root / "Certs/generate", certificates], check=True, capture_output=True)
        library = conftest.compile_extension(conftest.source_of("hello"), folder / "hello.so")
        configuration = {
            "version": 1,
            "listeners": gateway.LISTENERS,
            "admin": BIND,
            "log": LOG,
            "extensions": {"hello": {"library": str(library)}},
            "sites": [gateway.site(ROUTES)],
        }
        server = gateway.Gateway(folder / "gateway", certificates, configuration)
        stack.callback(server.stop)
        answers, growth = soak(server, seconds)
        print(f"{answers} answers in {seconds} s, {growth >> 10} KiB more memory")
        assert growth <= TOLERANCE


if __name__ == "__main__":
    main(int(sys.argv[1]))
