"""The access log's formats."""

import json
import re

import gateway

FIELDS = ["User-Agent: test/1.0", "Referer: https://example.test/a b"]


def lines_of(start_gateway, format, make_requests):
    server = start_gateway([gateway.PING], log={"access": {"path": "access.log", "format": format}})
    make_requests(server)
    server.stop()
    return server.access_log


def one_request(server):
    assert server.plain().get("/ping?a=b", *FIELDS).status == 200


def test_combined_lines_are_what_log_tools_read(start_gateway):
    (line,) = lines_of(start_gateway, "combined", one_request)
    assert re.fullmatch(
        r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+]0000\] "GET /ping\?a=b HTTP/1\.1" 200 5 '
        r'"https://example\.test/a b" "test/1\.0"',
        line,
    )


def test_combined_lines_cannot_be_forged(start_gateway):
    def request(server):
        server.plain().get('/ping?"%0a', 'User-Agent: a" 200 5 "\\')

    (line,) = lines_of(start_gateway, "combined", request)
    assert line.endswith(r'"a\x22 200 5 \x22\x5C"')


def test_json_lines_are_objects(start_gateway):
    (line,) = lines_of(start_gateway, "json", one_request)
    record = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record.pop("time"))
    assert 0 <= record.pop("duration_ms") < 10_000
    assert re.fullmatch("[0-9a-f]{32}", record.pop("request_id"))
    assert record == {
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/ping",
        "query": "a=b",
        "protocol": "HTTP/1.1",
        "referer": "https://example.test/a b",
        "user_agent": "test/1.0",
        "status": 200,
        "bytes": 5,
    }


def test_w3c_lines_follow_their_directives(start_gateway):
    lines = lines_of(start_gateway, "w3c", one_request)
    assert lines[0].startswith("#Software: isagate")
    assert lines[1] == "#Version: 1.0"
    names = next(line for line in lines if line.startswith("#Fields: ")).split()[1:]
    record = dict(zip(names, lines[-1].split(), strict=True))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
    assert record["c-ip"] == "127.0.0.1"
    assert (record["cs-method"], record["cs-uri-stem"], record["cs-uri-query"]) == ("GET", "/ping", "a=b")
    assert record["cs(Referer)"] == "https://example.test/a+b"
    assert record["sc-status"] == "200"


def test_every_response_has_its_line(start_gateway):
    def requests(server):
        client = server.secure()
        for path in ["/ping", "/nothing", "/ping"]:
            client.get(path)
        client.send("nonsense\r\n\r\n")
        assert client.read_response().status == 400

    lines = lines_of(start_gateway, "combined", requests)
    assert [re.search(r'" (\d{3}) ', line)[1] for line in lines] == ["200", "404", "200", "400"]


def test_the_access_log_goes_to_standard_output_when_configured(start_gateway):
    server = start_gateway([gateway.PING], log={"access": {"path": "-"}})
    server.plain().get("/ping")
    server.output.wait_for('"GET /ping HTTP/1.1" 200 5')
