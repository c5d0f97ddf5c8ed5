"""Clients that detect every request cut by a replacement of certificates, and a command that counts them.

    python3 rotation.py PORT CA ROTATIONS SECONDS COMMAND...

runs COMMAND that many times, evenly over that time, against a server on 127.0.0.1:PORT, while 64 connections ask for
/hello continuously and one more client opens a new connection for each request.
"""

import argparse
import asyncio
import collections
import dataclasses
import socket
import ssl
import subprocess
import sys
import threading
import time

KEEP_ALIVE_CONNECTIONS = 64
REQUEST = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclasses.dataclass
class Outcome:
    """The results of the clients."""

    requests: int = 0
    handshakes: int = 0
    cut_requests: int = 0
    failed_handshakes: int = 0
    reconnects: int = 0
    serials: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def __str__(self):
        return (
            f"{self.requests} requests, {self.cut_requests} cut; {self.handshakes} handshakes, "
            f"{self.failed_handshakes} failed; {self.reconnects} keep-alive connections closed by the server"
        )


class Clients:
    """The clients, running on a separate thread between `with` and its end."""

    def __init__(self, port, ca):
        self.port = port
        self.context = ssl.create_default_context(cafile=ca)
        self.outcome = Outcome()
        self.is_stopping = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_stopping = True
        self.thread.join()

    async def run(self):
        await asyncio.gather(*(self.stay() for _ in range(KEEP_ALIVE_CONNECTIONS)), self.come_and_go())

    async def stay(self):
        """One connection, used for as many requests as the server allows."""
        while not self.is_stopping:
            streams = await self.connect()
            if streams is None:
                continue
            reader, writer = streams
            while not self.is_stopping:
                if not await self.ask(reader, writer):
                    self.outcome.reconnects += 1
                    break
            writer.close()

    async def come_and_go(self):
        """A new connection for each request."""
        while not self.is_stopping:
            streams = await self.connect()
            if streams is not None:
                await self.ask(*streams)
                streams[1].close()

    async def connect(self):
        try:
            streams = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context, server_hostname="localhost")
        except (OSError, ssl.SSLError):
            self.outcome.failed_handshakes += 1
            return None
        self.outcome.handshakes += 1
        self.outcome.serials[streams[1].get_extra_info("peercert")["serialNumber"]] += 1
        return streams

    async def ask(self, reader, writer):
        """One request and its answer; false, and counted, when the server cuts it."""
        try:
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = head.decode().lower().split("\r\n")
            length = next(int(field.split(":")[1]) for field in fields if field.startswith("content-length:"))
            await reader.readexactly(length)
        except (OSError, ssl.SSLError, EOFError):
            self.outcome.cut_requests += 1
            return False
        self.outcome.requests += 1
        return "connection: close" not in fields


def serial(port, ca, name="localhost"):
    """The serial number of the certificate that a new handshake gets."""
    context = ssl.create_default_context(cafile=ca)
    with socket.create_connection(("127.0.0.1", port)) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            return secure.getpeercert()["serialNumber"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("ca")
    parser.add_argument("rotations", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with Clients(options.port, options.ca) as clients:
        for _ in range(options.rotations):
            began = time.monotonic()
            subprocess.run(options.command, check=True, stdout=subprocess.DEVNULL)
            time.sleep(max(0, options.seconds / options.rotations - (time.monotonic() - began)))
    print(clients.outcome)


if __name__ == "__main__":
    sys.exit(main())
