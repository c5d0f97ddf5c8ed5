"""Control groups of the processes of pools, below a group that is delegated to the gateway."""

import os
import signal

import gateway
import patience
import pytest
import wire


def mount_point():
    """Where version 2 of control groups is mounted."""
    with open("/proc/self/mounts") as mounts:
        return next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), None)


@pytest.fixture
def group():
    """A delegated group, as a service manager makes one."""
    root = mount_point()
    folder = f"{root}/isagate-test-{os.getpid()}"
    try:
        os.mkdir(folder)
    except OSError as error:
        pytest.skip(f"no control groups can be made: {error}")
    try:
        os.setxattr(folder, "user.delegate", b"1")
    except OSError as error:
        os.rmdir(folder)
        pytest.skip(f"control groups have no extended attributes: {error}")
    yield folder
    with open(f"{folder}/cgroup.kill", "w") as kill:
        kill.write("1")
    patience.until(lambda: not members(folder))
    for name in subgroups(folder):
        os.rmdir(f"{folder}/{name}")
    os.rmdir(folder)


def subgroups(folder):
    return sorted(name for name in os.listdir(folder) if os.path.isdir(f"{folder}/{name}"))


def members(folder):
    """The processes of a group and those below it."""
    found = []
    for place, _, _ in os.walk(folder):
        with open(f"{place}/cgroup.procs") as processes:
            found += map(int, processes.read().split())
    return found


@pytest.fixture
def start(group, start_gateway, tmp_path):
    """A function that starts a gateway in the group, with the extension `ends_process` and these settings."""
    program = tmp_path / "in-group"
    program.write_text(f'#!/bin/sh\necho $$ >{group}/cgroup.procs && exec {os.path.abspath(gateway.binary())} "$@"\n')
    program.chmod(0o755)

    def start(**settings):
        isolated = {"run": "isolated", "rapid_fail": {"crashes": 100}, **settings}
        return start_gateway([gateway.PING], {"ends_process": isolated}, program=str(program), workers=1, log={})

    return start


def has_ended(pid):
    """Whether a process has ended, also if nobody has waited for it."""
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def groups_of_pools(group):
    return [name for name in subgroups(group) if name.startswith("pool-")]


def test_each_process_has_a_group_that_ends_with_it(start, group):
    server = start(processes=2)
    patience.until(lambda: len(server.pool_processes()) == 2)
    first = server.pool_processes()
    assert groups_of_pools(group) == sorted(f"pool-{pid}" for pid in first)
    for pid in first:
        assert members(f"{group}/pool-{pid}") == [pid]
    assert set(members(f"{group}/gateway")) == {server.process.pid, server.gateway_pid}
    os.kill(first[0], signal.SIGKILL)
    patience.until(lambda: f"pool-{first[0]}" not in groups_of_pools(group))
    patience.until(lambda: len(groups_of_pools(group)) == 2)
    server.stop()
    assert groups_of_pools(group) == []


def test_a_process_that_has_left_its_session_ends_with_its_group(start, group):
    server = start()
    client = server.secure()
    pid = int(client.get("/ends_process").text)
    daemon = int(client.get("/ends_process?daemon").text)
    assert sorted(members(f"{group}/pool-{pid}")) == sorted([pid, daemon])
    assert client.get("/ends_process?kill").status == 502
    patience.until(lambda: f"pool-{pid}" not in groups_of_pools(group))
    patience.until(lambda: has_ended(daemon))


def test_an_upgrade_goes_on_with_the_groups(start, group):
    server = start()
    before = server.gateway_pid
    server.process.send_signal(signal.SIGUSR2)
    server.log.wait_for("upgrade: gateway process .* serves")
    patience.until(lambda: before not in server.processes("gateway-process"))
    assert server.secure().get("/ends_process").status == 200
    patience.until(lambda: len(groups_of_pools(group)) == 1)
    assert members(f"{group}/gateway").count(server.process.pid) == 1


def test_limits_apply_where_their_controller_is_delegated(start, group):
    server = start(cgroup={"memory_max": "512M", "pids_max": 200, "cpu_max": "150%"})
    (name,) = groups_of_pools(group)
    with open(f"{group}/cgroup.controllers") as controllers:
        delegated = controllers.read().split()
    for controller, file, value in [
        ("memory", "memory.max", str(512 << 20)), ("pids", "pids.max", "200"), ("cpu", "cpu.max", "150000 100000")
    ]:
        if controller in delegated:
            with open(f"{group}/{name}/{file}") as limit:
                assert limit.read().strip() == value
        else:
            server.log.wait_for(f"extension ends_process: its control group has no {file}: that controller is not delegated")
    assert server.secure().get("/ends_process").status == 200


def test_limits_without_a_delegated_group_are_missed_in_the_log(start_gateway):
    if mount_point() is not None and os.path.exists(f"{mount_point()}/gateway"):
        pytest.skip("the tests run in a delegated group")
    isolated = {"run": "isolated", "cgroup": {"pids_max": 200}}
    server = start_gateway([gateway.PING], {"ends_process": isolated}, log={})
    server.log.wait_for("extension ends_process: pids.max is not limited: no control group is delegated to the gateway")
    assert server.secure().get("/ends_process").status == 200


def test_a_sandbox_that_is_required_includes_the_limits_of_groups(start_gateway):
    isolated = {"run": "isolated", "cgroup": {"pids_max": 200}, "sandbox": "require"}
    server = start_gateway([gateway.PING], {"ends_process": isolated}, log={})
    server.log.wait_for("extension ends_process: .*pids.max is not limited: no control group is delegated")
    client = server.secure()
    client.send(wire.request("/ends_process"))
    assert client.read_response().status == 500
