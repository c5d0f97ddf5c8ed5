"""Properties of the machine: accounts, processors, process 1 of a container, address families."""

import os
import pwd
import shutil
import signal
import socket
import subprocess

import gateway
import patience
import pytest

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


def check(folder, configuration, environment=None):
    """The exit status of `isagate check` and what it complains about."""
    file = folder / "isagate.yaml"
    file.write_text(configuration)
    outcome = subprocess.run(
        [gateway.binary(), "check", "--config", str(file)], capture_output=True, text=True,
        timeout=patience.seconds(30), env={**os.environ, **(environment or {})})
    return outcome.returncode, outcome.stderr


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


# The account


SHORT = """version: 1
user: {}
listeners: {{ plain: {{ bind: "127.0.0.1:0" }} }}
sites: {{ hosts: "*", routes: {{ path: /ping, respond: pong }} }}
"""


@pytest.mark.parametrize("user", ["nobody-by-that-name", "root", '"0"', '"4294967295"'])
def test_an_account_that_no_process_can_become_is_refused_by_check_and_reload(start_gateway, tmp_path, user):
    status, complaint = check(tmp_path, SHORT.format(user))
    assert status == 78
    assert "isagate.yaml:2:7: error: " in complaint

    server = start_gateway([gateway.PING], admin={"socket": "admin.sock"})
    server.configure({**server.configuration, "user": user.strip('"')})
    outcome = server.command("reload")
    assert outcome.returncode == 78, outcome.stderr
    assert ": error: " in outcome.stderr
    assert server.plain().get("/ping").status == 200


@ROOT_ONLY
@pytest.mark.parametrize(
    "user, expected", [("65534", None), ("54321", (54321, 54321)), ("54321:54322", (54321, 54322)), ("nobody", None)])
def test_a_gateway_runs_as_the_configured_account(start_gateway, user, expected):
    known = pwd.getpwuid(65534)
    server = start_gateway([gateway.PING], user=user, log={})
    with open(f"/proc/{server.gateway_pid}/status") as status:
        fields = {line.split(":")[0]: line.split(":")[1].split() for line in status}
    assert (int(fields["Uid"][0]), int(fields["Gid"][0])) == (expected or (known.pw_uid, known.pw_gid))
    if expected:
        assert fields["Groups"] == []
    assert server.plain().get("/ping").status == 200


# Processors


def workers_of(server):
    return int(server.log.wait_for(r"ready: (\d+) workers")[1])


def test_automatic_workers_are_as_many_as_processors_granted(start_gateway):
    assert workers_of(start_gateway([gateway.PING], workers="auto")) <= len(os.sched_getaffinity(0))
    everything = os.sched_getaffinity(0)
    try:
        # Child processes inherit the affinity of this process.
        os.sched_setaffinity(0, {min(everything)})
        assert workers_of(start_gateway([gateway.PING], workers="auto")) == 1
    finally:
        os.sched_setaffinity(0, everything)


@pytest.fixture
def control_group():
    """A control group that grants one and a half of the three requested processors; version 1 or 2."""
    for root in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"]:
        folder = f"{root}/isagate-test-{os.getpid()}"
        try:
            os.mkdir(folder)
        except OSError:
            continue
        try:
            for name, text in [("cpu.cfs_quota_us", "60000"), ("cpu.max", "60000 100000")]:
                if os.path.exists(f"{folder}/{name}"):
                    with open(f"{folder}/{name}", "w") as file:
                        file.write(text)
                    yield folder
                    return
        finally:
            os.rmdir(folder)
    pytest.skip("no control group with a quota can be made here")


@ROOT_ONLY
def test_automatic_workers_heed_the_quota_of_the_control_group(start_gateway, control_group, tmp_path):
    program = tmp_path / "in-group"
    program.write_text(f'#!/bin/sh\necho $$ > {control_group}/cgroup.procs\nexec {gateway.binary()} "$@"\n')
    program.chmod(0o755)
    server = start_gateway([gateway.PING], workers="auto", program=str(program))
    assert workers_of(server) == 1
    server.stop()


# Process 1


class Contained(gateway.Gateway):
    """A gateway that is process 1 of its own namespace."""

    @property
    def first(self):
        (pid,) = children(self.process.pid)
        return pid

    def signal(self, number):
        os.kill(self.first, number)


@pytest.fixture
def start_contained(tmp_path, certificates):
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespace of processes can be made here")
    program = tmp_path / "contained"
    program.write_text(
        f'#!/bin/sh\nexec unshare --pid --fork --kill-child --mount-proc {gateway.binary()} "$@"\n')
    program.chmod(0o755)
    started = []

    def start(*arguments):
        configuration = {
            "version": 1, "workers": 1, "listeners": gateway.LISTENERS, "sites": [gateway.site([gateway.PING])]}
        server = Contained(tmp_path / "gateway", certificates, configuration, program=str(program), arguments=arguments)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.mark.parametrize("arguments", [[], ["--foreground-single"]])
def test_process_1_takes_leave_of_orphans(start_contained, arguments):
    server = start_contained(*arguments)
    assert server.plain().get("/ping").status == 200
    before = set(children(server.first))
    # A process whose parent ends before it does.
    subprocess.run(
        ["nsenter", "--pid", f"--target={server.first}", "sh", "-c", "for n in 1 2 3; do sh -c 'sleep 0.2' & done"],
        check=True, timeout=patience.seconds(20))
    patience.until(lambda: set(children(server.first)) == before)
    assert server.plain().get("/ping").status == 200


@pytest.mark.parametrize("arguments", [[], ["--foreground-single"]])
def test_process_1_ends_when_it_is_signalled(start_contained, arguments):
    server = start_contained(*arguments)
    with server.secure() as client:
        assert client.get("/ping").status == 200
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_process_1_ends_with_the_status_of_what_it_could_not_start(tmp_path):
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespace of processes can be made here")
    (tmp_path / "bad.yaml").write_text("version: 2\n")
    outcome = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", gateway.binary(), "run", "--foreground-single", "-c",
         str(tmp_path / "bad.yaml")], capture_output=True, timeout=patience.seconds(30))
    assert outcome.returncode == 78


# Address families


@pytest.fixture
def without_ipv6(tmp_path):
    """A program that runs the gateway where IPv6 is switched off."""
    program = tmp_path / "without-ipv6"
    program.write_text(
        "#!/bin/sh\nip link set lo up\necho 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6\n"
        f'exec {gateway.binary()} "$@"\n')
    program.chmod(0o755)
    command = ["unshare", "--net", str(program)]
    if shutil.which("ip") is None or subprocess.run([*command, "version"], capture_output=True).returncode != 0:
        pytest.skip("no network of its own can be made here")
    return command


def bound_to(folder, bind):
    file = folder / "isagate.yaml"
    file.write_text(
        f'version: 1\nlisteners:\n  plain: {{ bind: "{bind}" }}\nsites: {{ hosts: "*", routes: {{ path: /, respond: a }} }}\n')
    return str(file)


@pytest.mark.parametrize("bind", [":0", "localhost:0"])
def test_where_ipv6_is_off_an_address_of_both_families_is_one(without_ipv6, tmp_path, bind):
    file = bound_to(tmp_path, bind)
    outcome = subprocess.run(
        [*without_ipv6, "check", "-c", file], capture_output=True, text=True, timeout=patience.seconds(30))
    assert outcome.returncode == 0
    assert f":3: warning: IPv6 is switched off on this machine; nobody reaches '{bind}' by it" in outcome.stderr

    with subprocess.Popen([*without_ipv6, "run", "-c", file], stderr=subprocess.PIPE) as process:
        log = gateway.Log(process.stderr)
        log.wait_for(r"listener plain: IPv6 is switched off on this machine; \[::1?\]:0 is left out")
        log.wait_for("ready: ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(patience.seconds(30)) == 0


@pytest.mark.parametrize("bind", ["[::1]:0", "[::]:0"])
def test_where_ipv6_is_off_that_is_said_of_an_address_of_its_own(without_ipv6, tmp_path, bind):
    with subprocess.Popen([*without_ipv6, "run", "-c", bound_to(tmp_path, bind)], stderr=subprocess.PIPE) as process:
        log = gateway.Log(process.stderr)
        log.wait_for("IPv6 is switched off on this machine")
        process.terminate()
        process.wait(patience.seconds(30))


@pytest.mark.parametrize("name", [":{}", "localhost:{}"])
def test_an_address_of_both_families_is_bound_for_both(start_gateway, certificates, name):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    listeners = {"plain": {"bind": [name.format(port)]}}
    server = start_gateway([gateway.PING], listeners=listeners, sites=[{"hosts": "*", "routes": [gateway.PING]}])
    for address in ["127.0.0.1", "::1"]:
        with socket.create_connection((address, port), patience.seconds(10)) as connection:
            connection.sendall(b"GET /ping HTTP/1.0\r\nHost: a\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert server.log.wait_for(r"listener plain: http://\[::1?\]:")
