"""Short forms of the configuration, and messages about mistyped commands."""

import json
import os
import shutil
import subprocess

import gateway
import patience
import pytest

MARK = b"\xef\xbb\xbf"


def run(*arguments, environment=None, folder=None):
    return subprocess.run(
        [gateway.binary(), *arguments], capture_output=True, text=True, timeout=patience.seconds(30), cwd=folder,
        env={**os.environ, **(environment or {})})


# Routes


def test_the_short_forms_of_a_route_do_what_the_long_ones_do(start_gateway, origin, tmp_path):
    origin.on("/a", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "x.txt").write_text("file\n")
    server = start_gateway(sites={
        "hosts": "*", "certificates": {"chain": "localhost.pem", "key": "localhost.key"},
        "routes": [
            {"path": "/ping", "respond": "pong"}, {"path": "/old", "redirect": "/new"},
            {"path": "/x.txt", "files": str(tmp_path / "root")}, {"path": "/a", "proxy": origin.url}]})
    client = server.secure()
    assert client.get("/ping").text == "pong"
    assert client.get("/old").status == 308
    assert client.get("/x.txt").text == "file\n"
    assert client.get("/a").text == "all"


def test_a_server_named_by_its_url_is_an_upstream_of_the_status(start_gateway, origin):
    origin.on("/a", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    server = start_gateway([{"path": "/*", "proxy": origin.url}], admin={"socket": "admin.sock"})
    assert server.plain().get("/a").status == 200
    status = json.loads(server.command("status", "--json").stdout)["gateway"]
    assert [upstream["name"] for upstream in status["upstreams"]] == [origin.url]


# Environment


VARIABLES = """version: 1
admin: { socket: "${RUN}/admin.sock" }
listeners: { plain: { bind: "127.0.0.1:${PORT}" } }
sites: { hosts: "*", routes: { path: /, respond: "${TEXT}" } }
"""


def test_variables_of_the_environment_are_replaced_in_the_file(start_gateway):
    server = start_gateway(
        [{"path": "/", "respond": "${TEXT}"}], environment={"TEXT": "from [outside]: # {x}", "RUN": "."},
        admin={"socket": "${RUN}/admin.sock"})
    assert server.plain().get("/").text == "from [outside]: # {x}"
    outcome = run("status", "-c", str(server.file), environment={"RUN": "."})
    assert outcome.returncode == 0, outcome.stderr


def test_a_variable_that_is_not_set_is_an_error_with_its_place(tmp_path):
    file = tmp_path / "isagate.yaml"
    file.write_text(VARIABLES)
    outcome = run("check", "-c", str(file), environment={"RUN": "/tmp", "TEXT": "a"})
    assert outcome.returncode == 78
    assert f"{file}:3:29: error: the environment variable 'PORT' is not set" in outcome.stderr
    assert outcome.stderr.count("error: ") == 1
    assert "PORT" not in run("check", "-c", str(file), environment={"RUN": "/tmp", "TEXT": "a", "PORT": "0"}).stderr
    outcome = run("status", "-c", str(file))
    assert outcome.returncode == 78
    assert f"{file}:2:18: error: the environment variable 'RUN' is not set" in outcome.stderr


# Byte order marks


def test_a_byte_order_mark_is_passed_over_in_every_text_file(start_gateway, certificates, tmp_path):
    folder = tmp_path / "marked"
    folder.mkdir()
    for name in ["localhost.pem", "localhost.key", "ca.pem"]:
        (folder / name).write_bytes(MARK + (certificates / name).read_bytes())
    encrypted = folder / "encrypted.key"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", str(certificates / "localhost.key"), "-out", str(encrypted),
         "-passout", "pass:secret"], check=True, capture_output=True)
    encrypted.write_bytes(MARK + encrypted.read_bytes())
    (folder / "passphrase").write_bytes(MARK + b"secret\n")
    (folder / "users").write_bytes(MARK + b"alice:" + hash_of("secret").encode() + b"\n")

    def certificate(**key):
        return {"chain": str(folder / "localhost.pem"), **key}

    site = {
        "hosts": ["*"], "basic_auth": {"users": str(folder / "users")}, "routes": [gateway.PING],
        "client_certificates": {"mode": "request", "ca": str(folder / "ca.pem")}}
    for keys in [{"key": str(folder / "localhost.key")},
                 {"key": str(encrypted), "passphrase_file": str(folder / "passphrase")}]:
        server = start_gateway(sites=[{**site, "certificates": certificate(**keys)}], admin={"socket": "admin.sock"})
        server.file.write_bytes(MARK + server.file.read_bytes())
        assert server.command("check").returncode == 0
        assert server.command("reload").returncode == 0
        response = server.secure().get("/ping", "Authorization: Basic YWxpY2U6c2VjcmV0")
        assert response.status == 200
        server.stop()


def hash_of(password):
    return subprocess.run(
        ["openssl", "passwd", "-6", "-salt", "abcdefgh", password], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_file_in_utf_16_is_called_that(tmp_path):
    file = tmp_path / "isagate.yaml"
    file.write_bytes("version: 1\n".encode("utf-16"))
    outcome = run("check", "-c", str(file))
    assert outcome.returncode == 78
    assert f"{file}: error: the configuration is not UTF-8 text, but UTF-16" in outcome.stderr


# Hints


@pytest.mark.parametrize(
    "line, hint",
    [
        ("sites: [{ hosts: [*] }]", "a star begins the name of an alias"),
        ("listeners: { a: { bind: [[::1]:8090] } }", 'an address in brackets needs quotes: "[::1]:8090"'),
        ("listeners:\n\ta: {}", "a tab does not separate anything in YAML; write spaces"),
    ],
)
def test_what_yaml_does_not_understand_gets_a_hint(tmp_path, line, hint):
    file = tmp_path / "isagate.yaml"
    file.write_text(f"version: 1\n{line}\n")
    outcome = run("check", "-c", str(file))
    assert outcome.returncode == 78
    assert hint in outcome.stderr and f"{file}:" in outcome.stderr


# Commands


@pytest.mark.parametrize(
    "arguments, suggestion",
    [
        (["chek"], "; did you mean 'check'?"), (["-c", "x.yaml", "relaod"], "; did you mean 'reload'?"),
        (["--config=x.yaml", "stauts", "--json"], "; did you mean 'status'?"), (["gateway-proces"], ""),
        (["something-else"], ""), (["hlep"], "; did you mean 'help'?"),
    ],
)
def test_a_mistyped_command_gets_a_suggestion(arguments, suggestion):
    outcome = run(*arguments)
    word = [argument for argument in arguments if not argument.startswith("-") and argument != "x.yaml"][0]
    assert outcome.returncode == 64
    assert f"isagate: error: there is no command '{word}'{suggestion}\n" in outcome.stderr


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["help", "check"], ["check", "--help"], ["version"], ["-h"]])
def test_commands_that_exist_are_no_mistake(arguments):
    assert run(*arguments).returncode == 0


PROBED = """
#include "httpext.h"
int nowhere_to_be_found(void);
BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) { return version != NULL; }
DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) { return nowhere_to_be_found() + (block != NULL); }
"""


@pytest.mark.parametrize("name", ["probed.so", "./probed.so", "sub/../probed.so", "a b 'ü'.so"])
def test_probe_prints_paths_as_given_and_reports_the_same_for_each(tmp_path, name):
    (tmp_path / "sub").mkdir()
    (tmp_path / "probed.c").write_text(PROBED)
    headers = f"-I{gateway.ROOT}/CShims/CISAPI/include"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", headers, "-o", os.path.basename(name), "probed.c"], check=True, cwd=tmp_path)
    for path in [name, str(tmp_path / name)]:
        outcome = run("probe", path, folder=tmp_path)
        assert outcome.returncode == 1
        assert outcome.stdout.startswith(f"{path}: not a loadable extension\n")
        assert "  missing symbols: nowhere_to_be_found\n" in outcome.stdout
        assert f"  problem: it cannot be loaded: {path}: undefined symbol: nowhere_to_be_found" in outcome.stdout
        assert json.loads(run("probe", path, "--json", folder=tmp_path).stdout)["file"] == path


# Reload


def test_a_reload_reports_the_changes_of_extensions(start_gateway, build_extension, tmp_path):
    library = tmp_path / "mine.so"
    shutil.copy(build_extension("stream"), library)
    extensions = {"mine": {"library": str(library)}, "kept": {"library": str(build_extension("echo"))}}
    server = start_gateway(extensions=extensions, admin={"socket": "admin.sock"})

    def reload(**changes):
        server.configure({**server.configuration, **changes})
        outcome = server.command("reload")
        assert outcome.returncode == 0, outcome.stderr
        return [line for line in outcome.stdout.splitlines() if line.startswith("extension ")]

    assert reload() == []
    replacement = tmp_path / "new.so"
    shutil.copy(build_extension("echo"), replacement)
    os.replace(replacement, library)
    (line,) = reload()
    assert line.startswith(f"extension mine: {library} exchanged, A body in pieces -> ")
    server.log.wait_for(f"extension mine: {library} exchanged")
    assert reload() == []

    settings = {**server.configuration["extensions"], "mine": {"library": str(library), "threads": 3}}
    assert reload(extensions=settings) == ["extension mine: other settings"]
    routes = server.configuration["sites"][0]["routes"]
    only = [gateway.site([route for route in routes if route.get("extension") != "mine"])]
    assert reload(extensions={"kept": settings["kept"]}, sites=only) == ["extension mine: no longer served"]
    assert reload() == [f"extension mine: new, {library}"]
