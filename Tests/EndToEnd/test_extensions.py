"""ISAPI extensions as clients see them: responses, framing, return codes, pending requests."""

import concurrent.futures

import gateway
import pytest
import wire

EXTENSIONS = [
    *("answers_twice", "bare_status", "ends_badly", "keepalive_sample", "many_threads", "maps", "never_answers", "no_head"),
    *("raw_head", "redirect", "returns", "slow", "stream", "variables", "hello", "pending"),
]


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    return start_shared_gateway([gateway.PING], EXTENSIONS)


def test_the_keep_alive_sample_is_answered_200_and_its_connection_stays_open(server):
    client = server.secure()
    for _ in range(2):
        response = client.get("/keepalive_sample")
        assert (response.status, response.reason) == (200, "OK")
        assert response["Content-Type"] == "test/html"
        assert response.text == "kept alive\n"
    assert client.get("/ping").status == 200


def test_the_keep_alive_sample_works_for_http_1_0(server):
    client = server.plain()
    for _ in range(2):
        response = client.get("/keepalive_sample", "Connection: keep-alive", version="HTTP/1.0")
        assert response["Connection"].lower() == "keep-alive"
        assert response.text == "kept alive\n"


# Framing


def test_a_short_response_gets_a_length(server):
    response = server.plain().get("/stream?count=3&size=10")
    assert response["Content-Length"] == "30"
    assert response.text == "a" * 10 + "b" * 10 + "c" * 10


def test_a_long_response_is_chunked_on_http_1_1(server):
    client = server.secure()
    response = client.get("/stream?count=200&size=5000")
    assert response["Transfer-Encoding"] == "chunked"
    assert response.body == b"".join(bytes([ord("a") + n % 26]) * 5000 for n in range(200))
    assert client.get("/ping").status == 200


def test_a_long_response_ends_with_the_connection_on_http_1_0(server):
    client = server.secure()
    response = client.get("/stream?count=200&size=5000", "Connection: keep-alive", version="HTTP/1.0")
    assert response["Transfer-Encoding"] is None and response["Content-Length"] is None
    assert response["Connection"] == "close"
    assert len(response.body) == 1_000_000


def test_an_announced_length_is_kept(server):
    response = server.secure().get("/stream?count=200&size=5000&length=1")
    assert (response["Content-Length"], response["Transfer-Encoding"]) == ("1000000", None)
    assert len(response.body) == 1_000_000


def test_pieces_are_sent_before_the_whole_is_there(server):
    client = server.secure()
    client.send(wire.request("/stream?count=2&size=10&wait=1500"))
    client.read_until(b"aaaaaaaaaa")
    assert b"b" not in client.received
    client.read_until(b"bbbbbbbbbb")


def test_head_gets_the_head_alone(server):
    client = server.secure()
    response = client.get("/hello", method="HEAD")
    assert response["Content-Length"] == "13"
    response = client.get("/stream?count=3&size=10", method="HEAD")
    assert response.status == 200
    assert client.get("/ping").text == "pong\n"


def test_the_gateway_adds_the_date(server):
    assert server.plain().get("/hello")["Date"].endswith("GMT")


# Heads as extensions send them


@pytest.mark.parametrize(
    "status, sent",
    [
        ("200", (200, "OK")),
        ("404", (404, "Not Found")),
        ("200OK", (200, "OK")),
        ("201%20Made%20here", (201, "Made here")),
    ],
)
def test_a_status_is_taken_as_extensions_write_it(server, status, sent):
    client = server.secure()
    response = client.get(f"/bare_status?{status}")
    assert (response.status, response.reason) == (sent[0], gateway.reason(sent[1]))
    assert response.text == "ok\n"
    assert client.get("/ping").status == 200


@pytest.mark.parametrize("query", ["", "?split"])
def test_a_head_written_as_text_is_the_responses_head(server, query):
    client = server.secure()
    response = client.get("/raw_head" + query)
    assert (response.version, response.status, response.reason) == ("HTTP/1.1", 201, "Created")
    assert response["X-Raw"] == "yes"
    assert response.text == "body"
    assert client.get("/ping").status == 200


def test_a_body_without_a_head_is_sent_with_status_200(server):
    response = server.secure().get("/no_head")
    assert (response.status, response.text) == (200, "<p>no head</p>\n")


def test_a_second_head_is_refused(server):
    response = server.secure().get("/answers_twice")
    assert response.status == 200
    assert response["X-Second"] is None
    invalid_parameter = 87
    assert response.text.startswith("first 1\nsecond 0 error ")
    assert response.text == f"first 1\nsecond 0 error {invalid_parameter}\n"


def test_a_redirect_is_a_302_with_the_location(server):
    client = server.secure()
    response = client.get("/redirect?https%3A%2F%2Fexample.test%2Fa%3Fb%3Dc")
    assert (response.status, response["Location"]) == (302, "https://example.test/a?b=c")
    assert client.get("/ping").status == 200


def test_a_redirect_cannot_smuggle_fields(server):
    response = server.secure().get("/redirect?%2Fa%0D%0AX-Smuggled%3A%20yes")
    assert response["X-Smuggled"] is None
    assert response.status == 500


# Return codes


@pytest.mark.parametrize("code", [0, 1, 2])
def test_success_keeps_the_connection(server, code):
    client = server.secure()
    for _ in range(2):
        assert client.get(f"/returns?code={code}").text == f"returned {code}\n"


def test_error_delivers_what_was_sent_and_closes(server):
    client = server.secure()
    assert client.get("/returns?code=4").text == "returned 4\n"
    client.expect_end()
    server.log.wait_for("extension returns: returned HSE_STATUS_ERROR")


@pytest.mark.parametrize("query", ["more=5", "unframed=1"])
@pytest.mark.parametrize("code", [4, 77])
def test_a_response_that_a_failure_cut_off_does_not_look_whole(server, query, code):
    client = server.secure()
    client.send(wire.request(f"/returns?code={code}&{query}"))
    head = client.read_until(b"\r\n\r\n")
    rest = client.read_to_end()
    text = f"returned {code}\n".encode()
    if query == "more=5":
        assert rest == text and b"Content-Length: %d\r\n" % (len(text) + 5) in head
    else:
        # Its chunk, and not the last one.
        assert rest.lower() == b"%x\r\n" % len(text) + text + b"\r\n"


def test_a_response_without_a_length_that_a_failure_cut_off_ends_with_a_reset_on_http_1_0(server):
    client = server.plain()
    client.send(wire.request("/returns?code=4&unframed=1", version="HTTP/1.0"))
    assert client.read_until(b"returned 4\n")
    with pytest.raises(ConnectionResetError):
        client.receive()


def test_a_failure_reported_by_done_with_session_cuts_the_response_off(server):
    client = server.secure()
    client.send(wire.request("/ends_badly"))
    assert b"chunked" in client.read_until(b"\r\n\r\n")
    assert client.read_to_end() == b"5\r\npart\n\r\n"


def test_error_without_a_response_is_a_500(server):
    client = server.secure()
    response = client.get("/returns?code=4&silent=1")
    assert (response.status, response["Connection"]) == (500, "close")
    client.expect_end()


def test_success_without_a_response_is_a_500_with_a_logged_reason(server):
    assert server.secure().get("/never_answers").status == 500
    server.log.wait_for("extension never_answers: returned without a response")


def test_ending_the_request_before_returning_success_answers_once(server):
    client = server.secure()
    assert client.get("/returns?code=1&done=1").text == "returned 1\n"
    assert client.get("/ping").status == 200


def test_ending_the_request_before_returning_pending_answers_once(server):
    client = server.secure()
    assert client.get("/returns?code=3&done=1").text == "returned 3\n"
    assert client.get("/ping").status == 200


def test_an_unknown_return_code_delivers_the_response_and_is_logged(server):
    assert server.secure().get("/returns?code=77").text == "returned 77\n"
    server.log.wait_for("extension returns: returned the unknown status 77")


# Pending


def test_a_pending_request_is_answered_from_another_thread(server):
    client = server.secure()
    for _ in range(3):
        assert client.get("/pending").text == "Answered later, from another thread.\n"


def test_pending_requests_do_not_hold_the_pools_threads(start_gateway):
    server = start_gateway(extensions={"pending": {"threads": 1}})
    clients = [server.secure() for _ in range(40)]
    for client in clients:
        client.send(wire.request("/pending"))
    assert all(client.read_response().status == 200 for client in clients)


def test_pending_requests_are_ended_by_many_threads_at_a_time(server):
    def converse(number):
        with server.secure() as client:
            queries = [f"{number}-{n}" for n in range(50)]
            client.send("".join(wire.request(f"/many_threads?{query}") for query in queries))
            return [client.read_response().text for _ in queries] == [f"{query}\n" for query in queries]

    with concurrent.futures.ThreadPoolExecutor(12) as threads:
        assert all(threads.map(converse, range(12)))


# Server variables and the functions that inquire


def variables(client, names, *fields):
    """The values the extension got, by name."""
    response = client.get(f"/variables?{names}", *fields)
    assert response.status == 200
    lines = dict(line.split("=", 1) for line in response.text.splitlines() if "=" in line)
    return {name: value.rsplit(" (", 1)[0] for name, value in lines.items()}


def test_variables_describe_the_request(server):
    names = "REQUEST_METHOD,URL,SCRIPT_NAME,SERVER_PROTOCOL,SERVER_NAME,CONTENT_LENGTH,HTTP_X_TEST,HEADER_x-test"
    values = variables(server.secure(), names, "X-Test: some value")
    assert values["REQUEST_METHOD"] == "GET"
    assert values["URL"] == values["SCRIPT_NAME"] == "/variables"
    assert values["SERVER_PROTOCOL"] == gateway.PROTOCOL
    assert values["SERVER_NAME"] == "localhost"
    assert values["HTTP_X_TEST"] == values["HEADER_x-test"] == "some value"


def test_variables_describe_the_connection(server):
    client = server.plain()
    values = variables(client, "REMOTE_ADDR,REMOTE_PORT,LOCAL_ADDR,SERVER_PORT,HTTPS,SERVER_PORT_SECURE")
    assert values == {
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": str(client.socket.getsockname()[1]),
        "LOCAL_ADDR": "127.0.0.1",
        "SERVER_PORT": str(server.ports["plain"]),
        "HTTPS": "off",
        "SERVER_PORT_SECURE": "0",
    }


def test_variables_describe_tls(server):
    client = server.secure()
    values = variables(client, "HTTPS,SERVER_PORT_SECURE,HTTPS_KEYSIZE,CERT_SERVER_SUBJECT,CERT_SUBJECT")
    assert (values["HTTPS"], values["SERVER_PORT_SECURE"]) == ("on", "1")
    assert values["HTTPS_KEYSIZE"] == str(client.socket.cipher()[2])
    assert "CN=localhost" in values["CERT_SERVER_SUBJECT"]
    assert values["CERT_SUBJECT"] == ""


def test_variables_of_all_fields_list_them(server):
    client = server.plain()
    assert "HTTP_X_TEST:yes" in client.get("/variables?ALL_HTTP", "X-Test: yes").text
    assert "X-Test: yes" in client.get("/variables?ALL_RAW", "X-Test: yes").text


def test_variables_that_are_not_there_have_the_contracts_errors(server):
    response = server.plain().get("/variables?NO_SUCH_VARIABLE,HTTP_NO_SUCH_FIELD,size=2,REQUEST_METHOD")
    invalid_index, insufficient_buffer = 1413, 122
    lines = response.text.splitlines()
    assert lines[0].startswith(f"NO_SUCH_VARIABLE! {invalid_index} ")
    assert lines[1].startswith(f"HTTP_NO_SUCH_FIELD! {invalid_index} ")
    assert lines[2] == f"REQUEST_METHOD! {insufficient_buffer} (4)"


def test_a_url_is_mapped_below_the_sites_folder(server):
    lines = server.plain().get("/maps?/a/b.txt").text.splitlines()
    insufficient_buffer = 122
    assert lines[0].startswith(f"error {insufficient_buffer} size ")
    path = f"{server.folder}/a/b.txt"
    assert lines[1] == f"path {path} size {len(path) + 1}"


def test_a_url_that_leaves_the_sites_folder_is_not_mapped(server):
    assert server.plain().get("/maps?/../../etc/passwd").text.splitlines()[1].startswith("error ")


# The access log


def test_an_error_is_a_500_in_the_access_log(start_gateway):
    server = start_gateway(extensions=["returns"])
    server.plain().get("/returns?code=4")
    server.stop()
    assert '"GET /returns?code=4 HTTP/1.1" 500 ' in server.access_log[0]


def test_an_extensions_notes_and_status_are_in_the_access_log(start_gateway):
    server = start_gateway(extensions=["log_parameter"])
    assert server.plain().get("/log_parameter?query").text == "added 1\n"
    server.stop()
    line = server.access_log[0]
    assert '"GET /log_parameter?query' in line
    assert "parameter-from-extension" in line
    assert "note-from-extension" in line
    assert '" 299 ' in line
