"""TLS as clients negotiate it."""

import socket
import ssl
import subprocess

import gateway
import patience
import pytest
import wire


def s_client(server, *arguments, text=""):
    """What `openssl s_client` prints about a handshake."""
    outcome = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['secure']}", "-servername", "localhost"]
        + ["-CAfile", str(server.authority), "-verify_return_error", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=patience.seconds(20),
    )
    return outcome.stdout + outcome.stderr


def context_for(server, version):
    context = server.context()
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("option, name", [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_both_versions_are_negotiated_and_verified(ping, option, name):
    output = s_client(ping, option)
    assert f"New, {name}" in output
    assert "Verify return code: 0 (ok)" in output


def test_older_versions_are_refused(ping):
    output = s_client(ping, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert "alert protocol version" in output
    ping.log.wait_for("TLS handshake failed: unsupported protocol")


def test_the_listeners_minimum_version_is_kept(start_gateway):
    listeners = {
        "secure": {"bind": ["127.0.0.1:0"], "tls": {"min": "1.3"}},
        "plain": {"bind": ["127.0.0.1:0"]},
    }
    server = start_gateway([gateway.PING], listeners=listeners)
    assert "alert protocol version" in s_client(server, "-tls1_2")
    assert server.secure().get("/ping").status == 200


@pytest.mark.parametrize("offered, chosen", [(["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1")])
def test_alpn_chooses_the_first_of_ours_that_the_client_offers(ping, offered, chosen):
    context = ping.context()
    context.set_alpn_protocols(offered)
    assert ping.secure(context).socket.selected_alpn_protocol() == chosen


def test_a_client_without_alpn_is_served(ping):
    with ping.secure(ssl.create_default_context(cafile=ping.authority)) as client:
        assert client.socket.selected_alpn_protocol() is None
        assert client.get("/ping").status == 200


def test_curl_is_served_by_http_1_0(ping):
    resolve = f"localhost:{ping.ports['secure']}:127.0.0.1"
    command = ["curl", "-sS", "-0", "--cacert", ping.authority, "--resolve", resolve, ping.url("/ping")]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "pong\n"


def test_alpn_without_a_common_protocol_is_refused_with_the_alert_for_it(ping):
    context = ping.context()
    context.set_alpn_protocols(["h3"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        ping.secure(context)
    ping.log.wait_for("TLS handshake failed: no application protocol")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(ping, version):
    context = context_for(ping, version)
    with ping.secure(context) as first:
        assert first.get("/ping").status == 200
        assert not first.socket.session_reused
        session = first.socket.session
    with ping.secure(context, session=session) as second:
        assert second.socket.session_reused
        assert second.get("/ping").status == 200


def test_s_client_resumes_the_session_it_saved(ping, tmp_path):
    saved = str(tmp_path / "session")
    assert "New, TLSv1.2" in s_client(ping, "-tls1_2", "-sess_out", saved)
    assert "Reused, TLSv1.2" in s_client(ping, "-tls1_2", "-sess_in", saved)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_closing_sends_close_notify(ping, version):
    client = ping.secure(context_for(ping, version))
    assert client.get("/ping", "Connection: close").status == 200
    # Without close_notify this client's socket raises SSLEOFError.
    client.expect_end()


def test_the_clients_close_notify_is_answered(ping):
    client = ping.secure()
    assert client.get("/ping").status == 200
    client.socket.unwrap().close()


def test_renegotiation_is_refused(ping):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{ping.ports['secure']}", "-tls1_2"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        process.stdin.write("R\n")
        process.stdin.flush()
        output = ""
        while "no renegotiation" not in output and (line := process.stdout.readline()):
            output += line
        process.kill()
    assert "RENEGOTIATING" in output
    assert "no renegotiation" in output
    assert ping.secure().get("/ping").status == 200


@pytest.mark.parametrize(
    "algorithm, kind",
    [("ecdsa_secp256r1_sha256", "ECDSA"), ("rsa_pss_rsae_sha256", "RSA-PSS")],
)
def test_the_certificate_fits_the_clients_signature_algorithms(ping, algorithm, kind):
    output = s_client(ping, "-tls1_3", "-sigalgs", algorithm)
    # Versions of OpenSSL have different names for it.
    assert f"Peer signature type: {kind}" in output or f"Peer signature type: {algorithm}" in output
    assert "Verify return code: 0 (ok)" in output


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"])
def test_the_certificate_fits_the_clients_cipher(ping, cipher):
    assert f"Cipher is {cipher}" in s_client(ping, "-tls1_2", "-cipher", cipher)


@pytest.mark.parametrize("cipher", ["AES128-SHA", "ECDHE-RSA-AES128-SHA", "AES128-GCM-SHA256"])
def test_ciphers_without_forward_secrecy_or_authenticated_encryption_are_refused(ping, cipher):
    assert "alert handshake failure" in s_client(ping, "-tls1_2", "-cipher", f"{cipher}@SECLEVEL=0")


@pytest.mark.parametrize(
    "version, option, offered, chosen",
    [
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    ],
)
def test_our_order_of_ciphers_counts_unless_the_client_prefers_chacha20(ping, version, option, offered, chosen):
    assert f"Cipher is {chosen}" in s_client(ping, version, option, offered)


def test_a_group_that_openssl_does_not_know_is_named(ping):
    listeners = {"secure": {"bind": ["127.0.0.1:0"], "tls": {"groups": ["X25519", "X-NOTHING", "P-256"]}}}
    ping.configure({**ping.configuration, "listeners": listeners})
    outcome = ping.command("check")
    assert outcome.returncode == 78
    assert outcome.stderr.count("groups: X-NOTHING is not among the groups of OpenSSL") == 1


def test_a_group_may_be_used_only_where_it_exists(start_gateway):
    groups = ["?X-NOTHING", "?X25519MLKEM768", "P-384"]
    server = start_gateway([gateway.PING], listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": {"groups": groups}}})
    assert "New, TLSv1.3" in s_client(server, "-tls1_3", "-groups", "P-384")
    assert "alert handshake failure" in s_client(server, "-tls1_3", "-groups", "X25519")


def test_x25519mlkem768_is_offered_where_openssl_has_it(ping):
    known = subprocess.run(["openssl", "list", "-tls-groups"], capture_output=True, text=True).stdout
    output = s_client(ping, "-tls1_3", "-groups", "X25519MLKEM768" if "X25519MLKEM768" in known else "X25519")
    assert "New, TLSv1.3" in output
    if "X25519MLKEM768" in known:
        assert "Negotiated TLS1.3 group: X25519MLKEM768" in output


@pytest.mark.parametrize("group", ["X25519", "P-256", "P-384"])
def test_the_three_groups_are_accepted(ping, group):
    assert "New, TLSv1.3" in s_client(ping, "-tls1_3", "-groups", group)


def test_the_server_name_chooses_the_certificate(start_gateway, tmp_path):
    other = {
        "hosts": ["other.test"],
        "certificates": [make_certificate(tmp_path, "other.test")],
        "routes": [{"path": "/ping", "respond": {"body": "other\n"}}],
    }
    server = start_gateway(sites=[gateway.site([gateway.PING], ["localhost"]), other])

    with server.secure(wire.client_context(tmp_path / "other.test.pem"), name="other.test") as client:
        assert client.get("/ping", "Host: other.test").text == "other\n"
    with server.secure() as client:
        assert client.get("/ping").text == "pong\n"
    # An unknown name gets the first site's certificate.
    context = server.context()
    context.check_hostname = False
    with server.secure(context, name="unknown.test") as client:
        assert client.get("/ping").text == "pong\n"


def make_certificate(folder, name):
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        + ["-keyout", key, "-out", chain],
        check=True,
        capture_output=True,
    )
    return {"chain": str(chain), "key": str(key)}


def test_a_handshake_that_stalls_is_closed_after_its_deadline(start_gateway):
    server = start_gateway([gateway.PING], limits={"handshake_timeout": "300ms"})
    silent = server.raw()
    half = server.raw()
    half.send(b"\x16\x03\x01\x02\x00\x01")
    silent.expect_end()
    half.expect_end()
    server.log.wait_for("TLS handshake failed: handshake not finished in time")


def test_bytes_that_are_no_protocol_at_all_cost_only_their_connection(ping):
    client = ping.raw()
    client.send(bytes(range(256)))
    client.expect_gone()
    ping.log.wait_for("TLS handshake failed")
    assert ping.secure().get("/ping").status == 200


def test_a_client_that_leaves_during_the_handshake_is_logged(ping):
    client = ping.raw()
    client.send(b"\x16\x03\x01")
    client.socket.shutdown(socket.SHUT_WR)
    client.expect_gone()
    ping.log.wait_for("TLS handshake failed: connection closed during handshake")
