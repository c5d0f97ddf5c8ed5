"""etcd (Debian's etcd-server) with one member or several, each with its own folder and process."""

import base64
import contextlib
import json
import os
import signal
import ssl
import subprocess
import urllib.request

import daemons
import free_ports
import gateway
import patience


def encoded(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Member:
    """A process that can be killed, stopped and started again with what it has on its disk."""

    def __init__(self, folder, name, client, peer, cluster, tls=None):
        listening = f"{'https' if tls else 'http'}://127.0.0.1:{client}"
        # Certificates of tests are for names.
        self.url = f"https://localhost:{client}" if tls else listening
        self.tls = tls
        self.command = [
            daemons.find("etcd"), "--name", name, "--data-dir", str(folder / name), "--log-level", "error",
            "--listen-client-urls", listening, "--advertise-client-urls", self.url,
            "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", cluster,
            "--heartbeat-interval", "100", "--election-timeout", "1000",
        ]  # fmt: skip
        if tls:
            self.command += ["--cert-file", tls["chain"], "--key-file", tls["key"]]
            self.command += ["--trusted-ca-file", tls["ca"], "--client-cert-auth"]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log = gateway.Log(self.process.stdout)

    def wait_until_ready(self):
        patience.until(self.is_ready, 30)

    def is_ready(self):
        assert self.process.poll() is None, f"etcd has ended:\n{self.log.text}"
        try:
            self.ask("kv/range", {"key": encoded("/")})
            return True
        except OSError as failure:
            # With authentication a request without a user is answered as well.
            return isinstance(failure, urllib.error.HTTPError) and failure.code in (400, 401)

    def kill(self):
        """As a crash ends it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.log.thread.join()
            self.process = None

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)
        patience.until(self.is_stopped)

    def is_stopped(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    # What is asked of it

    def ask(self, path, message):
        """A request to the gateway for JSON; the answer."""
        context = None
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls["ca"])
            context.load_cert_chain(self.tls["chain"], self.tls["key"])
        request = urllib.request.Request(f"{self.url}/v3/{path}", json.dumps(message).encode())
        with urllib.request.urlopen(request, timeout=patience.seconds(5), context=context) as answer:
            return json.load(answer)

    def put(self, key, value):
        """Returns the revision."""
        return self.ask("kv/put", {"key": encoded(key), "value": encoded(value)})["header"]["revision"]

    def delete(self, key, end=None):
        self.ask("kv/deleterange", {"key": encoded(key), **({"range_end": encoded(end)} if end else {})})

    def compact(self, revision):
        self.ask("kv/compaction", {"revision": str(revision), "physical": True})

    def control(self, *arguments):
        """etcdctl."""
        command = ["etcdctl", f"--endpoints={self.url}"]
        if self.tls:
            command += [f"--cacert={self.tls['ca']}", f"--cert={self.tls['chain']}", f"--key={self.tls['key']}"]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        ended = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, timeout=patience.seconds(30)
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@contextlib.contextmanager
def started(folder, count=1, tls=None):
    """The members of a cluster."""
    ports = free_ports.take(2 * count)
    names = [f"member{index}" for index in range(count)]
    cluster = ",".join(f"{name}=http://127.0.0.1:{ports[2 * index + 1]}" for index, name in enumerate(names))
    members = [
        Member(folder, name, ports[2 * index], ports[2 * index + 1], cluster, tls) for index, name in enumerate(names)
    ]
    try:
        for member in members:
            member.start()
        for member in members:
            member.wait_until_ready()
        yield members
    finally:
        for member in members:
            member.kill()
