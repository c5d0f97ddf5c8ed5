"""Certificates as clients receive them: names, kinds of keys, client certificates, resumption."""

import datetime
import json
import ssl
import subprocess

import gateway
import patience
import pytest
from authority import Authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp

VERSIONS = ["-tls1_2", "-tls1_3"]


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


def listeners(**tls):
    return {"secure": {"bind": ["127.0.0.1:0"], "tls": tls}}


def site(host, certificates, **keys):
    routes = [{"path": "/ping", "respond": {"body": f"{host}\n"}}]
    return {"hosts": [host], "certificates": certificates, "routes": routes, **keys}


def s_client(server, name, *arguments):
    """What `openssl s_client` prints about a request for /ping and its handshake."""
    naming = ["-servername", name] if name else ["-noservername"]
    outcome = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['secure']}", *naming, "-ign_eof", *arguments],
        input=f"GET /ping HTTP/1.1\r\nHost: {name or 'a.test'}\r\nConnection: close\r\n\r\n",
        capture_output=True,
        text=True,
        timeout=patience.seconds(20),
    )
    return outcome.stdout + outcome.stderr


def subject(output):
    """As `CN=name`: versions of OpenSSL differ in the spaces."""
    lines = (line.split("=", 1)[1] for line in output.splitlines() if line.startswith("subject="))
    return next((line.replace(" ", "") for line in lines), None)


@pytest.fixture
def two_sites(start_gateway, authority):
    """A function that starts a gateway for a.test and for *.b.test, whose site has the further keys given."""
    a = authority.issue("a", ["a.test"], 10)
    b = authority.issue("b", ["x.b.test", "*.b.test"], 11)

    def start(tls=None, **keys):
        sites = [site("a.test", [a]), site("*.b.test", [b], **keys)]
        return start_gateway(sites=sites, listeners=listeners(**(tls or {})))

    return start


@pytest.mark.parametrize(
    "name, expected",
    [("a.test", "a.test"), ("y.b.test", "x.b.test"), ("y.y.b.test", "a.test"), ("other.test", "a.test"), (None, "a.test")],
)
def test_names_are_found_exactly_then_by_wildcard_then_by_default(two_sites, name, expected):
    assert subject(s_client(two_sites(), name)) == f"CN={expected}"


@pytest.mark.parametrize("name", ["other.test", None])
def test_unknown_names_are_rejected_with_the_alert_for_it(two_sites, name):
    server = two_sites({"unknown_names": "reject"})
    assert "SSL alert number 112" in s_client(server, name)
    server.log.wait_for("TLS handshake failed: " + ("unknown server name" if name else "no server name"))
    assert subject(s_client(server, "a.test")) == "CN=a.test"


@pytest.mark.parametrize(
    "algorithm, kind", [("ecdsa_secp256r1_sha256", "ECDSA"), ("rsa_pss_rsae_sha256", "RSA-PSS")]
)
def test_the_client_chooses_the_kind_of_key(start_gateway, authority, algorithm, kind):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pairs = [authority.issue("ec", ["a.test"], 10), authority.issue("rsa", ["a.test"], 11, key=key)]
    server = start_gateway(sites=[site("a.test", pairs)], listeners=listeners())
    output = s_client(server, "a.test", "-sigalgs", algorithm)
    # Versions of OpenSSL have different names for it.
    assert f"Peer signature type: {kind}" in output or f"Peer signature type: {algorithm}" in output


def test_a_site_may_refuse_versions_that_others_accept(start_gateway, authority):
    a, b = authority.issue("a", ["a.test"], 10), authority.issue("b", ["b.test"], 11)
    sites = [site("a.test", [a]), site("b.test", [b], tls={"profile": "modern"})]
    server = start_gateway(sites=sites, listeners=listeners())
    assert "New, TLSv1.2" in s_client(server, "a.test", "-tls1_2")
    assert "alert protocol version" in s_client(server, "b.test", "-tls1_2")
    assert "New, TLSv1.3" in s_client(server, "b.test")


def test_a_site_that_requires_a_certificate_has_clients_with_one_only(two_sites, authority):
    server = two_sites(client_certificates={"mode": "require", "ca": str(authority.file)})
    client = authority.issue("client", ["client"], 99)
    shown = ["-cert", client["chain"], "-key", client["key"]]
    assert "alert certificate required" in s_client(server, "x.b.test", "-tls1_3")
    assert "alert handshake failure" in s_client(server, "x.b.test", "-tls1_2")
    assert "HTTP/1.1 200" in s_client(server, "x.b.test", *shown)
    assert "HTTP/1.1 200" in s_client(server, "a.test")


def test_a_requested_certificate_may_be_left_out(two_sites, authority):
    server = two_sites(client_certificates={"mode": "request", "ca": str(authority.file)})
    output = s_client(server, "x.b.test")
    assert "Acceptable client certificate CA names" in output
    assert "HTTP/1.1 200" in output


@pytest.mark.parametrize("mode", ["request", "require"])
def test_a_certificate_of_another_authority_is_refused(two_sites, authority, tmp_path, mode):
    server = two_sites(client_certificates={"mode": mode, "ca": str(authority.file)})
    client = Authority(tmp_path, "stranger").issue("client", ["client"], 99)
    output = s_client(server, "x.b.test", "-cert", client["chain"], "-key", client["key"])
    assert "alert unknown ca" in output
    assert "HTTP/1.1 200" not in output


def test_a_revoked_certificate_is_refused(two_sites, authority):
    revoked, good = authority.issue("revoked-client", ["client"], 99), authority.issue("client", ["client"], 98)
    checks = {"mode": "require", "ca": str(authority.file), "crl": authority.revoke(99)}
    server = two_sites(client_certificates=checks)
    output = s_client(server, "x.b.test", "-cert", revoked["chain"], "-key", revoked["key"])
    assert "alert certificate revoked" in output
    assert "HTTP/1.1 200" in s_client(server, "x.b.test", "-cert", good["chain"], "-key", good["key"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_resumed_by_its_site_only(two_sites, tmp_path, version):
    server = two_sites()
    session = str(tmp_path / "session")
    assert "New, TLS" in s_client(server, "a.test", version, "-sess_out", session)
    assert "Reused, TLS" in s_client(server, "a.test", version, "-sess_in", session)
    output = s_client(server, "x.b.test", version, "-sess_in", session)
    assert "Reused, TLS" not in output
    assert subject(output) == "CN=x.b.test"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_does_not_replace_a_certificate(two_sites, authority, tmp_path, version):
    server = two_sites(client_certificates={"mode": "require", "ca": str(authority.file)})
    session = str(tmp_path / "session")
    assert "New, TLS" in s_client(server, "a.test", version, "-sess_out", session)
    output = s_client(server, "x.b.test", version, "-sess_in", session)
    assert "HTTP/1.1 200" not in output


@pytest.mark.parametrize("version", VERSIONS)
def test_gateways_with_a_common_key_file_resume_each_others_sessions(two_sites, tmp_path, version):
    keys, session = tmp_path / "ticket.keys", str(tmp_path / "session")
    keys.write_bytes(bytes(range(240)))
    first, second = two_sites({"ticket_keys": str(keys)}), two_sites({"ticket_keys": str(keys)})
    assert "New, TLS" in s_client(first, "a.test", version, "-sess_out", session)
    assert "Reused, TLS" in s_client(second, "a.test", version, "-sess_in", session)


@pytest.mark.parametrize("version", VERSIONS)
def test_without_tickets_nothing_is_resumed(two_sites, tmp_path, version):
    server, session = two_sites({"tickets": "off"}), str(tmp_path / "session")
    s_client(server, "a.test", version, "-sess_out", session)
    if (tmp_path / "session").exists():
        assert "New, TLS" in s_client(server, "a.test", version, "-sess_in", session)


def test_an_ocsp_response_is_stapled(start_gateway, authority, tmp_path):
    pair = authority.issue("a", ["a.test"], 10)
    certificate = x509.load_pem_x509_certificate((tmp_path / "a.pem").read_bytes())
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=authority.certificate,
        algorithm=hashes.SHA1(),
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=now,
        next_update=now + datetime.timedelta(days=1),
        revocation_time=None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, authority.certificate)
    file = tmp_path / "a.ocsp"
    file.write_bytes(builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    sites = [site("a.test", [{**pair, "ocsp": str(file)}])]
    server = start_gateway(sites=sites, listeners=listeners())
    assert "OCSP Response Status: successful" in s_client(server, "a.test", "-status")


def test_a_missing_ocsp_response_hurts_nobody(start_gateway, authority, tmp_path):
    pair = {**authority.issue("a", ["a.test"], 10), "ocsp": str(tmp_path / "missing")}
    server = start_gateway(sites=[site("a.test", [pair])], listeners=listeners())
    output = s_client(server, "a.test", "-status")
    assert "OCSP response: no response sent" in output
    assert "HTTP/1.1 200" in output


# Complete chains


@pytest.fixture
def intermediate(authority, tmp_path):
    return Authority(tmp_path, "intermediate", authority)


def complete(pair, *issuers):
    """Adds the certificates of issuers to the chain of a pair."""
    with open(pair["chain"], "ab") as chain:
        chain.write(b"".join(issuer.file.read_bytes() for issuer in issuers))
    return pair


def test_a_chain_with_its_intermediate_certificate_is_believed(start_gateway, authority, intermediate):
    pair = complete(intermediate.issue("a", ["a.test"], 10), intermediate)
    known = {**pair, "ca": str(authority.file)}
    server = start_gateway(sites=[site("a.test", [known])], listeners=listeners())
    assert "Verify return code: 0 (ok)" in s_client(server, "a.test", "-CAfile", authority.file)
    assert "none of the system's authorities" not in server.log.text


@pytest.mark.parametrize("is_watched", [False, True])
def test_no_exchange_takes_a_chain_without_its_intermediate_certificate(
    start_gateway, authority, intermediate, is_watched
):
    pair = {**complete(intermediate.issue("a", ["a.test"], 10), intermediate), "ca": str(authority.file)}
    sites, admin = [site("a.test", [pair])], {"socket": "admin.sock"}
    server = start_gateway(sites=sites, listeners=listeners(), watch=is_watched, admin=admin)
    intermediate.issue("a", ["a.test"], 11)
    missing = "that of CN=intermediate, which signed certificate 1, is missing"
    if is_watched:
        server.log.wait_for(f"info: .*{missing}.*; trying again")
    else:
        outcome = server.command("reload")
        assert outcome.returncode == 78
        assert missing in outcome.stderr
    certificate = ssl.get_server_certificate(("127.0.0.1", server.ports["secure"]))
    assert x509.load_pem_x509_certificate(certificate.encode()).serial_number == 10


# The command line


def isagate(tmp_path, sites, *arguments):
    file = tmp_path / "gateway.json"
    file.write_text(json.dumps({"version": 1, "listeners": listeners(), "sites": sites}))
    return subprocess.run(
        [gateway.binary(), arguments[0], "--config", str(file), *arguments[1:]],
        capture_output=True,
        text=True,
        timeout=patience.seconds(20),
    )


def test_certs_lists_what_the_configuration_names(authority, tmp_path):
    outcome = isagate(tmp_path, [site("a.test", [authority.issue("a", ["a.test"], 0x1234)])], "certs", "--json")
    assert outcome.returncode == 0
    [entry] = json.loads(outcome.stdout)
    assert entry["hosts"] == ["a.test"]
    assert entry["serial"] == "1234"
    assert entry["issuer"] == "CN=authority"
    assert entry["keyType"] == "ECDSA prime256v1"
    assert "generation" not in entry
    assert "note: " in outcome.stderr and "listing the files" in outcome.stderr
    assert entry["file"] == str(tmp_path / "a.pem")


@pytest.mark.parametrize("within, status", [("10d", 0), ("40d", 78)])
def test_certs_checks_what_expires_soon(authority, tmp_path, within, status):
    sites = [site("a.test", [authority.issue("a", ["a.test"], 10, days=30)])]
    assert isagate(tmp_path, sites, "certs", "--check", "--within", within).returncode == status


def test_all_problems_are_reported_at_once(authority, tmp_path):
    expired = authority.issue("expired", ["a.test"], 10, days=-1)
    other = authority.issue("other", ["other.test"], 11)
    swapped = {**authority.issue("c", ["c.test"], 12), "key": other["key"]}
    sites = [site("a.test", [expired]), site("b.test", [other]), site("c.test", [swapped])]
    outcome = isagate(tmp_path, sites, "check")
    assert outcome.returncode == 78
    assert "expired.pem: the certificate expired on " in outcome.stderr
    assert "other.pem: is for none of the site's hosts" in outcome.stderr
    assert "other.key: is not the key of the first certificate in" in outcome.stderr


@pytest.mark.parametrize("command", ["check", "run", "certs"])
def test_a_chain_without_its_intermediate_certificate_is_refused(authority, intermediate, tmp_path, command):
    pair = {**intermediate.issue("a", ["a.test"], 10), "ca": str(authority.file)}
    outcome = isagate(tmp_path, [site("a.test", [pair])], command)
    assert outcome.returncode == 78
    missing = "that of CN=intermediate, which signed certificate 1, is missing"
    assert f"{tmp_path}/a.pem: leads to none of the authorities in {authority.file}: {missing}" in outcome.stderr


@pytest.mark.parametrize("known, status", [("authority", 0), ("intermediate", 78)])
def test_the_systems_authorities_may_be_those_of_the_clients(authority, intermediate, tmp_path, monkeypatch, known, status):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{known}.pem"))
    pair = {**complete(intermediate.issue("a", ["a.test"], 10), intermediate), "ca": "system"}
    assert isagate(tmp_path, [site("a.test", [pair])], "check").returncode == status


def test_check_warns_of_an_issuer_that_nobody_knows(authority, tmp_path, monkeypatch):
    sites = [site("a.test", [authority.issue("a", ["a.test"], 10)])]
    outcome = isagate(tmp_path, sites, "check")
    assert outcome.returncode == 0
    assert "warning: " in outcome.stderr and "leads to CN=authority, none of the system's authorities" in outcome.stderr
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert isagate(tmp_path, sites, "check").stderr == ""
