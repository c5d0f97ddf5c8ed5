"""Tickets of TLS 1.3: each is used once, so each connection gets another (RFC 8446 appendix C.4)."""

import subprocess

import gateway
import patience
import pytest
from authority import Authority

ARRIVED = "Post-Handshake New Session Ticket arrived"


def resume(server, tmp_path, session, *arguments):
    """What s_client prints about a connection that uses the ticket saved there, and saves what it gets in its place."""
    saved = tmp_path / session
    using = ["-sess_in", str(saved)] if saved.exists() else []
    outcome = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['secure']}", "-servername", "localhost", "-tls1_3"]
        + ["-ign_eof", *using, "-sess_out", str(saved), *arguments],
        input="GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        text=True,
        timeout=patience.seconds(20),
    )
    assert "HTTP/1.1 200 OK" in outcome.stdout
    return outcome.stdout


def test_each_resumption_gives_a_new_ticket(ping, tmp_path):
    assert "New, TLSv1.3" in resume(ping, tmp_path, "session")
    tickets = set()
    for _ in range(4):
        tickets.add((tmp_path / "session").read_text())
        output = resume(ping, tmp_path, "session")
        assert "Reused, TLSv1.3" in output
        assert output.count(ARRIVED) == 1
    assert len(tickets) == 4


def test_a_client_with_a_certificate_gets_new_tickets_too(start_gateway, tmp_path):
    authority = Authority(tmp_path, "authority")
    client = authority.issue("client", ["client"], 99)
    site = gateway.site([gateway.PING], ["localhost"])
    site["client_certificates"] = {"mode": "require", "ca": str(authority.file)}
    server = start_gateway(sites=[site], listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": {}}})
    shown = ["-cert", client["chain"], "-key", client["key"]]
    assert "New, TLSv1.3" in resume(server, tmp_path, "session", *shown)
    for _ in range(3):
        output = resume(server, tmp_path, "session")
        assert "Reused, TLSv1.3" in output
        assert output.count(ARRIVED) == 1


def test_without_tickets_there_are_none(start_gateway, tmp_path):
    listeners = {"secure": {"bind": ["127.0.0.1:0"], "tls": {"tickets": "off"}}}
    server = start_gateway([gateway.PING], listeners=listeners)
    assert ARRIVED not in resume(server, tmp_path, "session")
