"""W3C trace context: for upstream servers, for extensions and in the log; whose traces go on, and whose begin here."""

import json
import re

import gateway as gateways
import hostile_origin
import pytest
import wire

ROUTES = [
    {"path": "/passed/*", "proxy": "origin"},
    {"path": "/own/*", "proxy": {"to": "origin", "headers": {"set": {"Traceparent": "fixed"}}}},
    {"path": "/without/*", "proxy": {"to": "origin", "headers": {"remove": ["traceparent"]}}},
    {"path": "/variables", "extension": "variables"},
    {"path": "/isolated", "extension": "isolated"},
    gateways.PING,
]
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STATE = "vendor=value,other=1"


@pytest.fixture
def start(start_gateway, build_extension):
    with hostile_origin.Origin() as origin:

        def start(trace_context=True, **keys):
            library = build_extension("variables")
            isolated = {"library": library, "run": "isolated"}
            server = start_gateway(
                sites=[gateways.site(ROUTES)],
                extensions={"variables": {}, "isolated": isolated},
                upstreams={"origin": {"servers": [{"url": origin.url}]}},
                log={"access": {"path": "access.log", "format": {"json": ["request_id", "trace_id", "span_id"]}}},
                trace_context=trace_context,
                admin={"socket": "isagate.sock"},
                **keys,
            )
            server.origin = origin
            return server

        yield start


def sent(flags="01", version="00"):
    return f"traceparent: {version}-{TRACE}-{PARENT}-{flags}"


def parts(text):
    """Trace, parent and flags of a value of version 00."""
    found = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", text)
    assert found, text
    return found.groups()


def passed(server, *fields, path="/passed/on"):
    assert server.plain().get(path, *fields).status == 200
    return server.origin.requests[-1]


def logged(server):
    server.stop()
    return [json.loads(line) for line in server.access_log]


def test_a_trace_begins_with_the_id_of_the_request(start):
    server = start()
    request = passed(server)
    trace, span, flags = parts(request["traceparent"])
    assert (trace, flags) == (request["X-Request-ID"], "03")
    (line,) = logged(server)
    assert line == {"request_id": trace, "trace_id": trace, "span_id": span}


def test_the_trace_of_a_client_does_not_go_on_unless_that_is_said(start):
    request = passed(start(), sent(), f"tracestate: {STATE}")
    assert parts(request["traceparent"])[0] == request["X-Request-ID"] != TRACE
    assert request["tracestate"] is None


@pytest.mark.parametrize("accept", [True, ["127.0.0.0/8"]])
@pytest.mark.parametrize("flags", ["00", "01", "03"])
def test_the_trace_of_a_trusted_client_goes_on_with_its_flags(start, accept, flags):
    server = start({"accept": accept, "sample": "1/1000000"})
    request = passed(server, sent(flags), f"tracestate: {STATE}")
    trace, span, passed_flags = parts(request["traceparent"])
    assert (trace, passed_flags, request["tracestate"]) == (TRACE, flags, STATE)
    assert span != PARENT
    (line,) = logged(server)
    assert (line["trace_id"], line["span_id"]) == (TRACE, span)
    assert line["request_id"] != TRACE


@pytest.mark.parametrize(
    "fields",
    [
        [f"traceparent: 00-{TRACE.upper()}-{PARENT}-01"],
        [f"traceparent: 00-{'0' * 32}-{PARENT}-01"],
        [f"traceparent: 00-{TRACE}-{PARENT}-01-more"],
        [f"traceparent: ff-{TRACE}-{PARENT}-01"],
        ["traceparent: "],
        [sent(), sent()],
    ],
)
def test_a_malformed_trace_of_a_trusted_client_is_replaced_with_its_state(start, fields):
    request = passed(start({"accept": True}), *fields, f"tracestate: {STATE}")
    assert parts(request["traceparent"])[0] == request["X-Request-ID"]
    assert request["tracestate"] is None


def test_of_a_later_version_the_known_part_goes_on(start):
    request = passed(start({"accept": True}), sent(version="cc") + "-future")
    assert (parts(request["traceparent"])[0], parts(request["traceparent"])[2]) == (TRACE, "01")


def test_every_request_has_a_step_of_its_own(start):
    server = start({"accept": True})
    spans = {parts(passed(server, sent())["traceparent"])[1] for _ in range(20)}
    assert len(spans) == 20


def test_a_part_of_the_traces_is_sampled(start):
    server = start({"sample": "1/4"})
    client = server.plain()
    for _ in range(200):
        assert client.get("/passed/on").status == 200
    flags = [parts(request["traceparent"])[2] for request in server.origin.requests]
    assert set(flags) == {"02", "03"} and 20 <= flags.count("03") <= 90


def test_rules_of_a_route_come_first(start):
    server = start({"accept": True})
    assert passed(server, sent(), path="/own/on")["traceparent"] == "fixed"
    assert passed(server, sent(), path="/without/on")["traceparent"] is None


@pytest.mark.parametrize("path", ["/variables", "/isolated"])
def test_an_extension_sees_the_trace_as_it_goes_on(start, path):
    server = start({"accept": True})
    client = server.secure()
    fields = [sent("00"), f"tracestate: {STATE}"]
    value = client.get(f"{path}?HTTP_TRACEPARENT", *fields).text
    found = re.search(f"00-{TRACE}-([0-9a-f]{{16}})-00", value)
    assert found and found[1] != PARENT
    assert STATE in client.get(f"{path}?HTTP_TRACESTATE", *fields).text
    for name in ["ALL_HTTP", "ALL_RAW"]:
        text = client.get(f"{path}?{name}", *fields).text
        assert len(re.findall("(?i)traceparent", text)) == 1 and PARENT not in text
    begun = client.get(f"{path}?HTTP_TRACEPARENT").text
    assert re.search("00-[0-9a-f]{32}-[0-9a-f]{16}-03", begun)


def test_an_extension_sees_no_state_of_a_trace_that_does_not_go_on(start):
    text = start().secure().get("/variables?ALL_RAW", sent(), f"tracestate: {STATE}").text
    assert TRACE not in text and "tracestate" not in text.lower()
    assert re.search("traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03\n", text.replace("\r", ""))


def test_the_trace_has_a_place_behind_many_fields(start):
    server = start()
    fields = [f"X-{number}: {number}" for number in range(18)]
    client = server.secure()
    for _ in range(3):
        text = client.get("/variables?ALL_RAW", *fields).text
        assert "x-17: 17" in text.lower() and len(re.findall("traceparent", text)) == 1


def test_a_trailer_does_not_name_another_trace(start):
    server = start({"accept": True})
    client = server.plain()
    head = wire.request("/passed/on", "Transfer-Encoding: chunked", sent(), method="POST")
    client.send(head + f"1\r\nx\r\n0\r\n{sent('00')}\r\nX-Kept: yes\r\n\r\n")
    assert client.read_response().status == 200
    assert parts(server.origin.requests[-1]["traceparent"])[2] == "01"


@pytest.mark.parametrize("is_reloaded", [False, True])
def test_without_it_fields_of_clients_pass_as_they_are(start, is_reloaded):
    server = start({"accept": True} if is_reloaded else False)
    if is_reloaded:
        server.configure({**server.configuration, "trace_context": False})
        assert server.command("reload").returncode == 0
    value = f"00-{TRACE}-{PARENT}-01"
    request = passed(server, f"traceparent: {value}", f"tracestate: {STATE}")
    assert (request["traceparent"], request["tracestate"]) == (value, STATE)
    (line,) = logged(server)
    assert "trace_id" not in line
