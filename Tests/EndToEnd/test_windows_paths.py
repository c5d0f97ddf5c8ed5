"""`paths: windows`: every path an extension receives has backslashes."""

import gateway
import pytest


def paths(start_gateway, style):
    site = gateway.site([{"path": "/app/*", "extension": "windows_paths"}])
    server = start_gateway(extensions={"windows_paths": {"paths": style}}, sites=[site])
    (server.folder / "a").mkdir()
    (server.folder / "a" / "b.txt").write_text("found\n")
    text = server.plain().get("/app/a/b.txt").text
    return server, dict(line.split(" ", 1) for line in text.splitlines())


@pytest.mark.parametrize("style", ["windows", "unix"])
def test_every_path_an_extension_receives_has_the_separators_of_its_configuration(start_gateway, style):
    server, told = paths(start_gateway, style)
    root = str(server.folder)
    separator = "\\" if style == "windows" else "/"
    assert (told.pop("same"), told.pop("found")) == ("1", "1")
    expected = {
        **dict.fromkeys(["block", "PATH_TRANSLATED", "REQUEST_FILENAME", "mapped", "mapped-ex"], f"{root}/a/b.txt"),
        **dict.fromkeys(["SCRIPT_TRANSLATED", "SCRIPT_FILENAME"], f"{root}/app"),
        "APPL_PHYSICAL_PATH": f"{root}/",
        "DOCUMENT_ROOT": root,
    }
    for name, path in expected.items():
        assert told.pop(name) == path.replace("/", separator), name
    assert set(told) == {"module", "folder", "full", "temporary"}
    for name, path in told.items():
        assert separator in path and ("/" if style == "windows" else "\\") not in path, name


def test_two_extensions_of_one_library_may_have_different_separators(start_gateway, build_extension):
    library = build_extension("windows_paths")
    server = start_gateway(extensions={"one": {"library": library, "paths": "windows"}, "two": {"library": library}})
    assert "\\windows_paths.so" in server.plain().get("/one").text
    assert "\\" not in server.plain().get("/two").text
