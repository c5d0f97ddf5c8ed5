"""Calls of extensions while an operation is in progress, and the ends of operations, according to docs/isapi.md."""

import os
import ssl

import gateway
import patience
import pytest
import wire

EOF, NETNAME_DELETED, INVALID_PARAMETER, OPERATION_ABORTED, NOT_FOUND, FILE_NOT_FOUND = 38, 64, 87, 995, 1168, 2
BEGINNINGS = ["write", "read", "file", "vector", "error", "child", "wide child"]
READ_AHEAD = 48 << 10
ROUTES = [gateway.PING, {"path": "/operations/*", "extension": "operations"}]


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    site = gateway.site([*ROUTES, *({"path": f"/{name}", "extension": name} for name in ["slow", "variables"])])
    site["error_pages"] = {"403": {"file": "ca.pem"}, "409": {"route": "/ping"}}
    return start_shared_gateway(extensions=["operations", "slow", "variables"], sites=[site])


def told(server, mode):
    """The report of the last request, which is one of this mode: names and errors."""
    found = []

    def is_there():
        found[:] = server.plain().get("/operations/told").text.splitlines()
        return found[:1] == [mode]

    patience.until(is_there)
    return [(name, int(error)) for name, error in (line.rsplit(" ", 1) for line in found[1:])]


def begin(client, mode, length=READ_AHEAD + 100, sent=READ_AHEAD):
    client.send(wire.request(f"/operations/{mode}", f"Content-Length: {length}", method="POST") + "b" * sent)


# While an operation is in progress


def test_one_operation_at_a_time_is_under_way_and_writes_go_on_while_it_reads(server):
    client = server.secure()
    begin(client, "reading")
    client.read_until(b"written meanwhile\n")
    refused = [(name, INVALID_PARAMETER) for name in [*BEGINNINGS, "synchronous read"]]
    report = told(server, "reading")
    completed = ("completed 0", OPERATION_ABORTED)
    assert report.pop(report.index(completed)) == completed
    assert report == [
        *[("begun", 0), *refused, ("synchronous write", 0), ("cancel", 0), ("cancel again", NOT_FOUND)],
        ("completions", 1),
    ]


def test_of_ten_threads_that_begin_an_operation_at_once_one_does(server):
    for _ in range(20):
        client = server.plain()
        begin(client, "race")
        assert client.read_response().status == 500
        report = told(server, "race")
        assert sorted(report) == [
            *[("cancel", 0), ("completed 0", OPERATION_ABORTED), ("completions", 1), ("one of ten", 0)],
        ]


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize("order", ["write", "cancel", "close"])
def test_what_an_extension_does_while_a_read_waits_reaches_the_client_at_once(server, listener, order):
    client = getattr(server, listener)()
    begin(client, "orders")
    client.read_until(b"waiting\n")
    ordered = server.plain().get(f"/operations/order?{order}").text
    assert ordered == f"{order} 0\n"
    if order == "close":
        client.expect_gone()
        assert told(server, "orders") == [("completed 0", NETNAME_DELETED), ("completions", 1)]
        return
    if order == "write":
        client.read_until(b"write\n")
        client.send("b" * 100)
    assert b"0\r\n\r\n" in client.read_until(b"0\r\n\r\n")
    assert told(server, "orders")[1:] == [("completions", 1)]


def test_nothing_else_is_sent_while_an_operation_sends(server):
    client = server.secure()
    client.send(wire.request("/operations/writing"))
    refused = [(name, INVALID_PARAMETER) for name in [*BEGINNINGS, "synchronous write", "synchronous vector"]]
    report = told(server, "writing")
    assert report == [
        *[("begun", 0), *refused, ("cancel", 0), ("completed 0", OPERATION_ABORTED), ("completions", 1)],
    ] or report[-3:] == [("completed 0", OPERATION_ABORTED), ("cancel", 0), ("completions", 1)]
    client.close()


def test_a_child_request_is_not_cancelled(server):
    assert server.secure().get("/operations/child").text == "50\n"
    assert told(server, "child") == [("begun", 0), ("cancel", NOT_FOUND), ("completed 0", 0), ("completions", 1)]


# Notification of the end


@pytest.mark.parametrize("mode, own", [("last", "again"), ("own", "own")])
def test_the_completion_function_set_last_is_called_or_the_operations_own(server, mode, own):
    assert server.secure().get(f"/operations/{mode}").status == 200
    bytes_sent = 1 if mode == "last" else 0
    report = told(server, mode)
    assert sorted(report) == sorted(
        [(own, 0), ("the other one", 0), (f"completed {bytes_sent}", 0), ("completions", 1)]
    )


def test_an_operation_that_the_extension_does_not_wait_for_is_completed_without_a_notification(server):
    client = server.secure()
    for _ in range(2):
        assert client.get("/operations/done").body == b"w" * 3_000_000
    assert told(server, "done") == [("begun", 0), ("completions", 0)]


# How operations end


def test_a_read_may_bring_less_than_there_is_room_for(server):
    client = server.secure()
    begin(client, "piece", READ_AHEAD + 6, READ_AHEAD + 5)
    client.read_until(b"5 of it\n")
    client.send("e")
    assert told(server, "piece") == [("completed 5", 0), ("completions", 1)]


def test_a_client_that_is_too_slow_ends_the_operation(start_gateway):
    server = start_gateway(ROUTES, {"operations": {}}, limits={"write_timeout": "200ms"})
    client = server.plain()
    client.send(wire.request("/operations/slow"))
    assert told(server, "slow") == [("completed 0", OPERATION_ABORTED), ("completions", 1)]
    client.close()


def test_the_end_of_a_requests_time_ends_the_operation(start_gateway):
    server = start_gateway(ROUTES, {"operations": {"request_timeout": "500ms"}})
    client = server.secure()
    begin(client, "timeout")
    assert client.read_response().status == 504
    assert told(server, "timeout") == [("completed 0", OPERATION_ABORTED), ("completions", 1)]


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_file_that_becomes_shorter_cuts_the_response_off(server, tmp_path, listener):
    size = 64 << 20
    with open(tmp_path / "file", "wb") as file:
        file.truncate(size)
        client = getattr(server, listener)()
        client.send(wire.request(f"/operations/shrinks?{tmp_path}/file"))
        client.read_until(b"\r\n\r\n")
        # The head may come before the file is looked at, its content does not.
        client.read_bytes(1)
        file.truncate(1)
        with pytest.raises((EOFError, ConnectionError, ssl.SSLError)):
            client.read_bytes(size)
    assert told(server, "shrinks") == [("completed 0", EOF), ("completions", 1)]


def test_after_the_extension_closed_the_connection_everything_fails_with_netname_deleted(server):
    client = server.secure()
    begin(client, "closed", READ_AHEAD + 6, READ_AHEAD + 5)
    client.expect_gone()
    report = dict(told(server, "closed"))
    assert (report.pop("close"), report.pop("asked"), report.pop("completions")) == (0, 0, 0)
    assert report == dict.fromkeys(
        [
            *["close again", "synchronous write", "synchronous read", "head", "synchronous vector"],
            *["synchronous error", "redirect", "url", *BEGINNINGS],
        ],
        NETNAME_DELETED,
    )


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_a_connection_is_closed_although_its_client_takes_nothing(start_gateway, listener):
    server = start_gateway(ROUTES, ["operations"])

    def descriptors():
        return len(os.listdir(f"/proc/{server.gateway_pid}/fd"))

    client = getattr(server, listener)()
    client.get("/ping")
    connected = descriptors()
    client.send(wire.request("/operations/stalls"))
    client.read_until(b"wwww")
    with server.plain() as other:
        assert other.get("/operations/order?close").text == "close 0\n"
        report = f"stalls\ncompleted 0 {NETNAME_DELETED}\ncompletions 1\n"
        patience.until(lambda: other.get("/operations/told").text == report)
    patience.until(lambda: descriptors() < connected)


# Files


def test_a_file_is_neither_closed_nor_moved_by_what_sends_it(server, tmp_path):
    (tmp_path / "file").write_text("0123456789")
    assert server.secure().get(f"/operations/file?{tmp_path}/file").text == "234" + "56789" + "0123" + "012345"
    stays = [("descriptor stays", 0), ("handle stays", 0)]
    assert told(server, "file") == [
        *[("completed 3", 0), *stays, ("completed 5", 0), *stays, ("completed 6", 0), *stays],
        ("completions", 3),
    ]


# Pages and child requests


def test_a_custom_error_may_be_sent_asynchronously(server):
    response = server.secure().get("/operations/error")
    assert (response.status, response.body) == (403, (server.folder / "ca.pem").read_bytes())
    assert told(server, "error") == [("completed 0", 0), ("completions", 1)]


def test_a_custom_error_that_a_route_answers_is_completed(server):
    response = server.secure().get("/operations/page")
    assert (response.status, response.text) == (409, "pong\n")
    assert told(server, "page") == [("completed 0", 0), ("completions", 1)]


def test_a_custom_error_without_a_page_begins_nothing(server):
    assert server.secure().get("/operations/none").text == f"error {FILE_NOT_FOUND}\n"


def test_a_wide_url_may_hold_what_a_url_percent_encodes(server):
    response = server.secure().get("/operations/wide")
    assert response.text.startswith("URL=/variables ")
    assert "%E2%82%AC%20x! 1413 " in response.text
