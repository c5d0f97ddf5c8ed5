"""What sources of extensions rely on at the edges of the contract."""

import json

import gateway
import pytest
import wire

PAGE = b"<h1>parameter missing</h1>\n"


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    return start_shared_gateway([gateway.PING], {"edges": {}})


@pytest.mark.parametrize("listener", ["plain", "secure"])
@pytest.mark.parametrize("status", [400, 404, 500, 503])
@pytest.mark.parametrize("pace", ["", ",slow"])
def test_an_error_page_with_an_error_behind_it_arrives_whole_and_the_connection_closes(server, listener, status, pace):
    client = getattr(server, listener)()
    response = client.get(f"/edges?error,{status}{pace}")
    assert (response.status, response.body) == (status, PAGE)
    if not pace:
        assert (response["Connection"], response["Content-Length"]) == ("close", str(len(PAGE)))
    client.expect_end()


@pytest.mark.parametrize("pace", ["", ",slow"])
def test_an_error_page_with_an_error_behind_it_arrives_whole_on_http_1_0(server, pace):
    client = server.plain()
    client.send(wire.request(f"/edges?error,400{pace}", "Connection: keep-alive", version="HTTP/1.0"))
    head, _, body = client.read_to_end().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 As it is\r\n") and b"Connection: close" in head
    assert b"chunked" not in head and body == PAGE


def test_the_log_has_the_error_after_an_error_page(server):
    client = server.plain()
    assert client.get("/edges?error,400").status == 400
    client.expect_end()
    server.log.wait_for("extension edges: returned HSE_STATUS_ERROR")


@pytest.mark.parametrize("how", ["end", "malformed"])
def test_a_body_of_the_extensions_own_framing_that_breaks_off_does_not_look_whole_on_http_1_0(server, how):
    client = server.plain()
    client.send(wire.request(f"/edges?chunks,{how}", version="HTTP/1.0"))
    with pytest.raises(ConnectionResetError):
        client.read_to_end()


@pytest.mark.parametrize("how", ["end", "malformed"])
def test_a_body_of_the_extensions_own_framing_that_breaks_off_has_no_last_chunk(server, how):
    client = server.secure()
    client.send(wire.request(f"/edges?chunks,{how}"))
    assert client.read_until(b"\r\n\r\n")
    assert client.read_to_end() == b"6\r\nbroken\r\n"


def test_a_read_without_room_succeeds_and_brings_nothing(server):
    text = "1 error 0 size 0\n1 error 0 size 0\n1 size 0\n"
    assert server.secure().get("/edges?reads").text == text
    assert server.secure().post("/edges?reads", b"body").text == text
    response = server.secure().post("/edges?reads", b"x" * (48 << 10) + b"rest")
    assert response.text == "1 error 0 size 0\n1 error 0 size 0\n1 size 4\n"


def test_the_status_of_the_control_block_is_200_at_the_start_and_the_log_has_the_one_sent(start_gateway):
    server = start_gateway(extensions=["edges"], log={"access": {"path": "access.log", "format": "json"}})
    client = server.secure()
    assert client.get("/edges?status").text == "200\n"
    assert client.get("/edges?status,503").text == "200\n"
    server.stop()
    assert [json.loads(line)["status"] for line in server.access_log] == [404, 503]


@pytest.mark.parametrize("way", ["", "raw", "old"])
def test_a_field_with_white_space_before_its_colon_loses_that(server, way):
    client = server.secure()
    response = client.get(f"/edges?fields,{way}")
    assert response["Content-Type"] == "text/html"
    assert (response["Set-Cookie"], response["X-Good"], response["Content-Length"]) == ("a=b", "1", "3")
    assert response.text == "ok\n" and response["X Two"] is None and response["X"] is None
    assert client.get("/ping").status == 200


@pytest.mark.parametrize("way", ["transmit", "transmit-head", "transmit-raw", "vector", "vector-async"])
def test_an_operation_that_disconnects_has_connection_close_in_the_head(server, way):
    client = server.secure()
    response = client.get(f"/edges?disconnects,{way}")
    assert (response.status, response.text) == (200, "body")
    # A head that was sent before has what was known then.
    assert response["Connection"] == "close"
    client.expect_end()


def test_a_response_before_a_reset_has_connection_close(server):
    assert server.plain().get("/edges?resets")["Connection"] == "close"


def test_fields_are_variables_in_utf_16_too(server):
    client = server.secure()
    assert client.get("/edges?unicode,HTTP_X_NAME", "X-Name: value").text == "1 0 value"
    assert client.get("/edges?unicode,HEADER_x-name", "X-Name: value").text == "1 0 value"
    assert client.get("/edges?unicode,HTTP_X_OTHER").text == "0 1413 "
    assert client.get("/edges?unicode,SERVER_PORT_SECURE").text == "1 0 1"
