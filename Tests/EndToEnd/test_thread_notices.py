"""Thread notifications of DllMain: for each thread that runs the library's code, once at its start and at its end."""

import concurrent.futures
import re
import signal

import gateway
import pytest


def book(server):
    found = server.log.wait_for(r"^book: (\d+) threads ran, (\d+) attached, (\d+) detached, (\d+) odd$")
    return [int(number) for number in found.groups()]


def use(server, count=40):
    """Requests that run on the worker's threads, and such that run on the pool's."""
    with server.plain() as client:
        for _ in range(count):
            assert client.get("/thread_book").text == "ok\n"

    def sleep(_):
        with server.plain() as client:
            return client.get("/thread_book?sleep=20").text

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert list(threads.map(sleep, range(16))) == ["ok\n"] * 16


def test_as_many_threads_are_detached_as_ran_code_when_the_gateway_stops(start_gateway):
    server = start_gateway([gateway.PING], {"thread_book": {"threads": 4}})
    use(server)
    server.stop()
    ran, attached, detached, odd = book(server)
    assert ran > 1 and (attached, detached, odd) == (ran, ran, 0)


def test_threads_of_the_extensions_own_are_reported(start_gateway):
    server = start_gateway(extensions=["thread_book"])
    assert server.plain().get("/thread_book?threads=5").text == "ok\n"
    server.stop()
    ran, attached, detached, odd = book(server)
    # Two a round begin and end, the threads for work items are few.
    assert ran >= 12 and (attached, detached, odd) == (ran, ran, 0)


def test_threads_that_stay_leave_a_library_before_it_is_unloaded(start_gateway):
    settings = {"threads": 2, "load": "first_request", "idle_unload": "1s"}
    server = start_gateway([gateway.PING], {"thread_book": settings})
    use(server)
    assert server.plain().get("/thread_book?threads=2").text == "ok\n"
    server.log.wait_for("extension thread_book: unloaded")
    # The next request loads it again, and no thread is lost.
    assert server.plain().get("/thread_book").text == "ok\n"
    assert server.plain().get("/ping").status == 200
    server.stop()
    server.log.wait_for("^book: ", count=2)
    books = [[int(number) for number in re.findall(r"\d+", line)] for line in server.log.lines if line.startswith("book: ")]
    assert max(ran for ran, *_ in books) > 1
    assert all((attached, detached, odd) == (ran, ran, 0) for ran, attached, detached, odd in books)
    assert not [line for line in server.log.lines if "stays loaded" in line]


def test_a_reload_of_a_changed_library_leaves_no_thread_in_the_old_one(start_gateway, build_extension, tmp_path):
    library = tmp_path / "own.so"
    library.write_bytes(open(build_extension("thread_book"), "rb").read())
    server = start_gateway(extensions={"thread_book": {"library": str(library)}})
    use(server)
    copy = tmp_path / "other.so"
    copy.write_bytes(library.read_bytes())
    copy.rename(library)
    server.signal(signal.SIGHUP)
    ran, attached, detached, odd = book(server)
    assert (attached, detached, odd) == (ran, ran, 0)
    use(server)


def test_a_library_that_disables_thread_calls_gets_none(start_gateway):
    server = start_gateway(extensions=["thread_book"], environment={"BOOK_IS_QUIET": "1"})
    assert server.plain().get("/thread_book?threads=1").text == "ok\n"
    server.stop()
    ran, attached, detached, odd = book(server)
    assert ran >= 4 and (attached, detached) == (0, 0)


@pytest.mark.parametrize("reason, name", [(3, "DLL_THREAD_DETACH"), (0, "DLL_PROCESS_DETACH")])
def test_a_dllmain_that_does_not_return_is_named_when_the_gateway_stops(start_gateway, reason, name):
    environment = {"HANGS_AT": str(reason), **gateway.ABANDONING}
    server = start_gateway(extensions=["hangs"], environment=environment, drain={"grace": "1s"})
    with server.plain() as client:
        assert client.get("/hangs").text == "ok\n"
    server.stop()
    server.log.wait_for(rf"warning: extension library \S+hangs.so: DllMain \({name}\) has not returned for \d+ s")


def test_a_dllmain_that_does_not_return_is_named_while_others_are_served(start_gateway):
    environment = {"HANGS_AT": "1", **gateway.ABANDONING}
    server = start_gateway(
        [gateway.PING], {"hangs": {"load": "first_request", "request_timeout": "1s"}}, environment=environment,
        drain={"grace": "1s"},
    )
    assert server.plain().get("/hangs").status == 504
    assert server.plain().get("/ping").status == 200
    server.log.wait_for(r"warning: extension library \S+hangs.so: DllMain \(DLL_PROCESS_ATTACH\) has not returned for \d+ s")
