"""Script maps: libraries named by the URL, and endings of files that one extension answers for."""

import gateway
import pytest

NAMES = "SCRIPT_NAME,PATH_INFO,PATH_TRANSLATED,SCRIPT_TRANSLATED"


@pytest.fixture(scope="module")
def server(start_shared_gateway, build_extension, tmp_path_factory):
    scripts = tmp_path_factory.mktemp("scripts")
    library = open(build_extension("variables"), "rb").read()
    for name in ["variables.dll", "unlisted.dll", "other.so"]:
        (scripts / name).write_bytes(library)
    (scripts / "broken.dll").write_text("no library\n")
    return start_shared_gateway(
        [
            {"path": "/scripts/*.dll", "extensions_in": str(scripts)},
            {"path": "/read/*.dll", "extensions_in": str(scripts), "when": {"methods": ["GET"]}},
            {"path": "/verbs/*.var", "extension": "variables", "when": {"methods": ["POST", "PROPFIND"]}},
            {"path": "/listed/*.dll", "extensions_in": {"folder": str(scripts), "allow": ["variables.dll"]}},
            {"path": "/full/*.var", "extension": "variables"},
            {"path": "/short/*.var", "extension": "variables", "allow_path_info": True},
        ],
        extensions=["variables"],
        log={"access": {"path": "access.log", "format": "w3c"}},
    )


def values(server, path):
    response = server.secure().get(f"{path}?{NAMES}")
    assert response.status == 200
    return [line.split("=", 1)[1].rsplit(" (", 1)[0] for line in response.text.splitlines()]


def test_the_library_that_the_path_names_is_the_extension(server):
    root = server.folder
    assert values(server, "/scripts/variables.dll") == [
        *("/scripts/variables.dll", "", f"{root}/", f"{root}/scripts/variables.dll"),
    ]


def test_what_follows_the_library_is_path_info(server):
    assert values(server, "/scripts/variables.dll/a/b.dll")[:3] == [
        *("/scripts/variables.dll", "/a/b.dll", f"{server.folder}/a/b.dll"),
    ]


@pytest.mark.parametrize(
    "path", ["/listed/unlisted.dll", "/scripts/none.dll", "/scripts/sub/variables.dll", "/scripts/..%2fx.dll"]
)
def test_a_library_that_is_not_listed_is_not_found_with_a_substatus_in_the_log(server, path):
    if path.endswith("x.dll"):
        # Normalized before it is routed, so it does not name the folder above.
        assert server.secure().get(path).status == 404
        return
    client = server.secure()
    assert client.get(path).status == 404
    assert client.get("/listed/variables.dll").status == 200
    assert " 404 2 0 " in server.wait_for_line(lambda line: f" GET {path} " in line)


def test_a_file_with_another_ending_is_no_extension(server):
    assert server.secure().get("/scripts/other.so").status == 404


def test_a_library_that_does_not_load_costs_its_own_requests(server):
    assert server.secure().get("/scripts/broken.dll").status == 500
    server.log.wait_for("error: extension .*broken.dll: cannot load")


def test_a_script_map_has_the_whole_path_as_path_info(server):
    root = server.folder
    assert values(server, "/full/a/b.var/more") == [
        *("/full/a/b.var", "/full/a/b.var/more", f"{root}/full/a/b.var/more", f"{root}/full/a/b.var"),
    ]


def test_a_script_map_may_have_only_what_follows_the_script(server):
    root = server.folder
    assert values(server, "/short/b.var/more") == [
        *("/short/b.var", "/more", f"{root}/more", f"{root}/short/b.var"),
    ]


def test_a_script_map_is_for_its_verbs_alone(server):
    client = server.secure()
    for path, verbs, others in [
        ("/read/variables.dll", ["GET", "HEAD"], ["POST", "DELETE"]),
        ("/verbs/a.var", ["POST", "PROPFIND"], ["GET", "PUT"]),
    ]:
        assert [client.get(path, method=verb).status for verb in verbs] == [200, 200]
        assert [client.get(path, method=verb).status for verb in others] == [404, 404]


@pytest.mark.parametrize("path", ["/full/", "/full/.var", "/full/b.variable", "/full/var"])
def test_a_path_without_a_script_is_not_mapped(server, path):
    assert server.secure().get(path).status == 404


def test_what_is_wrong_with_a_script_map_is_reported(tmp_path, start_gateway):
    server = start_gateway([gateway.PING])
    configuration = dict(server.configuration)
    configuration["sites"] = [gateway.site([{"path": "/x/*", "extensions_in": str(tmp_path)}])]
    server.configure(configuration)
    assert "extensions_in is for a path such as /scripts/*.dll" in server.command("check").stderr
