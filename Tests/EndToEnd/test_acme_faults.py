"""Authorities that do what pebble does not: windows for renewals, profiles, several of them, and faults."""

import datetime
import ssl

import acme_authority
import free_ports
import patience
import pytest
import test_acme

NAMES = test_acme.NAMES


@pytest.fixture
def authority(certificates, tmp_path):
    http, tls = free_ports.take(2)
    server = acme_authority.Authority(certificates, validate_at=http)
    server.http = http
    server.tls = tls
    server.root = server.root(tmp_path)
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("rate limit", "the authority refused: too much was asked of it lately .*trying again in 2h"),
        ("nonsense", "the authority sent an order that is not JSON"),
        ("endless", "the authority sent a document of more than 262144 bytes"),
        ("error", "the authority answered with status 500"),
        ("other names", "the certificate is not the one that was ordered: it is for other.test"),
        ("other key", "the certificate is not the one that was ordered"),
        ("future", "the certificate is not the one that was ordered: .*is not valid before"),
    ],
)
def test_a_fault_of_the_authority_is_named_and_touches_nothing(start_gateway, authority, tmp_path, fault, message):
    authority.fault = fault
    server = start_gateway(**test_acme.sections(authority, tmp_path))
    server.log.wait_for(f"acme: no certificate for gateway.test, www.gateway.test from pebble: {message}")
    assert b"Isagate placeholder" in test_acme.certificate(authority.tls)
    # The line comes before the record is written and shown.
    patience.until(lambda: "failed 1 times" in server.command("acme", "status").stdout)
    assert server.command("acme", "status").returncode == 1
    assert server.command("certs", "--json").stdout.count("placeholder")
    assert server.command("diff").returncode == 0


def test_a_window_in_the_past_renews_at_once_and_names_what_is_replaced(start_gateway, authority, tmp_path):
    authority.window = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
    issuer = {"profile": "shortlived"}
    server = start_gateway(**test_acme.sections(authority, tmp_path, issuer))
    server.log.wait_for("has issued a certificate", count=2)
    first, second = [order["payload"] for order in authority.orders[:2]]
    assert first["profile"] == second["profile"] == "shortlived"
    assert "replaces" not in first and second["replaces"].count(".") == 1
    authority.window = None


def test_the_next_issuer_is_tried_when_one_fails(start_gateway, authority, tmp_path):
    settings = test_acme.sections(authority, tmp_path)
    (port,) = free_ports.take(1)
    good = settings["acme"]["pebble"]
    settings["acme"] = {"away": {**good, "directory": f"https://localhost:{port}/dir"}, "small": good}
    settings["sites"][0]["certificates"] = [{"acme": "away"}, {"acme": "small"}]
    server = start_gateway(**settings)
    server.log.wait_for("from away: the authority cannot be reached")
    server.log.wait_for("acme: small has issued a certificate")


def test_a_clock_that_is_wrong_by_a_day_is_told(start_gateway, authority, tmp_path):
    authority.date_offset = datetime.timedelta(days=-1)
    server = start_gateway(**test_acme.sections(authority, tmp_path))
    server.log.wait_for("the clock of this machine is 1d ahead of that of pebble")


def test_handshakes_wait_for_the_first_certificate_where_that_is_wanted(start_gateway, authority, tmp_path):
    authority.fault = "error"
    server = start_gateway(**test_acme.sections(authority, tmp_path, {"start": "wait"}))
    server.log.wait_for("acme: no certificate for")
    with pytest.raises(ssl.SSLError):
        test_acme.certificate(authority.tls)
    server.log.wait_for("certificate not issued yet")


def test_a_second_gateway_with_the_same_storage_orders_nothing(start_gateway, authority, tmp_path, certificates):
    server = start_gateway(**test_acme.sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    orders = len(authority.orders)
    settings = test_acme.sections(authority, tmp_path)
    http, tls = free_ports.take(2)
    settings["listeners"]["secure"]["bind"] = [f"127.0.0.1:{tls}"]
    settings["listeners"]["plain"]["bind"] = [f"127.0.0.1:{http}"]
    settings["admin"]["socket"] = str(tmp_path / "other.sock")
    second = start_gateway(**settings)
    second.log.wait_for("is in use by another gateway, which orders its certificates")
    assert b"Isagate placeholder" not in test_acme.certificate(tls)
    patience.until(lambda: len(authority.orders) == orders)
