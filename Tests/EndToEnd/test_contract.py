"""Synchronous calls of extensions: the error of each wrong one, according to docs/isapi.md."""

import gateway
import patience
import pytest

INSUFFICIENT_BUFFER, INVALID_HANDLE, INVALID_INDEX, INVALID_PARAMETER, NOT_FOUND = 122, 6, 1413, 87, 1168


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    site = gateway.site([gateway.PING, {"path": "/contract/*", "extension": "contract"}])
    site["error_pages"] = {"403": {"file": "ca.pem"}}
    return start_shared_gateway(extensions=["contract"], sites=[site])


def calls(client, path):
    """What was called, and the errors."""
    return [(name, int(error)) for name, error in (line.rsplit(" ", 1) for line in client.get(path).text.splitlines())]


def test_wrong_sizes_and_missing_texts_are_refused(server):
    told = dict(calls(server.secure(), "/contract/sizes"))
    assert told.pop("write, nothing") == 0 and told.pop("read, no room") == 0
    assert told.pop("variable, long name") == INVALID_INDEX
    assert told.pop("file, no handle") == INVALID_HANDLE
    for small in ["variable, no room", "variable, neither room nor buffer", "map, no room", "wide map, half a unit"]:
        assert told.pop(small) == INSUFFICIENT_BUFFER
    assert len(told) == 19 and set(told.values()) == {INVALID_PARAMETER}


def test_no_operation_begins_without_a_completion(server):
    operations = ["write", "read", "file", "vector", "error", "child", "wide child"]
    assert calls(server.secure(), "/contract/unheard") == [
        *[("completion", 0), ("no completion", 0)],
        *[(operation, INVALID_PARAMETER) for operation in operations],
    ]


def test_nothing_begins_a_response_that_has_its_head(server):
    response = server.secure().get("/contract/head")
    first, *others = response.text.splitlines()
    assert (response.status, response.reason, first) == (200, "OK", "head 0")
    assert len(others) == 9 and all(other.endswith(f" {INVALID_PARAMETER}") for other in others)


def test_what_may_be_said_again_may_be_said_twice(server):
    names = ["completion", "cancel", "flush", "trace", "reset"]
    assert calls(server.plain(), "/contract/twice") == [
        (name, NOT_FOUND if name == "cancel" else 0) for name in names for _ in range(2)
    ]


@pytest.mark.parametrize("name, status", [("redirect", 302), ("url", 200), ("error", 403), ("done", 200)])
def test_a_request_is_answered_once_by_what_answers_it_twice(server, name, status):
    client = server.secure()
    assert client.get(f"/contract/{name}").status == status
    # The response of a request may arrive before its extension has reported.
    patience.until(lambda: calls(client, "/contract/told") == [(name, 0), (name, INVALID_PARAMETER)])
    assert client.get("/ping").text == "pong\n"


def test_the_connection_is_kept_as_the_client_requests_and_errors_are_in_errno_too(server):
    client = server.secure()
    told = f"errors told {INVALID_INDEX}\nerrno {INVALID_INDEX}\n"
    assert client.get("/contract/connection").text == f"keeps 1, placed 0, {told}"
    assert client.get("/contract/connection", "Connection: close").text == f"keeps 0, placed 0, {told}"
    client.expect_end()


def test_a_head_may_close_the_connection_and_bring_the_beginning_of_the_body(server):
    client = server.secure()
    response = client.get("/contract/connection?close")
    assert (response.status, response["Connection"]) == (200, "close")
    assert response.text.startswith("and body\nhead 0\nkeeps 0, ")
    client.expect_end()


def test_the_notes_of_a_request_for_the_log_are_cut_off_at_4_kib(start_gateway):
    server = start_gateway([{"path": "/contract/*", "extension": "contract"}], ["contract"])
    assert server.secure().get("/contract/log").text == "log 0\n"
    server.stop()
    assert server.access_log[0].count("n" * 4096) == 1 and "n" * 4097 not in server.access_log[0]
