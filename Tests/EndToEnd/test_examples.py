"""The examples in a fresh checkout."""

import os
import re

import gateway
import pytest
import wire


@pytest.fixture(scope="module")
def server(start_shared_gateway, example):
    names = ["hello", "echo", "pending", "index", "guestbook"]
    return start_shared_gateway(
        [{"path": "/", "extension": "index"}, {"path": "/guestbook/*", "extension": "guestbook"}],
        {name: {"library": example(name)} for name in names},
    )


@pytest.fixture(scope="module")
def example():
    """A function from an example's name to its library, which `make examples` has built."""

    def library(name):
        path = os.path.join(gateway.ROOT, "Examples", name, f"{name}.so")
        assert os.path.exists(path), f"{path} is missing: run make examples"
        return path

    return library


def test_hello_says_hello(server):
    response = server.secure().get("/hello")
    assert (response.status, response.text) == (200, "Hello, world\n")


def test_echo_returns_the_body_and_invites_those_without_one(server):
    client = server.secure()
    assert client.post("/echo", "anything", "Content-Type: text/x-any").text == "anything"
    assert "Send a body" in client.get("/echo").text


def test_pending_answers_later(server):
    assert "from another thread" in server.secure().get("/pending").text


def test_the_index_links_the_examples_and_shows_the_requests_variables(server):
    response = server.secure().get("/?<script>")
    assert response["Content-Type"] == "text/html; charset=utf-8"
    for name in ["hello", "echo", "pending", "guestbook"]:
        assert f'href="/{name}"' in response.text
    assert "REQUEST_METHOD" in response.text
    assert "&lt;script&gt;" in response.text and "<script>" not in response.text


def test_the_guestbook_shows_what_was_signed(server):
    client = server.secure()
    assert client.get("/guestbook").status == 200
    entry = "name=Ada&message=Hello+%3Cb%3Ethere%3C%2Fb%3E"
    response = client.post("/guestbook", entry, "Content-Type: application/x-www-form-urlencoded")
    assert (response.status, response["Location"]) == (303, "?thanks")
    page = client.get("/guestbook?thanks").text
    assert "Ada" in page
    assert "Hello &lt;b&gt;there&lt;/b&gt;" in page


def test_the_guestbook_refuses_an_empty_entry(server):
    assert server.secure().post("/guestbook", "name=&message=").status == 400


def test_all_examples_share_a_connection(server):
    client = server.secure()
    paths = ["/", "/hello", "/echo", "/pending", "/guestbook"]
    client.send("".join(wire.request(path) for path in paths))
    assert [client.read_response().status for _ in paths] == [200] * len(paths)


def test_the_configuration_that_make_run_serves_names_every_example():
    with open(os.path.join(gateway.ROOT, "deploy/isagate.yaml")) as file:
        libraries = re.findall(r"library: \.\./Examples/(\w+)/\w+\.so", file.read())
    built = sorted(entry.name for entry in os.scandir(os.path.join(gateway.ROOT, "Examples")) if entry.is_dir())
    assert sorted(libraries) == built
