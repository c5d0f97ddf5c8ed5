"""Hosts of a test: network namespaces that are joined by a switch, and reach nothing else."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading

import daemons
import gateway
import patience
import pytest

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """The reason why this machine cannot make such hosts, None if it can."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    name = f"isagate-{os.getpid()}-try"
    script = f"ip netns add {name} && ip -n {name} link add try0 type veth peer name try1 && ip -n {name} link add try2 type bridge"
    outcome = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)
    return None if outcome.returncode == 0 else f"no network namespaces: {outcome.stderr.strip()}"


def required():
    """Skips the test where there are no namespaces."""
    if reason := why_not():
        pytest.skip(reason)


class Network:
    """192.0.2.0/24, with hosts as they are named; ended as a context manager, with every process in it."""

    counter = 0

    def __init__(self):
        Network.counter += 1
        self.prefix = f"isagate-{os.getpid()}-{Network.counter}"
        self.hosts = {}
        self.switch = f"{self.prefix}-switch"
        ip("netns", "add", self.switch)
        ip("-n", self.switch, "link", "add", "switch", "type", "bridge", "forward_delay", "0")
        ip("-n", self.switch, "link", "set", "switch", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for host in self.hosts.values():
            for program in host.programs:
                program.ask_to_end()
        for host in self.hosts.values():
            host.end()
        ip("netns", "delete", self.switch)

    def host(self, name, *addresses):
        """A host whose interface `eth0` has these addresses (`192.0.2.21`)."""
        self.hosts[name] = host = Host(self, name)
        ip("-n", self.switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
        ip("-n", self.switch, "link", "set", name, "master", "switch", "up")
        for address in addresses:
            ip("-n", host.namespace, "address", "add", f"{address}/24", "dev", "eth0")
        ip("-n", host.namespace, "link", "set", "eth0", "up")
        return host


class Host:
    """One namespace and the programs in it."""

    def __init__(self, network, name):
        self.network = network
        self.name = name
        self.namespace = f"{network.prefix}-{name}"
        self.programs = []
        ip("netns", "add", self.namespace)
        ip("-n", self.namespace, "link", "set", "lo", "up")

    def start(self, *arguments, **options):
        """A program in the foreground, in a session of its own; see `Program`."""
        program = Program(self, arguments, options)
        self.programs.append(program)
        return program

    def run(self, *arguments, **options):
        """The outcome of a command."""
        limit = patience.seconds(30)
        return subprocess.run(self.command(arguments), capture_output=True, text=True, timeout=limit, **options)

    def command(self, arguments):
        return ["ip", "netns", "exec", self.namespace, daemons.find(str(arguments[0])), *map(str, arguments[1:])]

    @contextlib.contextmanager
    def entered(self):
        """Sockets that this thread creates meanwhile are those of the host."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self.namespace}") as there:
            enter(there)
            try:
                yield
            finally:
                enter(here)

    def thread(self, target):
        """Starts a thread that is on this host."""

        def work():
            with self.entered():
                target()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def has(self, address):
        """Whether an interface has this address."""
        return f" {address}/" in ip("-n", self.namespace, "-4", "address", "show")

    def pull_cable(self):
        """Takes the link down at the switch, as when the machine loses its power."""
        ip("-n", self.network.switch, "link", "set", self.name, "down")

    def plug_cable(self):
        ip("-n", self.network.switch, "link", "set", self.name, "up")

    def end(self):
        for program in reversed(self.programs):
            program.end()
        ip("netns", "delete", self.namespace)


class Program:
    """A process on a host, with its log; the processes that it starts are of its session."""

    def __init__(self, host, arguments, options):
        self.process = subprocess.Popen(
            host.command(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, **options
        )  # fmt: skip
        self.log = gateway.Log(self.process.stdout)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, limit=30):
        """Waits for its end and returns its status."""
        return self.process.wait(patience.seconds(limit))

    def kill(self):
        """Ends it and what it has started, by force."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask_to_end(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)

    def end(self):
        """Waits for the end that was asked for; a second signal ends a gateway without delay."""
        for _ in range(5):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait(0.5)
                break
            self.ask_to_end()
        self.kill()


def ip(*arguments):
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
