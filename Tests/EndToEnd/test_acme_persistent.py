"""Names and wildcards are proved by records that stay (dns-persist-01), to a small authority."""

import re

import acme_authority
import free_ports
import patience
import pytest
import test_acme

NAMES = ["gateway.test", "*.gateway.test", "www.other.test"]
ISSUER = {"challenge": "dns-persist-01"}


@pytest.fixture
def authority(certificates, tmp_path):
    (tls,) = free_ports.take(1)
    server = acme_authority.Authority(certificates, validate_at=None)
    server.http = 0
    server.tls = tls
    server.root = server.root(tmp_path)
    server.texts = {}
    yield server
    server.stop()


def sections(authority, tmp_path):
    """Without a listener for other challenges."""
    settings = test_acme.sections(authority, tmp_path, ISSUER, hosts=NAMES)
    del settings["listeners"]["plain"]
    return settings


def publish(authority, lines):
    """Takes lines of a zone file over."""
    for line in lines.splitlines():
        if found := re.fullmatch(r'(\S+)\. IN TXT (".*")', line):
            text = "".join(re.findall('"([^"]*)"', found[2]))
            authority.texts.setdefault(found[1], []).append(text)


def test_a_command_prints_the_records_that_prove_names_and_wildcards(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    answer = server.command("acme", "dns-record")
    assert answer.returncode == 0, answer.stderr
    account = authority.base + "/account/1"
    assert answer.stdout.splitlines() == [
        "; pebble",
        f'_validation-persist.gateway.test. IN TXT "small.test; accounturi={account}; policy=wildcard"',
        f'_validation-persist.www.other.test. IN TXT "small.test; accounturi={account}"',
    ]
    assert server.command("acme", "dns-record", "www.other.test").stdout == answer.stdout
    refused = server.command("acme", "dns-record", "not.there.test")
    assert refused.returncode == 1 and "no certificate for not.there.test is ordered" in refused.stderr


def test_names_with_these_records_are_proved_and_others_are_not(start_gateway, authority, tmp_path):
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("acme: no certificate for .* the authority could not validate gateway.test: .*no such record")
    server.log.wait_for(r"acme: pebble looks for the record _validation-persist.gateway.test. IN TXT .*policy=wildcard")
    answer = server.command("acme", "dns-record")
    publish(authority, answer.stdout)
    renewal = server.command("acme", "renew", NAMES[0])
    assert renewal.returncode == 0, renewal.stderr
    for name in ("gateway.test", "any.gateway.test", "www.other.test"):
        patience.until(lambda: test_acme.is_trusted(authority, name))


def test_a_record_without_the_policy_does_not_prove_the_wildcard(start_gateway, authority, tmp_path):
    account = authority.base + "/account/1"
    for domain in ("gateway.test", "www.other.test"):
        authority.texts[f"_validation-persist.{domain}"] = [f"small.test; accounturi={account}"]
    server = start_gateway(**sections(authority, tmp_path))
    server.log.wait_for("acme: no certificate for .* the authority could not validate gateway.test")


def test_an_authority_without_a_name_in_records_is_named(start_gateway, authority, tmp_path):
    authority.identity = 'x"; y'
    server = start_gateway(**sections(authority, tmp_path))
    answer = server.command("acme", "dns-record")
    assert answer.returncode == 1
    assert "a directory without its name in records of domains (caaIdentities)" in answer.stderr
