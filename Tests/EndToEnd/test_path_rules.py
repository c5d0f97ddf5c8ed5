"""Rules about paths, and attempts to bypass them: a rule applies however its path is spelled."""

import json
import subprocess

import gateway
import hostile_origin
import pytest

GUARD = {"path": "/secret/*", "respond": {"status": 403, "body": "guarded"}}


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        yield origin


@pytest.fixture(autouse=True)
def forget(origin):
    origin.requests.clear()


@pytest.fixture(scope="module")
def server(start_shared_gateway, origin):
    return start_shared_gateway(
        [
            GUARD,
            {"path": "/windows/*", "allow_backslash": True, "proxy": {"to": "o"}},
            {"path": "/strict/*", "allow_path_parameters": False, "proxy": {"to": "o"}},
            {"path": "/*", "proxy": {"to": "o"}},
        ],
        upstreams={"o": {"servers": [{"url": origin.url}]}},
    )


@pytest.mark.parametrize(
    "path",
    [
        "//secret/a", "///secret///a", "/%2Fsecret/a", "/%2f%2fsecret/a", "/./secret/a", "//./secret//a", "/x/..//secret/a",
        "/secret//a", "//secret//", "/%73ecret/a", "/secret%2Fa", "/x//../../secret/a",
    ],
)  # fmt: skip
def test_slashes_that_follow_each_other_lead_past_no_rule(server, origin, path):
    response = server.plain().get(path)
    assert (response.status, response.text) == (403, "guarded")
    assert origin.requests == []


@pytest.mark.parametrize(
    "sent, got",
    [
        ("//x//y", "/x/y"), ("/x//", "/x/"), ("/x/%2Fy", "/x/y"), ("//", "/"), ("/x//?a=//b", "/x/?a=//b"), ("/x%2Fy", "/x%2Fy"),
        ("/a/./b", "/a/b"), ("/x;a=1/y", "/x;a=1/y"),
    ],
)  # fmt: skip
def test_a_server_is_asked_for_what_was_routed(server, origin, sent, got):
    server.plain().get(sent)
    assert [request.path for request in origin.requests] == [got]


@pytest.mark.parametrize("path", ["/x\\..\\secret\\a", "/secret\\a", "\\secret", "/x%5C..%5Csecret", "/%5csecret/a", "/strict/a\\b", "/x/y\\"])
def test_a_backslash_is_refused_where_no_route_allows_it(server, origin, path):
    client = server.plain()
    response = client.get(path)
    assert response.status == 400
    client.expect_end()
    assert origin.requests == []


def test_a_backslash_is_passed_on_where_the_route_allows_it(server, origin):
    for path in ("/windows/a\\b", "/windows/a%5Cb"):
        assert server.plain().get(path).status == 200
    assert [request.path for request in origin.requests] == ["/windows/a\\b", "/windows/a%5Cb"]


def test_a_backslash_without_a_route_is_refused_too(start_gateway):
    assert start_gateway([gateway.PING]).plain().get("/nothing\\x").status == 400


def test_a_backslash_in_the_query_is_nobodys_business(server, origin):
    assert server.plain().get("/x?a=\\b").status == 200


@pytest.mark.parametrize("path", ["/strict/a;x=1", "/strict/;/a", "/strict/a%3Bx=1"])
def test_a_path_parameter_is_refused_where_the_route_forbids_it(server, origin, path):
    assert server.plain().get(path).status == 400
    assert origin.requests == []


def test_files_and_listings_take_slashes_as_routes_do(start_gateway, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("a")
    server = start_gateway([{"path": "/*", "files": {"root": str(tmp_path), "listing": "on"}}])
    client = server.plain()
    assert client.get("//sub//a.txt").text == "a"
    assert client.get("//sub//").text == client.get("/sub/").text
    redirect = client.get("//sub")
    assert (redirect.status, redirect["Location"]) == (308, "/sub/")


def check(tmp_path, certificates, routes):
    site = {"hosts": ["*"], "listen": ["plain"], "routes": routes}
    configuration = {
        "version": 1,
        "listeners": {"plain": {"bind": ["127.0.0.1:0"]}},
        "upstreams": {"o": {"servers": [{"url": "http://127.0.0.1:1"}]}},
        "sites": [site],
    }
    file = tmp_path / "isagate.yaml"
    file.write_text(json.dumps(configuration, indent=2))
    return subprocess.run([gateway.binary(), "check", "--config", str(file)], capture_output=True, text=True, timeout=60)


PASS = {"path": "/*", "proxy": {"to": "o"}}


@pytest.mark.parametrize(
    "rule, behind, warned",
    [
        (GUARD, PASS, "/secret;x=1/"),
        ({"path": "/app/admin", "deny": ["192.0.2.0/24"], "proxy": {"to": "o"}}, {"path": "/app/*", "proxy": {"to": "o"}}, "/app/admin;x=1"),
        ({"path": "/a/*", "limit": {"rate": {"requests": "1/s"}}, "proxy": {"to": "o"}}, PASS, "/a;x=1/"),
        (GUARD, {**PASS, "allow_path_parameters": False}, None),
        (GUARD, {"path": "/other/*", "proxy": {"to": "o"}}, None),
        (GUARD, {"path": "/*", "respond": {}}, None),
        ({"path": "/a/*", "proxy": {"to": "o"}}, PASS, None),
    ],
)
def test_check_warns_where_a_parameter_leads_past_a_rule(tmp_path, certificates, rule, behind, warned):
    result = check(tmp_path, certificates, [rule, behind])
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert (f"is passed by '{warned}" in output) if warned else ("is passed by" not in output), output
