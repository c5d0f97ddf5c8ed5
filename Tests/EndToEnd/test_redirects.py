"""Redirects of clients that name their host in unusual ways, or not at all."""

import gateway
import pytest

ROUTES = [
    {"path": "/secure", "redirect": {"to": "https://{host}/new"}},
    {"path": "/plain", "redirect": {"to": "http://{host}/new"}},
    {"path": "/port", "redirect": {"to": "https://{host}:8443/new"}},
]


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    named = {"hosts": ["*.example.test", "app.test", "*"], "listen": ["plain"], "routes": ROUTES}
    return start_shared_gateway(sites=[named, {**gateway.site(ROUTES), "listen": ["secure"]}])


@pytest.mark.parametrize(
    "path, host, location",
    [
        ("/secure", "app.test", "https://app.test/new"),
        ("/secure", "app.test:80", "https://app.test/new"),
        ("/secure", "app.test:0080", "https://app.test/new"),
        ("/secure", "app.test:", "https://app.test/new"),
        ("/secure", "app.test:8443", "https://app.test:8443/new"),
        ("/secure", "[::1]:80", "https://[::1]/new"),
        ("/secure", "[::1]", "https://[::1]/new"),
        ("/plain", "app.test:80", "http://app.test:80/new"),
        ("/plain", "app.test:443", "http://app.test:443/new"),
        ("/port", "app.test:80", "https://app.test:8443/new"),
        ("/port", "app.test:9000", "https://app.test:8443/new"),
        ("/port", "[::1]:9000", "https://[::1]:8443/new"),
    ],
)
def test_a_redirect_has_the_port_that_its_scheme_means(server, path, host, location):
    response = server.plain().get(path, f"Host: {host}")
    assert (response.status, response["Location"]) == (308, location)


def test_a_redirect_away_from_tls_loses_the_port_of_tls(server):
    client = server.secure()
    assert client.get("/plain", "Host: app.test:443")["Location"] == "http://app.test/new"
    assert client.get("/secure", "Host: app.test:443")["Location"] == "https://app.test:443/new"


@pytest.mark.parametrize("path, location", [("/secure", "https://app.test/new"), ("/port", "https://app.test:8443/new")])
def test_a_client_without_host_is_sent_to_the_sites_own_name(server, path, location):
    client = server.plain()
    client.send(f"GET {path} HTTP/1.0\r\n\r\n")
    assert client.read_response()["Location"] == location


def test_a_client_without_host_is_sent_to_the_address_of_a_site_without_a_name(start_gateway):
    client = start_gateway(ROUTES).plain()
    client.send("GET /secure HTTP/1.0\r\n\r\n")
    assert client.read_response()["Location"] == "https://127.0.0.1/new"


def test_the_name_of_the_handshake_replaces_a_missing_host(start_gateway):
    client = start_gateway(ROUTES).secure()
    client.send("GET /secure HTTP/1.0\r\n\r\n")
    assert client.read_response()["Location"] == "https://localhost/new"
