"""Certificates are replaced in the running process without cutting any connection."""

import os
import shutil
import subprocess

import gateway
import pytest
import rotation

ROTATIONS = 50
HELLO = {"path": "/hello", "respond": {"body": "Hello, world\n"}}


@pytest.fixture
def server(start_gateway):
    only_one_key_type = gateway.site([HELLO], ["localhost"])
    only_one_key_type["certificates"] = only_one_key_type["certificates"][:1]
    return start_gateway(sites=[only_one_key_type], admin={"socket": "admin.sock"})


@pytest.fixture
def pairs(server, certificates):
    """Two certificates of the same authority; the first is the one served."""
    folders = [server.folder / "first", server.folder / "second"]
    for folder in folders:
        shutil.copytree(certificates, folder)
    for name in ("localhost.pem", "localhost.key"):
        os.remove(folders[1] / name)
    subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), folders[1]], check=True, capture_output=True)
    return folders


def rotate(server, folder):
    for name in ("localhost.pem", "localhost.key"):
        shutil.copy(folder / name, server.folder / f".{name}")
        os.replace(server.folder / f".{name}", server.folder / name)
    outcome = server.command("reload")
    assert outcome.returncode == 0, outcome.stderr


def test_fifty_rotations_cut_no_request_and_fail_no_handshake(server, pairs):
    ca = str(server.folder / "ca.pem")
    port = server.ports["secure"]
    seen = []
    with rotation.Clients(port, ca) as clients:
        for turn in range(ROTATIONS):
            rotate(server, pairs[(turn + 1) % 2])
            seen.append(rotation.serial(port, ca))
    outcome = clients.outcome
    assert (outcome.cut_requests, outcome.failed_handshakes, outcome.reconnects) == (0, 0, 0), str(outcome)
    assert outcome.requests > ROTATIONS
    # Each handshake after a reload has returned shows the new serial.
    assert len(set(seen)) == 2 and all(old != new for old, new in zip(seen, seen[1:]))


def test_reloads_that_change_another_site_cut_no_request(server):
    port = server.ports["secure"]
    with rotation.Clients(port, str(server.folder / "ca.pem")) as clients:
        for turn in range(ROTATIONS):
            other = {"hosts": ["other.test"], "listen": ["plain"], "routes": [{"path": f"/{turn}", "respond": {}}]}
            server.configure({**server.configuration, "sites": [*server.configuration["sites"][:1], other]})
            outcome = server.command("reload")
            assert outcome.returncode == 0, outcome.stderr
    outcome = clients.outcome
    assert (outcome.cut_requests, outcome.failed_handshakes, outcome.reconnects) == (0, 0, 0), str(outcome)


def test_a_certificate_that_cannot_be_used_changes_nothing(server, pairs):
    port, ca = server.ports["secure"], str(server.folder / "ca.pem")
    before = rotation.serial(port, ca)
    shutil.copy(pairs[1] / "localhost.pem", server.folder / "localhost.pem")
    outcome = server.command("reload")
    assert outcome.returncode == 78
    assert "localhost" in outcome.stderr
    assert rotation.serial(port, ca) == before
