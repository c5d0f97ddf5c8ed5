"""The gateway orders its certificates itself (RFC 8555), from pebble."""

import json
import os
import re
import signal
import socket
import ssl

import gateway
import load
import patience
import pebble
import pytest
from cryptography import x509

NAMES = ["gateway.test", "www.gateway.test"]


@pytest.fixture
def authority(tmp_path, certificates):
    with pebble.started(tmp_path, certificates) as server:
        yield server


def sections(authority, tmp_path, issuer=None, hosts=NAMES):
    """The configuration of a gateway that the authority can reach."""
    settings = {
        "directory": authority.directory,
        "contact": "admin@gateway.test",
        "terms_agreed": True,
        "ca": "ca.pem",
        "storage": str(tmp_path / "state/acme"),
        **(issuer or {}),
    }
    site = {"hosts": list(hosts), "certificates": "acme", "routes": [gateway.PING]}
    return {
        "listeners": {
            "secure": {"bind": [f"127.0.0.1:{authority.tls}"], "tls": {}},
            "plain": {"bind": [f"127.0.0.1:{authority.http}"]},
        },
        "sites": [site],
        "acme": {"pebble": settings},
        "admin": {"socket": str(tmp_path / "admin.sock")},
    }


def certificate(port, name=NAMES[0], algorithms=None, alpn=None):
    """The certificate that a client gets, unverified, in DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if algorithms:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(algorithms)
    if alpn:
        context.set_alpn_protocols(alpn)
    with socket.create_connection(("127.0.0.1", port)) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            return secure.getpeercert(binary_form=True)


def is_trusted(authority, name=NAMES[0], root=None):
    context = ssl.create_default_context(cafile=root or authority.root)
    try:
        with socket.create_connection(("127.0.0.1", authority.tls)) as plain:
            with context.wrap_socket(plain, server_hostname=name):
                return True
    except ssl.SSLCertVerificationError:
        return False


def has_kind(authority, kind):
    """Whether a client that accepts this kind of key only gets a certificate."""
    try:
        return certificate(authority.tls, algorithms=f"ECDHE-{kind}-AES128-GCM-SHA256") is not None
    except ssl.SSLError:
        return False


def stored(tmp_path):
    return sorted(file.name for file in (tmp_path / "state/acme/certificates").iterdir() if file.suffix == ".pem")


def test_a_placeholder_is_served_until_the_certificate_is_issued_without_a_reload(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("acme: pebble has issued a certificate for gateway.test, www.gateway.test")
    patience.until(lambda: is_trusted(authority))
    assert is_trusted(authority, NAMES[1])
    assert (tmp_path / "state/acme").stat().st_mode & 0o777 == 0o700
    assert stored(tmp_path) == ["gateway.test.ecdsa-p256.pem"]
    assert not re.search(" error: ", server.log.text), server.log.text
    status = server.command("acme", "status")
    assert status.returncode == 0, status.stderr
    assert "issued by pebble" in status.stdout


def test_strangers_who_ask_for_challenges_learn_nothing(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    for path in ("x", "..", "%2e%2e/x", "", "x/y"):
        client = server.plain()
        client.send(f"GET /.well-known/acme-challenge/{path} HTTP/1.1\r\nHost: other.test\r\n\r\n")
        assert client.read_response().status == (404 if path else 421)
    with pytest.raises(ssl.SSLError):
        certificate(authority.tls, alpn=["acme-tls/1"])


def test_names_are_proved_in_handshakes_and_both_kinds_of_keys_served(start_gateway, authority, tmp_path):
    issuer = {"challenge": "tls-alpn-01", "key": "both"}
    server = start_gateway(**sections(authority, tmp_path, issuer))
    server.log.wait_for("acme: pebble has issued a certificate", count=2)
    patience.until(lambda: is_trusted(authority))
    assert stored(tmp_path) == ["gateway.test.ecdsa-p256.pem", "gateway.test.rsa-2048.pem"]
    patience.until(lambda: all(has_kind(authority, kind) for kind in ("RSA", "ECDSA")))


def test_a_restart_serves_what_is_stored_and_orders_nothing(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_trusted(authority))
    server.stop()
    orders = authority.log.text.count("/order-plz")
    start_gateway(**sections(authority, tmp_path))
    assert is_trusted(authority)
    assert authority.log.text.count("/order-plz") == orders


def test_a_stored_certificate_that_is_damaged_is_set_aside_and_ordered_anew(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    server.stop()
    file = tmp_path / "state/acme/certificates/gateway.test.ecdsa-p256.pem"
    file.write_bytes(file.read_bytes()[:500])
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("gateway.test.ecdsa-p256.pem cannot be used and is now ")
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_trusted(authority))
    assert len(list((tmp_path / "state/acme/aside").iterdir())) == 1


def test_a_stored_certificate_that_cannot_be_read_is_named_and_tried_again_later(start_gateway, authority, tmp_path):
    (tmp_path / "state/acme/certificates/gateway.test.ecdsa-p256.pem").mkdir(parents=True)
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("acme: .*gateway.test.ecdsa-p256.pem.* not a file")
    assert b"Isagate placeholder" in certificate(authority.tls)
    patience.until(lambda: "not a file" in server.command("acme", "status").stdout)
    assert server.command("acme", "status").returncode == 1


def test_keys_are_stored_encrypted_with_a_key_file(start_gateway, authority, tmp_path):
    secret = tmp_path / "storage.key"
    secret.write_text("a long secret\n")
    server = start_gateway(**sections(authority, tmp_path, {"storage_key_file": str(secret)}))
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_trusted(authority))
    for file in (tmp_path / "state/acme").rglob("*"):
        assert not file.is_file() or b"BEGIN PRIVATE KEY" not in file.read_bytes(), file


@pytest.mark.parametrize("request_number", [1, 3, 5, 6, 7, 8])
def test_an_order_goes_on_after_a_kill_at_any_request(start_gateway, tmp_path, certificates, request_number):
    with pebble.started(tmp_path, certificates, refused_nonces=20) as authority:
        server = start_gateway(**sections(authority, tmp_path))
        authority.log.wait_for("POST /", count=request_number)
        for pid in [server.process.pid, *server.gateway_pids]:
            os.kill(pid, signal.SIGKILL)
        server.process.wait()
        server = start_gateway(**sections(authority, tmp_path))
        patience.until(lambda: is_trusted(authority), 30)
        assert not list((tmp_path / "state/acme/aside").iterdir())


def test_an_account_of_the_authority_is_bound(start_gateway, tmp_path, certificates):
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    secret = tmp_path / "eab.key"
    secret.write_text(key + "\n")
    settings = {"externalAccountBindingRequired": True, "externalAccountMACKeys": {"kid-1": key}}
    with pebble.started(tmp_path, certificates, **settings) as authority:
        server = start_gateway(**sections(authority, tmp_path))
        server.log.wait_for(r"it wants an account that it knows: set eab.*\(acme_failing\)")
        server.stop()
        issuer = {"eab": {"key_id": "kid-1", "key_file": str(secret)}, "storage": str(tmp_path / "other")}
        server = start_gateway(**sections(authority, tmp_path, issuer))
        server.log.wait_for("has issued a certificate")


def test_the_preferred_of_several_chains_is_served(start_gateway, tmp_path, certificates):
    with pebble.started(tmp_path, certificates, roots=3) as authority:
        names = [x509.load_pem_x509_certificate(root.read_bytes()).subject.rfc4514_string() for root in authority.roots]
        preferred = names[2].removeprefix("CN=")
        server = start_gateway(**sections(authority, tmp_path, {"preferred_chain": preferred}))
        server.log.wait_for("has issued a certificate")
        patience.until(lambda: is_trusted(authority, root=authority.roots[2]))
        assert [is_trusted(authority, root=root) for root in authority.roots] == [False, False, True]


def test_a_chain_that_is_not_offered_is_replaced_by_the_first(start_gateway, tmp_path, certificates):
    with pebble.started(tmp_path, certificates, roots=2) as authority:
        server = start_gateway(**sections(authority, tmp_path, {"preferred_chain": "Nobody's Root"}))
        server.log.wait_for("has issued a certificate")
        patience.until(lambda: is_trusted(authority, root=authority.roots[0]))


def test_hosts_in_another_order_have_the_stored_certificate(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_trusted(authority))
    server.stop()
    orders = authority.log.text.count("/order-plz")
    server = start_gateway(**sections(authority, tmp_path, hosts=NAMES[::-1]))
    assert is_trusted(authority)
    assert "issued by pebble" in server.command("acme", "status").stdout
    server.configure({**server.configuration, **sections(authority, tmp_path)})
    assert server.command("reload").returncode == 0
    assert is_trusted(authority, NAMES[1])
    assert authority.log.text.count("/order-plz") == orders


@pytest.mark.parametrize("is_known", [True, False])
def test_a_replacement_of_the_key_that_was_interrupted_is_settled(start_gateway, authority, tmp_path, is_known):
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_trusted(authority))
    file = tmp_path / "state/acme/accounts/pebble.json"
    before = json.loads(file.read_text())
    assert server.command("acme", "rollover", "pebble").returncode == 0
    after = json.loads(file.read_text())
    server.stop()
    # What a kill leaves behind, after and before the authority has the next key.
    used, other = (before, after) if is_known else (after, before)
    file.write_text(json.dumps({**used, "nextKey": other["key"]}))
    server = start_gateway(**sections(authority, tmp_path))
    renewal = server.command("acme", "renew", "--force", NAMES[0])
    assert renewal.returncode == 0, renewal.stderr
    settled = json.loads(file.read_text())
    assert settled == after
    assert not list((tmp_path / "state/acme/aside").iterdir())


def test_a_renewal_loses_no_request(start_gateway, tmp_path, certificates):
    with pebble.started(tmp_path, certificates, certificateValidityPeriod=18) as authority:
        server = start_gateway(**sections(authority, tmp_path))
        server.log.wait_for("has issued a certificate")
        patience.until(lambda: is_trusted(authority))
        server.authority = authority.root
        with load.Load(server, name=NAMES[0]) as clients:
            server.log.wait_for("has issued a certificate", count=2)
            clients.wait_for_answers(50)
        assert clients.failures == []


def test_commands_renew_revoke_and_replace_the_key_of_the_account(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    file = tmp_path / "state/acme/certificates/gateway.test.ecdsa-p256.pem"
    first = file.read_bytes()
    renewal = server.command("acme", "renew", NAMES[1])
    assert renewal.returncode == 0 and "not due before" in renewal.stdout
    assert file.read_bytes() == first
    account = tmp_path / "state/acme/accounts/pebble.json"
    key = account.read_bytes()
    assert server.command("acme", "rollover", "pebble").returncode == 0
    assert account.read_bytes() != key
    renewal = server.command("acme", "renew", "--force", NAMES[1])
    assert renewal.returncode == 0, renewal.stderr
    second = file.read_bytes()
    assert second != first
    revocation = server.command("acme", "revoke", NAMES[0])
    assert revocation.returncode == 0, revocation.stderr
    server.log.wait_for("has issued a certificate", count=3)
    assert file.read_bytes() != second
    assert server.command("acme", "renew", "other.test").returncode == 1
