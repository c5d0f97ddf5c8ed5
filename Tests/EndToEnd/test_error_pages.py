"""Error pages of a site in place of the gateway's own."""

import gateway
import pytest
import wire


@pytest.fixture(scope="module")
def server(start_shared_gateway, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "404.html").write_text("<h1>nothing here</h1>")
    (folder / "500.json").write_text('{"error": true}')
    (folder / "400.html").write_text("<h1>what?</h1>")
    site = gateway.site(
        [
            gateway.PING,
            {"path": "/own", "respond": {"status": 404, "body": "my own"}},
            {"path": "/no_head", "extension": "returns"},
        ]
    )
    site["headers"] = {"set": {"X-Site": "any", "X-Asked": "{host} {remote} {request_id}"}}
    site["compress"] = {"min_size": 1}
    site["error_pages"] = {
        "400": {"file": str(folder / "400.html")},
        "404": {"file": str(folder / "404.html")},
        "413": {"file": str(folder / "404.html")},
        "500": {"file": str(folder / "500.json")},
    }
    other = gateway.site([gateway.PING], ["localhost"])
    other["headers"] = {"set": {"X-Site": "localhost"}}
    other["error_pages"] = {"400": {"file": str(folder / "404.html")}}
    return start_shared_gateway(
        sites=[site, other],
        extensions={"returns": {}},
        limits={"request_body": "1K"},
        log={"access": {"path": "access.log", "format": "w3c"}},
    )


def test_an_error_of_the_gateway_shows_the_page_of_the_site(server):
    response = server.secure().get("/nothing", "Host: any.test")
    assert (response.status, response.text) == (404, "<h1>nothing here</h1>")
    assert response["Content-Type"] == "text/html; charset=utf-8"


def test_head_has_the_fields_of_the_page(server):
    client = server.plain()
    response = client.get("/nothing", "Host: any.test", method="HEAD")
    assert (response.status, response["Content-Length"]) == (404, "21")
    assert client.get("/ping").text == "pong\n"


def test_a_route_that_answers_with_an_error_keeps_its_own_page(server):
    assert server.plain().get("/own", "Host: any.test").text == "my own"


def test_an_extension_without_a_response_shows_the_page(server):
    response = server.plain().get("/no_head?silent=1&code=4", "Host: any.test")
    assert (response.status, response.text) == (500, '{"error": true}')
    assert response["Content-Type"] == "application/json"


MALFORMED = "GET / HTTP/1.1\r\nHost : any.test\r\n\r\n"
TWO_FRAMINGS = wire.request(
    "/", "Host: any.test", "Accept-Encoding: gzip", "Content-Length: 1", "Transfer-Encoding: chunked", method="POST"
)
OUTSIDE = wire.request("/../..", "Host: any.test")


@pytest.mark.parametrize("request_head", [MALFORMED, TWO_FRAMINGS, OUTSIDE])
def test_a_request_that_is_refused_has_the_page_and_the_fields_of_the_site(server, request_head):
    response = ask(server.plain(), request_head)
    assert (response.status, response.text, response["X-Site"]) == (400, "<h1>what?</h1>", "any")


def test_a_malformed_request_has_the_page_of_the_site_that_the_handshake_named(server):
    response = ask(server.secure(), MALFORMED)
    assert (response.status, response.text, response["X-Site"]) == (400, "<h1>nothing here</h1>", "localhost")


def test_a_body_that_is_too_long_has_the_page_of_the_site_and_a_line_in_the_log(server):
    response = ask(server.plain(), wire.request("/long", "Content-Length: 2000", "Host: any.test", method="POST"))
    assert (response.status, response.text, response["X-Site"]) == (413, "<h1>nothing here</h1>", "any")
    assert ask(server.plain(), MALFORMED).status == 400
    server.wait_for_line(lambda line: " POST /long - " in line)


def ask(client, head):
    client.send(head)
    return client.read_response()
