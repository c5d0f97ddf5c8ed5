"""Reports of TLS scanners about the defaults."""

import functools
import http.server
import json
import shutil
import subprocess
import threading

import patience
import pytest
from authority import Authority
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@pytest.fixture
def authority(tmp_path):
    """An authority whose certificates name its revocation list, as those of public authorities do."""
    folder = tmp_path / "authority"
    folder.mkdir()
    authority = Authority(folder, "authority")
    revoked = x509.load_pem_x509_crl((folder / authority.revoke(9)).read_bytes())
    (folder / "revoked.crl").write_bytes(revoked.public_bytes(serialization.Encoding.DER))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as publisher:
        authority.revocations = f"http://127.0.0.1:{publisher.server_port}/revoked.crl"
        threading.Thread(target=publisher.serve_forever).start()
        yield authority
        publisher.shutdown()


@pytest.fixture
def server(start_gateway, authority):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pairs = [
        authority.issue("ec", ["localhost"], 10, days=80, revocations=authority.revocations),
        authority.issue("rsa", ["localhost"], 11, days=80, revocations=authority.revocations, key=key),
    ]
    rules = {"hsts": "on", "security_headers": "strict"}
    site = {"hosts": ["localhost"], "certificates": pairs, "routes": [{"path": "/", "respond": {}}], **rules}
    server = start_gateway(sites=[site])
    server.authority = authority.file
    return server


@pytest.mark.skipif(not shutil.which("sslyze"), reason="sslyze is not installed; it comes with: pip install sslyze")
def test_the_defaults_are_mozillas_intermediate_configuration(server):
    target = f"localhost:{server.ports['secure']}"
    outcome = subprocess.run(
        ["sslyze", "--mozilla_config", "intermediate", "--certinfo_ca_file", str(server.authority), target],
        capture_output=True,
        text=True,
        timeout=patience.seconds(60),
    )
    assert f"{target}: OK - Compliant" in outcome.stdout, outcome.stdout
    assert outcome.returncode == 0


# Protocols, the order of ciphers, certificates, fields of the response; CONTRIBUTING.md has the command for everything.
SECTIONS = ["-p", "-P", "-S", "-h"]


@pytest.mark.skipif(patience.FACTOR != 1, reason="what a scanner finds is the same with a sanitizer, and takes minutes")
def test_testssl_finds_nothing_above_low_severity(server, tmp_path):
    report = tmp_path / "testssl.json"
    target = f"localhost:{server.ports['secure']}"
    options = ["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1"]
    outcome = subprocess.run(
        ["testssl", *options, *SECTIONS, "--phone-out", "--add-ca", server.authority, "--jsonfile", report, target],
        capture_output=True,
        text=True,
        timeout=120,
    )
    findings = json.loads(report.read_text())
    assert {"TLS1_2", "TLS1_3", "cipher_order", "cert_crlRevoked <cert#1>", "HSTS_time"} <= {each["id"] for each in findings}, outcome.stdout
    assert [each for each in findings if each["severity"] not in ("OK", "INFO", "LOW", "WARN")] == []
