"""Redis servers and sentinels of tests: Debian's programs, each in a folder of its own."""

import contextlib
import signal
import socket
import subprocess
import time

import daemons
import free_ports
import gateway
import patience


class Redis:
    """A server on 127.0.0.1, or on a host of a network; it starts on creation, and ends with `with`."""

    program = "redis-server"

    def __init__(self, folder, *settings, port=None, host=None, password=None, name="redis"):
        self.folder = folder / f"{name}-{port or 'server'}"
        self.folder.mkdir(exist_ok=True)
        self.host, self.password = host, password
        self.port = port or free_ports.take(1)[0]
        self.address = "127.0.0.1"
        lines = [f"port {self.port}", f"dir {self.folder}", 'save ""', "protected-mode no", *settings]
        if password:
            lines.append(f'requirepass "{password}"')
        self.file = self.folder / "redis.conf"
        self.file.write_text("\n".join(lines) + "\n")
        self.process = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.kill()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        command = [daemons.find(self.program), str(self.file)]
        if self.host:
            command = self.host.command(command)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )  # fmt: skip
        self.log = gateway.Log(self.process.stdout)
        try:
            patience.until(self.answers, 20)
        except BaseException:
            self.kill()
            raise

    def answers(self):
        time.sleep(0.02)
        try:
            return self.ask("PING") == "PONG"
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.thread.join()
        self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *words):
        """The reply to a command."""
        with self.host.entered() if self.host else contextlib.nullcontext():
            connection = socket.create_connection((self.address, self.port), timeout=patience.seconds(5))
        with connection, connection.makefile("rwb") as stream:
            if self.password:
                send(stream, "AUTH", self.password)
                read(stream)
            send(stream, *words)
            return read(stream)

    def calls(self, command):
        """How often a command was called."""
        for line in self.ask("INFO", "commandstats").splitlines():
            if line.startswith(f"cmdstat_{command}:calls="):
                return int(line.split("=")[1].split(",")[0])
        return 0


class Sentinel(Redis):
    program = "redis-sentinel"

    def __init__(self, folder, master, name="main"):
        super().__init__(
            folder,
            f"sentinel monitor {name} 127.0.0.1 {master.port} 1",
            f"sentinel down-after-milliseconds {name} 1000",
            f"sentinel failover-timeout {name} 3000",
            name="sentinel",
        )

    def start(self):
        # A sentinel knows no `save`.
        text = self.file.read_text().replace('save ""\n', "")
        self.file.write_text(text)
        super().start()


def send(stream, *words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
    stream.flush()


def read(stream):
    line = stream.readline()
    if not line:
        raise ConnectionError("no reply")
    kind, rest = line[:1], line[1:-2].decode()
    if kind == b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
    if kind == b"*":
        return None if rest == "-1" else [read(stream) for _ in range(int(rest))]
    raise ValueError(line)
