"""What the code of an isolated extension cannot do."""

import json
import os
import pwd
import shutil
import signal
import socket
import tempfile

import gateway
import patience
import pytest


@pytest.fixture
def start(start_gateway):
    """A function that starts a gateway with the extension `trespasses` in a pool with these settings."""

    def start(**settings):
        return start_gateway(
            [gateway.PING],
            {"trespasses": {"run": "isolated", **settings}},
            workers=1,
            admin={"socket": "admin.sock"},
            log={},
        )

    return start


def attempt(server, what, argument=0):
    response = server.secure().get(f"/trespasses?{what}={argument}")
    assert response.status == 200, response.text
    return response.text


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "file").write_text("x")
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut" / "file").write_text("x")
    return tmp_path


def confined(folders, **more):
    return {
        "sandbox": {
            "filesystem": {"read": [str(folders / "open")], "write": [str(folders / "writable")]},
            "network": "off",
            "require": True,
            **more,
        }
    }


def test_only_listed_files_can_be_read_and_written(start, folders):
    (folders / "writable").mkdir()
    server = start(**confined(folders))
    assert attempt(server, "read", folders / "open" / "file") == "done"
    assert attempt(server, "write", folders / "open" / "file") == "EACCES"
    assert attempt(server, "write", folders / "writable" / "new") == "done"
    for what in ("read", "write"):
        assert attempt(server, what, folders / "shut" / "file") == "EACCES"
    assert attempt(server, "list", folders / "shut") == "EACCES"
    # A way around by a link that it makes, or by the parent.
    assert attempt(server, "read", f"{folders}/open/../shut/file") == "EACCES"
    assert attempt(server, "read", "/etc/shadow") == "EACCES"
    # What programs need of the system is there.
    assert attempt(server, "read", "/etc/passwd") == "done"
    assert attempt(server, "run", "/bin/true") == "done"


def test_keys_and_the_admin_socket_are_out_of_reach(start, folders):
    (folders / "writable").mkdir()
    server = start(**confined(folders))
    key = server.file.parent / "localhost.key"
    assert key.exists() and attempt(server, "read", key) == "EACCES"
    assert attempt(server, "read", server.file) == "EACCES"
    socket_path = server.file.parent / "admin.sock"
    assert socket_path.exists()
    assert attempt(server, "local", socket_path) == "EPERM"
    assert attempt(server, "datagram", socket_path) == "EPERM"
    assert server.command("status").returncode == 0


def test_the_gateway_and_other_processes_are_out_of_reach(start):
    server = start()
    process = server.gateway_pids[0]
    for pid in (process, server.process.pid, os.getpid()):
        assert attempt(server, "signal", pid) == "EPERM"
        assert attempt(server, "ptrace", pid) == "EPERM"
        assert attempt(server, "memory", pid) == "EPERM"
        assert attempt(server, "read", f"/proc/{pid}/mem") == "EACCES"
        assert attempt(server, "read", f"/proc/{pid}/environ") == "EACCES"
    assert attempt(server, "read", f"/proc/{process}/fd/3") == "EACCES"


def test_the_system_is_out_of_reach(start, tmp_path):
    server = start()
    (tmp_path / "own").write_text("x")
    for what, argument in [
        ("mount", tmp_path),
        ("unshare", 0),
        ("uring", 0),
        ("become", 0 if os.geteuid() else 65534),
        ("own", tmp_path / "own"),
    ]:
        assert attempt(server, what, argument) == "EPERM", what
    assert attempt(server, "packet") == "EAFNOSUPPORT"
    assert attempt(server, "core") == "EPERM"


def test_without_network_there_are_no_sockets(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert attempt(start(sandbox={"network": "off"}), "port", port) == "EPERM"
        assert attempt(start(), "port", port) == "done"


def test_abstract_sockets_of_others_are_out_of_reach(start):
    name = f"isagate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        assert attempt(start(), "local", f"@{name}") == "EPERM"
        assert attempt(start(sandbox="off"), "local", f"@{name}") == "done"


def test_limits_of_the_system_are_kept(start):
    server = start(limits={"memory": "256M", "descriptors": 128, "file_size": "1K"})
    assert attempt(server, "allocate", 512) == "ENOMEM"
    assert attempt(server, "allocate", 64) == "done"
    assert attempt(server, "descriptors", 200) == "EMFILE"
    assert attempt(server, "core") == "EPERM"
    assert attempt(start(limits={"core_files": True}), "core") == "done"


@pytest.fixture
def public(build_extension):
    """A function that makes an extension readable for every user, and returns the path of its library."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)

        def publish(name):
            return shutil.copy(build_extension(name), folder)

        yield publish


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a pool another user")
def test_a_pool_has_its_own_user(start_gateway, public):
    server = start_gateway(
        [gateway.PING],
        {
            "knows_process": {"library": public("knows_process"), "run": "isolated", "user": "daemon"},
            "trespasses": {"library": public("trespasses"), "run": "isolated"},
        },
        user="nobody",
        log={},
    )
    daemon, nobody = pwd.getpwnam("daemon"), pwd.getpwnam("nobody")
    facts = server.secure().get("/knows_process").text
    assert f'"uid": {daemon.pw_uid}, "gid": {daemon.pw_gid},' in facts
    # Without a user of its own a pool has that of the gateway.
    assert attempt(server, "become", 0) == "EPERM"
    assert attempt(server, "read", "/etc/shadow") == "EACCES"
    assert attempt(server, "signal", os.getpid()) == "EPERM"
    client = server.secure()
    pid = json.loads(facts)["pid"]
    assert os.stat(f"/proc/{pid}/status").st_uid in (0, daemon.pw_uid) and nobody.pw_uid != daemon.pw_uid
    # The gateway, which has another user, has it ended and replaced all the same.
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    patience.until(lambda: client.get("/knows_process").status == 200)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a pool another user")
def test_a_process_of_another_user_is_ended_by_its_ping(start_gateway, public):
    server = start_gateway(
        [gateway.PING],
        {
            "knows_process": {
                "library": public("knows_process"),
                "run": "isolated",
                "user": "daemon",
                "ping": {"every": "200ms", "timeout": "1s"},
            }
        },
        user="nobody",
        log={},
    )
    client = server.secure()
    pid = json.loads(client.get("/knows_process").text)["pid"]
    os.kill(pid, signal.SIGSTOP)
    server.log.wait_for(f"process {pid}: it did not answer its ping")
    patience.until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert json.loads(client.get("/knows_process").text)["pid"] != pid


def test_a_sandbox_is_described_where_it_is_off(start):
    server = start(sandbox="off")
    assert attempt(server, "signal", os.getpid()) in ("done", "EPERM")
