"""Asynchronous operations of extensions: completions, their errors, and what they send."""

import socket
import struct
import time

import gateway
import patience
import pytest
import wire

INVALID_PARAMETER, OPERATION_ABORTED, NETNAME_DELETED, INVALID_HANDLE, INVALID_ARGUMENT = 87, 995, 64, 6, 10022
OK = "error 0 inline 0 block 1"


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    return start_shared_gateway(
        [gateway.PING, {"path": "/async/*", "extension": "async"}], extensions=["async", "variables", "echo"]
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 100_000)
    return path


def last(server, mode):
    """The arguments of the completion of a request without a client."""
    deadline = time.monotonic() + patience.seconds(10)
    while time.monotonic() < deadline:
        text = server.plain().get("/async/last").text
        if text.startswith(mode + " "):
            return text
    raise AssertionError(f"no completion of {mode}: {text!r}")


# Writing


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_an_asynchronous_write_completes_on_another_stack_with_its_bytes(server, listener):
    client = getattr(server, listener)()
    for _ in range(3):
        body = client.get("/async/write").body
        assert body[:3_000_000] == b"w" * 3_000_000
        assert body[3_000_000:].decode() == f"\nbytes 3000000 {OK}\n"
    assert client.get("/ping").status == 200


def test_a_second_operation_is_refused_and_the_first_completes(server):
    client = server.plain()
    client.send(wire.request("/async/second"))
    assert last(server, "second") == f"second 0 {INVALID_PARAMETER}\n"
    body = client.read_response().body
    assert body[:64_000_000] == b"w" * 64_000_000
    assert body[64_000_000:].decode() == f"\nbytes 64000000 {OK}\n"


def test_an_asynchronous_write_may_begin_with_the_head(server):
    response = server.secure().get("/async/raw")
    assert (response.status, response.reason) == (202, "Taken")
    assert response.text == f"raw\nbytes 51 {OK}\n"


def test_an_operation_without_a_completion_is_refused(server):
    assert server.secure().get("/async/unset").text == f"0 {INVALID_PARAMETER}\n"


# Reading


@pytest.mark.parametrize("size", [0, 10, 48 << 10, 500_000])
def test_asynchronous_reads_get_the_whole_body_and_then_nothing(server, size):
    body = bytes(n % 251 for n in range(size))
    text = server.secure().post("/async/read", body).text
    assert text == f"total {size} sum {sum(body)} last bytes 0 {OK}\n"


def test_asynchronous_reads_get_a_chunked_body(server):
    client = server.secure()
    client.send(wire.request("/async/read", "Transfer-Encoding: chunked", method="POST"))
    for _ in range(40):
        client.send(b"1000\r\n" + b"a" * 4096 + b"\r\n")
    client.send("0\r\n\r\n")
    assert client.read_response().text.startswith(f"total {40 * 4096} sum {40 * 4096 * 97} ")


def send_half(client, mode):
    client.send(wire.request(f"/async/{mode}", "Content-Length: 100000", method="POST") + "x" * (48 << 10))


def test_a_read_that_waits_is_cancelled(server):
    client = server.secure()
    send_half(client, "cancel")
    assert client.read_until(b"block 1\n").endswith(f"bytes 0 error {OPERATION_ABORTED} inline 0 block 1\n".encode())


def test_a_write_that_waits_for_its_client_is_cancelled(server):
    client = server.plain()
    client.send(wire.request("/async/cancelwrite"))
    assert f"bytes 0 error {OPERATION_ABORTED} inline 0 block 1" in last(server, "cancelwrite")
    client.close()


def test_a_read_completes_with_operation_aborted_when_the_client_leaves(server):
    client = server.plain()
    send_half(client, "gone")
    client.read_until(b"begun\n")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert f"error {OPERATION_ABORTED} inline 0" in last(server, "gone")


def test_a_read_completes_with_netname_deleted_when_the_extension_closes_the_connection(server):
    client = server.plain()
    send_half(client, "close")
    client.expect_gone()
    assert f"error {NETNAME_DELETED} inline 0" in last(server, "close")


# Files and vectors


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize("offset, count", [(0, 0), (5, 0), (0, 7), (999_990, 10)])
def test_a_file_is_transmitted_between_head_and_tail(server, file, listener, offset, count):
    client = getattr(server, listener)()
    response = client.get(f"/async/file?file={file}&offset={offset}&count={count}")
    part = file.read_bytes()[offset:][: count or None]
    assert (response.status, response.reason, response["X-Head"]) == (203, "Told", "yes")
    assert response.body == b"head " + part + b" tail" + f"\nbytes {len(part)} {OK}\n".encode()
    assert client.get("/ping").status == 200


def test_a_transmission_without_a_file_sends_head_and_tail(server):
    assert server.secure().get("/async/file").text == f"head  tail\nbytes 0 {OK}\n"


def test_a_transmission_behind_the_end_of_the_file_is_refused(server, file):
    assert server.secure().get(f"/async/file?file={file}&offset=1000001").text == f"refused {INVALID_ARGUMENT}\n"


def test_a_handle_that_is_none_is_refused(server):
    assert server.secure().get("/async/file?file=/").text == f"refused {INVALID_HANDLE}\n"


def test_the_connection_ends_behind_a_transmission_that_asks_for_it(server, file):
    client = server.secure()
    response = client.get(f"/async/disconnect?file={file}&count=4")
    assert response.text == "head 0123 tail"
    client.expect_end()
    assert f"bytes 4 {OK}" in last(server, "disconnect")


@pytest.mark.parametrize("mode", ["vector", "vectorsync"])
def test_a_vector_sends_memory_and_files_in_order(server, file, mode):
    client = server.secure()
    response = client.get(f"/async/{mode}?file={file}&offset=3&count=20")
    assert response["X-Vector"] == "yes"
    sent = b"v" * 3_000_000 + (b"0123456789" * 3)[3:23] + b"vvv"
    report = f"\nbytes {len(sent)} {OK}\n".encode() if mode == "vector" else b""
    assert response.body == sent + report
    if mode == "vectorsync":
        assert response["Content-Length"] == str(len(sent))
    assert client.get("/ping").status == 200


def test_a_file_beyond_4_gib_is_sent_from_its_offset(server, tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as sparse:
        sparse.seek(5 << 30)
        sparse.write(b"far away")
    response = server.secure().get(f"/async/vector?file={path}&offset={5 << 30}")
    assert response.body[3_000_000:].startswith(b"far awayvvv\n")


def test_a_slow_client_gets_every_byte_of_an_operation(server):
    client = server.plain()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    client.send(wire.request("/async/write"))
    assert len(client.read_response().body) > 3_000_000


# Child requests


def test_a_child_request_is_answered_by_its_route_and_its_status_reported(server):
    client = server.secure()
    assert client.get("/async/child?url=/ping").text == "pong\n"
    assert "error 0 inline 0 block 1 status 200.0 win32 0" in last(server, "child")
    assert client.get("/async/child?url=/nowhere").status == 404
    # Its completion may be called a moment after the client has the response.
    patience.until(lambda: "status 404.0" in last(server, "child"))


def test_a_child_request_may_be_named_in_utf_16(server):
    assert server.secure().get("/async/child?wide=1&url=/ping").text == "pong\n"


def test_a_child_request_has_the_method_and_the_entity_it_is_given(server):
    response = server.secure().get("/async/child?url=/echo&method=POST&entity=given")
    assert response.text.endswith("given")


def test_a_child_request_inherits_method_and_body(server):
    body = bytes(n % 251 for n in range(200_000))
    response = server.secure().post("/async/child?url=/echo", body)
    assert response.body.endswith(body)


def test_a_child_request_inherits_the_fields_or_has_its_own(server):
    client = server.secure()
    asked = "/async/child?url=/variables%3FHTTP_X_TEST,HTTP_X_OWN"
    assert "HTTP_X_TEST=theirs" in client.get(asked, "X-Test: theirs").text
    text = client.get(f"{asked}&headers=X-Own:%20mine%0D%0A", "X-Test: theirs").text
    assert "HTTP_X_OWN=mine" in text and "HTTP_X_TEST!" in text


def test_a_child_request_may_leave_fields_or_conditions_behind(server):
    no_headers, ignore_validation_and_range = 2, 16
    client = server.secure()
    asked = "/async/child?url=/variables%3FHTTP_X_TEST,HTTP_RANGE,HTTP_IF_NONE_MATCH"
    sent = ["X-Test: theirs", "Range: bytes=0-1", 'If-None-Match: "a"']
    text = client.get(f"{asked}&flags={no_headers}", *sent).text
    assert "HTTP_X_TEST!" in text and "HTTP_RANGE!" in text
    text = client.get(f"{asked}&flags={ignore_validation_and_range}", *sent).text
    assert "HTTP_X_TEST=theirs" in text and "HTTP_RANGE!" in text and "HTTP_IF_NONE_MATCH!" in text


@pytest.mark.parametrize("flags", [0x40, 0x100, 0x80000000])
def test_a_child_request_with_flags_that_mean_nothing_is_refused(server, flags):
    assert server.secure().get(f"/async/child?url=/ping&flags={flags}").text == f"refused {INVALID_PARAMETER}\n"


def test_a_child_request_for_its_own_route_is_ended_by_the_limit(server):
    response = server.secure().get("/async/child")
    assert f"error {INVALID_PARAMETER}" in response.text
    server.log.wait_for("internal requests stand too deep in each other")


def test_a_child_request_passes_the_route_that_asks(start_gateway):
    server = start_gateway(
        extensions=["async"],
        sites=[
            gateway.site(
                [{"path": "/async/*", "extension": "async"}, {"path": "/*", "respond": {"body": "next route\n"}}]
            )
        ],
    )
    ignore_current_interceptor = 4
    assert server.secure().get(f"/async/child?flags={ignore_current_interceptor}").text == "next route\n"


def test_wildcard_maps_are_chained_in_the_order_of_the_file(start_gateway, build_extension, tmp_path):
    (tmp_path / "page.txt").write_text("the file\n")
    names = ["first", "second", "third"]
    wildcards = [{"path": "/*", "extension": name} for name in names]
    site = gateway.site([*wildcards, {"path": "/*", "files": {"root": str(tmp_path)}}])
    library = build_extension("passes_on")
    server = start_gateway(sites=[site], extensions={name: {"library": library} for name in names})
    response = server.secure().get("/page.txt")
    assert response.text == "the file\n"
    for name in names:
        server.log.wait_for(f"{name} passes on /page.txt")


def test_errors_of_a_child_request_may_have_the_gateways_own_page(start_gateway, tmp_path):
    (tmp_path / "404.html").write_text("the page")
    site = gateway.site([{"path": "/async/*", "extension": "async"}])
    site["error_pages"] = {"404": {"file": str(tmp_path / "404.html")}}
    client = start_gateway(extensions=["async"], sites=[site]).secure()
    disable_custom_error = 32
    response = client.get("/async/child?url=/nothing")
    assert (response.status, response.text) == (404, "the page")
    response = client.get(f"/async/child?url=/nothing&flags={disable_custom_error}")
    assert response.status == 404 and response.text.startswith("404 Not Found")
    assert client.get("/nothing").text == "the page"


def test_a_child_request_that_is_malformed_leaves_the_answer_to_the_extension(server):
    text = server.secure().get("/async/child?url=/../x").text
    assert f"error {INVALID_PARAMETER}" in text and "status 400.0" in text
