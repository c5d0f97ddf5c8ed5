"""Sites that ask clients for certificates, on a listener that cannot."""

import re

import gateway
import pytest
from authority import Authority


@pytest.fixture
def start(start_gateway, tmp_path):
    def start(mode):
        authority = Authority(tmp_path, "authority")
        site = gateway.site([gateway.PING], ["localhost"])
        site["client_certificates"] = {"mode": mode, "ca": str(authority.file)}
        return start_gateway(sites=[site])

    return start


def test_a_certificate_that_is_requested_is_not_needed_there(start):
    server = start("request")
    assert server.plain().get("/ping").text == "pong\n"
    assert server.secure().get("/ping").text == "pong\n"
    said = server.command("check").stderr
    assert re.search(r"isagate.yaml:\d+: warning: client_certificates need TLS, and the site is also on plain", said)
    assert "nobody is asked for one there" in said


def test_a_certificate_that_is_required_is_missed_there_with_that_reason(start):
    server = start("require")
    response = server.plain().get("/ping")
    assert response.status == 421
    assert "requires a client certificate, which only a connection with TLS can show" in response.text
    assert "every request is answered 421 there" in server.command("check").stderr
