"""Who may use a route: networks, and users with passwords."""

import base64
import ctypes

import gateway
import pytest


def hashed(password, setting):
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    return library.crypt(password.encode(), setting.encode()).decode()


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def server(start_shared_gateway, tmp_path_factory):
    users = tmp_path_factory.mktemp("users") / "htpasswd"
    users.write_text(
        f"alice:{hashed('secret', '$2y$05$abcdefghijklmnopqrstuu')}\nbob:{hashed('größer', '$6$saltsalt')}\n"
    )
    site = gateway.site(
        [
            {"path": "/open", "basic_auth": "off", "respond": {"body": "open"}},
            {"path": "/home", "basic_auth": "off", "allow": ["127.0.0.0/8", "::1"], "respond": {"body": "home"}},
            {"path": "/away", "basic_auth": "off", "allow": ["192.0.2.0/24"], "respond": {"body": "away"}},
            {"path": "/denied", "basic_auth": "off", "deny": ["127.0.0.1"], "respond": {"body": "denied"}},
            {"path": "/extension", "extension": "hello"},
            {"path": "/*", "respond": {"body": "in"}},
        ]
    )
    site["basic_auth"] = {"realm": "the vault", "users": str(users)}
    return start_shared_gateway(sites=[site], extensions={"hello": {}})


@pytest.fixture
def client(server):
    return server.secure()


def test_networks_are_let_in_or_kept_out(client):
    assert client.get("/open").text == "open"
    assert client.get("/home").text == "home"
    assert client.get("/away").status == 403
    assert client.get("/denied").status == 403


def test_without_a_password_a_client_is_asked_for_one(client):
    response = client.get("/secret")
    assert response.status == 401
    assert response["WWW-Authenticate"] == 'Basic realm="the vault", charset="UTF-8"'


def test_the_right_password_lets_in_again_and_again(client):
    for _ in range(5):
        assert client.get("/secret", basic("alice", "secret")).text == "in"
        assert client.get("/secret", basic("bob", "größer")).text == "in"
    assert client.get("/extension", basic("alice", "secret")).status == 200


@pytest.mark.parametrize("user, password", [("alice", "Secret"), ("alice", ""), ("bob", "secret"), ("eve", "secret")])
def test_a_wrong_password_does_not(client, user, password):
    assert client.get("/secret", basic("alice", "secret")).status == 200
    assert client.get("/secret", basic(user, password)).status == 401
    assert client.get("/extension", basic(user, password)).status == 401


def test_what_is_no_password_does_not(client):
    for value in ["Basic", "Basic !!!!", "Bearer x", "Basic " + "A" * 4000]:
        assert client.get("/secret", "Authorization: " + value).status == 401


def test_passwords_that_cannot_be_used_end_the_start(server, tmp_path):
    (tmp_path / "users").write_text("alice:plain\n")
    configuration = dict(server.configuration)
    site = {**configuration["sites"][0], "basic_auth": {"users": str(tmp_path / "users")}}
    changed = {**configuration, "sites": [site]}
    server.configure(changed)
    outcome = server.command("check")
    server.configure(configuration)
    assert outcome.returncode == 78
    assert "users:1: the hash is none of bcrypt" in outcome.stderr


def test_an_extension_learns_who_the_user_is(start_gateway, tmp_path):
    (tmp_path / "users").write_text(f"al ice:{hashed('secret', '$2y$05$abcdefghijklmnopqrstuu')}\n")
    names = ["AUTH_TYPE", "AUTH_USER", "LOGON_USER", "REMOTE_USER", "UNMAPPED_REMOTE_USER", "AUTH_PASSWORD"]
    routes = [
        {"path": "/in", "basic_auth": {"users": str(tmp_path / "users")}, "extension": "variables"},
        {"path": "/out", "extension": "variables"},
    ]
    server = start_gateway(routes, extensions=["variables"])
    client = server.secure()
    for _ in range(2):
        lines = client.get(f"/in?{','.join(names)}", basic("al ice", "secret")).text.splitlines()
        values = dict(line.rsplit(" (", 1)[0].split("=", 1) for line in lines)
        assert values == {**dict.fromkeys(names, "al ice"), "AUTH_TYPE": "Basic", "AUTH_PASSWORD": ""}
    assert "al ice" not in client.get(f"/out?{','.join(names)}", basic("al ice", "secret")).text
    server.stop()
    assert [line.split()[2] for line in server.access_log] == [r"al\x20ice", r"al\x20ice", "-"]
