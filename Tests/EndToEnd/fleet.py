"""Gateways, balancers and clients on hosts of their own, with the files of deploy/fleet."""

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import threading
import time
import typing

import daemons
import gateway
import http2
import patience
import wire

FOLDER = pathlib.Path(gateway.ROOT) / "deploy" / "fleet"
FLOATING = "192.0.2.10"
DIRECT = "    proxy_protocol: { mode: required, from: [192.0.2.11, 192.0.2.12] }\n"


class Member:
    """A gateway on a host, configured by deploy/fleet/isagate.yaml; `direct` without a balancer in front."""

    def __init__(self, host, folder, certificates, keys, direct=False, changes=()):
        self.host = host
        self.folder = folder / host.name
        self.folder.mkdir()
        shutil.copy(certificates / "localhost.pem", self.folder / "tls.crt")
        shutil.copy(certificates / "localhost.key", self.folder / "tls.key")
        (self.folder / "ticket.keys").write_bytes(keys)
        text = (FOLDER / "isagate.yaml").read_text()
        for before, after in [("/etc/isagate", str(self.folder)), ("/run/isagate", str(self.folder)), *changes]:
            assert before in text, f"isagate.yaml has no {before!r}"
            text = text.replace(before, after)
        if direct:
            assert DIRECT in text
            text = text.replace(DIRECT, "")
        self.file = self.folder / "isagate.yaml"
        self.file.write_text(text)
        # A copy, because an upgrade asks for the file at the path of the program.
        self.program = self.folder / "isagate"
        shutil.copy(gateway.binary(), self.program)
        self.launch()

    def launch(self):
        self.running = self.host.start(self.program, "run", "--config", self.file)
        self.running.log.wait_for(" notice: ready: ")

    def restart(self):
        """What a service manager does."""
        self.running.signal(signal.SIGTERM)
        assert self.running.wait(60) == 0, self.running.log.text
        self.launch()

    def upgrade(self):
        """Replaces the program while it runs."""
        fresh = self.program.with_suffix(".new")
        shutil.copy(gateway.binary(), fresh)
        os.replace(fresh, self.program)
        self.running.signal(signal.SIGUSR2)
        self.running.log.wait_for("exited with status 0: its connections have finished")

    def status(self):
        return json.loads(self.ask("/status.json").text)

    def ask(self, path):
        """The response of its admin listener."""
        with self.host.entered(), wire.Client(wire.connect(9145)) as client:
            return client.get(path)


class Balancer:
    """HAProxy with deploy/fleet/haproxy.cfg."""

    def __init__(self, host, folder):
        self.folder = folder / f"{host.name}-haproxy"
        self.folder.mkdir()
        text = (FOLDER / "haproxy.cfg").read_text()
        assert "/run/haproxy" in text and "log /dev/log" in text
        text = text.replace("/run/haproxy", str(self.folder)).replace("log /dev/log", "log stdout format raw")
        self.file = self.folder / "haproxy.cfg"
        self.file.write_text(text)
        self.host = host
        self.launch()

    def launch(self):
        self.running = self.host.start("haproxy", "-db", "-f", self.file)

    def states(self):
        """The state of each server of `gateways`: `UP`, `DOWN`, `DRAIN`, …"""
        rows = self.command("show stat gateways 4 -1").splitlines()[1:]
        return {row.split(",")[1]: row.split(",")[17] for row in rows if row}

    def command(self, text):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(patience.seconds(5))
            client.connect(str(self.folder / "admin.sock"))
            client.sendall(text.encode() + b"\n")
            answer = b""
            while part := client.recv(65536):
                answer += part
        return answer.decode()

    def wait_until_up(self, *names):
        def are_up():
            with contextlib.suppress(OSError):
                time.sleep(0.05)  # how often HAProxy is asked
                states = self.states()
                return all(states.get(name, "").startswith("UP") for name in names)

        patience.until(are_up, 20)


def keepalived(host, folder, name):
    """keepalived with a file of deploy/fleet."""
    place = folder / f"{host.name}-keepalived"
    place.mkdir(exist_ok=True)
    files = ["-p", place / "main.pid", "-r", place / "vrrp.pid", "-c", place / "checkers.pid"]
    return host.start("keepalived", "-n", "-l", "-D", "-f", FOLDER / name, *files)


class Failure(typing.NamedTuple):
    """What a client lost: a `connection` that did not come about, or a `request` without its whole answer."""

    what: str
    reason: str
    began: float


@dataclasses.dataclass
class Outcome:
    requests: int = 0
    connections: int = 0
    announced: int = 0
    closed: int = 0
    failures: list = dataclasses.field(default_factory=list)


class Clients:
    """Clients that keep their connections, as browsers do, and ask again after `pause` seconds; between `with` and its end.

    A connection that is closed while it is idle is opened again before the next request. Everything else fails a request.
    `fresh` more of them use a new connection for each request.
    """

    def __init__(self, host, authority, count=64, pause=0.05, fresh=0, address=FLOATING, name="localhost"):
        self.request = f"GET /ping HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
        self.name = name
        self.host, self.count, self.pause, self.fresh, self.address = host, count, pause, fresh, address
        self.context = ssl.create_default_context(cafile=authority)
        self.outcome = Outcome()
        self.answered = threading.Condition()
        self.is_ending = False

    def __enter__(self):
        self.thread = self.host.thread(lambda: asyncio.run(self.run()))
        self.wait_for_answers(self.count * 2)
        return self

    def __exit__(self, *_):
        self.is_ending = True
        self.thread.join(patience.seconds(30))
        assert not self.thread.is_alive()

    def wait_for_answers(self, count):
        goal = self.outcome.requests + count
        with self.answered:
            assert self.answered.wait_for(lambda: self.outcome.requests >= goal, patience.seconds(20)), self.outcome

    async def run(self):
        await asyncio.gather(*(self.stay(number) for number in range(self.count + self.fresh)))

    async def stay(self, number):
        while not self.is_ending:
            began = time.monotonic()
            try:
                reader, writer = await asyncio.wait_for(
                    asyncio.open_connection(self.address, 443, ssl=self.context, server_hostname=self.name),
                    patience.seconds(10),
                )
            except (OSError, ssl.SSLError, asyncio.TimeoutError) as failure:
                self.outcome.failures.append(Failure("connection", repr(failure), began))
                await asyncio.sleep(0.1)
                continue
            self.outcome.connections += 1
            try:
                while await self.ask(reader, writer) and number < self.count and not self.is_ending:
                    await asyncio.sleep(self.pause * (0.5 + number / self.count))
                    if reader.at_eof():
                        self.outcome.closed += 1
                        break
            except (OSError, ssl.SSLError, EOFError, asyncio.TimeoutError) as failure:
                self.outcome.failures.append(Failure("request", repr(failure), began))
            writer.close()

    async def ask(self, reader, writer):
        """One request; whether the connection goes on."""
        writer.write(self.request)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), patience.seconds(10))).decode()
        assert head.startswith("HTTP/1.1 200 "), head
        fields = head.lower().split("\r\n")
        length = next(int(field.split(":")[1]) for field in fields if field.startswith("content-length:"))
        await asyncio.wait_for(reader.readexactly(length), patience.seconds(10))
        with self.answered:
            self.outcome.requests += 1
            self.answered.notify_all()
        if "connection: close" in fields:
            self.outcome.announced += 1
            return False
        return True


def new_keys(count=2):
    """Keys for tickets, as a file has them."""
    return secrets.token_bytes(80 * count)


class MultiplexedClients:
    """Clients of HTTP/2, each with a connection until GOAWAY; between `with` and its end.

    A stream beyond the last one that GOAWAY names was not processed, and is sent again on another connection (RFC 9113
    section 8.7). Everything else that is no response fails a request.
    """

    def __init__(self, host, authority, count=16, address=FLOATING):
        self.address = address
        self.context = ssl.create_default_context(cafile=authority)
        self.context.set_alpn_protocols(["h2"])
        self.outcome = Outcome()
        self.changed = threading.Condition()
        self.is_ending = False
        self.host, self.count = host, count

    def __enter__(self):
        self.threads = [self.host.thread(self.stay) for _ in range(self.count)]
        return self

    def __exit__(self, *_):
        self.is_ending = True
        for thread in self.threads:
            thread.join(patience.seconds(30))
            assert not thread.is_alive()

    def note(self, name, failure=None):
        with self.changed:
            if failure is None:
                setattr(self.outcome, name, getattr(self.outcome, name) + 1)
            else:
                self.outcome.failures.append(Failure(name, repr(failure), time.monotonic()))
            self.changed.notify_all()

    def stay(self):
        while not self.is_ending:
            try:
                sock = socket.create_connection((self.address, 443), timeout=patience.seconds(10))
                client = http2.Client(self.context.wrap_socket(sock, server_hostname="localhost"))
            except OSError as failure:
                self.note("connection", failure)
                time.sleep(0.1)
                continue
            self.note("connections")
            try:
                while not self.is_ending and self.ask(client):
                    time.sleep(0.02)
            except (OSError, AssertionError) as failure:
                self.note("request", failure)
            client.close()

    def ask(self, client):
        """One request; whether the connection goes on."""
        try:
            stream = client.open()
        except OSError:
            # The end may have been announced since the last request.
            stream = None
        last, is_complete = None, False
        while not is_complete and (got := client.read_frame()) is not None:
            if got.kind == http2.GOAWAY:
                assert got.code == "NO_ERROR", got
                last = int.from_bytes(got.payload[:4], "big")
                if stream is None or last < stream:
                    break
            elif got.stream == stream:
                assert got.kind in (http2.HEADERS, http2.DATA), got
                is_complete = got.ends_stream
        if is_complete:
            self.note("requests")
        else:
            assert last is not None and (stream is None or last < stream), "the connection ended without notice"
        if last is not None:
            self.note("announced")
        return last is None
