"""A site answers to its name in any case, with or without the final dot, in Host and in TLS alike."""

import ssl

import pytest
import wire
from authority import Authority

NAMES = ["app.test", "app.test.", "APP.TEST", "App.Test."]


@pytest.fixture(scope="module")
def server(start_shared_gateway, tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    authority = Authority(folder, "authority")

    def site(name, file, **keys):
        route = {"path": "/", "respond": {"body": f"{name}\n"}}
        pair = authority.issue(file, [name], 10)
        return {"hosts": [name], "certificates": [pair], "routes": [route], **keys}

    asking = {"client_certificates": {"mode": "request", "ca": str(authority.file)}}
    server = start_shared_gateway(
        sites=[site("first.test", "first"), site("app.test", "app"), site("*.wild.test", "wild"), site("own.test", "own", **asking)]
    )
    server.authority = authority.file
    return server


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("port", ["", ":80", ":"])
def test_the_host_is_found(server, name, port):
    assert server.plain().get("/", f"Host: {name}{port}").text == "app.test\n"


@pytest.mark.parametrize("name", ["x.wild.test.", "X.WILD.TEST."])
def test_a_wildcard_matches_a_name_with_a_dot(server, name):
    assert server.plain().get("/", f"Host: {name}").text == "*.wild.test\n"


@pytest.mark.parametrize("name", ["app.test..", "app..test", ".app.test"])
def test_other_dots_count(server, name):
    assert server.plain().get("/", f"Host: {name}").status == 421


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("host", NAMES)
def test_the_certificate_is_the_sites_and_the_request_too(server, name, host):
    context = server.context()
    context.check_hostname = False
    client = server.secure(context, name=name)
    assert dict(client.socket.getpeercert()["subject"][0])["commonName"] == "app.test"
    assert client.get("/", f"Host: {host}").text == "app.test\n"


@pytest.mark.parametrize("name", ["own.test", "OWN.test."])
@pytest.mark.parametrize("host", ["own.test", "OWN.test."])
def test_a_site_that_asks_for_certificates_is_the_same_by_each_of_its_names(server, name, host):
    context = server.context()
    context.check_hostname = False
    assert server.secure(context, name=name).get("/", f"Host: {host}").text == "own.test\n"


def hello(name):
    """The first flight of a client that asks for these bytes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="x" * len(name))
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    flight = outgoing.read()
    # The list of names, after its length, type and the length of the name.
    mark = len(name).to_bytes(2, "big") + b"x" * len(name)
    assert flight.count(mark) == 1
    return flight.replace(mark, mark[:2] + name)


@pytest.mark.parametrize("name", [b"app.test\0", b"\0app.test", b"app\0.test", b"app.test\n", b"app test", b"app\x7f.test", b"."])
def test_a_name_that_is_none_is_answered_illegal_parameter(server, name):
    client = server.raw()
    client.send(hello(name))
    assert client.read_to_end() == bytes([21, 3, 3, 0, 2, 2, 47])
    server.log.wait_for("TLS handshake failed: invalid server name")
