"""The supervisor keeps a gateway process serving."""

import os
import select
import signal

import gateway
import load
import patience
import pytest


def test_a_killed_gateway_process_is_replaced_at_once(ping):
    first = ping.gateway_pid
    os.kill(first, signal.SIGKILL)
    ping.log.wait_for("notice: ready: ", count=2)
    with ping.secure() as client:
        assert client.get("/ping").status == 200
    assert ping.gateway_pid != first


def test_no_client_is_refused_while_the_gateway_process_is_replaced(ping):
    with load.Load(ping) as clients:
        os.kill(ping.gateway_pid, signal.SIGKILL)
        ping.log.wait_for("notice: ready: ", count=2)
        clients.wait_for_answers(20)
    refused = [failure for step, failure in clients.failures if isinstance(failure, ConnectionRefusedError)]
    assert refused == []


def test_a_process_that_dies_again_is_given_pauses(ping):
    for count in (2, 3):
        os.kill(ping.gateway_pid, signal.SIGKILL)
        ping.log.wait_for("notice: ready: ", count=count)
    ping.log.wait_for("starting another in 1s")


def test_the_gateway_process_ends_with_its_supervisor(ping):
    process = ping.gateway_pid
    descriptor = os.pidfd_open(process)
    ping.process.kill()
    ping.wait()
    wait_for_end(descriptor)


def wait_for_end(descriptor):
    """Waits for a process that is not a child of this one; its pidfd becomes readable."""
    try:
        assert select.select([descriptor], [], [], patience.seconds(15))[0], "the process has not ended"
    finally:
        os.close(descriptor)


def test_a_signal_for_the_whole_terminal_group_drains_once(ping):
    process = ping.gateway_pid
    os.kill(process, signal.SIGINT)
    ping.signal(signal.SIGINT)
    assert ping.wait() == 0
    assert "second signal" not in ping.log.text


def test_the_gateway_process_can_gain_no_privileges(ping):
    with open(f"/proc/{ping.gateway_pid}/status") as status:
        assert "NoNewPrivs:\t1\n" in status.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give rights to another account")
def test_the_gateway_process_drops_the_rights_by_which_its_supervisor_reads_keys(start_gateway, tmp_path):
    program = tmp_path / "isagate"
    rights = "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search"
    program.write_text(f'#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups {rights} {gateway.binary()} "$@"\n')
    program.chmod(0o755)
    server = start_gateway([gateway.PING], program=str(program), log={})
    rights = []
    for process in (server.process.pid, server.gateway_pid):
        with open(f"/proc/{process}/status") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
            rights.append([int(fields[set], 16) for set in ("CapInh", "CapPrm", "CapEff", "CapAmb")])
    dac_read_search = 1 << 2
    assert rights == [[dac_read_search] * 4, [0] * 4]


def test_one_process_can_serve_alone(start_gateway):
    server = start_gateway([gateway.PING], arguments=["--foreground-single"])
    assert server.gateway_pids == []
    with server.secure() as client:
        assert client.get("/ping").status == 200


@pytest.mark.parametrize("arguments", [[], ["--foreground-single"]])
def test_hup_serves_the_new_configuration_on_the_same_connection(start_gateway, arguments):
    server = start_gateway([gateway.PING], arguments=arguments)
    client = server.secure()
    assert client.get("/new").status == 404
    server.configure({**server.configuration, "sites": [gateway.site([respond("/new", "new")])]})
    server.signal(signal.SIGHUP)
    server.log.wait_for("reload: serving generation 2")
    assert client.get("/new").text == "new"


def respond(path, body):
    return {"path": path, "respond": {"body": body}}


def test_the_last_of_many_reloads_is_never_lost(ping):
    client = ping.secure()
    for number in range(30):
        ping.configure({**ping.configuration, "sites": [gateway.site([respond("/number", str(number))])]})
        ping.signal(signal.SIGHUP)
    ping.configure({**ping.configuration, "sites": [gateway.site([respond("/number", "last")])]})
    ping.signal(signal.SIGHUP)
    patience.until(lambda: client.get("/number").text == "last")


def test_a_mistaken_configuration_changes_nothing(ping):
    ping.file.write_text("version: 2\n")
    ping.signal(signal.SIGHUP)
    ping.log.wait_for("reload failed, everything stays as it was")
    ping.log.wait_for(r"error: .*isagate.yaml:1:10: error: ")
    with ping.secure() as client:
        assert client.get("/ping").status == 200


def test_a_reload_binds_an_added_listener_and_closes_a_removed_one(ping):
    listeners = {"secure": gateway.LISTENERS["secure"], "more": {"bind": ["127.0.0.1:0"]}}
    ping.configure({**ping.configuration, "listeners": listeners})
    ping.signal(signal.SIGHUP)
    port = int(ping.log.wait_for(r"listener more: http://127\.0\.0\.1:(\d+)")[1])
    ping.log.wait_for("reload: serving generation 2")
    plain = ping.ports["plain"]
    ping.ports["plain"] = port
    with ping.plain() as client:
        assert client.get("/ping").status == 200
    ping.ports["plain"] = plain
    with pytest.raises(ConnectionRefusedError):
        ping.plain()


def test_usr1_reopens_the_access_log(start_gateway):
    server = start_gateway([gateway.PING])
    log = server.folder / "access.log"
    with server.secure() as client:
        client.get("/ping")
        log.rename(server.folder / "access.log.1")
        server.signal(signal.SIGUSR1)
        # The new file is there for a moment before lines go to it.
        patience.until(lambda: client.get("/ping").status == 200 and log.exists() and "/ping" in log.read_text())
        client.get("/ping?after")
        patience.until(lambda: client.get("/ping").status == 200 and "/ping?after" in log.read_text())
