"""Pools of processes: recycling without a lost request, shared pools, idleness, affinity, commands."""

import json
import os
import signal
import threading
import time

import gateway
import patience
import pytest
import wire

# Crashes are asked for here.
ADMIN = {"socket": "admin.sock"}
PATIENT = {"rapid_fail": {"crashes": 1000}}


def tell(client, query=""):
    """What the extension tells about its process."""
    response = client.get(f"/knows_process{query}")
    assert response.status == 200, (response.status, response.text)
    return json.loads(response.text)


@pytest.fixture
def start(start_gateway):
    """A function that starts a gateway with the extension `knows_process`, whose pool has these settings."""

    def start(**settings):
        return start_gateway(
            [gateway.PING],
            {"knows_process": {"run": "isolated", **PATIENT, **settings}},
            workers=1,
            admin=ADMIN,
        )

    return start


def pools(server):
    outcome = server.command("pools", "--json")
    assert outcome.returncode == 0, outcome.stderr
    return {pool["name"]: pool for pool in json.loads(outcome.stdout)}


class Load:
    """Clients that send one request after the other until the block ends; what failed is in `failures`."""

    def __init__(self, server, paths, clients=8):
        self.server, self.paths, self.clients = server, paths, clients
        self.failures, self.count = [], 0
        self.ends = threading.Event()

    def __enter__(self):
        self.threads = [
            threading.Thread(target=self.send, args=(self.paths[index % len(self.paths)],))
            for index in range(self.clients)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def send(self, path):
        client = self.server.secure()
        while not self.ends.is_set():
            try:
                response = client.get(path)
            except (OSError, EOFError) as error:
                self.failures.append((path, repr(error)))
                return
            self.count += 1
            if response.status != 200:
                self.failures.append((path, response.status, response.text))

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()


def test_a_process_is_replaced_after_its_number_of_requests(start):
    server = start(recycle={"requests": 20})
    with Load(server, ["/knows_process"]) as load:
        server.log.wait_for(r"gets no more requests: it has served its number of requests \(requests\)", 5)
    assert not load.failures, load.failures[:3]
    pool = pools(server)["knows_process"]
    assert pool["ends"]["requests"] >= 5 and pool["lastEnds"][0]["reason"] == "requests"
    patience.until(lambda: len(pools(server)["knows_process"]["processes"]) == 1)


def test_a_process_is_replaced_at_its_age(start):
    server = start(recycle={"after": "1s"})
    client = server.secure()
    first = tell(client)["pid"]
    server.log.wait_for(rf"process {first} gets no more requests: it has reached its age \(after\)")
    patience.until(lambda: tell(client)["pid"] != first)
    server.log.wait_for(f"process {first}: TerminateExtension 2")


def test_a_process_with_too_much_memory_is_replaced(start):
    server = start(recycle={"private_memory": "32M"})
    client = server.secure()
    first = tell(client, "?grow=64")["pid"]
    server.log.wait_for(rf"process {first} gets no more requests: .*\(private_memory\)")
    patience.until(lambda: tell(client)["pid"] != first)


def test_a_process_that_uses_too_much_processor_time_is_replaced(start):
    server = start(recycle={"cpu": {"limit": "10%", "over": "1s"}})
    client = server.secure()
    first = tell(client)["pid"]
    ends = time.monotonic() + patience.seconds(20)
    while tell(client, "?spin=200")["pid"] == first:
        assert time.monotonic() < ends
    server.log.wait_for(rf"process {first} gets no more requests: .*\(cpu\)")


def test_a_pending_request_keeps_its_process_until_the_stop_limit(start):
    server = start(stop_limit="2s")
    client, other = server.secure(), server.secure()
    first = tell(other)["pid"]
    client.send(wire.request("/knows_process?pending"))
    patience.until(lambda: pools(server)["knows_process"]["processes"][0]["requests"] == 1)
    assert server.command("pools", "recycle", "knows_process").returncode == 0
    assert tell(other)["pid"] != first
    states = {process["pid"]: process["state"] for process in pools(server)["knows_process"]["processes"]}
    assert states[first] == "ending" and "ready" in states.values()
    assert client.read_response().status == 502
    server.log.wait_for(f"process {first} did not end in time and was killed")


def test_the_recycle_command_waits_for_new_processes_and_loses_nothing(start):
    server = start(processes=2)
    with Load(server, ["/knows_process", "/ping"]) as load:
        for _ in range(10):
            before = {one["pid"] for one in pools(server)["knows_process"]["processes"] if one["state"] == "ready"}
            outcome = server.command("pools", "recycle", "knows_process")
            assert (outcome.returncode, outcome.stdout) == (0, "pool knows_process: 2 processes were replaced\n")
            after = {one["pid"] for one in pools(server)["knows_process"]["processes"] if one["state"] == "ready"}
            assert len(after) == 2 and not before & after
    assert not load.failures and load.count > 100, load.failures[:3]


def test_an_unknown_pool_is_named(start):
    outcome = start().command("pools", "recycle", "knows_proces")
    assert outcome.returncode == 1
    assert "there is no pool 'knows_proces'; there are knows_process" in outcome.stderr


def test_pools_are_listed_for_people(start):
    server = start()
    tell(server.secure())
    text = server.command("pools").stdout
    assert text.startswith("pool knows_process: running; extensions knows_process\n  process ")
    assert "1 served" in text


def test_a_stopped_pool_is_started_by_a_command(start):
    server = start(rapid_fail={"crashes": 2, "within": "1m", "pause": "1h"})
    client = server.secure()
    for _ in range(2):
        assert client.get("/knows_process?kill").status == 502
    assert client.get("/knows_process").status == 503
    pool = pools(server)["knows_process"]
    assert pool["state"] == "stopped" and pool["stoppedForSeconds"] > 3000 and pool["ends"] == {"crash": 2}
    assert "stopped by rapid-fail" in server.command("pools", "recycle", "knows_process").stderr
    assert server.command("pools", "start", "knows_process").returncode == 0
    patience.until(lambda: client.get("/knows_process").status == 200)


def test_an_idle_pool_ends_its_processes_until_the_next_request(start):
    server = start(idle_stop="500ms")
    client = server.secure()
    first = tell(client)["pid"]
    server.log.wait_for(rf"process {first} gets no more requests: it had no requests \(idle\)")
    patience.until(lambda: pools(server)["knows_process"]["state"] == "idle")
    patience.until(lambda: not os.path.exists(f"/proc/{first}"))
    assert tell(client)["pid"] != first


def test_a_request_beyond_its_time_has_its_process_replaced(start):
    server = start(request_timeout="500ms", on_timeout="recycle", stop_limit="1s", threads=2)
    client, other = server.secure(), server.secure()
    first = tell(other)["pid"]
    assert client.get("/knows_process?hang").status == 504
    server.log.wait_for(rf"process {first} gets no more requests: .*\(request_timeout\)")
    patience.until(lambda: tell(other)["pid"] != first)
    patience.until(lambda: not os.path.exists(f"/proc/{first}"))


def test_the_same_cookie_meets_the_same_process(start):
    server = start(processes=4, affinity={"cookie": "session"})
    server.log.wait_for(r"process \d+ is ready", 4)
    client = server.secure()
    homes = {}
    for number in range(12):
        pids = set()
        for _ in range(4):
            client.send(wire.request("/knows_process", f"Cookie: a=1; session=s{number}; b=2"))
            pids.add(json.loads(client.read_response().text)["pid"])
        assert len(pids) == 1
        homes[number] = pids.pop()
    assert len(set(homes.values())) > 1


def test_the_same_address_meets_the_same_process(start):
    server = start(processes=3, affinity="address")
    server.log.wait_for(r"process \d+ is ready", 3)
    assert len({tell(server.secure())["pid"] for _ in range(10)}) == 1


def test_a_command_is_run_when_a_process_has_crashed(start, tmp_path):
    script = tmp_path / "notice"
    script.write_text(f'#!/bin/sh\necho "$1 $ISAGATE_POOL $ISAGATE_PID $ISAGATE_REASON" > {tmp_path}/told.new\n'
                      f"mv {tmp_path}/told.new {tmp_path}/told\n")
    script.chmod(0o755)
    server = start(on_end=[str(script), "word"])
    client = server.secure()
    pid = tell(client)["pid"]
    os.kill(pid, signal.SIGKILL)
    patience.until(lambda: (tmp_path / "told").exists())
    assert (tmp_path / "told").read_text() == f"word knows_process {pid} crash\n"


SHARED = {"pools": {"common": {"processes": 1, "threads": 4, **PATIENT}}}


@pytest.fixture
def start_shared(start_gateway):
    """A function that starts a gateway with two extensions in one pool."""

    def start(**settings):
        return start_gateway(
            [gateway.PING],
            {"knows_process": {"pool": "common"}, "ends_process": {"pool": "common"}},
            pools={"common": {**SHARED["pools"]["common"], **settings}},
            workers=1,
            admin=ADMIN,
        )

    return start


def test_extensions_of_a_pool_share_its_processes(start_shared):
    server = start_shared()
    client = server.secure()
    assert tell(client)["pid"] == int(client.get("/ends_process").text)
    assert pools(server)["common"]["extensions"] == ["knows_process", "ends_process"]


def test_a_crash_of_one_extension_of_a_pool_is_answered_for_both(start_shared):
    server = start_shared()
    client, other = server.secure(), server.secure()
    first = tell(client)["pid"]
    assert other.get("/ends_process?segv").status == 502
    patience.until(lambda: tell(client)["pid"] != first)
    server.log.wait_for("pool common: process")


def test_a_shared_pool_that_starts_with_the_first_request(start_shared):
    server = start_shared(start="first_request")
    assert pools(server)["common"]["processes"] == []
    assert tell(server.secure())["served"] == 1


def test_a_library_of_a_shared_pool_is_exchanged_by_a_reload(start_shared):
    server = start_shared()
    client = server.secure()
    first = tell(client)["pid"]
    library = server.configuration["extensions"]["knows_process"]["library"]
    with Load(server, ["/knows_process", "/ends_process"]) as load:
        for _ in range(3):
            content = open(library, "rb").read()
            with open(f"{library}.new", "wb") as copy:
                copy.write(content)
            os.rename(f"{library}.new", library)
            assert server.command("reload").returncode == 0
    assert not load.failures, load.failures[:3]
    assert tell(client)["pid"] != first
    patience.until(lambda: len(pools(server)["common"]["processes"]) == 1)


def test_a_reload_without_changes_keeps_the_processes(start_shared):
    server = start_shared()
    client = server.secure()
    first = tell(client)["pid"]
    assert server.command("reload").returncode == 0
    assert tell(client)["pid"] == first


def test_a_library_of_a_shared_pool_that_cannot_be_loaded_leaves_the_others(start_gateway, tmp_path):
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"not a library")
    server = start_gateway(
        [gateway.PING],
        {"knows_process": {"pool": "common"}, "broken": {"pool": "common", "library": str(broken)}},
        pools=SHARED["pools"],
    )
    server.log.wait_for("extension broken: cannot load .*broken.so")
    client = server.secure()
    assert client.get("/broken").status == 500 and tell(client)["served"] >= 1


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"recycle": {"at": "3:00"}}, 'expected a time of day such as "03:00", found \'3:00\''),
        ({"recycle": {"requests": 0}}, "requests must be from 1"),
        ({"affinity": "cookies"}, "expected what a process keeps (none, address), found 'cookies'"),
        ({"on_end": "notify"}, "on_end begins with the absolute path of a program, found 'notify'"),
        ({"sandbox": "strict"}, "expected whether the sandbox applies (on, require, off), found 'strict'"),
        ({"sandbox": {"filesystem": {"read": "/no/such"}}}, "no such file or folder: '/no/such'"),
        ({"user": "nobody-here"}, "this machine has no account 'nobody-here'"),
        ({"pool": "other"}, "there is no pool 'other'"),
        ({"run": "in_process"}, "recycle needs run: isolated"),
    ],
)
def test_mistakes_in_the_settings_of_pools_are_named(start, settings, message):
    server = start(recycle={"requests": 1000})
    own = {**server.configuration["extensions"]["knows_process"], **settings}
    server.configure({**server.configuration, "extensions": {"knows_process": own}})
    outcome = server.command("check")
    assert outcome.returncode == 78 and message in outcome.stderr, outcome.stderr


def test_check_tells_where_extensions_run(start_gateway):
    server = start_gateway(
        [gateway.PING],
        {"hello": {"run": "in_process"}, "echo": {"run": "isolated", "processes": 2}, "counts": {"pool": "common"}},
        pools=SHARED["pools"],
    )
    text = server.command("check").stdout
    assert "extension hello runs in the gateway's process" in text
    assert "extension echo runs isolated, in 2 processes of its own" in text
    assert "extension counts runs isolated, in a process of pool common" in text


def test_an_upgrade_keeps_what_pools_answer(start):
    server = start()
    client = server.secure()
    first = tell(client)["pid"]
    with Load(server, ["/knows_process"]) as load:
        server.process.send_signal(signal.SIGUSR2)
        server.log.wait_for("upgrade: gateway process .* serves")
        patience.until(lambda: tell(server.secure())["pid"] != first)
    # Connections of the process before are closed with a response that says so.
    assert not [failure for failure in load.failures if isinstance(failure[1], int)], load.failures
    patience.until(lambda: not os.path.exists(f"/proc/{first}"))
    assert tell(server.secure())["pid"] > 0
