"""The flight recorder: the last requests in memory, and `isagate trace`."""

import json
import os
import re
import select
import signal
import subprocess
import time

import gateway
import patience
import pytest

ROUTES = [
    gateway.PING,
    {"path": "/teapot", "respond": {"status": 418}},
    {"path": "/broken", "respond": {"status": 500}},
]
ADMIN = {"socket": "admin.sock"}


@pytest.fixture
def start(start_gateway):
    def start(routes=ROUTES, recorder=None, **keys):
        return start_gateway(routes, admin=ADMIN, recorder=recorder or {}, **keys)

    return start


def trace(server, *arguments):
    """The requests as JSON."""
    outcome = server.command("trace", "--json", *arguments)
    assert outcome.returncode == 0 and outcome.stderr == "", outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def statuses(server, *arguments):
    return [one["status"] for one in trace(server, *arguments)]


def fields(record):
    return {field["name"].lower(): field["value"] for field in record["fields"]}


def test_it_is_off_by_default(start_gateway):
    server = start_gateway([gateway.PING], admin=ADMIN)
    server.plain().get("/ping")
    outcome = server.command("trace")
    assert outcome.returncode == 1 and outcome.stdout == ""
    assert "requests are not recorded" in outcome.stderr and "recorder" in outcome.stderr


def test_an_empty_section_turns_it_on(start_gateway):
    server = start_gateway([gateway.PING], admin=ADMIN, recorder=None)
    server.plain().get("/ping")
    assert statuses(server) == [200]


def test_a_request_is_recorded_with_head_times_and_decisions(start):
    server = start()
    server.secure().get("/ping?a=b", "User-Agent: probe/1", "Accept: text/plain")
    (record,) = trace(server)
    assert (record["method"], record["target"], record["version"]) == ("GET", "/ping?a=b", gateway.PROTOCOL)
    assert (record["status"], record["host"], record["client"]) == (200, "localhost", "127.0.0.1")
    assert (record["listener"], record["site"], record["route"]) == ("secure", "*", "respond")
    assert record["tls"] == "TLSv1.3" and record["responseBytes"] == 5 and not record["hasBody"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
    assert re.fullmatch("[0-9a-f]{32}", record["requestID"])
    assert 0 <= record["milliseconds"]["head"] <= record["milliseconds"]["total"] < 10_000
    assert fields(record)["user-agent"] == "probe/1" and fields(record)["accept"] == "text/plain"


def test_a_line_describes_a_request(start):
    server = start()
    server.plain().get("/broken")
    (line,) = server.command("trace").stdout.splitlines()
    assert re.search(rf'Z 127\.0\.0\.1 "GET /broken {gateway.PROTOCOL}" 500 \d+ ms site=\* route=respond', line), line
    text = server.command("trace", "--verbose").stdout
    assert text.startswith(line) and "\n  head 0 ms" in text and "listener plain" in text
    assert re.search("\n  host: localhost\n", text, re.IGNORECASE)


def test_an_upstream_and_what_became_of_it_is_named(start):
    routes = [{"path": "/*", "proxy": "app"}]
    server = start(routes, upstreams={"app": {"servers": ["http://127.0.0.1:1"]}})
    assert server.plain().get("/x").status in (502, 503)
    (record,) = trace(server)
    assert (record["route"], record["upstream"], record["server"]) == ("proxy", "app", "127.0.0.1:1")
    assert record["reason"] and record["milliseconds"]["connect"] >= 0
    assert f'reason="{record["reason"]}"' in server.command("trace").stdout


def test_an_extension_is_named(start):
    server = start([], extensions=["hello"])
    assert server.plain().get("/hello").status == 200
    (record,) = trace(server)
    assert (record["route"], record["extensionName"]) == ("extension", "hello")
    assert record["milliseconds"]["queue"] >= 0


def test_a_request_that_is_refused_is_recorded_without_its_head(start):
    server = start()
    client = server.raw("plain")
    client.send("GET /ping?token=planted HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert client.read_response().status == 400
    (record,) = trace(server)
    assert record["status"] == 400 and record["reason"] and "method" not in record and record["fields"] == []
    assert '"-" 400' in server.command("trace").stdout


# Filters


@pytest.fixture
def mixed(start):
    server = start()
    client = server.plain()
    for path in ("/ping", "/teapot", "/broken", "/nowhere?x=1"):
        client.get(path)
    return server


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((), [200, 418, 500, 404]),
        (("--status", "5xx"), [500]),
        (("--status", "404"), [404]),
        (("--status", "400-499"), [418, 404]),
        (("--path", "/te"), [418]),
        (("--path", "/nowhere?"), [404]),
        (("--failed",), [418, 500, 404]),
        (("--limit", "2"), [500, 404]),
        (("--client", "127.0.0.1"), [200, 418, 500, 404]),
        (("--client", "127.0.0.2"), []),
        (("--site", "*"), [200, 418, 500, 404]),
        (("--site", "elsewhere"), []),
        (("--slower-than", "1h"), []),
        (("--slower-than", "0ms", "--failed", "--status", "418"), [418]),
    ],
)
def test_filters(mixed, arguments, expected):
    assert statuses(mixed, *arguments) == expected


def test_a_request_is_found_by_its_identifier(mixed):
    wanted = trace(mixed, "--status", "418")[0]["requestID"]
    assert statuses(mixed, "--request-id", wanted) == [418]


@pytest.mark.parametrize(
    "arguments", [("--status", "6yy"), ("--client", "x"), ("--slower-than", "5"), ("--limit", "0"), ("--limit", "1001")]
)
def test_a_filter_that_means_nothing_is_refused(mixed, arguments):
    outcome = mixed.command("trace", *arguments)
    assert outcome.returncode == 64 and arguments[0] in outcome.stderr


# Following


class Follower:
    def __init__(self, server, *arguments):
        self.process = subprocess.Popen(
            [gateway.binary(), "trace", "--follow", *arguments, "--config", str(server.file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.output = ""

    def wait_for(self, pattern):
        end = time.monotonic() + patience.seconds(15)
        while not re.search(pattern, self.output):
            assert time.monotonic() < end, f"{pattern!r} is not in {self.output!r}"
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                self.output += os.read(self.process.stdout.fileno(), 65536).decode()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        rest, errors = self.process.communicate(timeout=patience.seconds(15))
        return self.process.returncode, self.output + rest.decode(), errors.decode()


def test_follow_goes_on_with_new_requests_until_it_is_interrupted(start):
    server = start()
    client = server.plain()
    client.get("/ping?first")
    follower = Follower(server)
    follower.wait_for("first")
    for number in range(3):
        client.get(f"/ping?number{number}")
        server.secure().get(f"/teapot?other{number}")
        follower.wait_for(f"number{number}")
        follower.wait_for(f"other{number}")
    status, output, errors = follower.end()
    assert (status, errors) == (0, "")
    assert [output.count(word) for word in ("first", "number0", "other0", "number2", "other2")] == [1] * 5


def test_follow_filters(start):
    server = start()
    client = server.plain()
    follower = Follower(server, "--status", "418")
    client.get("/ping")
    client.get("/teapot")
    follower.wait_for("teapot")
    status, output, _ = follower.end()
    assert status == 0 and "/ping" not in output


def test_follow_says_how_many_were_displaced(start):
    server = start(recorder={"requests": 10}, workers=1)
    client = server.plain()
    client.get("/ping?start")
    follower = Follower(server)
    follower.wait_for("start")
    # The follower is stopped meanwhile, so that it looks again when all have been answered.
    follower.process.send_signal(signal.SIGSTOP)
    for number in range(50):
        client.get(f"/ping?number{number}.")
    follower.process.send_signal(signal.SIGCONT)
    follower.wait_for("number49")
    status, output, errors = follower.end()
    assert status == 0 and "40 requests were displaced" in errors
    assert re.findall(r"number(\d+)", output) == [str(number) for number in range(40, 50)]


# Secrets

SECRET = "pl4nted"


def test_secrets_are_in_no_output(start):
    server = start(recorder={"mask": ["X-Badge"], "mask_query": ["ticket"]})
    for client in (server.plain(), server.secure()):
        client.get(
            f"/ping?token={SECRET}&a=b&user[password]={SECRET}&ticket={SECRET}&to%6ben={SECRET}",
            f"Authorization: Bearer {SECRET}",
            f"Proxy-Authorization: Basic {SECRET}",
            f"Cookie: a={SECRET}; b={SECRET}",
            f"X-Api-Key: {SECRET}",
            f"X-Auth-Token: {SECRET}",
            f"X-Badge: {SECRET}",
            f"Referer: https://elsewhere/?api_key={SECRET}&page=2",
        )
    for arguments in (("trace",), ("trace", "--verbose"), ("trace", "--json")):
        outcome = server.command(*arguments)
        assert outcome.returncode == 0 and SECRET not in outcome.stdout + outcome.stderr
    for record in trace(server):
        assert record["target"] == "/ping?token=***&a=b&user[password]=***&ticket=***&to%6ben=***"
        assert fields(record)["authorization"] == "***"
        assert fields(record)["referer"] == "https://elsewhere/?api_key=***&page=2"
        masked = {field["name"].lower(): field.get("maskedBytes") for field in record["fields"]}
        assert masked["authorization"] == len(f"Bearer {SECRET}") and masked["host"] is None
    assert f"uthorization: *** ({len('Bearer ' + SECRET)} bytes)" in server.command("trace", "--verbose").stdout


def test_a_secret_is_masked_before_it_is_kept(start):
    server = start(recorder={"mask": ["X-Badge"]})
    client = server.plain()
    client.get("/ping", f"X-Badge: {SECRET}")
    reload(server, recorder={})
    client.get("/ping", "X-Badge: shown")
    assert [fields(record)["x-badge"] for record in trace(server)] == ["***", "shown"]


# Limits


def test_as_many_requests_as_configured_are_kept(start):
    server = start(recorder={"requests": 10}, workers=1)
    client = server.plain()
    for number in range(25):
        client.get(f"/ping?{number}")
    assert [record["target"] for record in trace(server)] == [f"/ping?{number}" for number in range(15, 25)]


def test_memory_bounds_what_is_kept(start):
    server = start(recorder={"requests": 100_000, "memory": "64K"}, workers=1)
    client = server.plain()
    for number in range(100):
        client.get(f"/ping?{number}", "X-Long: " + "x" * 4000)
    kept = trace(server)
    assert 10 <= len(kept) <= 16 and kept[-1]["target"] == "/ping?99"
    assert [record["sequence"] for record in kept] == list(range(101 - len(kept), 101))


def test_a_head_beyond_the_limit_is_cut_and_that_is_said(start):
    server = start(recorder={"head": 256})
    server.plain().get("/ping", "X-First: 1", "X-Long: " + "x" * 300, "X-Last: 2")
    (record,) = trace(server)
    assert record["isHeadCut"] and fields(record)["x-first"] == "1"
    assert not {"x-long", "x-last"} & set(fields(record))
    assert "was not kept" in server.command("trace", "--verbose").stdout


def test_only_failed_requests_are_kept(start):
    server = start(recorder={"only": "failed"})
    client = server.plain()
    for path in ("/ping", "/teapot", "/ping", "/broken"):
        client.get(path)
    assert statuses(server) == [418, 500]


@pytest.mark.parametrize(
    "recorder, mistake",
    [
        ({"requests": 1}, "requests"),
        ({"memory": "1K"}, "memory"),
        ({"memory": "64K", "head": "32K"}, "a quarter of memory"),
        ({"only": "some"}, "which requests are kept"),
        ({"mask": ["a b"]}, "visible ASCII"),
        ({"masks": ["a"]}, "unknown key"),
    ],
)
def test_mistakes_of_the_section_are_reported(start, recorder, mistake):
    server = start()
    server.configure({**server.configuration, "recorder": recorder})
    outcome = server.command("check")
    assert outcome.returncode == 78 and mistake in outcome.stderr


# Reloads


def reload(server, **keys):
    server.configure({**server.configuration, **keys})
    outcome = server.command("reload")
    assert outcome.returncode == 0, outcome.stderr


def test_a_reload_keeps_what_was_recorded(start):
    server = start()
    client = server.plain()
    client.get("/ping?before")
    reload(server, recorder={"requests": 50, "memory": "128K", "only": "failed", "head": "1K"})
    client.get("/ping?not")
    client.get("/teapot?after")
    assert [record["target"] for record in trace(server)] == ["/ping?before", "/teapot?after"]


def test_a_reload_turns_it_off_and_on(start):
    server = start()
    client = server.plain()
    client.get("/ping?before")
    configuration = dict(server.configuration)
    del configuration["recorder"]
    server.configure(configuration)
    assert server.command("reload").returncode == 0
    client.get("/ping?off")
    assert server.command("trace").returncode == 1
    reload(server)
    client.get("/ping?on")
    assert [record["target"] for record in trace(server)] == ["/ping?on"]


# HTTP/2 and text of clients


def test_a_request_of_http2_is_recorded(start):
    listeners = {**gateway.LISTENERS, "secure": {"bind": ["127.0.0.1:0"], "tls": {"alpn": ["h2", "http/1.1"]}}}
    server = start(listeners=listeners)
    outcome = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", server.authority, "-H", f"Authorization: {SECRET}",
         server.url(f"/ping?key={SECRET}")],
        capture_output=True,
        text=True,
        timeout=patience.seconds(20),
    )  # fmt: skip
    assert outcome.stdout == "pong\n", outcome.stderr
    (record,) = trace(server)
    assert (record["version"], record["target"]) == ("HTTP/2.0", "/ping?key=***")
    assert record["host"].startswith("localhost") and fields(record)["authorization"] == "***"


def test_what_controls_a_terminal_is_not_printed(start):
    server = start()
    server.plain().get("/ping", "X-Text: a\u009bb\u0085c")
    text = server.command("trace", "--verbose").stdout
    assert "\u009b" not in text and "\u0085" not in text
