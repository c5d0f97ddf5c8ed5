"""USR2 changes the program without losing a request."""

import os
import shutil
import signal

import gateway
import load
import pytest


@pytest.fixture
def program(tmp_path):
    """A copy of the program that a test may replace."""
    copy = tmp_path / "isagate"
    shutil.copy(gateway.binary(), copy)
    return copy


@pytest.fixture
def server(start_gateway, program):
    return start_gateway([gateway.PING], program=str(program))


def replace(program, content=None):
    """Replaces the file of the program."""
    fresh = program.with_suffix(".new")
    if content is None:
        shutil.copy(gateway.binary(), fresh)
    else:
        fresh.write_text(content)
        fresh.chmod(0o755)
    os.replace(fresh, program)


def test_an_upgrade_under_load_loses_nothing(server, program):
    first = server.gateway_pid
    replace(program)
    with load.Load(server) as clients:
        server.signal(signal.SIGUSR2)
        server.log.wait_for(f"gateway process {first} exited with status 0: its connections have finished")
        clients.wait_for_answers(50)
    assert clients.failures == []
    assert server.gateway_pid != first


def test_the_supervisor_becomes_the_new_program_too(server, program):
    replace(program)
    server.signal(signal.SIGUSR2)
    server.log.wait_for("its connections have finished")
    assert os.path.samefile(f"/proc/{server.process.pid}/exe", program)


def test_one_upgrade_follows_another(server, program):
    for count in (1, 2, 3):
        replace(program)
        server.signal(signal.SIGUSR2)
        server.log.wait_for("its connections have finished", count=count)
    with server.secure() as client:
        assert client.get("/ping").status == 200


def test_a_program_that_fails_changes_nothing(server, program):
    first = server.gateway_pid
    replace(program, "#!/bin/sh\nexit 3\n")
    server.signal(signal.SIGUSR2)
    server.log.wait_for("upgrade failed, the running gateway goes on: .* exited with status 3")
    assert server.gateway_pid == first
    with server.secure() as client:
        assert client.get("/ping").status == 200


def test_a_missing_program_changes_nothing(server, program):
    program.unlink()
    server.signal(signal.SIGUSR2)
    server.log.wait_for("upgrade failed")
    with server.secure() as client:
        assert client.get("/ping").status == 200


def test_a_reload_works_after_an_upgrade(server, program):
    replace(program)
    server.signal(signal.SIGUSR2)
    server.log.wait_for("its connections have finished")
    server.signal(signal.SIGHUP)
    server.log.wait_for("reload: serving generation 2")
    with server.secure() as client:
        assert client.get("/ping").status == 200
