"""Names and wildcards are proved by records of their domain, which a program publishes (dns-01), to pebble."""

import json
import os
import shlex

import nameserver
import patience
import pebble
import pytest
import test_acme

NAMES = ["gateway.test", "*.gateway.test"]
RECORD = "_acme-challenge.gateway.test"


@pytest.fixture
def domain(tmp_path):
    """A server of names whose TXT records are files: that of a value in the folder of its name."""
    folder = tmp_path / "domain"
    folder.mkdir()
    server = nameserver.NameServer(texts=folder)
    server.folder = folder
    yield server
    server.stop()


@pytest.fixture
def authority(tmp_path, certificates, domain):
    with pebble.started(tmp_path, certificates, name_server=domain.port) as server:
        yield server


class Program:
    """The program that the gateway runs, and what it was told; `before` are lines of shell that it begins with."""

    def __init__(self, folder, domain):
        self.calls = folder / "calls"
        self.calls.touch()
        self.file = folder / "dns program"
        self.domain = shlex.quote(str(domain.folder))
        self.set()

    def set(self, before=""):
        text = f"""#!/bin/sh
            echo "$@" >>{shlex.quote(str(self.calls))}
            {before}
            folder={self.domain}/${{3%.}}
            case $2 in
            present) mkdir -p "$folder" && : >"$folder/$4" ;;
            cleanup) rm "$folder/$4" && rmdir "$folder" 2>/dev/null || [ -d "$folder" ] ;;
            esac
            """
        other = self.file.with_suffix(".new")
        other.write_text(text)
        other.chmod(0o755)
        # A program that runs goes on.
        other.rename(self.file)

    @property
    def actions(self):
        return [line.split()[1] for line in self.calls.read_text().splitlines()]


@pytest.fixture
def program(tmp_path, domain):
    return Program(tmp_path, domain)


def issuer(program, **settings):
    return {"challenge": "dns-01", "dns": {"command": [str(program.file), "word"], "propagation": "0s", **settings}}


def sections(authority, tmp_path, program, hosts=NAMES, **settings):
    return test_acme.sections(authority, tmp_path, issuer(program, **settings), hosts=hosts)


def noted(tmp_path):
    """The records that the gateway has to remove."""
    file = tmp_path / "state/acme/records.json"
    return json.loads(file.read_text())["records"] if file.exists() else []


def published(tmp_path):
    return [record for record in noted(tmp_path) if record.get("publishedAt")]


def is_clean(domain, tmp_path):
    """Whether no record is left, neither in the domain nor in the list of those to be removed."""
    return not any(files for _, _, files in os.walk(domain.folder)) and noted(tmp_path) == []


def test_a_name_and_its_wildcard_are_proved_together(start_gateway, authority, tmp_path, domain, program):
    program.set(f"env >{shlex.quote(str(tmp_path))}/environment-$2; echo published; echo or not >&2")
    server = start_gateway(**sections(authority, tmp_path, program))
    server.log.wait_for(r"acme: pebble has issued a certificate for gateway.test, \*.gateway.test")
    patience.until(lambda: test_acme.is_trusted(authority))
    assert test_acme.is_trusted(authority, "any.gateway.test")
    patience.until(lambda: is_clean(domain, tmp_path))
    # Both records were there at once, at the same name.
    assert program.actions == ["present", "present", "cleanup", "cleanup"]
    calls = [line.split() for line in program.calls.read_text().splitlines()]
    assert {tuple(call[:1] + call[2:3]) for call in calls} == {("word", RECORD + ".")}
    assert len({call[3] for call in calls}) == 2
    server.log.wait_for("dns program present _acme-challenge.gateway.test. is done: published or not")
    variables = dict(line.split("=", 1) for line in (tmp_path / "environment-cleanup").read_text().splitlines())
    shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert {name: value for name, value in variables.items() if name not in shell} == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "ISAGATE_DNS_ACTION": "cleanup",
        "ISAGATE_DNS_NAME": RECORD + ".",
        "ISAGATE_DNS_VALUE": calls[-1][3],
        "CERTBOT_DOMAIN": "gateway.test",
        "CERTBOT_VALIDATION": calls[-1][3],
    }
    assert test_acme.stored(tmp_path) == ["gateway.test.ecdsa-p256.pem"]


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("echo no credentials; [ $2 = cleanup ] || exit 3", "exited with status 3: no credentials"),
        ("[ $2 = cleanup ] || { echo waiting; sleep 1000 & wait; }", "took longer than 1s and was ended: waiting"),
        ("[ $2 = cleanup ] || kill -9 $$", r"was ended by signal 9 \(SIGKILL\)"),
        # What is published is not what the authority wants.
        ("set -- $1 $2 $3 other-$4", "could not validate gateway.test"),
    ],
)
def test_what_was_published_is_removed_after_a_failure(
    start_gateway, authority, tmp_path, domain, program, before, message
):
    # The value is published first, so that there is something to be removed.
    first = f"[ $2 = cleanup ] || {{ mkdir -p {program.domain}/{RECORD}; : >{program.domain}/{RECORD}/$4; }}\n"
    program.set(before if "validate" in message else first + before)
    server = start_gateway(**sections(authority, tmp_path, program, hosts=NAMES[:1], timeout="1s"))
    server.log.wait_for(f"acme: no certificate for gateway.test from pebble: .*{message}.*acme_failing")
    patience.until(lambda: program.actions[-1] == "cleanup" and is_clean(domain, tmp_path))
    assert program.actions == ["present", "cleanup"]
    patience.until(lambda: server.command("acme", "status").returncode == 1)


def test_everything_a_program_has_started_ends_with_it(start_gateway, authority, tmp_path, program):
    pid = tmp_path / "pid"
    program.set(f"sleep 1000 & echo $! >{shlex.quote(str(pid))}; [ $2 = cleanup ] || wait")
    server = start_gateway(**sections(authority, tmp_path, program, timeout="1s"))
    server.log.wait_for("took longer than 1s and was ended")
    patience.until(lambda: not os.path.exists(f"/proc/{pid.read_text().strip()}/exe"))


def test_a_program_that_is_not_there_is_named(start_gateway, authority, tmp_path, program):
    program.file.unlink()
    server = start_gateway(**sections(authority, tmp_path, program))
    check = server.command("check")
    assert f"acme.pebble.dns: {program.file} is not there, or this account may not run it" in check.stderr
    server.log.wait_for("acme: no certificate for .*dns program cannot be run: No such file or directory")
