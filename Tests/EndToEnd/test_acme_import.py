"""Accounts and certificates of certbot and Caddy are taken over, so that nothing is ordered anew."""

import json
import os
import re
import shutil
import subprocess
import tempfile

import gateway
import patience
import pebble
import pytest
import test_acme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

NAMES = test_acme.NAMES


@pytest.fixture
def authority(tmp_path, certificates):
    with pebble.started(tmp_path, certificates) as server:
        yield server


@pytest.fixture
def certbot(tmp_path, certificates, authority):
    """The folder of certbot with a certificate for some names."""
    folder = tmp_path / "certbot"

    def run(*names, **options):
        folders = [f"--{kind}-dir={tmp_path / kind}" for kind in ("work", "logs")] + [f"--config-dir={folder}"]
        account = ["--server", authority.directory, "--agree-tos", "--register-unsafely-without-email"]
        way = ["--standalone", "--http-01-address", "127.0.0.1", "--http-01-port", str(authority.http)]
        kind = ["--key-type", options.get("key", "ecdsa")]
        outcome = subprocess.run(
            ["certbot", "certonly", *folders, *account, *way, *kind, "-n", "-d", ",".join(names)],
            capture_output=True,
            text=True,
            env={**os.environ, "REQUESTS_CA_BUNDLE": str(certificates / "ca.pem")},
            timeout=patience.seconds(60),
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return folder

    return run


def take_over(folder, authority, tmp_path, client, source, *arguments, issuer=None, **sections):
    """Runs the command on a configuration without a gateway."""
    settings = test_acme.sections(authority, tmp_path, issuer)
    file = folder / "import.yaml"
    file.write_text(json.dumps({"version": 1, **settings, **sections}))
    command = [gateway.binary(), "acme", "import", client, str(source), *arguments, "--config", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=patience.seconds(60))


@pytest.fixture
def folder(tmp_path, certificates):
    """The folder of a configuration."""
    place = tmp_path / "configuration"
    shutil.copytree(certificates, place)
    return place


def state(tmp_path):
    return sorted(str(file.relative_to(tmp_path / "state/acme")) for file in (tmp_path / "state/acme").rglob("*.*"))


def serves_without_ordering(start_gateway, authority, tmp_path, issuer=None):
    orders = authority.log.text.count("/order-plz")
    server = start_gateway(**test_acme.sections(authority, tmp_path, issuer))
    assert test_acme.is_trusted(authority)
    status = server.command("acme", "status")
    assert status.returncode == 0 and "issued by pebble" in status.stdout
    assert authority.log.text.count("/order-plz") == orders
    return server


def test_what_certbot_has_is_served_and_renewed_with_its_account(start_gateway, authority, certbot, folder, tmp_path):
    source = certbot(*NAMES)
    certbot("other.test")
    (registration,) = source.glob("accounts/**/regr.json")
    account = json.loads(registration.read_text())["uri"]
    trial = take_over(folder, authority, tmp_path, "certbot", source, "--dry-run")
    assert trial.returncode == 0, trial.stderr
    assert f"to be taken over: account of pebble: {registration.parent} ({account})" in trial.stdout
    assert not (tmp_path / "state").exists()
    outcome = take_over(folder, authority, tmp_path, "certbot", source)
    assert outcome.returncode == 0, outcome.stderr
    assert f"taken over: certificate for gateway.test, www.gateway.test: {source}/live/gateway.test/fullchain.pem" in (
        outcome.stdout
    )
    assert "other.test/fullchain.pem: no site wants a certificate for exactly other.test" in outcome.stderr
    assert state(tmp_path) == [
        "accounts/pebble.json",
        "certificates/gateway.test.ecdsa-p256.json",
        "certificates/gateway.test.ecdsa-p256.pem",
    ]
    server = serves_without_ordering(start_gateway, authority, tmp_path)
    renewal = server.command("acme", "renew", "--force", NAMES[0])
    assert renewal.returncode == 0, renewal.stderr
    assert "acme: account" not in server.log.text
    assert json.loads((tmp_path / "state/acme/accounts/pebble.json").read_text())["url"] == account


def test_a_second_time_nothing_is_changed(authority, certbot, folder, tmp_path):
    source = certbot(*NAMES)
    assert take_over(folder, authority, tmp_path, "certbot", source).returncode == 0
    files = {file: file.read_bytes() for file in (tmp_path / "state/acme").rglob("*.*")}
    outcome = take_over(folder, authority, tmp_path, "certbot", source)
    assert outcome.returncode == 0 and outcome.stdout == "nothing is taken over\n"
    assert "the storage has an account of issuer pebble already" in outcome.stderr
    assert "the storage has one for these names already" in outcome.stderr
    assert files == {file: file.read_bytes() for file in (tmp_path / "state/acme").rglob("*.*")}


def test_a_copy_without_links_is_read_and_keys_are_stored_encrypted(
    start_gateway, authority, certbot, folder, tmp_path
):
    source = certbot(*NAMES, key="rsa")
    shutil.rmtree(source / "live")
    secret = tmp_path / "storage.key"
    secret.write_text("a long secret\n")
    issuer = {"key": "rsa-2048", "storage_key_file": str(secret)}
    outcome = take_over(folder, authority, tmp_path, "certbot", source, issuer=issuer)
    assert outcome.returncode == 0, outcome.stderr
    assert "archive/gateway.test/fullchain1.pem" in outcome.stdout
    for file in (tmp_path / "state/acme").rglob("*"):
        assert not file.is_file() or b"BEGIN PRIVATE KEY" not in file.read_bytes(), file
    serves_without_ordering(start_gateway, authority, tmp_path, issuer)


def replace_key(source):
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = serialization.PrivateFormat.PKCS8
    text = made.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    (source / "live/gateway.test/privkey.pem").write_bytes(text)


def replace_authority(source):
    file = source / "renewal/gateway.test.conf"
    file.write_text(re.sub("server = .*", "server = https://ca.test/dir", file.read_text()))


CHANGES = [
    (replace_key, {}, "expected its private key"),
    (lambda source: None, {"key": "rsa-2048"}, "its key is ecdsa-p256, and its site wants rsa-2048"),
    (
        lambda source: (source / "renewal/gateway.test.conf").unlink(),
        {},
        "nothing tells which authority has issued it",
    ),
    (replace_authority, {}, "it is of ca.test-dir, which no issuer of its site is"),
    (
        lambda source: (source / "archive/gateway.test/fullchain1.pem").write_text("no certificate"),
        {},
        "fullchain.pem",
    ),
]


def test_what_does_not_fit_is_told_with_the_reason(authority, certbot, folder, tmp_path):
    source = certbot(*NAMES)
    for number, (change, issuer, reason) in enumerate(CHANGES):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(source, copy, symlinks=True)
        change(copy)
        outcome = take_over(folder, authority, tmp_path, "certbot", copy, "--dry-run", issuer=issuer)
        assert outcome.returncode == 0 and "certificate for" not in outcome.stdout
        assert reason in outcome.stderr and outcome.stderr.startswith("not taken over: "), outcome.stderr
    copy = tmp_path / "account"
    shutil.copytree(source, copy, symlinks=True)
    next(copy.glob("accounts/**/private_key.json")).write_text("{}")
    outcome = take_over(folder, authority, tmp_path, "certbot", copy, "--dry-run")
    assert "private_key.json: it is no private key in JSON" in outcome.stderr
    assert "account of pebble" not in outcome.stdout and "certificate for" in outcome.stdout


def test_a_gateway_that_runs_is_not_disturbed(start_gateway, authority, certbot, folder, tmp_path):
    source = certbot("other.test")
    server = start_gateway(**test_acme.sections(authority, tmp_path, hosts=["gateway.test"]))
    server.log.wait_for("has issued a certificate")
    (tmp_path / "state/acme/accounts/pebble.json").rename(tmp_path / "moved.json")
    outcome = take_over(folder, authority, tmp_path, "certbot", source)
    assert outcome.returncode == 75, outcome.stderr
    assert "is in use by a gateway; stop it first" in outcome.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give itself up")
def test_what_root_takes_over_belongs_to_the_user_of_the_gateway(authority, certbot, folder):
    source = certbot(*NAMES)
    # Not below pytest's own folder, which other users may not enter.
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        issuer = {"storage": f"{place}/acme"}
        outcome = take_over(folder, authority, folder, "certbot", source, issuer=issuer, user="nobody")
        assert outcome.returncode == 0, outcome.stderr
        files = [os.path.join(at, name) for at, _, names in os.walk(place) for name in names]
        assert len(files) == 4 and {os.stat(file).st_uid for file in files} == {65534}


@pytest.mark.parametrize("client", ["certbot", "caddy"])
def test_a_folder_that_is_none_is_refused(authority, folder, tmp_path, client):
    outcome = take_over(folder, authority, tmp_path, client, tmp_path / "none")
    assert outcome.returncode == 1 and f"as in a folder of {client.replace('caddy', 'Caddy')}" in outcome.stderr


def test_what_caddy_has_is_served(start_gateway, authority, folder, tmp_path):
    # The account and the certificate are real: the gateway had them under another configuration.
    server = start_gateway(**test_acme.sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    server.stop()
    account = json.loads((tmp_path / "state/acme/accounts/pebble.json").read_text())
    text = (tmp_path / "state/acme/certificates/gateway.test.ecdsa-p256.pem").read_text()
    shutil.rmtree(tmp_path / "state")
    key, chain = text.split("-----BEGIN CERTIFICATE-----", 1)
    source = tmp_path / "caddy"
    name = authority.directory.removeprefix("https://").replace(":", "-").replace("/", "-")
    user = source / "acme" / name / "users/admin@gateway.test"
    user.mkdir(parents=True)
    document = {"status": "valid", "contact": ["mailto:admin@gateway.test"], "location": account["url"]}
    (user / "admin.json").write_text(json.dumps(document))
    (user / "admin.key").write_text(account["key"])
    place = source / "certificates" / name / "gateway.test"
    place.mkdir(parents=True)
    (place / "gateway.test.crt").write_text("-----BEGIN CERTIFICATE-----" + chain)
    (place / "gateway.test.key").write_text(key)
    (place / "gateway.test.json").write_text(json.dumps({"sans": NAMES}))
    outcome = take_over(folder, authority, tmp_path, "caddy", source)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("taken over: ") == 2 and outcome.stderr == ""
    serves_without_ordering(start_gateway, authority, tmp_path)
