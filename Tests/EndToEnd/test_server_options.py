"""OPTIONS *, which concerns the server and no path."""

import gateway
import pytest
import wire


@pytest.mark.parametrize("listener", ["plain", "secure"])
def test_the_server_reports_the_methods_it_accepts(start_gateway, listener):
    site = gateway.site([gateway.PING], ["localhost"])
    site["headers"] = {"set": {"X-Site": "named"}}
    client = getattr(start_gateway(sites=[site]), listener)()
    response = client.get("*", method="OPTIONS")
    assert response.status == 200 and response.body == b""
    assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(response["Allow"].split(", "))
    assert response["X-Site"] == "named"
    # The connection continues, also after a body.
    client.send("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi" + wire.request("/ping"))
    assert client.read_response().status == 200
    assert client.read_response().text == "pong\n"


def test_a_host_without_a_site_is_misdirected_here_too(start_gateway):
    client = start_gateway(sites=[gateway.site([gateway.PING], ["localhost"])]).plain()
    assert client.get("*", "Host: other.test", method="OPTIONS").status == 421


def test_a_route_for_every_path_does_not_see_it(start_gateway):
    client = start_gateway([{"path": "/*", "respond": {"status": 403}}]).plain()
    assert client.get("*", method="OPTIONS").status == 200
    assert client.get("/", method="OPTIONS").status == 403
