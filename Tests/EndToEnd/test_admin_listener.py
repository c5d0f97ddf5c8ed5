"""The admin listener: whom it answers, and that it lives as long as the gateway."""

import json
import os
import shutil
import signal
import ssl
import subprocess

import authority
import gateway
import patience
import pytest
import wire
from test_access import basic, hashed

BIND = {"bind": "127.0.0.1:0"}


@pytest.fixture
def server(start_gateway):
    return start_gateway([gateway.PING], admin={**BIND, "socket": "admin.sock"})


def ask(server, path, *fields, method="GET"):
    """The response of the admin listener on a connection of its own."""
    with server.raw("admin") as client:
        return client.get(path, *fields, method=method)


def test_it_answers_on_its_own_address_only(server):
    assert ask(server, "/livez").status == 200
    assert ask(server, "/ping").status == 404
    with server.plain() as client:
        assert client.get("/livez").status == 404


def test_it_is_read_only(server):
    response = ask(server, "/livez", "Content-Length: 0", method="POST")
    assert (response.status, response["Allow"]) == (405, "GET, HEAD")
    response = ask(server, "/readyz", method="HEAD")
    assert (response.status, response.body) == (200, b"")


def test_what_it_answers_is_not_stored(server):
    for path in ("/livez", "/readyz", "/status.json"):
        response = ask(server, path)
        assert (response["Content-Type"], response["Cache-Control"]) == ("application/json", "no-store")


def test_it_is_neither_counted_nor_logged_with_the_requests(server):
    for _ in range(3):
        ask(server, "/livez")
    with server.plain() as client:
        client.get("/ping")
    status = json.loads(ask(server, "/status.json").text)
    assert status["gateway"]["requests"] == 1
    patience.until(lambda: len(server.access_log) == 1)
    assert '"GET /ping HTTP/1.1" 200' in server.access_log[0]


def test_it_answers_while_the_other_listeners_are_full(start_gateway):
    server = start_gateway([gateway.PING], limits={"max_connections": 1}, admin=BIND, workers=1)
    with server.plain() as client:
        assert client.get("/ping").status == 200
        with server.raw("plain") as refused:
            refused.expect_end()
        assert ask(server, "/livez").status == 200


# Who may ask


def check(tmp_path, certificates, admin):
    """The outcome of `isagate check` for a gateway with this section."""
    folder = tmp_path / "checked"
    shutil.copytree(certificates, folder)
    (folder / "users").write_text("alice:$2y$05$abcdefghijklmnopqrstuuJ7sGnYy2Qe1m7wQ0b1lZk8dQ2Yv0w6G\n")
    file = folder / "isagate.yaml"
    listeners = {"plain": {"bind": ["127.0.0.1:0"]}}
    sites = [{"hosts": ["*"], "routes": [gateway.PING]}]
    file.write_text(json.dumps({"version": 1, "listeners": listeners, "admin": admin, "sites": sites}, indent=1))
    return subprocess.run(
        [gateway.binary(), "check", "--config", file], capture_output=True, text=True, timeout=patience.seconds(60)
    )


PAIR = {"chain": "localhost.pem", "key": "localhost.key"}
CLIENTS = {"mode": "require", "ca": "ca.pem"}


@pytest.mark.parametrize("address", ["127.0.0.1:9145", "127.8.8.8:9145", "[::1]:9145", "localhost:9145"])
def test_loopback_addresses_need_no_guard(tmp_path, certificates, address):
    outcome = check(tmp_path, certificates, {"bind": address})
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("address", ["192.0.2.1:9145", "[2001:db8::1]:9145", ":9145", "0.0.0.0:9145"])
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"certificates": [PAIR]},
        {"certificates": [PAIR], "client_certificates": {**CLIENTS, "mode": "request"}},
        {"deny": ["192.0.2.0/24"]},
        {"basic_auth": "off"},
    ],
)
def test_other_addresses_are_refused_without_a_guard(tmp_path, certificates, address, keys):
    outcome = check(tmp_path, certificates, {"bind": address, **keys})
    assert outcome.returncode == 78
    assert "can be reached from other machines: state who may ask" in outcome.stderr
    assert "isagate.yaml:11:" in outcome.stderr


@pytest.mark.parametrize(
    "guard",
    [
        {"allow": ["192.0.2.0/24"]},
        {"basic_auth": {"users": "users"}},
        {"certificates": [PAIR], "client_certificates": CLIENTS},
    ],
)
def test_other_addresses_are_accepted_with_a_guard(tmp_path, certificates, guard):
    outcome = check(tmp_path, certificates, {"bind": "0.0.0.0:9145", **guard})
    assert outcome.returncode == 0, outcome.stderr


def test_a_reload_refuses_an_address_without_a_guard(server):
    server.configure({**server.configuration, "admin": {"bind": "0.0.0.0:0", "socket": "admin.sock"}})
    outcome = server.command("reload")
    assert outcome.returncode == 78
    assert "state who may ask" in outcome.stderr
    assert ask(server, "/livez").status == 200


@pytest.mark.parametrize(
    "section, message",
    [
        ({"allow": ["127.0.0.1"]}, "allow needs an address to listen on, see 'bind'"),
        ({**BIND, "tls": {}}, "tls needs certificates in this section"),
        ({**BIND, "metric": 1}, "unknown key 'metric'"),
        ({"bind": "localhost"}, "expected an IP address and a port"),
    ],
)
def test_mistakes_in_the_section_are_named(tmp_path, certificates, section, message):
    outcome = check(tmp_path, certificates, section)
    assert outcome.returncode == 78
    assert message in outcome.stderr


def test_addresses_that_are_not_allowed_are_refused(start_gateway):
    server = start_gateway([gateway.PING], admin={**BIND, "allow": ["192.0.2.0/24"]})
    for path in ("/livez", "/readyz", "/status.json"):
        assert ask(server, path).status == 403


def test_passwords_are_asked_for(start_gateway, tmp_path):
    (tmp_path / "users").write_text(f"alice:{hashed('secret', '$2y$05$abcdefghijklmnopqrstuu')}\n")
    server = start_gateway([gateway.PING], admin={**BIND, "basic_auth": {"users": str(tmp_path / "users")}})
    assert ask(server, "/livez").status == 401
    assert ask(server, "/livez", basic("alice", "wrong")).status == 401
    assert ask(server, "/status.json", basic("alice", "secret")).status == 200


def test_client_certificates_are_asked_for(start_gateway, tmp_path):
    issuer = authority.Authority(tmp_path, "operators")
    pair = issuer.issue("operator", ["operator"], 7)
    admin = {**BIND, "certificates": [PAIR], "client_certificates": {"mode": "require", "ca": str(issuer.file)}}
    server = start_gateway([gateway.PING], admin=admin)

    context = server.context()
    context.load_cert_chain(pair["chain"], pair["key"])
    with wire.Client(wire.start_tls(wire.connect(server.ports["admin"]), context)) as client:
        assert client.get("/livez").status == 200

    stranger = server.context()
    stranger.minimum_version = stranger.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        wire.start_tls(wire.connect(server.ports["admin"]), stranger)


def test_it_speaks_http_2(start_gateway):
    server = start_gateway([gateway.PING], admin={**BIND, "certificates": [PAIR]})
    outcome = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", server.authority, "-w", "%{http_version}"]
        + [f"https://localhost:{server.ports['admin']}/readyz"],
        capture_output=True,
        text=True,
        timeout=patience.seconds(30),
    )
    assert outcome.stdout == '{"ready":true,"reasons":[]}\n2', outcome.stderr


# Its life


def test_a_reload_keeps_its_connections(server):
    with server.raw("admin") as client:
        assert client.get("/livez").status == 200
        assert server.command("reload").returncode == 0
        assert client.get("/livez").status == 200


def test_a_reload_adds_and_removes_it(start_gateway):
    server = start_gateway([gateway.PING], admin={"socket": "admin.sock"})
    server.configure({**server.configuration, "admin": {**BIND, "socket": "admin.sock"}})
    assert server.command("reload").returncode == 0
    server.ports["admin"] = int(server.log.wait_for(r"listener admin: http://127\.0\.0\.1:(\d+)")[1])
    assert ask(server, "/livez").status == 200
    server.configure(server.configuration)
    assert server.command("reload").returncode == 0
    with pytest.raises(ConnectionError):
        ask(server, "/livez")


def test_it_has_a_name_of_its_own(server):
    listeners = {**gateway.LISTENERS, "admin": {"bind": ["127.0.0.1:0"]}}
    server.configure({**server.configuration, "listeners": listeners})
    outcome = server.command("reload")
    assert outcome.returncode == 78
    assert "the listener of this section is called 'admin'" in outcome.stderr


def test_it_survives_an_upgrade(start_gateway, tmp_path):
    program = tmp_path / "isagate"
    shutil.copy(gateway.binary(), program)
    server = start_gateway([gateway.PING], admin=BIND, program=str(program))
    first = server.gateway_pid
    server.signal(signal.SIGUSR2)
    server.log.wait_for(f"gateway process {first} exited with status 0: its connections have finished")
    status = json.loads(ask(server, "/status.json").text)
    assert status["gateway"]["pid"] == server.gateway_pid != first
    assert status["supervisorPid"] == server.process.pid


def test_it_survives_a_crash_of_the_gateway_process(server):
    first = server.gateway_pid
    os.kill(first, signal.SIGKILL)
    # The supervisor keeps the sockets: clients wait, none is refused.
    patience.until(lambda: json.loads(ask(server, "/status.json").text)["restarts"] == 1)
    assert json.loads(ask(server, "/status.json").text)["gateway"]["pid"] not in (None, first)
