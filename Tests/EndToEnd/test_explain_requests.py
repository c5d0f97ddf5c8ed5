"""`isagate explain URL`: what a configuration does with a request, and the lines that decide it."""

import json
import subprocess

import gateway
import patience
import pytest

CONFIGURATION = """\
version: 1
listeners:
  secure:
    bind: ["127.0.0.1:8443"]
    tls: { unknown_names: reject }
  plain:
    bind: ["127.0.0.1:8080"]
limits: { request_fields: 20 }
sites:
  - hosts: [localhost]
    certificates:
      - { chain: localhost.pem, key: localhost.key }
    deny: [192.0.2.0/24]
    routes:
      - path: /api/*
        when: { methods: [POST], headers: { x-mode: fast } }
        respond: posted
      - path: /api/*
        request_body: 1M
        limit: { rate: { requests: 5/s } }
        headers: { set: { X-Token: "abc=def", X-Kind: api } }
        respond: "api"
      - path: /own
        allow: [10.0.0.0/8]
        redirect: https://elsewhere.test/
      - match: "/v[0-9]+/.*"
        allow_path_parameters: false
        respond: { status: 404, body: "gone" }
      - path: /members
        basic_auth: { users: users }
        respond: members
  - hosts: ["127.0.0.1"]
    listen: [plain]
    routes:
      - { path: /ping, respond: pong }
"""

ADMIN = {"socket": "admin.sock"}

# alice with the password "secret".
USERS = "alice:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, certificates):
    folder = tmp_path_factory.mktemp("explain")
    for name in ["localhost.pem", "localhost.key"]:
        (folder / name).write_bytes((certificates / name).read_bytes())
    (folder / "isagate.yaml").write_text(CONFIGURATION)
    (folder / "users").write_text(USERS)
    return folder


def run(folder, *arguments):
    return subprocess.run(
        [gateway.binary(), "explain", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=patience.seconds(60),
    )


def explain(folder, *arguments):
    outcome = run(folder, "--json", *arguments)
    assert outcome.returncode in (0, 1), outcome.stderr
    explained = json.loads(outcome.stdout)
    assert (outcome.returncode == 0) == ("refusal" not in explained)
    return explained


def line_of(folder, text):
    lines = (folder / "isagate.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def step(explained, part):
    return next(one for one in explained["steps"] if one["part"] == part)


def test_every_step_has_its_line(folder):
    explained = explain(folder, "https://localhost:8443/api/x")
    wanted = {
        "listener": 'bind: ["127.0.0.1:8443"]',
        "certificate": "chain: localhost.pem",
        "site": "hosts: [localhost",
        "passed over": "path: /api/*",
        "action": 'respond: "api"',
        "limit": "request_body: 1M",
    }
    for part, text in wanted.items():
        assert step(explained, part)["line"] == line_of(folder, text), part
    assert step(explained, "route")["line"] == line_of(folder, "request_body: 1M") - 1
    rules = {rule["text"].split(":")[0]: rule["line"] for rule in explained["steps"] if rule["part"] == "rule"}
    assert rules == {
        "limit": line_of(folder, "limit: { rate"),
        "headers": line_of(folder, "headers: { set"),
        "deny": line_of(folder, "deny:"),
    }


def test_the_text_has_the_places(folder):
    text = run(folder, "https://localhost:8443/api/x").stdout
    assert f"isagate.yaml:{line_of(folder, 'deny:')}" in text
    assert "outcome      answered by the action" in text


def test_secrets_are_not_shown(folder):
    text = run(folder, "https://localhost:8443/api/x").stdout
    assert "X-Token: ***" in text and "abc=def" not in text and "X-Kind: api" in text


def test_conditions_are_those_of_the_request(folder):
    fast = explain(folder, "https://localhost:8443/api/x", "--method", "POST", "--header", "X-Mode: fast")
    assert step(fast, "action")["text"] == "respond: posted"
    slow = explain(folder, "https://localhost:8443/api/x", "--method", "POST", "--header", "X-Mode: slow")
    assert step(slow, "action")["text"] == 'respond: "api"'


@pytest.mark.parametrize(
    "arguments, status, code",
    [
        (["https://localhost:8443/nothing"], 404, "no_route"),
        (["https://localhost:8443/own"], 403, "address_denied"),
        (["https://localhost:8443/api/x", "--client", "192.0.2.9"], 403, "address_denied"),
        (["https://localhost:8443/v1/a;b"], 400, "path_parameter"),
        (["https://localhost:8443/api/%zz"], 400, "invalid_percent_encoding"),
        (["https://localhost:8443/api/../../x"], 400, "path_escapes_root"),
        (["https://localhost:8443/api/a\\b"], 400, "backslash_in_path"),
        (["https://localhost:8443/api/x", "--header", "Content-Length: 2000000"], 413, "body_too_large"),
        (["https://localhost:8443/api/x", *(["--header", "A: b"] * 21)], 431, "too_many_fields"),
        (["https://localhost:8443/members"], 401, "password_needed"),
        (["https://localhost:8443/api/x", "--header", "Host: elsewhere.test"], 421, "no_site"),
        (["http://localhost:8443/api/x"], 400, "http_on_tls_port"),
        (["https://localhost:8080/api/x"], 400, "tls_handshake_in_request"),
        (["https://unknown.test:8443/"], None, "unknown_server_name"),
        (["https://127.0.0.1:8443/"], None, "no_server_name"),
        (["http://elsewhere.test:8080/ping"], 421, "no_site"),
    ],
)
def test_a_refusal_has_its_status_and_reason(folder, arguments, status, code):
    refusal = explain(folder, *arguments)["refusal"]
    assert (refusal.get("status"), refusal.get("code")) == (status, code)


def test_a_client_that_is_allowed_gets_to_the_action(folder):
    explained = explain(folder, "https://localhost:8443/own", "--client", "10.1.1.1")
    assert step(explained, "action")["text"] == "redirect: https://elsewhere.test/"


def test_a_password_is_checked(folder):
    def authorized(value):
        return explain(folder, "https://localhost:8443/members", "--header", f"Authorization: Basic {value}")

    assert "refusal" not in authorized("YWxpY2U6c2VjcmV0")
    assert authorized("YWxpY2U6U2VjcmV0")["refusal"]["code"] == "password_needed"


def test_a_listener_is_chosen_by_name_or_by_the_port(folder):
    assert step(explain(folder, "http://127.0.0.1:8080/ping"), "listener")["text"].startswith("plain, ")
    # The only one for http, in place of port 80.
    only = explain(folder, "http://127.0.0.1/ping")
    assert "no listener has port 80" in only["notes"][0]
    assert "refusal" not in explain(folder, "http://127.0.0.1/ping", "--listener", "plain")
    assert "there is no listener" in explain(folder, "http://127.0.0.1/ping", "--listener", "x")["refusal"]["text"]
    assert "no listener has port 81" in explain(folder, "http://127.0.0.1:81/ping")["refusal"]["text"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://localhost/"],
        ["http://user@localhost/"],
        ["http://localhost:8080/ping", "--client", "nobody"],
        ["http://localhost:8080/ping", "--header", "nothing"],
        ["http://localhost:8080/ping", "--header", "A: b\r\nC: d"],
        ["http://localhost:8080/ping", "--method", "GET /x"],
    ],
)
def test_what_is_no_request_is_a_wrong_command_line(folder, arguments):
    assert run(folder, *arguments).returncode == 64


def test_certificates_that_cannot_be_read_do_not_prevent_an_explanation(folder, tmp_path):
    text = (folder / "isagate.yaml").read_text()
    for name in ["localhost.pem", "users"]:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "localhost.key").write_text("nothing\n")
    (tmp_path / "isagate.yaml").write_text(text)
    explained = explain(tmp_path, "https://localhost:8443/api/x")
    assert "the certificates cannot be used" in explained["notes"][0]


def test_the_explanation_is_what_the_gateway_does(start_gateway):
    running = start_gateway(
        [
            {"path": "/own", "deny": ["127.0.0.0/8"], "respond": "own"},
            {"path": "/a/*", "when": {"methods": ["POST"]}, "respond": {"status": 201, "body": "a"}},
            {"path": "/a/*", "respond": "b"},
        ],
        admin=ADMIN,
    )
    for path, status in [("/own", 403), ("/a/x", 200), ("/nothing", 404), ("/a/..%2f..", 400), ("/a%00", 400)]:
        with running.plain() as client:
            answered = client.get(path).status
        explained = explain(running.folder, f"http://localhost{path}", "--listener", "plain", "--running")
        assert (answered, explained.get("refusal", {}).get("status", 200)) == (status, status), path


def test_the_running_configuration_is_asked_for_and_not_the_file(start_gateway):
    running = start_gateway(
        [{"path": "/ping", "respond": "${GREETING}"}], admin=ADMIN, environment={"GREETING": "hello"}
    )
    running.configure({**running.configuration, "sites": [gateway.site([{"path": "/new", "respond": "new"}])]})
    arguments = ["http://localhost/ping", "--listener", "plain"]
    assert explain(running.folder, *arguments)["refusal"]["code"] == "no_route"
    # Its variables are those of the gateway.
    explained = explain(running.folder, *arguments, "--running")
    assert step(explained, "action")["text"] == 'respond: "${GREETING}"'


def test_without_a_running_gateway_the_exit_code_says_so(folder, tmp_path):
    (tmp_path / "isagate.yaml").write_text("admin: { socket: admin.sock }\n")
    assert run(tmp_path, "http://localhost/ping", "--running").returncode == 69
