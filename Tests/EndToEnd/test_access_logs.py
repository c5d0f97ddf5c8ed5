"""Several access logs: who uses which, their conditions, and formats by field."""

import json
import re
import time

import gateway


def lines(server, file):
    """The lines of a gateway that has ended, without directives."""
    return [line for line in (server.folder / file).read_text().splitlines() if not line.startswith("#")]


def paths(server, file):
    return [line.split()[1] for line in lines(server, file)]


def template(name, text="{status} {path}", **settings):
    return {"name": name, "path": f"{name}.log", "format": {"template": text}, **settings}


def test_a_site_and_a_route_name_their_logs(start_gateway):
    def route(path, **settings):
        return {"path": path, "respond": {"body": "ok"}, **settings}

    server = start_gateway(
        log={"access": [template("main"), template("second"), template("audit", default=False)]},
        sites=[
            {"hosts": ["other.test"], "routes": [route("/plain"), route("/quiet", log="off")]},
            {
                **gateway.site([route("/a"), route("/b", log="second"), route("/c", log=["main", "audit"])]),
                "log": ["audit"],
            },
        ],
    )
    client = server.plain()
    for path in ["/plain", "/quiet", "/none"]:
        client.get(path, "Host: other.test")
    for path in ["/a", "/b", "/c", "/nowhere"]:
        client.get(path)
    server.stop()
    assert paths(server, "main.log") == ["/plain", "/none", "/c"]
    assert paths(server, "second.log") == ["/plain", "/none", "/b"]
    assert paths(server, "audit.log") == ["/a", "/c", "/nowhere"]


def test_a_request_that_is_refused_is_in_the_log_of_its_site(start_gateway):
    server = start_gateway(
        log={"access": [template("main"), template("audit", default=False)]},
        sites=[gateway.site([gateway.PING], ["localhost"]), {"hosts": ["a.test"], "routes": [gateway.PING], "log": "audit"}],
    )
    client = server.plain()
    client.send("GET /ping HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5000000000\r\n\r\n")
    assert client.read_response().status == 413
    client = server.plain()
    client.send("GET /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000000\r\n\r\n")
    assert client.read_response().status == 413
    server.stop()
    assert lines(server, "audit.log") == ["413 /ping"]
    assert lines(server, "main.log") == ["413 /ping"]


def test_an_internal_request_leaves_the_log_to_the_clients(start_gateway):
    site = gateway.site(
        [gateway.PING, {"path": "/page", "respond": {"body": "page"}, "log": "second"}],
    )
    server = start_gateway(
        log={"access": [template("main"), template("second", default=False)]},
        sites=[{**site, "error_pages": {404: {"route": "/page"}}}],
    )
    response = server.plain().get("/nothing")
    assert (response.status, response.text) == (404, "page")
    server.stop()
    assert (lines(server, "main.log"), lines(server, "second.log")) == (["404 /nothing"], [])


def test_a_log_has_only_the_statuses_it_asks_for(start_gateway):
    server = start_gateway(
        [{"path": f"/{status}", "respond": {"status": status}} for status in [200, 399, 400, 404, 500, 503]],
        log={
            "access": [
                template("errors", only={"status": "400-599"}),
                template("some", only={"status": ["200", "404-500"]}),
            ]
        },
    )
    client = server.plain()
    for status in [200, 399, 400, 404, 500, 503]:
        assert client.get(f"/{status}").status == status
    server.stop()
    assert paths(server, "errors.log") == ["/400", "/404", "/500", "/503"]
    assert paths(server, "some.log") == ["/200", "/404", "/500"]


def test_a_sample_has_one_of_so_many_requests(start_gateway):
    server = start_gateway([gateway.PING], workers=1, log={"access": [template("some", sample="1/10"), template("all")]})
    client = server.plain()
    for _ in range(100):
        client.get("/ping")
    server.stop()
    assert (len(lines(server, "some.log")), len(lines(server, "all.log"))) == (10, 100)


def test_a_log_may_have_slow_requests_only(start_gateway):
    server = start_gateway([gateway.PING], log={"access": [template("slow", slower="200ms"), template("all")]})
    client = server.plain()
    client.get("/ping")
    client.send("GET /ping?slow HTTP/1.1\r\n")
    # It is what takes its time.
    time.sleep(0.3)
    client.send("Host: a\r\n\r\n")
    assert client.read_response().status == 200
    server.stop()
    assert (len(lines(server, "slow.log")), len(lines(server, "all.log"))) == (1, 2)


def test_json_has_the_fields_that_are_asked_for(start_gateway):
    fields = ["status", "path", "user", "header.x-one", "scheme", "host", "server_port", "client"]
    server = start_gateway([gateway.PING], log={"access": {"path": "access.log", "format": {"json": fields}}})
    server.plain().get("/ping", "X-One: a\tb\"")
    server.secure().get("/ping")
    server.stop()
    first, second = (json.loads(line) for line in server.access_log)
    assert first == {
        "status": 200,
        "path": "/ping",
        "header.x-one": 'a\tb"',
        "scheme": "http",
        "host": "localhost",
        "server_port": server.ports["plain"],
        "client": "127.0.0.1",
    }
    assert list(first)[:2] == ["status", "path"]
    assert (second["scheme"], "header.x-one" in second) == ("https", False)


def test_w3c_has_the_fields_that_are_asked_for_and_names_them(start_gateway):
    fields = ["date", "time", "cs-host", "x-request-id", "cs(X-One)", "sc-bytes", "cs-version", "sc-status"]
    server = start_gateway([gateway.PING], log={"access": {"path": "access.log", "format": {"w3c": fields}}})
    response = server.plain().get("/ping", "X-One: a b+c")
    assert response.status == 200
    server.stop()
    directives, (line,) = server.access_log[:4], server.access_log[4:]
    assert directives[:2] == ["#Software: isagate", "#Version: 1.0"]
    assert re.fullmatch(r"#Date: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", directives[2])
    assert directives[3] == "#Fields: date time cs-host x-request-id cs(x-one) sc-bytes cs-version sc-status"
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d localhost [0-9a-f]{32} a\+b\+c 5 HTTP/1.1 200", line
    )


def test_a_value_of_a_template_is_one_word_or_quoted(start_gateway):
    text = '{client}|{header.x-one} "{header.x-one}" {{{header.none}}'
    server = start_gateway([gateway.PING], log={"access": [template("one", text)]})
    server.plain().get("/ping", 'X-One: a "b" \\ c')
    server.stop()
    assert lines(server, "one.log") == [r'127.0.0.1|a\x20\x22b\x22\x20\x5C\x20c "a \x22b\x22 \x5C c" {-}']


def test_logs_come_and_go_with_a_reload_and_the_others_go_on(start_gateway):
    server = start_gateway([gateway.PING], log={"access": [template("one"), template("two")]}, admin={"socket": "admin.sock"})
    client = server.plain()
    client.get("/ping?1")
    server.configure({**server.configuration, "log": {"access": [template("three"), template("two")]}})
    outcome = server.command("reload")
    assert outcome.returncode == 0, outcome.stderr
    client.get("/ping?2")
    server.stop()
    assert [len(lines(server, f"{name}.log")) for name in ["one", "two", "three"]] == [1, 2, 1]


def test_the_status_counts_the_lines_of_each_log(start_gateway):
    logs = [template("one"), template("two", only={"status": "500"})]
    server = start_gateway([gateway.PING], log={"access": logs}, admin={"socket": "admin.sock"})
    server.plain().get("/ping")
    server.wait_for_line(lambda line: "/ping" in line, "one.log")
    text = server.command("status").stdout
    assert "access log one: 1 lines\naccess log two: 0 lines\n" in text
