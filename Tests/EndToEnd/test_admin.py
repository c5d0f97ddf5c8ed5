"""The control socket and the commands that use it."""

import json
import os
import socket
import stat
import subprocess
import sys

import gateway
import patience
import pytest

ADMIN = {"socket": "admin.sock"}


@pytest.fixture
def server(start_gateway):
    return start_gateway([gateway.PING], admin=ADMIN)


def ask(server, line):
    """Sends bytes to the control socket and returns the decoded answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(patience.seconds(15))
        client.connect(str(server.folder / "admin.sock"))
        client.sendall(line)
        answer = b""
        while block := client.recv(65536):
            answer += block
    return json.loads(answer)


def test_status_reports_what_runs(server):
    with server.secure() as client:
        client.get("/ping")
        outcome = server.command("status", "--json")
    assert outcome.returncode == 0, outcome.stderr
    status = json.loads(outcome.stdout)
    assert status["supervisorPid"] == server.process.pid
    assert status["gateway"]["pid"] == server.gateway_pid
    assert (status["gateway"]["connections"], status["gateway"]["requests"]) == (1, 1)
    assert {listener["name"]: listener["addresses"] for listener in status["gateway"]["listeners"]} == {
        "secure": [f"https://127.0.0.1:{server.ports['secure']}"],
        "plain": [f"http://127.0.0.1:{server.ports['plain']}"],
    }


def test_reload_waits_for_the_outcome(server):
    server.configure({**server.configuration, "sites": [gateway.site([{"path": "/new", "respond": {}}])]})
    outcome = server.command("reload")
    assert outcome.returncode == 0, outcome.stderr
    with server.secure() as client:
        assert client.get("/new").status == 200


def test_reload_reports_the_certificates_that_changed(server):
    before = {each["file"]: each["serial"] for each in certificates(server)}
    changed = renew(server)
    outcome = server.command("reload", "--json")
    assert outcome.returncode == 0, outcome.stderr
    after = {each["file"]: each["serial"] for each in certificates(server)}
    assert {file for file in after if after[file] != before[file]} == {changed}
    (sentence,) = [each for each in json.loads(outcome.stdout)["changes"] if "unchanged" not in each]
    assert changed in sentence and after[changed] in sentence


def certificates(server):
    return ask(server, b'{"command":"certs"}\n')["certificates"]


def renew(server):
    """Replaces a served certificate by another one, and returns the file."""
    fresh = server.folder / "fresh"
    subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), fresh], check=True, capture_output=True)
    for name in ("localhost.pem", "localhost.key"):
        os.replace(fresh / name, server.folder / name)
    return str(server.folder / "localhost.pem")


def test_certs_reports_what_is_served_and_since_when(server):
    before = listed(server)
    file = renew(server)
    # The content of the files is not served yet.
    assert {each["serial"] for each in listed(server)} == {each["serial"] for each in before}
    assert server.command("reload").returncode == 0
    assert {each["file"]: each["generation"] for each in listed(server)} == {
        file: 2,
        str(server.folder / "localhost-rsa.pem"): 1,
    }
    assert "  since:   generation 2\n" in server.command("certs").stdout
    assert server.command("certs", "--check", "--within", "2000d").returncode == 78


def listed(server):
    outcome = server.command("certs", "--json")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    return json.loads(outcome.stdout)


def test_certs_lists_the_files_when_no_gateway_runs(server):
    serials = {each["serial"] for each in listed(server)}
    server.stop()
    outcome = server.command("certs", "--json")
    assert outcome.returncode == 0
    assert "isagate: note: no gateway listens on " in outcome.stderr
    assert {each["serial"] for each in json.loads(outcome.stdout)} == serials


def test_status_reports_when_certificates_expire_and_how_reloads_ended(server):
    renew(server)
    assert server.command("reload").returncode == 0
    (server.folder / "localhost.key").write_text("none")
    assert server.command("reload").returncode == 78
    status = json.loads(server.command("status", "--json").stdout)
    assert (status["reloads"], status["failedReloads"]) == (1, 1)
    served = {each["file"]: each for each in certificates(server)}
    expiries = status["gateway"]["certificates"]
    assert len(expiries) == 2
    for each in expiries:
        certificate = served[each["file"]]
        assert (each["serial"], each["notAfter"]) == (certificate["serial"], certificate["notAfter"])
        assert 360 * 86400 < each["secondsLeft"] <= 365 * 86400
    assert "2 certificates; the first to expire, on " in server.command("status").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_keys_that_only_root_can_read_are_reloaded_after_privileges_were_dropped(start_gateway):
    server = start_gateway([gateway.PING], admin=ADMIN, user="nobody", log={})
    (server.folder / "localhost.key").chmod(0o600)
    with open(f"/proc/{server.gateway_pid}/status") as status:
        assert "Uid:\t65534\t65534" in status.read()
    outcome = server.command("reload")
    assert outcome.returncode == 0, outcome.stderr
    with server.secure() as client:
        assert client.get("/ping").status == 200


def test_a_refused_reload_reports_the_reason(server):
    text = server.file.read_text()
    server.file.write_text(text.replace('"workers"', '"wokers"'))
    outcome = server.command("reload")
    assert outcome.returncode == 78
    assert "unknown key 'wokers'" in outcome.stderr
    server.file.write_text(text)
    assert json.loads(server.command("status", "--json").stdout)["failedReloads"] == 1


def test_a_gateway_is_within_reach_while_its_file_is_no_yaml(server):
    server.file.write_text("admin:\n  socket: admin.sock\n\nsites: [\n")
    outcome = server.command("reload")
    assert outcome.returncode == 78
    assert "not valid YAML" in outcome.stderr
    assert json.loads(server.command("status", "--json").stdout)["failedReloads"] == 1


@pytest.mark.parametrize("command", [["reload"], ["status"], ["stop"], ["drain"], ["-s", "quit"]])
def test_without_a_gateway_the_exit_code_is_69(server, command):
    server.stop()
    assert server.command(*command).returncode == 69


def test_a_configuration_without_socket_is_an_error(ping):
    outcome = ping.command("status")
    assert outcome.returncode == 78
    assert "admin.socket" in outcome.stderr


@pytest.mark.parametrize("command", [["stop"], ["drain"], ["-s", "stop"], ["-s", "quit"]])
def test_ending_commands_return_when_the_gateway_has_ended(server, command):
    outcome = server.command(*command)
    assert outcome.returncode == 0, outcome.stderr
    assert server.wait() == 0
    assert not (server.folder / "admin.sock").exists()


@pytest.mark.parametrize("command", [["-s", "reload"], ["-s", "reopen"]])
def test_nginx_words_are_understood(server, command):
    outcome = server.command(*command)
    assert outcome.returncode == 0, outcome.stderr


def test_only_the_owner_can_reach_the_socket(server):
    assert stat.S_IMODE(os.stat(server.folder / "admin.sock").st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_foreign_account_is_refused_even_when_the_mode_lets_it(server):
    path = server.folder / "admin.sock"
    path.chmod(0o666)
    for folder in [server.folder, *server.folder.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o055)
    program = """
import os, socket, sys
client = socket.socket(socket.AF_UNIX)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
client.connect(sys.argv[1])
try:
    client.sendall(b'{"command":"stop"}\\n')
except BrokenPipeError:
    pass
print(client.makefile().readline())
"""
    outcome = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    answer = json.loads(outcome.stdout)
    assert answer["outcome"] == "refused"
    assert "only root and the gateway's own account" in answer["message"]


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b'{"command":"format"}\n', b"\xff\xfe\n"])
def test_what_is_no_request_is_refused(server, line):
    assert ask(server, line)["outcome"] == "refused"


def test_a_request_without_end_is_refused(server):
    assert ask(server, b" " * 65536)["outcome"] == "refused"


def test_a_silent_client_is_sent_away(server):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(patience.seconds(20))
        client.connect(str(server.folder / "admin.sock"))
        assert client.recv(1) == b""


def test_a_seventeenth_client_is_sent_away(server):
    clients = [socket.socket(socket.AF_UNIX) for _ in range(17)]
    try:
        for client in clients:
            client.settimeout(patience.seconds(15))
            client.connect(str(server.folder / "admin.sock"))
        assert b"16 clients are connected already" in clients[16].recv(65536)
    finally:
        for client in clients:
            client.close()


def test_a_stale_socket_is_replaced(start_gateway):
    first = start_gateway([gateway.PING], admin=ADMIN)
    path = first.folder / "admin.sock"
    first.process.kill()
    first.wait()
    assert path.exists()
    second = start_gateway([gateway.PING], admin={"socket": str(path)})
    assert second.command("status").returncode == 0


def test_two_gateways_do_not_share_a_socket(start_gateway, server):
    path = server.folder / "admin.sock"
    other = {**server.configuration, "admin": {"socket": str(path)}}
    file = server.folder / "other.yaml"
    file.write_text(json.dumps(other))
    outcome = subprocess.run(
        [gateway.binary(), "run", "--config", str(file)], capture_output=True, text=True, timeout=patience.seconds(20)
    )
    assert outcome.returncode == 1
    assert "another gateway listens" in outcome.stderr
    assert server.command("status").returncode == 0
