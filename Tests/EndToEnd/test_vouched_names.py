"""Fields that the gateway vouches for: a server and an extension get them only from the gateway."""

import hostile_origin
import pytest
from gateway import site
from hostile_origin import KEEP, head


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def judge():
    with hostile_origin.Origin() as judge:
        judge.on("/yes", head("Content-Length: 0", "X-User: bob"), KEEP)
        yield judge


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, origin, judge):
    question = {"to": "judge", "path": "/yes", "copy_headers": ["X-User", "X-Missing-Group"]}
    routes = [
        {"path": "/asked/*", "forward_auth": question, "proxy": {"to": "a"}},
        {"path": "/variables", "forward_auth": question, "extension": "variables"},
        {"path": "/set/*", "proxy": {"to": "a", "headers": {"set": {"X-Key": "k"}, "remove": ["X-Secret-Name"]}}},
        {"path": "/answers/*", "headers": {"remove": ["X-Inner"]}, "proxy": {"to": "a"}},
        {"path": "/*", "proxy": {"to": "a"}},
    ]
    return start_shared_gateway(
        sites=[site(routes)],
        upstreams={"a": {"servers": [{"url": origin.url}]}, "judge": {"servers": [{"url": judge.url}]}},
        extensions=["variables"],
    )


@pytest.fixture(autouse=True)
def forget(origin):
    origin.requests.clear()
    origin.behaviours.clear()


def names(request):
    return {name for name, _ in request.fields}


@pytest.mark.parametrize(
    "options",
    ["close, X-User", "X-User", "x-user , close", "X-User,X-Missing-Group", "close,,x_user", "keep-alive\r\nConnection: X-User"],
)
def test_connection_does_not_take_away_what_the_gateway_adds(gateway, origin, options):
    assert gateway.secure().get("/asked/x", f"Connection: {options}", "X-User: root").status == 200
    assert origin.requests[0]["X-User"] == "bob"


def test_connection_still_takes_away_what_is_the_clients_own(gateway, origin):
    gateway.secure().get("/asked/x", "Connection: X-Own, X-User", "X-Own: 1")
    assert origin.requests[0]["X-Own"] is None and origin.requests[0]["X-User"] == "bob"


@pytest.mark.parametrize("name", ["X_User", "x_user", "X.User", "X!User", "X-User", "X-Missing-Group", "X_Missing-Group", "X~Missing_Group"])
def test_a_name_that_cgi_takes_for_a_copied_one_does_not_reach_the_server(gateway, origin, name):
    gateway.secure().get("/asked/x", f"{name}: root")
    assert not [value for _, value in origin.requests[0].fields if value == "root"]
    assert origin.requests[0]["X-User"] == "bob"


@pytest.mark.parametrize(
    "name",
    [
        "X_Forwarded_For", "X-Forwarded_For", "x_forwarded-proto", "X_Forwarded_Anything", "X.Forwarded.Host", "X_Real_IP",
        "X_Request_ID", "X-Request_ID", "Content_Length", "Transfer_Encoding", "Proxy_Authorization", "Keep_Alive",
    ],
)  # fmt: skip
def test_a_name_that_cgi_takes_for_one_of_the_gateways_own_does_not_reach_the_server(gateway, origin, name):
    gateway.secure().get("/x", f"{name}: 6", "X_Other: kept", "X.Other: kept too")
    (request,) = origin.requests
    assert not [value for _, value in request.fields if value == "6"]
    assert request["X_Other"] == "kept" and request["X.Other"] == "kept too"


@pytest.mark.parametrize("name", ["X_Key", "x.key", "X_Secret_Name", "X-Secret_Name"])
def test_a_name_that_cgi_takes_for_a_set_or_removed_one_does_not_reach_the_server(gateway, origin, name):
    gateway.secure().get("/set/x", f"{name}: forged")
    assert not [value for _, value in origin.requests[0].fields if value == "forged"]
    assert origin.requests[0]["X-Key"] == "k"


def variable(gateway, name, *fields):
    return gateway.secure().get(f"/variables?{name}", *fields).text


def test_of_two_fields_with_one_variable_the_one_with_hyphens_is_shown(gateway):
    text = variable(gateway, "ALL_HTTP,ALL_RAW", "X_Own: forged", "X-Own: true", "X_User: root")
    assert text.count("HTTP_X_OWN:") == 1 and "HTTP_X_OWN:true" in text
    assert text.count("HTTP_X_USER:") == 1 and "HTTP_X_USER:bob" in text
    assert "X_Own: forged" in text and "X-Own: true" in text


TRAILERS = [
    "X-Forwarded-For", "x_forwarded_for", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via", "X-Request-ID", "X_Request_ID",
    "If-Match", "Content-Location", "X-Client-IP",
]  # fmt: skip


def chunked(path, *trailers):
    lines = "".join(f"{line}\r\n" for line in trailers)
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n{lines}\r\n"


@pytest.mark.parametrize("name", TRAILERS)
def test_a_trailer_with_a_field_of_the_gateway_does_not_reach_a_server(gateway, origin, name):
    origin.on("/t", hostile_origin.echo, KEEP)
    client = gateway.secure()
    client.send(chunked("/t", f"{name}: 6.6.6.6", "X-Checksum: c"))
    assert client.read_response().text == "abc"
    assert origin.requests[0].trailers == ["X-Checksum: c"]


@pytest.mark.parametrize("path, name", [("/asked/t", "X-User"), ("/asked/t", "x_missing_group"), ("/set/t", "X-Key"), ("/set/t", "X_Secret_Name")])
def test_a_trailer_with_a_field_that_the_route_sets_or_removes_is_not_forwarded(gateway, origin, path, name):
    origin.on(path, hostile_origin.echo, KEEP)
    client = gateway.secure()
    client.send(chunked(path, f"{name}: root", "X-Checksum: c"))
    assert client.read_response().text == "abc"
    assert origin.requests[0].trailers == ["X-Checksum: c"]


@pytest.mark.parametrize("name", ["Set-Cookie", "Location", "Strict-Transport-Security", "Via", "X-Forwarded-For", "X-Inner", "WWW-Authenticate"])
def test_a_trailer_with_a_field_of_heads_does_not_reach_a_client(gateway, origin, name):
    body = f"3\r\nabc\r\n0\r\n{name}: v\r\nX-Checksum: c\r\n\r\n".encode()
    origin.on("/answers/t", head("Transfer-Encoding: chunked") + body, KEEP)
    response = gateway.secure().get("/answers/t")
    assert response.text == "abc" and response.trailers == [("x-checksum", "c")]


def test_of_two_credentials_neither_is_taken_for_the_users(start_gateway, origin, tmp_path):
    (tmp_path / "users").write_text("ada:$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6\n")
    server = start_gateway(
        [{"path": "/*", "basic_auth": {"users": str(tmp_path / "users")}, "proxy": {"to": "a"}}],
        upstreams={"a": {"servers": [{"url": origin.url}]}},
    )
    line = "Authorization: Basic YWRhOnNlY3JldA=="
    assert server.plain().get("/x", line, "Authorization: Basic cm9vdDp4").status == 401
    assert origin.requests == []


def test_a_body_with_two_codings_is_not_decoded_by_one(start_gateway, origin):
    origin.on("/x", hostile_origin.echo, KEEP)
    server = start_gateway(
        [{"path": "/*", "decode_request": True, "proxy": {"to": "a"}}], upstreams={"a": {"servers": [{"url": origin.url}]}}
    )
    coded = b"\x1f\x8b not what it seems"
    response = server.plain().post("/x", coded, "Content-Encoding: gzip", "Content-Encoding: br")
    assert response.body == coded
    assert [value for name, value in origin.requests[0].fields if name == "content-encoding"] == ["gzip", "br"]


@pytest.mark.parametrize(
    "sent, got",
    [
        ("/z/\\evil.test/", "/z/\\evil.test/"),
        ("/z//evil.test/", "/z//evil.test/"),
        ("/z/\t/evil.test/", "/z/\t/evil.test/"),
        ("/z/\t\\evil.test/", "/z/\t\\evil.test/"),
        ("/z/\\\\evil.test/", "/z/\\\\evil.test/"),
        ("/z/a\\b", "/a\\b"),
        ("/z/fine//x", "/fine//x"),
        ("/z", "/"),
    ],
)
def test_taking_a_prefix_away_makes_no_other_host_of_a_path(start_gateway, origin, sent, got):
    origin.on("/z/r", head("Content-Length: 0", f"Location: {sent}", f"Refresh: 0; url={sent}"), KEEP)
    server = start_gateway(
        [{"path": "/*", "proxy": {"to": "a", "add_prefix": "/z"}}], upstreams={"a": {"servers": [{"url": origin.url}]}}
    )
    response = server.plain().get("/r")
    assert response["Location"] == got and response["Refresh"] == f"0; url={got}"


def test_a_url_of_the_server_makes_no_other_host_of_a_path(start_gateway, origin):
    target = f"{origin.url}/\\evil.test/"
    origin.on("/r", head("Content-Length: 0", f"Location: {target}"), KEEP)
    server = start_gateway([{"path": "/*", "proxy": {"to": "a"}}], upstreams={"a": {"servers": [{"url": origin.url}]}})
    assert server.plain().get("/r")["Location"] == target
