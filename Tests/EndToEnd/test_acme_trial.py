"""`isagate acme test` orders a certificate that is thrown away."""

import json
import time

import patience
import pebble
import pytest
import test_acme

NAMES = test_acme.NAMES


@pytest.fixture
def authorities(tmp_path, certificates):
    """One for certificates that count, and one for tests, which ask the same ports."""
    staging_folder = tmp_path / "staging"
    staging_folder.mkdir()
    with pebble.started(tmp_path, certificates) as live:
        with pebble.started(staging_folder, certificates, httpPort=live.http, tlsPort=live.tls) as staging:
            yield live, staging


def state(tmp_path):
    """What is stored for serving."""
    files = (tmp_path / "state/acme").rglob("*")
    return {file: file.read_bytes() for file in files if file.is_file() and "+test" not in file.name}


def settled(tmp_path):
    """What is stored for serving, once everything of the first order is written, and nothing is due any more."""
    record = tmp_path / "state/acme/certificates/gateway.test.ecdsa-p256.json"

    def is_settled():
        content = json.loads(record.read_text())
        return "order" not in content and content["askAt"] > time.time()

    patience.until(is_settled)
    return state(tmp_path)


def sections(authority, tmp_path, **settings):
    return test_acme.sections(authority, tmp_path, settings)


def test_a_certificate_is_ordered_from_the_directory_for_tests_and_thrown_away(start_gateway, authorities, tmp_path):
    live, staging = authorities
    server = start_gateway(**sections(live, tmp_path, staging=staging.directory))
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: test_acme.is_trusted(live))
    before = settled(tmp_path)
    orders = live.log.text.count("/order-plz")
    for arguments in ([], [NAMES[1]]):
        answer = server.command("acme", "test", *arguments)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == "gateway.test, www.gateway.test by pebble: a certificate was issued, and thrown away\n"
    assert staging.log.text.count("/order-plz") == 2
    assert live.log.text.count("/order-plz") == orders
    assert state(tmp_path) == before
    assert test_acme.is_trusted(live)
    refused = server.command("acme", "test", "other.test")
    assert refused.returncode == 1 and "no certificate for other.test is ordered" in refused.stderr


def test_a_failure_is_told_and_changes_nothing(start_gateway, authorities, tmp_path):
    live, staging = authorities
    server = start_gateway(**sections(live, tmp_path, staging=live.directory.replace("/dir", "/other")))
    server.log.wait_for("has issued a certificate")
    before = settled(tmp_path)
    answer = server.command("acme", "test")
    assert answer.returncode == 1
    assert "gateway.test, www.gateway.test by pebble: the authority answered with status 404" in answer.stderr
    assert state(tmp_path) == before
    assert server.command("acme", "status").returncode == 0


def test_without_a_directory_for_tests_a_certificate_that_counts_is_ordered_only_when_that_is_said(
    start_gateway, authorities, tmp_path
):
    live, _ = authorities
    server = start_gateway(**sections(live, tmp_path))
    server.log.wait_for("has issued a certificate")
    before = settled(tmp_path)
    answer = server.command("acme", "test")
    assert answer.returncode == 1
    assert "issuer pebble has no directory for tests: set staging, or order a certificate that counts with --production" in (
        answer.stderr
    )
    answer = server.command("acme", "test", "--production", NAMES[0])
    assert answer.returncode == 0, answer.stderr
    after = state(tmp_path)
    changed = {file.parent.name for file in after if after[file] != before.get(file)}
    # Orders are counted.
    assert changed == {"budgets"}
