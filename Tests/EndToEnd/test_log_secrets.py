"""Secrets of clients, servers and files are in no log, at any level and in any format."""

import base64
import signal

import gateway

PASSWORD = "planted-password-9d1f"
TOKEN = "planted-bearer-51ab"
COOKIE = "planted-cookie-77c0"
PROXY = "planted-proxy-3e8e"
SERVER = "planted-server-b2d4"
BODY = "planted-body-60aa"
LINK = "planted-link-c419"

BASIC = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
HASH = "$2y$05$abcdefghijklmnopqrstuuZ4PLANTEDqHASHgzWpSgsXwCkxVRoIm2"
FIELDS = [
    f"Authorization: Bearer {TOKEN}",
    f"Cookie: session={COOKIE}",
    f"Proxy-Authorization: Basic {base64.b64encode(PROXY.encode()).decode()}",
]

# Every field that a log may have, except the query and what contains it.
JSON = [
    "time", "client", "user", "host", "method", "path", "protocol", "user_agent", "status", "reason", "request_id",
    "extension", "pool", "upstream", "upstream_server", "tls_version", "tls_cipher", "tls_group", "server_name",
    "client_subject", "header.accept", "header.x-forwarded-for",
]
LOGS = [
    {"name": "combined", "path": "combined.log"},
    {"name": "json", "path": "json.log", "format": "json"},
    {"name": "w3c", "path": "w3c.log", "format": "w3c"},
    {"name": "fields", "path": "fields.log", "format": {"json": JSON}},
    {"name": "template", "path": "template.log", "format": {"template": "{client} {user} {method} {path} {status} {host}"}},
]


PATHS = ["/ping", "/secret", "/hello", "/up", "/broken", "/crashes?pointer", "/nothing"]


def ask(server):
    """Makes requests with secrets of every kind, which succeed, are refused, fail and crash."""
    basic = f"Authorization: Basic {BASIC}"
    for connect in [server.plain, server.secure]:
        for path in PATHS:
            for fields in [FIELDS, [basic, *FIELDS[1:]]]:
                connect().get(path, *fields)
    server.plain().post("/hello", f"password={BODY}".encode(), *FIELDS)
    server.plain().get(f"/ping?password={LINK}")


def ask_wrongly(server):
    """Sends heads with secrets that are refused."""
    for fields in [
        f"Host: a b\r\nCookie: {COOKIE}\r\nAuthorization: Bearer {TOKEN}",
        f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\nCookie : {COOKIE}",
        f"Host: localhost\r\nCookie: {COOKIE}\0{TOKEN}",
        f"Host: localhost\r\nAuthorization: Basic {BASIC}\r\nContent-Length: x",
        f"Host: localhost\r\nCookie: {COOKIE}\r\nX: {'y' * 70000}",
    ]:
        client = server.raw("plain")
        client.send(f"GET /ping HTTP/1.1\r\n{fields}\r\n\r\n")
        assert client.read_response().status in (400, 431)


def damage(server, name, count):
    """Makes a reload fail on a secret file that cannot be used."""
    text = (server.folder / name).read_text()
    (server.folder / name).write_text(text.replace("\n", "\n*", 3))
    server.signal(signal.SIGHUP)
    server.log.wait_for("reload", count)
    (server.folder / name).write_text(text)


def secrets(server):
    key = (server.folder / "localhost.key").read_text().splitlines()
    return [
        PASSWORD, BASIC, TOKEN, COOKIE, PROXY, base64.b64encode(PROXY.encode()).decode(), SERVER, BODY, HASH[7:],
        *[line for line in key if "-----" not in line],
    ]


def logs(server):
    """The text of each log of a gateway that has ended."""
    texts = {file.name: file.read_text() for file in server.folder.glob("*.log")}
    assert len(texts) == len(LOGS) and all(texts.values())
    return {"standard error": server.log.text, "standard output": server.output.text, **texts}


def test_planted_secrets_are_in_no_log(start_gateway, origin, tmp_path):
    users = tmp_path / "users"
    users.write_text(f"alice:{HASH}\n")
    cookie = f"Set-Cookie: s={SERVER}".encode()
    origin.behaviours["/up"] = (b"HTTP/1.1 200 OK\r\n" + cookie + b"\r\nContent-Length: 0\r\n\r\n",)
    origin.behaviours["/broken"] = (b"HTTP/1.1 200 OK\r\n" + cookie + b"\r\nBad " + cookie + b"\r\n\r\n",)
    server = start_gateway(
        [
            gateway.PING,
            {"path": "/secret", "basic_auth": {"users": str(users)}, "respond": {"body": "in"}},
            {"path": "/up", "proxy": {"to": "origin"}},
            {"path": "/broken", "proxy": {"to": "origin"}},
        ],
        {"hello": {}, "crashes": {"run": "isolated", "rapid_fail": {"crashes": 1000}}},
        upstreams={"origin": {"servers": [{"url": origin.url}]}},
        log={"level": "trace", "access": LOGS},
    )
    ask(server)
    ask_wrongly(server)
    damage(server, "localhost.key", 2)
    server.stop()
    found = logs(server)
    for name, text in found.items():
        for secret in secrets(server):
            assert secret not in text, f"{name} has a secret"
    # A query is what the client has asked for: it is in the fields that contain it, and nowhere else.
    with_query = {name for name, text in found.items() if LINK in text}
    assert with_query == {"combined.log", "json.log", "w3c.log"}
    assert all(path.split("?")[0] in found["fields.log"] for path in PATHS)
    assert "signal" in found["standard error"] and "reload" in found["standard error"]
