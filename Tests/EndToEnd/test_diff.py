"""`isagate diff`: what a reload would change."""

import json
import subprocess

import gateway
import pytest

ADMIN = {"socket": "admin.sock"}

ROUTES = [
    {"path": "/a", "respond": "a"},
    {"path": "/b/*", "respond": {"body": "b", "headers": {"X-Api-Token": "first"}}},
]


@pytest.fixture
def server(start_gateway):
    return start_gateway(
        ROUTES, admin=ADMIN, limits={"request_head": "64K"}, environment={"WORD": "hello"}, request_id={"header": "X-ID"}
    )


def diff(server, *arguments):
    return server.command("diff", *arguments)


def changes(server):
    outcome = diff(server, "--json")
    assert outcome.returncode in (0, 1), outcome.stderr
    found = json.loads(outcome.stdout)["changes"]
    assert (outcome.returncode == 1) == bool(found)
    return {change["key"]: change for change in found}


def configure(server, routes=None, **sections):
    changed = {**server.configuration, **sections}
    if routes is not None:
        changed["sites"] = [gateway.site(routes)]
    server.configure(changed)


def test_the_same_file_changes_nothing(server):
    outcome = diff(server)
    assert (outcome.returncode, outcome.stdout) == (0, "a reload changes nothing\n")


def test_another_spelling_changes_nothing(server):
    text = server.file.read_text().replace('"64K"', "65536")
    server.file.write_text("# a comment\n" + text)
    assert diff(server).returncode == 0


def test_a_value_is_shown_with_both_lines(server):
    configure(server, limits={"request_head": "128K"})
    server.file.write_text("\n" + server.file.read_text())
    change = changes(server)["limits.request_head"]
    lines = server.file.read_text().splitlines()
    line = next(number for number, line in enumerate(lines, 1) if '"128K"' in line)
    assert (change["kind"], change["old"], change["new"]) == ("changed", '"64K"', '"128K"')
    assert (change["newLine"], change["oldLine"]) == (line, line - 1)
    text = diff(server).stdout
    assert f'~ limits.request_head: "64K" -> "128K"  ({server.file}:{line}, line {line - 1} of the running' in text


def test_routes_are_told_by_their_paths(server):
    configure(server, [{"path": "/a", "respond": "A"}, {"path": "/c", "respond": "c"}])
    assert {key: change["kind"] for key, change in changes(server).items()} == {
        "sites[\"*\"].routes[\"/a\"].respond": "changed",
        "sites[\"*\"].routes[\"/b/*\"]": "removed",
        "sites[\"*\"].routes[\"/c\"]": "added",
    }


def test_another_order_of_routes_is_a_change(server):
    configure(server, list(reversed(ROUTES)))
    assert [change["kind"] for change in changes(server).values()] == ["reordered"]


def test_secrets_are_masked(server):
    configure(server, [ROUTES[0], {"path": "/b/*", "respond": {"body": "b", "headers": {"X-Api-Token": "second"}}}])
    outcome = diff(server)
    assert outcome.returncode == 1
    assert "first" not in outcome.stdout and "second" not in outcome.stdout
    assert "***" in outcome.stdout


def test_what_needs_a_restart_is_marked(server):
    configure(server, workers=1)
    assert changes(server)["workers"]["note"] == "takes effect at the next start"


def test_a_renewed_certificate_is_a_change(server):
    fresh = server.folder / "fresh"
    subprocess.run([f"{gateway.ROOT}/Certs/generate", fresh], check=True, capture_output=True)
    for name in ["localhost.pem", "localhost.key"]:
        (fresh / name).replace(server.folder / name)
    found = changes(server)
    assert {change["kind"] for change in found.values()} == {"file"}
    assert any(key.endswith("localhost.pem") for key in found)
    assert server.command("reload").returncode == 0
    assert changes(server) == {}


def test_after_a_reload_nothing_differs(server):
    configure(server, [{"path": "/new", "respond": "new"}])
    assert diff(server).returncode == 1
    assert server.command("reload").returncode == 0
    assert diff(server).returncode == 0


def test_a_file_with_mistakes_is_trouble(server):
    server.file.write_text(server.file.read_text().replace('"routes"', '"rutes"'))
    outcome = diff(server)
    assert outcome.returncode == 78
    assert "unknown key 'rutes'" in outcome.stderr


def test_without_a_gateway_there_is_nothing_to_compare(server):
    server.stop()
    assert diff(server).returncode == 69
