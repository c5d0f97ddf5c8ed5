"""What scanners of TLS servers say about the defaults."""

import shutil
import subprocess

import patience
import pytest
from authority import Authority
from cryptography.hazmat.primitives.asymmetric import rsa


@pytest.fixture
def server(start_gateway, tmp_path):
    authority = Authority(tmp_path, "authority")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pairs = [authority.issue("ec", ["localhost"], 10), authority.issue("rsa", ["localhost"], 11, key=key)]
    site = {"hosts": ["localhost"], "certificates": pairs, "routes": [{"path": "/", "respond": {}}]}
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
