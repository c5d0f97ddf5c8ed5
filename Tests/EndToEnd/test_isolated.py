"""Extensions in processes of their own: crashes, their explanation, and what a process has of the gateway."""

import os
import re
import signal
import threading

import gateway
import patience
import pytest
import wire

CRASH = {"run": "isolated", "rapid_fail": {"crashes": 100}}


@pytest.fixture
def start(start_gateway):
    """A function that starts a gateway with the extension `ends_process` and these settings."""

    def start(others=None, **settings):
        return start_gateway([gateway.PING], {"ends_process": {**CRASH, **settings}, **(others or {})}, workers=1)

    return start


def process(client):
    """The number of the extension's process."""
    response = client.get("/ends_process")
    assert response.status == 200, response.text
    return int(response.text)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until_gone(pid):
    patience.until(lambda: not is_running(pid))


@pytest.mark.parametrize(
    "how, explanation",
    [
        ("segv", r"was ended by signal 11 \(SIGSEGV\)"),
        ("abort", r"was ended by signal 6 \(SIGABRT\)"),
        ("kill", r"was ended by signal 9 \(SIGKILL\)"),
        ("exit", "exited with status 0"),
        ("stack", r"was ended by signal 11 \(SIGSEGV\)"),
        ("heap", r"was ended by signal 6 \(SIGABRT\)"),
    ],
)
def test_a_crash_costs_the_request_inside_and_leaves_the_connection(start, how, explanation):
    server = start()
    client = server.secure()
    first = process(client)
    response = client.get(f"/ends_process?{how}")
    assert (response.status, response.text) == (502, "502 Bad Gateway: the extension's process has ended\n")
    assert process(client) != first
    server.log.wait_for(f"extension ends_process: process {first}: it {explanation}; 1 request was in it")
    server.log.wait_for(f"extension ends_process: process {first}: in it was GET /ends_process, request [0-9a-f]{{32}}$")
    server.log.wait_for(f"extension ends_process: its process {explanation} while it ran this request, request ")


def test_a_crash_has_a_back_trace_with_the_request(start):
    server = start()
    server.secure().get("/ends_process?segv")
    server.log.wait_for(r"crash: signal 11 \(SIGSEGV\) at address 0x8, extension ends_process, request ")
    server.log.wait_for(r"crash: #\d+ 0x[0-9a-f]+ HttpExtensionProc\+0x[0-9a-f]+ in .*/ends_process.so")


def test_a_stack_overflow_is_named(start):
    server = start()
    server.secure().get("/ends_process?stack")
    server.log.wait_for(r"crash: signal 11 \(SIGSEGV\), stack overflow at .*, extension ends_process, request ")


def test_a_response_that_had_begun_is_cut_visibly(start):
    server = start()
    client = server.secure()
    client.send(wire.request("/ends_process?begun"))
    with pytest.raises((EOFError, ConnectionError)):
        client.read_response()
    assert process(server.secure()) > 0


def test_what_was_pipelined_behind_a_crash_is_answered(start):
    client = start().secure()
    client.send(wire.request("/ends_process?abort") + wire.request("/ping") + wire.request("/ends_process"))
    assert client.read_response().status == 502
    assert client.read_response().text == "pong\n"
    assert client.read_response().status == 200


def test_a_request_that_is_pending_in_a_process_that_ends_is_answered(start):
    server = start()
    client, other = server.secure(), server.secure()
    pid = process(other)
    client.send(wire.request("/ends_process?pending"))
    assert process(other) == pid
    os.kill(pid, signal.SIGKILL)
    assert client.read_response().status == 502
    assert process(other) != pid


def test_crashes_disturb_no_other_route(start):
    server = start(others={"hello": {"run": "isolated"}, "echo": {"run": "in_process"}})
    failures, counts = [], [0]
    ends = threading.Event()

    def load(path):
        client = server.secure()
        while not ends.is_set():
            response = client.get(path)
            counts[0] += 1
            if response.status != 200:
                failures.append((path, response.status))

    threads = [threading.Thread(target=load, args=(path,)) for path in ("/ping", "/hello", "/echo") * 2]
    for thread in threads:
        thread.start()
    client = server.secure()
    for how in ("segv", "abort", "kill", "exit", "stack", "heap") * 3:
        assert client.get(f"/ends_process?{how}").status == 502
        assert process(client) > 0
    ends.set()
    for thread in threads:
        thread.join()
    assert not failures and counts[0] > 50


def test_too_many_crashes_stop_the_extension_for_a_while(start):
    server = start(rapid_fail={"crashes": 3, "within": "1m", "pause": "3s"})
    client = server.secure()
    for _ in range(3):
        assert client.get("/ends_process?kill").status == 502
    server.log.wait_for("extension ends_process: stopped for ")
    response = client.get("/ends_process")
    assert (response.status, response["retry-after"]) == (503, "10")
    assert client.get("/ping").status == 200
    server.log.wait_for("extension ends_process: processes are started again")
    patience.until(lambda: client.get("/ends_process").status == 200)


def test_processes_that_crash_during_the_pause_begin_no_other(start):
    server = start(processes=3, rapid_fail={"crashes": 1, "within": "1m", "pause": "2s"})
    server.log.wait_for(r"extension ends_process: process \d+ is ready", 3)
    client = server.secure()
    for _ in range(3):
        assert client.get("/ends_process?kill").status == 502
    assert client.get("/ends_process").status == 503
    server.log.wait_for("extension ends_process: processes are started again")
    patience.until(lambda: client.get("/ends_process").status == 200)
    assert len([line for line in server.log.lines if "stopped for" in line]) == 1


def test_requests_are_spread_over_processes(start):
    server = start(processes=3)
    server.log.wait_for(r"extension ends_process: process \d+ is ready", 3)
    client = server.secure()
    pid = process(client)
    os.kill(pid, signal.SIGKILL)
    # Two others are ready at once.
    for _ in range(20):
        assert client.get("/ends_process").status == 200


def test_a_process_that_does_not_answer_its_ping_is_replaced(start):
    server = start(ping={"every": "200ms", "timeout": "2s"})
    client = server.secure()
    pid = process(client)
    os.kill(pid, signal.SIGSTOP)
    server.log.wait_for(f"extension ends_process: process {pid}: it did not answer its ping")
    patience.until(lambda: process(client) != pid)


def test_a_crash_is_noticed_and_leaves_no_process_although_a_child_goes_on(start):
    server = start()
    client = server.secure()
    pid = process(client)
    assert client.get("/ends_process?child").status == 502
    patience.until(lambda: not in_group(pid))
    assert process(client) != pid


def in_group(group):
    """Whether there are processes of this group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_that_breaks_the_protocol_is_ended_alone(start):
    server = start(others={"hello": {"run": "isolated"}})
    client, other = server.secure(), server.secure()
    pid = process(client)
    assert client.get("/ends_process?babble").status == 502
    server.log.wait_for(f"extension ends_process: process {pid}: it broke the protocol")
    assert other.get("/hello").status == 200 and process(client) != pid


@pytest.mark.parametrize("part", range(4))
def test_forged_messages_end_their_process_at_most(start_gateway, part):
    server = start_gateway(
        [gateway.PING],
        {
            "forges": {"run": "isolated", "rapid_fail": {"crashes": 1000}, "request_timeout": "2s"},
            "hello": {"run": "isolated"},
        },
        workers=1,
    )
    serving = server.gateway_pids
    other = server.secure()
    for seed in range(part * 40, part * 40 + 40):
        client = server.secure()
        try:
            # Forged answers may be those of its own requests.
            client.get(f"/forges?{seed}")
        except (OSError, EOFError, AssertionError, ValueError):
            pass
        client.close()
        assert other.get("/hello").status == 200 and other.get("/ping").status == 200
    assert server.gateway_pids == serving


def test_a_process_has_no_file_and_no_variable_of_the_gateway(start_gateway, tmp_path):
    server = start_gateway(
        [gateway.PING],
        {"ends_process": {**CRASH, "environment": {"GIVEN": "${HOME_OF_APP}"}}},
        environment={"SECRET": "of the gateway", "HOME_OF_APP": "/srv/app"},
    )
    client = server.secure()
    given, secret, folder = client.get("/ends_process?environment").text.split()
    assert (given, secret) == ("/srv/app", "-")
    assert os.path.isdir(folder) and folder != os.getcwd()
    names = client.get("/ends_process?descriptors").text
    targets = re.findall(r" \d+=(\S+)", names)
    assert targets and all(target.startswith(("/dev/", "pipe:", "/memfd:")) for target in targets), names


def test_processes_end_with_the_gateway(start):
    server = start(processes=2)
    pids = {process(server.secure())}
    server.stop()
    for pid in pids:
        until_gone(pid)


def test_processes_end_with_a_gateway_that_is_killed(start):
    server = start()
    pid = process(server.secure())
    for child in server.gateway_pids:
        os.kill(child, signal.SIGKILL)
    until_gone(pid)


def test_a_library_that_cannot_be_loaded_is_refused_with_its_reason(start_gateway, build_extension, tmp_path):
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"not a library")
    server = start_gateway([gateway.PING], {"broken": {"library": str(broken), "run": "isolated"}})
    server.log.wait_for("extension broken: cannot load .*broken.so: .*(invalid ELF header|file too short)")
    assert server.secure().get("/broken").status == 500


def test_settings_of_processes_need_isolation(start_gateway):
    server = start_gateway([gateway.PING], {"hello": {"run": "in_process"}})
    library = server.configuration["extensions"]["hello"]
    server.configure({**server.configuration, "extensions": {"hello": {**library, "processes": 2}}})
    assert re.search(r":\d+:\d+: .*processes needs run: isolated", server.command("check").stderr)


def test_memory_and_descriptors_stay_after_many_crashes(start):
    server = start()
    client = server.secure()
    process(client)
    pid = server.gateway_pids[0]

    def descriptors():
        return len(os.listdir(f"/proc/{pid}/fd"))

    for _ in range(3):
        client.get("/ends_process?kill")
        process(client)
    before = descriptors()
    for _ in range(20):
        assert client.get("/ends_process?kill").status == 502
        process(client)
    patience.until(lambda: descriptors() <= before + 2)
