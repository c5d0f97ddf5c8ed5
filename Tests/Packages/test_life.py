"""The life of the packages on one machine: each test goes on where the one before it ended."""

import contextlib
import http.server
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time

import authority
import load
import patience
import pytest
import wire
from conftest import PROJECT

# What the unit gives the supervisor: the account, and two rights.
AS_THE_UNIT = [
    "setpriv", "--reuid=isagate", "--regid=isagate", "--init-groups", "--no-new-privs",
    "--inh-caps=-all,+dac_read_search,+net_bind_service", "--ambient-caps=-all,+dac_read_search,+net_bind_service",
    "--bounding-set=-all,+dac_read_search,+net_bind_service",
]

CONFIGURATION = """
version: 1
listeners: { secure: { bind: ":443", tls: {} } }
admin: { socket: /run/isagate/isagate.sock }
log: { access: { path: /var/log/isagate/access.log } }
extensions:
  hello: { library: /srv/app/hello.so, run: in_process }
  apart: { library: /srv/app/hello.so, run: isolated }
  swift: { library: /srv/app/guestbook.so, run: in_process }
  swift-apart: { library: /srv/app/guestbook.so, run: isolated }
upstreams: { behind: { servers: ["http://127.0.0.1:9000"] } }
sites:
  - hosts: ["*"]
    certificates: [{ chain: served.pem, key: served.key }]
    routes:
      - { path: /ping, respond: "pong" }
      - { path: /hello, extension: hello }
      - { path: /apart, extension: apart }
      - { path: /swift, extension: swift }
      - { path: /swift-apart, extension: swift-apart }
      - { path: /behind, proxy: behind }
"""


class Machine:
    """The gateway as the unit starts it, and its clients."""

    ports = {"secure": 443}

    def __init__(self, root, folder):
        self.root = root
        self.log = folder / "log"
        self.process = None
        self.authority = root.file("/etc/isagate/self-signed.pem")

    def start(self):
        """Starts what the unit starts, with the folder that it makes."""
        self.root.run("install", "-d", "-o", "isagate", "-g", "isagate", "-m", "755", "/run/isagate")
        command = ["/usr/bin/isagate", "run", "--config", "/etc/isagate/isagate.yaml"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.root.command(*AS_THE_UNIT, *command), stdout=log, stderr=log)
        patience.until(lambda: self.answers(443) or self.process.poll() is not None, 20)
        assert self.process.poll() is None, self.log.read_text()

    def answers(self, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def context(self):
        return ssl.create_default_context(cafile=str(self.authority))

    def get(self, path):
        with wire.Client(wire.start_tls(wire.connect(443), self.context())) as client:
            response = client.get(path, "Host: localhost")
            response.text  # noqa: B018
            return response

    def status(self):
        return self.root.run("isagate", "status").stdout


@pytest.fixture(scope="module")
def before(root):
    """The files before anything is installed."""
    return root.listing()


@pytest.fixture(scope="module")
def machine(root, before, tmp_path_factory):
    machine = Machine(root, tmp_path_factory.mktemp("machine"))
    yield machine
    if machine.process and machine.process.poll() is None:
        machine.process.kill()
        machine.process.wait()


@pytest.fixture(scope="module")
def upstream():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"behind")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 9000), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def install(root, version):
    return root.apt("install", *[f"/packages/{version}/{file}" for file in files_of(root, version)])


def files_of(root, version):
    return sorted(name for name in os.listdir(root.file(f"/packages/{version}")) if name.endswith(".deb"))


def test_they_install_with_nothing_but_what_they_depend_on(root, machine):
    install(root, "first")
    assert root.run("isagate", "version").stdout.startswith("isagate ")
    assert root.run("isagate", "check", "--config", "/etc/isagate/isagate.yaml").returncode == 0


def test_the_key_is_made_here_and_for_root_only(root):
    facts = root.file("/etc/isagate/self-signed.key").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o600, 0)
    names = root.run("openssl", "x509", "-in", "/etc/isagate/self-signed.pem", "-noout", "-ext", "subjectAltName").stdout
    assert "DNS:localhost" in names


def test_the_folders_belong_to_the_account(root):
    account = root.run("id", "-u", "isagate").stdout.strip()
    for folder in ("/var/lib/isagate", "/var/log/isagate"):
        facts = root.file(folder).stat()
        assert (str(facts.st_uid), stat.S_IMODE(facts.st_mode)) == (account, 0o750)


def test_a_welcome_page_is_served_by_tls_only(machine):
    machine.start()
    response = machine.get("/")
    assert response.status == 200 and "Isagate is running" in response.text
    assert not machine.answers(80)


def test_the_gateway_process_has_no_right_of_the_supervisor(root, machine):
    serving = re.search(r'"gateway":\{.*?"pid":(\d+)', re.sub(r"\s", "", root.run("isagate", "status", "--json").stdout))
    with open(f"/proc/{serving[1]}/status") as file:
        rights = dict(line.split(":\t", 1) for line in file)
    assert int(rights["CapEff"], 16) == 0 and rights["Uid"].split()[0] != "0"


def test_the_example_of_the_package_builds_an_extension(root):
    root.run("cp", "-r", "/usr/share/doc/isagate-dev/examples", "/srv/app")
    root.run("make", "--silent", "-C", "/srv/app")
    outcome = root.run("isagate", "probe", "/srv/app/hello.so")
    assert "Hello, world" in outcome.stdout


def test_a_reload_brings_a_certificate_extensions_and_a_proxy(root, machine, upstream, tmp_path_factory):
    shutil.copy(PROJECT / "Examples/guestbook/guestbook.so", root.file("/srv/app"))
    folder = tmp_path_factory.mktemp("authority")
    issuer = authority.Authority(folder, "authority")
    issuer.issue("served", ["localhost"], 7)
    for name in ("served.pem", "served.key"):
        shutil.copy(folder / name, root.file("/etc/isagate"))
    root.file("/etc/isagate/isagate.yaml").write_text(CONFIGURATION)
    machine.authority = issuer.file
    root.run("isagate", "reload")
    assert machine.get("/hello").text == "Hello, world\n"
    assert machine.get("/apart").text == "Hello, world\n"
    assert machine.get("/behind").text == "behind"


def test_extensions_in_swift_use_the_runtime_of_the_package(machine):
    assert machine.get("/swift").status == 200
    assert machine.get("/swift-apart").status == 200


def test_an_upgrade_under_load_fails_no_request(root, machine):
    root.file("/var/log/isagate").chmod(0o755)
    inode = root.file("/usr/bin/isagate").stat().st_ino
    first = serving_process(root)
    loads = [load.Load(machine, kept=2, path=path) for path in ("/ping", "/hello", "/apart", "/swift-apart", "/behind")]
    with contextlib.ExitStack() as running:
        for clients in loads:
            running.enter_context(clients)
        install(root, "second")
        assert serving_process(root) != first
        for clients in loads:
            clients.wait_for_answers(50)
    assert [clients.failures for clients in loads] == [[]] * len(loads)
    assert root.file("/usr/bin/isagate").stat().st_ino != inode
    assert os.path.samefile(f"/proc/{supervisor(root)}/exe", root.file("/usr/bin/isagate"))
    assert machine.get("/swift-apart").status == 200


def test_a_program_that_cannot_serve_does_not_replace_the_running_one(root, machine):
    """The administrator is told, and the old program goes on."""
    first = serving_process(root)
    program = root.file("/usr/bin/isagate")
    os.replace(program, program.with_suffix(".aside"))
    # It answers the package's questions, and fails to serve.
    program.write_text('#!/bin/sh\n[ "$1" = status ] && exec /usr/bin/isagate.aside "$@"\nexit 3\n')
    program.chmod(0o755)
    os.kill(supervisor(root), signal.SIGUSR2)
    patience.until(lambda: "upgrade failed" in machine.log.read_text(), 20)
    os.replace(program.with_suffix(".aside"), program)
    assert serving_process(root) == first and machine.get("/ping").status == 200


def test_what_the_administrator_changed_survives_an_upgrade(root):
    assert stat.S_IMODE(root.file("/var/log/isagate").stat().st_mode) == 0o755
    assert root.file("/etc/isagate/isagate.yaml").read_text() == CONFIGURATION


def test_removing_ends_the_gateway_and_keeps_what_is_not_the_packages(root, machine):
    root.apt("remove", "isagate", "isagate-dev")
    assert machine.process.wait(patience.seconds(20)) == 0
    assert not machine.answers(443)
    assert root.file("/etc/isagate/isagate.yaml").exists() and root.file("/var/log/isagate/access.log").exists()
    assert not root.file("/usr/bin/isagate").exists()


def test_installing_again_finds_what_was_kept(root):
    install(root, "second")
    assert root.file("/etc/isagate/isagate.yaml").read_text() == CONFIGURATION
    account = int(root.run("id", "-u", "isagate").stdout)
    assert {root.file(folder).stat().st_uid for folder in ("/var/lib/isagate", "/var/log/isagate")} == {account}


def test_purging_leaves_nothing(root, before):
    root.run("rm", "-r", "/srv/app")
    root.apt("purge", "isagate", "isagate-dev")
    # What the packages depend on.
    root.apt("autoremove", "--purge")
    after = root.listing()
    assert {name: facts for name, facts in after.items() if before.get(name) != facts} == {}
    assert set(before) - set(after) == set()


def serving_process(root):
    return status_number(root, r'"gateway":\{.*?"pid":(\d+)')


def supervisor(root):
    return status_number(root, r'"supervisorPid":(\d+)')


def status_number(root, pattern):
    text = re.sub(r"\s", "", root.run("isagate", "status", "--json").stdout)
    return int(re.search(pattern, text)[1])
