"""When extensions are loaded, unloaded and replaced."""

import os
import re
import shutil
import threading
import time

import gateway
import patience
import pytest
import wire

ADVISORY = 1
MUST = 2


@pytest.fixture
def folder(tmp_path):
    """The files that control the extension `lifetime`."""
    return tmp_path


@pytest.fixture
def start(start_gateway, folder):
    """A function that starts a gateway with the extension `lifetime` and these settings."""

    def start(*routes, workers=2, **settings):
        environment = {"ISAGATE_TEST_FOLDER": str(folder)}
        extensions = {"lifetime": settings}
        return start_gateway([gateway.PING, *routes], extensions, environment=environment, workers=workers)

    return start


def count(server, event):
    return len([line for line in server.log.lines if re.fullmatch(f"lifetime: {event}", line)])


def has_happened(server, event, times):
    """Whether it was reported exactly so often, once all reports have come through the pipe."""
    server.log.wait_for(f"lifetime: {event}$", times)
    return count(server, event) == times


def answer(server):
    with server.plain() as client:
        return client.get("/lifetime")


def test_a_named_extension_is_loaded_before_the_gateway_is_ready(start):
    server = start()
    assert has_happened(server, "load 1", 1)
    assert answer(server).text == "request 1\n"


def test_the_first_request_loads_the_extension_and_others_wait_without_holding_a_worker(start, folder):
    os.mkfifo(folder / "gate")
    server = start(load="first_request")
    assert count(server, "load 1") == 0
    clients = [server.plain() for _ in range(20)]
    for client in clients:
        client.send(wire.request("/lifetime"))
    server.log.wait_for("lifetime: load 1")
    # Both workers serve others meanwhile.
    for _ in range(10):
        assert server.secure().get("/ping").status == 200
    clients.pop().close()
    (folder / "gate").write_text("g")
    numbers = {client.read_response().text for client in clients}
    assert len(numbers) == len(clients)
    assert has_happened(server, "load 1", 1)


def test_a_request_waits_for_an_extension_no_longer_than_it_may_take(start, folder):
    os.mkfifo(folder / "gate")
    server = start(load="first_request", request_timeout="300ms")
    assert answer(server).status == 504
    server.log.wait_for("extension lifetime: not loaded within the request timeout")
    (folder / "gate").write_text("g")
    assert answer(server).status == 200


def test_a_library_of_a_script_map_is_loaded_by_its_first_request(start_gateway, folder, build_extension):
    shutil.copy(build_extension("lifetime"), folder / "one.dll")
    server = start_gateway([{"path": "/scripts/*.dll", "extensions_in": str(folder)}])
    assert "lifetime: load" not in server.log.text
    client = server.secure()
    assert [client.get("/scripts/one.dll").text for _ in range(2)] == ["request 1\n", "request 2\n"]
    assert has_happened(server, "load 1", 1)


def test_the_libraries_of_a_script_map_may_be_loaded_at_the_start(start_gateway, folder, build_extension):
    shutil.copy(build_extension("lifetime"), folder / "one.dll")
    scripts = {"folder": str(folder), "load": "startup"}
    server = start_gateway([{"path": "/scripts/*.dll", "extensions_in": scripts}])
    assert has_happened(server, "load 1", 1)


@pytest.mark.parametrize("load", ["startup", "first_request"])
def test_a_load_that_failed_is_tried_again_after_a_while(start, folder, load):
    (folder / "refuse").touch()
    began = time.monotonic()
    server = start(load=load, load_retry="1500ms")
    assert answer(server).status == 500
    (folder / "refuse").unlink()
    # It is not tried again immediately, unless this machine has taken that long.
    server.log.wait_for("lifetime: load 1")
    again, loads = answer(server).status, count(server, "load 1")
    assert (again, loads) == (500, 1) or time.monotonic() > began + 1.5
    deadline = time.monotonic() + patience.seconds(10)
    while (response := answer(server)).status == 500:
        assert time.monotonic() < deadline
    assert (response.status, response.text) == (200, "request 1\n" if again == 500 else "request 2\n")
    assert has_happened(server, "load 1", 2)


def test_an_idle_extension_that_agrees_is_unloaded_and_the_next_request_loads_it_again(start):
    server = start(load="first_request", idle_unload="200ms")
    assert answer(server).text == "request 1\n"
    server.log.wait_for("notice: extension lifetime: unloaded")
    assert (count(server, f"terminate {ADVISORY}"), count(server, f"terminate {MUST}")) == (1, 0)
    assert answer(server).text == "request 1\n"
    assert has_happened(server, "load 1", 2)


def test_an_idle_extension_that_does_not_agree_is_kept_and_asked_again(start, folder):
    (folder / "stay").touch()
    server = start(idle_unload="200ms")
    assert answer(server).text == "request 1\n"
    server.log.wait_for(f"lifetime: terminate {ADVISORY}", 2)
    assert answer(server).text == "request 2\n"
    assert has_happened(server, "load 1", 1)
    server.stop()
    assert has_happened(server, f"terminate {MUST}", 1)


def test_an_extension_without_terminateextension_is_unloaded_when_it_is_idle(start_gateway):
    server = start_gateway(extensions={"hello": {"idle_unload": "200ms"}})
    assert server.secure().get("/hello").status == 200
    server.log.wait_for("notice: extension hello: unloaded")
    assert server.secure().get("/hello").text == "Hello, world\n"


def test_an_extension_with_a_request_is_not_idle(start_gateway, folder):
    os.mkfifo(folder / "hold")
    extensions = {"lifetime": {"idle_unload": "100ms"}, "hello": {"idle_unload": "300ms"}}
    server = start_gateway(extensions=extensions, environment={"ISAGATE_TEST_FOLDER": str(folder)})
    client = server.plain()
    client.send(wire.request("/lifetime?held"))
    with open(folder / "hold", "w") as hold:
        # The request has arrived; it may have loaded the extension again.
        server.log.wait_for("lifetime: held")
        before, unloads = count(server, f"terminate {ADVISORY}"), server.log.text.count("extension hello: unloaded")
        assert server.plain().get("/hello").status == 200
        # That another one was idle for longer shows that this one's time has passed.
        server.log.wait_for("extension hello: unloaded", unloads + 1)
        assert count(server, f"terminate {ADVISORY}") == before
        hold.write("h")
    assert client.read_response().status == 200


def test_requests_that_meet_an_extension_as_it_is_unloaded_are_answered(start):
    server = start(idle_unload="100ms")
    until = time.monotonic() + 1.5
    pause = threading.Event()
    failures = []

    def ask(seconds):
        with server.plain() as client:
            while time.monotonic() < until:
                if client.get("/lifetime").status != 200:
                    failures.append(server.log.text)
                # About as long as the extension may be idle.
                pause.wait(seconds)

    threads = [threading.Thread(target=ask, args=(0.1 + i / 300,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_an_extension_that_reports_itself_unhealthy_is_replaced_without_losing_a_request(start):
    server = start()
    over = threading.Event()
    statuses = []

    def ask():
        with server.plain() as client:
            while not over.is_set():
                statuses.append(client.get("/lifetime").status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert server.secure().get("/lifetime?unhealthy").status == 200
        server.log.wait_for("warning: extension lifetime: reports itself unhealthy: worn out")
        server.log.wait_for("lifetime: load 1", 2)
        server.log.wait_for(f"lifetime: terminate {MUST}")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert statuses and set(statuses) == {200}
    assert count(server, f"terminate {ADVISORY}") == 0


def test_an_extension_that_always_reports_itself_unhealthy_is_replaced_once_in_an_interval(start):
    server = start(recycle_interval="1h")
    client = server.secure()
    client.get("/lifetime?unhealthy")
    server.log.wait_for(f"lifetime: terminate {MUST}")
    for _ in range(50):
        assert client.get("/lifetime?unhealthy").status == 200
    server.log.wait_for("reports itself unhealthy", 2)
    assert has_happened(server, "load 1", 2)


def test_a_fresh_copy_that_does_not_load_leaves_the_old_one_in_use(start, folder):
    server = start(recycle_interval="100ms")
    (folder / "refuse").touch()
    client = server.secure()
    assert client.get("/lifetime?unhealthy").text == "request 1\n"
    server.log.wait_for("error: extension lifetime: cannot load")
    assert client.get("/lifetime").text == "request 2\n"
    (folder / "refuse").unlink()
    deadline = time.monotonic() + patience.seconds(10)
    # A report within the interval of the last one replaces nothing.
    while client.get("/lifetime?unhealthy").text != "request 1\n":
        assert time.monotonic() < deadline
    server.log.wait_for(f"lifetime: terminate {MUST}")


def test_what_is_wrong_with_loading_is_reported_with_its_place(start):
    server = start()
    configuration = dict(server.configuration)
    library = configuration["extensions"]["lifetime"]
    for wrong, message in [
        ({"load": "later"}, "expected when the extension is loaded (startup, first_request), found 'later'"),
        ({"paths": "dos"}, "expected how an extension is given paths (unix, windows), found 'dos'"),
        ({"idle_unload": "soon"}, "idle_unload"),
        ({"recycle_interval": "0s"}, "recycle_interval"),
    ]:
        server.configure({**configuration, "extensions": {"lifetime": {**library, **wrong}}})
        report = server.command("check").stderr
        assert message in report and re.search(r":\d+:\d+", report), report


def test_a_changed_library_replaces_the_old_one_which_ends_with_its_last_request(
    start_gateway, build_extension, folder
):
    library = folder / "lifetime.so"
    shutil.copy(build_extension("lifetime"), library)
    server = start_gateway(
        [gateway.PING],
        {"lifetime": {"library": str(library)}},
        environment={"ISAGATE_TEST_FOLDER": str(folder)},
        admin={"socket": "isagate.sock"},
    )
    os.mkfifo(folder / "hold")
    held = server.plain()
    held.send(wire.request("/lifetime?held"))
    with open(folder / "hold", "w") as hold:
        content = library.read_bytes()
        # In place, as a careless copy does it: what runs is another file.
        library.write_bytes(b"not a library")
        assert answer(server).text == "request 2\n"
        assert server.command("reload").returncode == 1
        assert answer(server).text == "request 3\n"
        library.write_bytes(content + b"changed")
        outcome = server.command("reload")
        assert outcome.returncode == 0, outcome.stderr
        assert has_happened(server, "load 1", 2)
        assert answer(server).text == "request 1\n"
        assert count(server, f"terminate {MUST}") == 0
        hold.write("h")
    assert held.read_response().text == "request 1\n"
    server.log.wait_for(f"lifetime: terminate {MUST}")
    assert answer(server).text == "request 2\n"
