"""`isagate replay`: a recorded request is sent to another gateway."""

import json
import socket
import subprocess
import threading

import gateway
import patience
import pytest

ADMIN = {"socket": "admin.sock"}
SECRET = "pl4nted"


@pytest.fixture
def start(start_gateway):
    def start(status, *routes, **keys):
        routes = [{"path": "/x", "respond": {"status": status, "body": "answer"}}, *routes]
        return start_gateway(routes, admin=ADMIN, recorder={}, **keys)

    return start


@pytest.fixture
def failed(start):
    """A gateway that has answered 503, and the identifier of the request."""
    server = start(503)
    server.plain().get(
        f"/x?a=b&token={SECRET}", f"Authorization: {SECRET}", "Accept: text/plain", "Connection: close, X-Hop", "X-Hop: 1"
    )
    return server, last(server)["requestID"]


def last(server):
    return json.loads(server.command("trace", "--json").stdout.splitlines()[-1])


def replay(server, *arguments):
    return server.command("replay", *arguments)


def url(server, listener="plain", host="127.0.0.1"):
    return f"{'https' if listener == 'secure' else 'http'}://{host}:{server.ports[listener]}"


def test_another_status_is_reported(start, failed):
    server, request = failed
    other = start(200)
    outcome = replay(server, request, "--to", url(other))
    assert outcome.returncode == 1
    assert outcome.stdout == "GET /x?a=b&token=***: 503 -> 200 OK\n"
    assert "left out" in outcome.stderr and "Authorization" in outcome.stderr.title() and "token" in outcome.stderr
    record = last(other)
    fields = {field["name"].lower(): field["value"] for field in record["fields"]}
    assert record["target"] == "/x?a=b" and fields["accept"] == "text/plain" and fields["host"] == "localhost"
    assert "authorization" not in fields and fields["connection"] == "close"
    # Connection, which names it, does not exist in HTTP/2.
    assert ("x-hop" in fields) == gateway.SPEAKS_HTTP2


def test_the_same_status_is_a_success(start, failed):
    server, request = failed
    other = start(503)
    outcome = replay(server, request, "--to", url(other))
    assert outcome.returncode == 0 and "503 -> 503 Service Unavailable" in outcome.stdout


def test_it_is_sent_by_tls(start, failed):
    server, request = failed
    other = start(200)
    outcome = replay(server, request, "--to", url(other, "secure"), "--ca", str(other.authority))
    assert outcome.returncode == 1 and "-> 200 OK" in outcome.stdout, outcome.stderr
    assert last(other)["tls"] == "TLSv1.3"


def test_a_certificate_of_an_unknown_authority_is_refused_unless_every_one_is_accepted(start, failed):
    server, request = failed
    other = start(503)
    outcome = replay(server, request, "--to", url(other, "secure"))
    assert outcome.returncode == 69 and "certificate" in outcome.stderr
    outcome = replay(server, request, "--to", url(other, "secure"), "--insecure")
    assert outcome.returncode == 0, outcome.stderr


def test_a_certificate_without_the_requested_name_is_refused(start):
    server = start(503)
    server.plain().get("/x", "Host: elsewhere.test")
    other = start(503)
    outcome = replay(server, last(server)["requestID"], "--to", url(other, "secure"), "--ca", str(other.authority))
    assert outcome.returncode == 69 and "mismatch" in outcome.stderr


def test_added_fields_are_sent(start, failed):
    server, request = failed
    only = {"path": "/y", "respond": {"status": 200}}
    other = start(503, only)
    outcome = replay(server, request, "--to", url(other), "--header", f"Authorization: {SECRET}", "--header", "X-New: 1")
    assert outcome.returncode == 0 and "uthorization" not in outcome.stderr
    fields = {field["name"].lower(): field for field in last(other)["fields"]}
    assert fields["authorization"]["maskedBytes"] == len(SECRET) and fields["x-new"]["value"] == "1"


def test_a_record_in_a_file_needs_no_gateway(start, failed, tmp_path):
    server, request = failed
    other = start(200)
    server.plain().get("/x")
    file = tmp_path / "trace.json"
    file.write_text(server.command("trace", "--json").stdout)
    server.stop()
    outcome = replay(server, "--file", str(file), "--to", url(other))
    assert outcome.returncode == 1 and "2 records" in outcome.stderr
    outcome = replay(server, request, "--file", str(file), "--to", url(other))
    assert outcome.returncode == 1 and "503 -> 200" in outcome.stdout


def test_a_request_with_a_body_needs_one(start, origin_of_lengths, tmp_path):
    server = start(503)
    server.plain().post("/x", "first")
    request = last(server)["requestID"]
    outcome = replay(server, request, "--to", origin_of_lengths.url)
    assert outcome.returncode == 1 and "--body" in outcome.stderr
    file = tmp_path / "body"
    file.write_bytes(b"z" * 300_000)
    outcome = replay(server, request, "--to", origin_of_lengths.url, "--body", str(file))
    assert outcome.returncode == 0, outcome.stderr
    (received,) = origin_of_lengths.requests
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Length: 300000" in head and body == b"z" * 300_000


class Raw:
    """A server that answers each connection with the same bytes, after the whole request."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                data = b""
                while not self.is_whole(data) and (more := client.recv(65536)):
                    data += more
                self.requests.append(data)
                client.sendall(self.answer)

    @staticmethod
    def is_whole(data):
        head, end, body = data.partition(b"\r\n\r\n")
        length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        return end and len(body) == (int(length[0].split(b":")[1]) if length else 0)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def origin_of_lengths():
    server = Raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno")
    yield server
    server.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 N", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_a_response_that_is_none_is_an_error(failed, answer):
    server, request = failed
    raw = Raw(answer)
    outcome = replay(server, request, "--to", raw.url)
    raw.close()
    assert outcome.returncode == 1 and outcome.stdout == "" and "isagate: error: " in outcome.stderr


def test_without_a_connection_the_exit_code_is_69(failed):
    server, request = failed
    outcome = replay(server, request, "--to", "http://127.0.0.1:1")
    assert outcome.returncode == 69 and "Connection refused" in outcome.stderr


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_the_time(failed):
    server, request = failed
    with socket.create_server(("127.0.0.1", 0)) as silent:
        to = f"http://127.0.0.1:{silent.getsockname()[1]}"
        outcome = replay(server, request, "--to", to, "--timeout", "200ms")
    assert outcome.returncode == 1 and "no response in time" in outcome.stderr


def test_an_unknown_identifier_is_an_error(failed):
    outcome = replay(failed[0], "0" * 32, "--to", "http://127.0.0.1:1")
    assert outcome.returncode == 1 and "is recorded" in outcome.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--to", "http://127.0.0.1:1"),
        ("x", "--to", "ftp://127.0.0.1"),
        ("x", "--to", "http://127.0.0.1:1/path"),
        ("x", "--to", "http://127.0.0.1:1", "--header", "no field"),
        ("x", "--to", "http://127.0.0.1:1", "--timeout", "5"),
        ("x", "--to", "https://127.0.0.1:1", "--insecure", "--ca", "x"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments):
    outcome = subprocess.run(
        [gateway.binary(), "replay", *arguments], capture_output=True, text=True, timeout=patience.seconds(20)
    )
    assert outcome.returncode == 64, outcome.stderr
