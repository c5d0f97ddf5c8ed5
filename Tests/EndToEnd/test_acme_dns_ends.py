"""Orders that are proved by records go on, and records are removed, whenever the gateway ends or changes (dns-01)."""

import os
import shlex
import signal

import gateway
import patience
import pytest
import test_acme
from test_acme_dns import RECORD, authority, domain, is_clean, program, published, sections  # noqa: F401


def kill(server):
    for pid in [server.process.pid, *server.gateway_pids]:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()


@pytest.mark.parametrize("where", ["before", "after"])
def test_nothing_is_left_after_a_kill_while_a_record_is_published(
    start_gateway, authority, tmp_path, domain, program, where
):
    there = tmp_path / "there"
    wait = f": >{shlex.quote(str(there))}; while :; do sleep 0.1; [ -d /proc/$PPID/fd ] || exit 0; done"
    folder = f"{program.domain}/{RECORD}"
    program.set(wait if where == "before" else f"mkdir -p {folder}; : >{folder}/$4; {wait}")
    settings = sections(authority, tmp_path, program)
    server = start_gateway(**settings)
    patience.until(there.exists)
    kill(server)
    program.set()
    server = start_gateway(**settings)
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_clean(domain, tmp_path))
    patience.until(lambda: test_acme.is_trusted(authority, "any.gateway.test"))


def test_a_program_that_outlives_its_gateway_ends_before_another_begins(
    start_gateway, authority, tmp_path, domain, program
):
    first = "else : >once; : >there; sleep 3; : >ended"
    program.set(f"cd {shlex.quote(str(tmp_path))}; if [ -e once ]; then [ -e ended ] || : >overlap; {first}; fi")
    settings = sections(authority, tmp_path, program)
    server = start_gateway(**settings)
    patience.until((tmp_path / "there").exists)
    kill(server)
    server = start_gateway(**settings)
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_clean(domain, tmp_path))
    assert (tmp_path / "ended").exists() and not (tmp_path / "overlap").exists()


@pytest.mark.parametrize("action", ["present", "cleanup"])
def test_the_end_of_the_gateway_does_not_wait_for_a_program(
    start_gateway, authority, tmp_path, domain, program, action
):
    there = tmp_path / "there"
    program.set(f"[ $2 != {action} ] || {{ : >{shlex.quote(str(there))}; sleep 1000; }}")
    settings = sections(authority, tmp_path, program)
    server = start_gateway(**settings)
    patience.until(there.exists)
    server.stop()
    assert "acme_failing" not in server.log.text
    program.set()
    server = start_gateway(**settings)
    if action == "present":
        server.log.wait_for("has issued a certificate")
    patience.until(lambda: is_clean(domain, tmp_path))


def test_records_of_a_site_that_is_removed_meanwhile_are_removed(start_gateway, authority, tmp_path, domain, program):
    settings = sections(authority, tmp_path, program, propagation="20m")
    server = start_gateway(**settings)
    patience.until(lambda: len(published(tmp_path)) == 2)
    assert len(list((domain.folder / RECORD).iterdir())) == 2
    settings["sites"] = [gateway.site([gateway.PING], hosts=["localhost"])]
    server.configure({**server.configuration, **settings})
    assert server.command("reload").returncode == 0
    patience.until(lambda: is_clean(domain, tmp_path))
    assert server.command("acme", "status").stdout == "no certificates are ordered\n"


def test_records_of_a_site_that_is_removed_before_a_restart_are_removed(
    start_gateway, authority, tmp_path, domain, program
):
    settings = sections(authority, tmp_path, program, propagation="20m")
    server = start_gateway(**settings)
    patience.until(lambda: len(published(tmp_path)) == 2)
    kill(server)
    start_gateway(**{**settings, "sites": [gateway.site([gateway.PING], hosts=["localhost"])]})
    patience.until(lambda: is_clean(domain, tmp_path))


def test_an_upgrade_in_the_middle_of_an_order_goes_on_with_it(start_gateway, authority, tmp_path, domain, program):
    server = start_gateway(**sections(authority, tmp_path, program, propagation="3s"))
    patience.until(lambda: len(published(tmp_path)) == 2)
    first = server.gateway_pid
    server.signal(signal.SIGUSR2)
    server.log.wait_for(f"gateway process {first} exited with status 0")
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: test_acme.is_trusted(authority, "any.gateway.test"))
    patience.until(lambda: is_clean(domain, tmp_path))
    assert program.actions.count("present") == 2
    assert authority.log.text.count("/order-plz") == 1
    assert "in use by another gateway" not in server.log.text.split("has issued")[-1]


def test_an_order_waits_until_a_record_is_seen_everywhere(start_gateway, authority, tmp_path, domain, program):
    settings = sections(authority, tmp_path, program, propagation="2s")
    server = start_gateway(**settings)
    patience.until(lambda: len(published(tmp_path)) == 2)
    # A restart does not publish them again, nor begin to wait anew.
    server.stop()
    server = start_gateway(**settings)
    server.log.wait_for("has issued a certificate")
    assert program.actions[:2] == ["present", "present"] and program.actions.count("present") == 2
