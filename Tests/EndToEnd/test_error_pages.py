"""What a site says in place of the gateway's own words."""

import gateway
import pytest


@pytest.fixture(scope="module")
def server(start_shared_gateway, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "404.html").write_text("<h1>nothing here</h1>")
    (folder / "500.json").write_text('{"error": true}')
    site = gateway.site(
        [
            gateway.PING,
            {"path": "/own", "respond": {"status": 404, "body": "my own"}},
            {"path": "/no_head", "extension": "returns"},
        ]
    )
    site["error_pages"] = {
        "404": {"file": str(folder / "404.html")},
        "413": {"file": str(folder / "404.html")},
        "500": {"file": str(folder / "500.json")},
    }
    return start_shared_gateway(sites=[site], extensions={"returns": {}}, limits={"request_body": "1K"})


def test_an_error_of_the_gateway_shows_the_page_of_the_site(server):
    response = server.secure().get("/nothing")
    assert (response.status, response.text) == (404, "<h1>nothing here</h1>")
    assert response["Content-Type"] == "text/html; charset=utf-8"


def test_head_has_the_fields_of_the_page(server):
    client = server.plain()
    response = client.get("/nothing", method="HEAD")
    assert (response.status, response["Content-Length"]) == (404, "21")
    assert client.get("/ping").text == "pong\n"


def test_a_route_that_answers_with_an_error_keeps_its_own_words(server):
    assert server.plain().get("/own").text == "my own"


def test_an_extension_without_a_response_shows_the_page(server):
    response = server.plain().get("/no_head?silent=1&code=4")
    assert (response.status, response.text) == (500, '{"error": true}')
    assert response["Content-Type"] == "application/json"
