"""A running gateway with its own configuration, log and folder."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import threading

import http2_translation
import patience
import wire

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


# For a gateway whose extension never ends a request: memory that it may still use is deliberately never freed.
ABANDONING = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}

# Every gateway of the running test, for its log.
STARTED = []

# Each address chooses its own port.
LISTENERS = {"secure": {"bind": ["127.0.0.1:0"], "tls": {}}, "plain": {"bind": ["127.0.0.1:0"]}}

# Whether the clients of the tests say by HTTP/2 what they are told to say by HTTP/1.
SPEAKS_HTTP2 = os.environ.get("ISAGATE_TEST_HTTP2") == "1"
# The protocol as extensions and logs name it.
PROTOCOL = "HTTP/2.0" if SPEAKS_HTTP2 else "HTTP/1.1"
# Where the extensions of the tests run: in the gateway's process, or isolated.
RUNS_ISOLATED = os.environ.get("ISAGATE_TEST_ISOLATED") == "1"


def placement(environment):
    """The settings of an extension for where it runs."""
    if not RUNS_ISOLATED:
        return {}
    return {"run": "isolated", **({"environment": environment} if environment else {})}


def reason(phrase):
    """The reason phrase that arrives: HTTP/2 has none."""
    return "" if SPEAKS_HTTP2 else phrase


if SPEAKS_HTTP2:
    LISTENERS["secure"]["tls"]["alpn"] = ["h2", "http/1.1"]
    LISTENERS["plain"]["h2c"] = "on"

PING = {"path": "/ping", "respond": {"status": 200, "body": "pong\n"}}


def site(routes, hosts=("*",)):
    """A site with the development certificates of both kinds."""
    return {
        "hosts": list(hosts),
        "certificates": [
            {"chain": "localhost.pem", "key": "localhost.key"},
            {"chain": "localhost-rsa.pem", "key": "localhost-rsa.key"},
        ],
        "routes": list(routes),
    }


def binary():
    return os.path.abspath(os.environ.get("ISAGATE", os.path.join(ROOT, ".build/release/isagate")))


class Log:
    """The lines of a stream as they arrive."""

    def __init__(self, stream):
        self.lines = []
        self.changed = threading.Condition()
        self.ended = False
        self.thread = threading.Thread(target=self.follow, args=(stream,), daemon=True)
        self.thread.start()

    def follow(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, pattern, count=1):
        """Waits until `count` lines match and returns the last match."""

        def matches():
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self.changed:
            self.changed.wait_for(lambda: len(matches()) >= count or self.ended, patience.seconds(15))
            found = matches()
            assert len(found) >= count, f"no line of the log matches {pattern!r}:\n{self.text}"
            return found[count - 1]

    @property
    def text(self):
        return "\n".join(self.lines)


class Gateway:
    """Starts on creation, in `folder`, which it creates with the files of `certificates`; `stop` ends it."""

    def __init__(self, folder, certificates, configuration, environment=None, descriptors=None, program=None, arguments=()):
        shutil.copytree(certificates, folder)
        self.folder = folder
        self.configuration = configuration
        self.file = folder / "isagate.yaml"
        # JSON is YAML.
        self.file.write_text(json.dumps(configuration, indent=2))
        self.authority = folder / "ca.pem"
        self.clients = []

        def limit_descriptors():
            if descriptors is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [program or binary(), "run", *arguments, "--config", str(self.file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            preexec_fn=limit_descriptors,
        )
        STARTED.append(self)
        self.output = Log(self.process.stdout)
        self.log = Log(self.process.stderr)
        self.log.wait_for(r"( notice: |\"message\":\")ready: ")
        self.ports = {
            match[1]: int(match[2])
            for line in self.log.lines
            if (match := re.search(r"listener (\w+): https?://127\.0\.0\.1:(\d+)", line))
        }

    # Clients

    def plain(self):
        """A connection to the listener without TLS."""
        if SPEAKS_HTTP2:
            return self.remember(http2_translation.plain(self))
        return self.remember(wire.Client(wire.connect(self.ports["plain"])))

    def secure(self, context=None, name="localhost", session=None):
        """A TLS connection; `context` is by default a client that trusts the development authority."""
        if SPEAKS_HTTP2:
            return self.remember(http2_translation.secure(self, context or self.context(), name, session))
        sock = wire.connect(self.ports["secure"])
        try:
            return self.remember(wire.Client(wire.start_tls(sock, context or self.context(), name, session)))
        except Exception:
            sock.close()
            raise

    def raw(self, listener="secure"):
        """A connection on which nothing was sent."""
        return self.remember(wire.Client(wire.connect(self.ports[listener])))

    def context(self):
        return wire.client_context(self.authority)

    def remember(self, client):
        self.clients.append(client)
        return client

    def url(self, path, listener="secure"):
        scheme = "https" if listener == "secure" else "http"
        return f"{scheme}://localhost:{self.ports[listener]}{path}"

    # The process

    @property
    def resident_size(self):
        """Memory in use by the gateway process, in bytes."""
        with open(f"/proc/{self.gateway_pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))

    @property
    def gateway_pids(self):
        """The gateway processes: one, except during upgrades and restarts."""
        return self.processes("gateway-process")

    def pool_processes(self):
        """The processes of pools, which the supervisor starts, too."""
        return self.processes("isagate-host")

    def processes(self, word):
        """The supervisor's children with this word in their command."""
        found = []
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            for pid in children.read().split():
                try:
                    with open(f"/proc/{pid}/cmdline") as command:
                        if word in command.read():
                            found.append(int(pid))
                except (FileNotFoundError, ProcessLookupError):
                    continue  # it ended before its file was opened, or before it was read
        return found

    @property
    def gateway_pid(self):
        (pid,) = self.gateway_pids
        return pid

    def command(self, *arguments):
        """Runs a command of the command line on this gateway's configuration."""
        return subprocess.run(
            [binary(), *arguments, "--config", str(self.file)],
            capture_output=True,
            text=True,
            timeout=patience.seconds(60),
        )

    def configure(self, configuration):
        """Replaces the configuration file."""
        self.file.write_text(json.dumps(configuration, indent=2))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end of the process and returns its exit status."""
        status = self.process.wait(patience.seconds(30))
        self.log.thread.join()
        self.output.thread.join()
        return status

    def stop(self):
        """Ends the process as a supervisor would and expects that to succeed."""
        for client in self.clients:
            client.close()
        if self.process.returncode is not None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            raise AssertionError("the gateway did not stop") from None
        assert status == 0, f"the gateway ended with status {status}"
        found = re.search("(ERROR|WARNING): [A-Za-z]+Sanitizer", self.log.text)
        assert not found, f"a sanitizer found something: {self.log.text[found.start() :][:4000]}"

    @property
    def access_log(self):
        """The lines written so far."""
        return (self.folder / "access.log").read_text().splitlines()

    def wait_for_line(self, condition, file="access.log"):
        """The first line of an access log that meets the condition; lines are written after their responses."""
        found = []

        def is_there():
            # The last line may not be complete.
            lines = (self.folder / file).read_text().split("\n")[:-1]
            found[:] = [line for line in lines if not line.startswith("#") and condition(line)]
            return found

        patience.until(is_there)
        return found[0]
