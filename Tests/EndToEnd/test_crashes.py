"""A crash in an extension: another process serves other requests immediately, and the log has a crash report."""

import threading
import time

import gateway
import patience
import pytest
import wire


@pytest.fixture
def server(start_gateway):
    return start_gateway([gateway.PING], {"crashes": {}, "hello": {}}, request_id={"accept": True})


def crash(server, how, name="the-culprit"):
    client = server.plain()
    client.send(wire.request(f"/crashes?{how}", f"X-Request-ID: {name}"))
    client.expect_gone()


@pytest.mark.parametrize(
    "how, signal, cause",
    [
        ("pointer", r"11 \(SIGSEGV\)", " at address 0x8"),
        ("overflow", r"11 \(SIGSEGV\)", ", stack overflow at address 0x[0-9a-f]+"),
        ("abort", r"6 \(SIGABRT\)", ""),
        ("divide", r"8 \(SIGFPE\)", ""),
        ("trap", r"(4 \(SIGILL\)|5 \(SIGTRAP\))", ""),
        ("completion", r"11 \(SIGSEGV\)", " at address 0x10"),
    ],
)
def test_a_crash_names_its_signal_the_extension_and_the_request(server, how, signal, cause):
    crash(server, how)
    server.log.wait_for(rf"critical: crash: signal {signal}{cause}, extension crashes, request the-culprit, thread \S+$")
    server.log.wait_for(r"gateway process \d+ was ended by signal")
    assert server.plain().get("/hello").text == "Hello, world\n"


def test_a_crash_is_followed_to_the_code_it_happened_in(server):
    crash(server, "pointer")
    server.log.wait_for(r"critical: crash: #0 0x[0-9a-f]+ HttpExtensionProc\+0x[0-9a-f]+ in /\S+/crashes.so\+0x[0-9a-f]+$")


@pytest.mark.parametrize("how, cause", [("thread", " at address 0x8"), ("thread-overflow", ", stack overflow.*")])
def test_a_crash_in_a_thread_of_the_extensions_own_names_the_extension(server, how, cause):
    crash(server, how)
    server.log.wait_for(rf"critical: crash: signal 11 \(SIGSEGV\){cause}, extension crashes, thread \S+$")


def test_a_crash_report_has_a_request_id_of_the_gateway(server):
    client = server.plain()
    client.send(wire.request("/crashes?pointer"))
    client.expect_gone()
    server.log.wait_for(r"extension crashes, request [0-9a-f]{32}, thread \S+$")


def test_the_other_process_is_started_before_the_crash_is_described(server):
    pid = server.gateway_pid
    crash(server, "pointer")
    server.log.wait_for(rf"gateway process {pid} has crashed: starting another ")
    server.log.wait_for(r"notice: ready: ", count=2)
    server.log.wait_for(rf"gateway process {pid} was ended by signal 11$")
    assert server.gateway_pid != pid


def test_others_wait_far_less_than_a_description_took(server):
    answered = []
    over = threading.Event()

    def ask():
        while not over.is_set():
            try:
                with server.plain() as client:
                    if client.get("/ping").status == 200:
                        answered.append(time.monotonic())
            except (OSError, EOFError, AssertionError):
                continue

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        crash(server, "pointer")
        server.log.wait_for(r"notice: ready: ", count=2)
        count = len(answered)
        limit = time.monotonic() + patience.seconds(10)
        while len(answered) < count + 3:
            assert time.monotonic() < limit
            time.sleep(0.01)
    finally:
        over.set()
        thread.join()
    longest = max(later - earlier for earlier, later in zip(answered, answered[1:]))
    print(f"others waited for {longest:.3f} s")
    assert longest < patience.seconds(1.2)


def test_crashes_that_follow_each_other_are_answered_with_pauses(server):
    for _ in range(2):
        crash(server, "pointer")
        server.log.wait_for(r"gateway process \d+ was ended by signal 11")
    server.log.wait_for("has crashed: starting another in 1s")
    assert server.plain().get("/ping").status == 200
