"""Files that are not quite PEM: each is named, with the line or its actual format."""

import json
import subprocess

import gateway
import patience
import pytest
from authority import Authority
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cryptography.hazmat.primitives.serialization import pkcs12

DAMAGES = {
    "a hyphen too few": (b"-----BEGIN CERTIFICATE", b"----BEGIN CERTIFICATE", "a damaged boundary of a block"),
    "an indented block": (b"-----BEGIN CERTIFICATE", b"  -----BEGIN CERTIFICATE", "a damaged boundary of a block"),
    "the label of OpenSSL": (b" CERTIFICATE-", b" TRUSTED CERTIFICATE-", "a block TRUSTED CERTIFICATE, OpenSSL's own"),
    "a misspelt label": (b" CERTIFICATE-", b" CERTIFCATE-", "a block CERTIFCATE, which is not known"),
}


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


@pytest.fixture
def check(tmp_path):
    """A function that checks a configuration with one site for a.test and returns the output."""

    def check(pair, **keys):
        site = {"hosts": ["a.test"], "certificates": [pair], "routes": [{"path": "/", "respond": {}}], **keys}
        configuration = {"version": 1, "listeners": {"secure": {"bind": ["127.0.0.1:0"], "tls": {}}}, "sites": [site]}
        file = tmp_path / "isagate.yaml"
        file.write_text(json.dumps(configuration))
        command = [gateway.binary(), "check", "--config", str(file)]
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=patience.seconds(60))
        return outcome.returncode, outcome.stderr

    return check


def lines(data):
    return data.count(b"\n") + 1


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_block_among_authorities_for_clients_is_named(check, authority, tmp_path, kind):
    old, new, reason = DAMAGES[kind]
    first, second = Authority(tmp_path, "first").file.read_bytes(), Authority(tmp_path, "second").file.read_bytes()
    authorities = tmp_path / "clients.pem"
    authorities.write_bytes(first + second.replace(old, new))
    status, said = check(authority.issue("a", ["a.test"], 10), client_certificates={"mode": "require", "ca": str(authorities)})
    assert status == 78
    assert f"clients.pem: is no list of authorities for client certificates: line {lines(first)}: {reason}" in said


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_block_of_a_chain_is_named(check, authority, tmp_path, kind):
    old, new, reason = DAMAGES[kind]
    pair = authority.issue("a", ["a.test"], 10)
    chain = tmp_path / "a.pem"
    whole = chain.read_bytes()
    chain.write_bytes(whole.replace(old, new) + authority.file.read_bytes())
    status, said = check(pair)
    assert status == 78 and f"a.pem: line 1: {reason}" in said
    chain.write_bytes(whole + authority.file.read_bytes().replace(old, new))
    status, said = check(pair)
    assert status == 78 and f"a.pem: line {lines(whole)}: {reason}" in said
    assert "is not the key" not in said


@pytest.mark.parametrize(
    "old, new, reason",
    [
        (b"-----BEGIN PRIVATE KEY", b"----BEGIN PRIVATE KEY", "line 1: a damaged boundary of a block; expected -----BEGIN PRIVATE KEY-----"),
        (b"-----END PRIVATE KEY", b"-----END RSA PRIVATE KEY", "a block RSA PRIVATE KEY ends here, but the one that began in line 1"),
        (b"\n-----END PRIVATE KEY-----", b"", "line 1: the block PRIVATE KEY that begins here has no end"),
        (b" PRIVATE KEY-", b" OPENSSH PRIVATE KEY-", "line 1: a block OPENSSH PRIVATE KEY, the form of OpenSSH"),
    ],
)
def test_a_damaged_key_is_named(check, authority, tmp_path, old, new, reason):
    pair = authority.issue("a", ["a.test"], 10)
    key = tmp_path / "a.key"
    secret = key.read_bytes().splitlines()[1].decode()
    key.write_bytes(key.read_bytes().replace(old, new))
    status, said = check(pair)
    assert status == 78 and "a.key: " in said and reason in said
    assert secret[:16] not in said


def test_a_key_in_one_line_is_named_and_not_shown(check, authority, tmp_path):
    pair = authority.issue("a", ["a.test"], 10)
    key = tmp_path / "a.key"
    secret = key.read_bytes().splitlines()[1].decode()
    key.write_bytes(key.read_bytes().replace(b"\n", b"\\n"))
    status, said = check(pair)
    assert status == 78 and "a.key: line 1: a damaged boundary of a block" in said
    assert secret[:16] not in said


def der_certificate(authority, pair):
    with open(pair["chain"], "rb") as file:
        return x509.load_pem_x509_certificate(file.read()).public_bytes(serialization.Encoding.DER)


def archive(authority, pair):
    with open(pair["chain"], "rb") as chain, open(pair["key"], "rb") as key:
        certificate = x509.load_pem_x509_certificate(chain.read())
        secret = serialization.load_pem_private_key(key.read(), None)
    return pkcs12.serialize_key_and_certificates(b"a", secret, certificate, None, serialization.BestAvailableEncryption(b"open"))


def der_key(authority, pair):
    with open(pair["key"], "rb") as key:
        secret = serialization.load_pem_private_key(key.read(), None)
    form = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return secret.private_bytes(serialization.Encoding.DER, *form)


def utf16(authority, pair):
    with open(pair["chain"]) as file:
        return file.read().encode("utf-16")


@pytest.mark.parametrize(
    "make, name",
    [
        (der_certificate, "a certificate in DER"),
        (archive, "a PKCS #12 archive"),
        (der_key, "a private key in DER"),
        (utf16, "text in UTF-16"),
    ],
)
@pytest.mark.parametrize("place", ["chain", "key", "ca"])
def test_another_format_is_named(check, authority, tmp_path, make, name, place):
    pair = authority.issue("a", ["a.test"], 10)
    other = tmp_path / "other"
    other.write_bytes(make(authority, pair))
    keys = {}
    if place == "ca":
        keys = {"client_certificates": {"mode": "request", "ca": str(other)}}
    else:
        pair[place] = str(other)
    status, said = check(pair, **keys)
    assert status == 78
    assert f"holds {name}; expected" in said and "other: " in said


@pytest.mark.parametrize("digest", [None, "sha256", "sha384", "sha512"])
def test_a_key_for_rsa_pss_alone_is_served(start_gateway, tmp_path, digest):
    chain, key = tmp_path / "a.pem", tmp_path / "a.key"
    options = ["-pkeyopt", f"rsa_pss_keygen_md:{digest}", "-pkeyopt", f"rsa_pss_keygen_mgf1_md:{digest}"] if digest else []
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", *options, "-nodes"]
        + ["-days", "2", "-subj", "/CN=a.test", "-addext", "subjectAltName=DNS:a.test", "-keyout", key, "-out", chain],
        check=True,
        capture_output=True,
    )
    site = {
        "hosts": ["a.test"],
        "certificates": [{"chain": str(chain), "key": str(key)}],
        "routes": [{"path": "/", "respond": {}}],
    }
    server = start_gateway(sites=[site], listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": {}}})
    for version in ("-tls1_2", "-tls1_3"):
        outcome = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['secure']}", "-servername", "a.test"]
            + ["-CAfile", chain, "-verify_return_error", version],
            input="",
            capture_output=True,
            text=True,
            timeout=patience.seconds(20),
        )
        assert "Verify return code: 0 (ok)" in outcome.stdout, outcome.stderr
