"""Folders that the gateway's account owns are none that root trusts: what is in them could be that of an attacker."""

import os
import pathlib
import pwd
import shutil
import tempfile

import gateway
import patience
import pytest
from cryptography import x509
from test_acme import certificate

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
NOBODY = pwd.getpwnam("nobody")
ENTRY = "certificates/localhost.ecdsa-p256.pem"


@pytest.fixture
def folder():
    """One that every account may enter, below folders that only root can change."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="isagate-storage-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def start(start_gateway, folder):
    def start(storage):
        return start_gateway(
            user="nobody",
            listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": {}}, "plain": {"bind": ["127.0.0.1:0"]}},
            admin={"socket": str(folder / "admin.sock")},
            log={},
            watch=True,
            acme={"le": {"directory": "https://127.0.0.1:1/dir", "terms_agreed": True, "storage": str(storage)}},
            sites=[{"hosts": ["localhost"], "certificates": "acme", "routes": [gateway.PING]}],
        )

    return start


def own(*paths):
    for path in paths:
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)


def owner(path):
    return pwd.getpwuid(path.stat().st_uid).pw_name


def test_new_folders_are_made_for_the_account(start, folder):
    start(folder / "lib/acme").log.wait_for("acme: no certificate for localhost from le")
    assert owner(folder / "lib") == "root"
    assert owner(folder / "lib/acme") == owner(folder / "lib/acme/certificates") == "nobody"
    assert (folder / "lib/acme").stat().st_mode & 0o777 == 0o700
    record = folder / "lib/acme/certificates/localhost.ecdsa-p256.json"
    patience.until(record.exists)
    assert owner(record) == "nobody"


def test_in_a_folder_of_its_own_the_account_makes_them(start, start_gateway, folder):
    """As a package has it: root leaves everything there to the gateway."""
    own(folder)
    start(folder / "acme").log.wait_for("acme: no certificate for localhost from le")
    assert owner(folder / "acme") == owner(folder / "acme/certificates") == "nobody"
    source = {"etcd": "http://127.0.0.1:1", "prefix": "/app/", "storage": str(folder / "etcd")}
    server = start_gateway(
        [{"path": "/*", "proxy": "app"}], user="nobody", log={}, upstreams={"app": {"servers_from": source}}
    )
    server.log.wait_for("servers of upstream app cannot be learned: .*Connection refused")
    assert owner(folder / "etcd") == "nobody"


def test_folders_of_roots_time_are_given_to_the_account(start, folder):
    (folder / "acme/certificates").mkdir(parents=True)
    start(folder / "acme").log.wait_for("acme: no certificate for localhost from le")
    assert owner(folder / "acme") == owner(folder / "acme/certificates") == "nobody"


@pytest.mark.parametrize("link", ["acme", "acme/certificates"])
def test_a_link_of_the_account_gives_it_no_folder_of_root(start, folder, link):
    state, victim = folder / "state", folder / "victim"
    (victim / "certificates").mkdir(parents=True)
    state.mkdir()
    own(state)
    if link != "acme":
        (state / "acme").mkdir()
        own(state / "acme")
    (state / link).symlink_to(victim)
    own(state / link)
    server = start(state / "acme")
    assert server.command("reload").returncode == 0
    server.log.wait_for("acme: .*(cannot be made|cannot be opened|cannot be written): Permission denied")
    assert owner(victim) == owner(victim / "certificates") == "root"
    assert sorted(victim.iterdir()) == [victim / "certificates"]


def issuer(server):
    return x509.load_der_x509_certificate(certificate(server.ports["secure"], "localhost")).issuer.rfc4514_string()


def test_a_link_of_the_account_shows_it_no_file_of_root(start, folder, certificates):
    storage = folder / "acme"
    (storage / "certificates").mkdir(parents=True)
    secret = folder / "secret.pem"
    secret.write_bytes((certificates / "localhost.pem").read_bytes() + (certificates / "localhost.key").read_bytes())
    secret.chmod(0o600)
    (storage / ENTRY).symlink_to(secret)
    own(storage, storage / "certificates", storage / ENTRY)
    server = start(storage)
    server.log.wait_for("acme: .*localhost.ecdsa-p256.pem")
    assert "Isagate placeholder" in issuer(server)
    # The same with a pipe, which nobody writes to, and then with a file of its own.
    (storage / ENTRY).unlink()
    os.mkfifo(storage / ENTRY, 0o600)
    own(storage / ENTRY)
    assert server.command("reload").returncode == 0
    assert "Isagate placeholder" in issuer(server)
    fresh = storage / "certificates/fresh"
    shutil.copy(secret, fresh)
    own(fresh)
    fresh.replace(storage / ENTRY)
    patience.until(lambda: "Isagate placeholder" not in issuer(server))
