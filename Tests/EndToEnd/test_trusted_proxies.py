"""Proxies in front that are trusted to name the client, and other clients, which are not."""

import hostile_origin
import pytest
import wire


@pytest.fixture(scope="module")
def origin():
    with hostile_origin.Origin() as origin:
        origin.on("/ask", hostile_origin.OK, hostile_origin.KEEP)
        yield origin


def routes():
    return [
        {"path": "/ask", "proxy": {"to": "origin"}},
        {"path": "/who", "respond": {"body": "allowed"}, "allow": ["192.0.2.7"]},
        {"path": "/hello", "headers": {"set": {"X-Client": "{remote}"}}, "respond": {"body": "hello"}},
        {"path": "/limited", "respond": {}, "limit": {"rate": {"requests": "1/h", "by": "address"}}},
    ]


@pytest.fixture(scope="module")
def start(start_shared_gateway, origin):
    def start(**trusted):
        return start_shared_gateway(
            routes(),
            extensions=["variables"],
            listeners={
                "plain": {"bind": ["127.0.0.1:0"], "trusted": {"from": ["127.0.0.0/8"], **trusted}},
                "secure": {"bind": ["127.0.0.1:0"], "tls": {}},
            },
            upstreams={"origin": {"servers": [{"url": origin.url}]}},
        )

    return start


@pytest.fixture(scope="module")
def gateway(start):
    return start()


def ask(client, origin, *fields):
    origin.requests.clear()
    assert client.get("/ask", *fields).status == 200
    return origin.requests[0]


def test_a_trusted_proxys_word_is_passed_on_with_its_own_address(gateway, origin):
    said = ["X-Forwarded-For: 1.1.1.1, 192.0.2.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: front.test"]
    request = ask(gateway.plain(), origin, *said, "X-Forwarded-Port: 443", "Forwarded: for=9.9.9.9", "X-Real-IP: 9.9.9.9")
    assert request["X-Forwarded-For"] == "1.1.1.1, 192.0.2.7, 127.0.0.1"
    assert request["X-Real-IP"] == "192.0.2.7" and request["X-Forwarded-Proto"] == "https"
    assert request["X-Forwarded-Host"] == "front.test" and request["X-Forwarded-Port"] == "443"
    assert request["Forwarded"] == 'for=192.0.2.7;proto=https;host="localhost"'


def test_what_a_trusted_proxy_leaves_out_is_written_fresh(gateway, origin):
    request = ask(gateway.plain(), origin)
    assert request["X-Forwarded-For"] == request["X-Real-IP"] == "127.0.0.1"
    assert request["X-Forwarded-Proto"] == "http" and request["X-Forwarded-Host"] == "localhost"


def test_nobody_else_is_believed(gateway, origin):
    request = ask(gateway.secure(), origin, "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Prefix: /x")
    assert request["X-Forwarded-For"] == request["X-Real-IP"] == "127.0.0.1"
    assert request["X-Forwarded-Prefix"] is None
    assert gateway.secure().get("/who", "X-Forwarded-For: 192.0.2.7").status == 403


def test_the_client_counts_for_access_limits_logs_and_placeholders(gateway):
    client = gateway.plain()
    assert client.get("/who", "X-Forwarded-For: 192.0.2.7").status == 200
    assert client.get("/who", "X-Forwarded-For: 192.0.2.8").status == 403
    assert client.get("/who").status == 403, "the next request of a connection may be somebody else's"
    assert client.get("/hello", "X-Forwarded-For: 2001:db8::1")["X-Client"] == "2001:db8::1"
    statuses = [client.get("/limited", f"X-Forwarded-For: 192.0.2.{host}").status for host in (1, 1, 2)]
    assert statuses == [200, 429, 200]
    assert client.get("/hello", "X-Forwarded-For: 192.0.2.99").status == 200
    client.get("/hello")
    gateway.wait_for_line(lambda line: line.startswith("192.0.2.99 "))


def test_an_extension_sees_the_client(gateway):
    client = gateway.plain()
    for host in ("192.0.2.1", "192.0.2.2"):
        response = client.get("/variables?REMOTE_ADDR", f"X-Forwarded-For: {host}")
        assert host in response.text


def test_forwarded_is_believed_where_it_is_the_proxys_field(start, origin):
    gateway = start(field="forwarded")
    client = gateway.plain()
    said = ["Forwarded: for=1.1.1.1, for=192.0.2.7;proto=https", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https"]
    request = ask(client, origin, *said)
    assert request["Forwarded"] == (
        'for=1.1.1.1, for=192.0.2.7;proto=https, for=127.0.0.1;proto=http;host="localhost"'
    )
    assert request["X-Forwarded-For"] == "192.0.2.7" and request["X-Forwarded-Proto"] == "http"
    refused = client.get("/ask", 'Forwarded: for="192.0.2.7')
    assert refused.status == 400 and "unpaired quote in Forwarded" in refused.text
