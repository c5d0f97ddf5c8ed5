"""`isagate schema`: the description of configuration files for editors accepts what the gateway accepts."""

import copy
import json
import pathlib
import re
import subprocess

import gateway
import jsonschema
import patience
import pytest
import yaml

DOCUMENTATION = pathlib.Path(gateway.ROOT, "docs", "configuration.md").read_text()


@pytest.fixture(scope="module")
def schema():
    outcome = subprocess.run(
        [gateway.binary(), "schema"], capture_output=True, text=True, timeout=patience.seconds(20), check=True
    )
    return json.loads(outcome.stdout)


@pytest.fixture(scope="module")
def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def typed(value):
    """The value as an editor reads it: numbers and the words true, false and null have types (YAML 1.2 §10.3.2)."""
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    if not isinstance(value, Plain):
        return str(value)
    if re.fullmatch(r"[-+]?[0-9]+", value):
        return int(value)
    if re.fullmatch(r"[-+]?[0-9]*\.[0-9]+", value):
        return float(value)
    return {"true": True, "false": False, "null": None, "~": None, "": None}.get(value, str(value))


class Plain(str):
    """A text without quotes."""


class Loader(yaml.BaseLoader):
    def construct_scalar(self, node):
        return (str if node.style else Plain)(node.value)


def load(text):
    # One reader with types and one without.
    return typed(yaml.load(text, Loader)), yaml.load(text, yaml.BaseLoader)


def examples():
    return re.findall(r"^```yaml\n(.*?)^```", DOCUMENTATION, re.MULTILINE | re.DOTALL)


def test_the_projects_configuration_is_valid(validator):
    for value in load(pathlib.Path(gateway.ROOT, "deploy", "isagate.yaml").read_text()):
        validator.validate(value)


def test_examples_of_the_documentation_are_valid(validator):
    assert len(examples()) >= 2
    for text in examples():
        typed_value, plain = load(text)
        validator.validate(typed_value)
        # An empty text is no mapping to a reader without types.
        assert plain


@pytest.mark.parametrize(
    "key, value",
    [
        ("", {"limit": {}}),
        ("listeners.plain", {"bnid": "x"}),
        ("limits", {"idle_timout": "5s"}),
        ("limits.http2", {"stream": 5}),
        ("sites.0", {"certificate": []}),
        ("sites.0.routes.0", {"rewrite": "x"}),
        ("sites.0.routes.0.respond", {"code": 200}),
        ("sites.0.routes.1.proxy", {"too": "x"}),
        ("upstreams.api", {"timeout": "5s"}),
        ("upstreams.api.health", {"interval": "5s"}),
        ("log", {"acess": {}}),
        ("admin", {"port": 1}),
    ],
)
def test_an_unknown_key_is_refused_by_both(validator, tmp_path, key, value):
    configuration = {
        "version": 1,
        "admin": {"socket": "admin.sock"},
        "listeners": {"plain": {"bind": "127.0.0.1:0"}},
        "limits": {"idle_timeout": "5s", "http2": {"streams": 100}},
        "log": {"level": "info"},
        "upstreams": {"api": {"servers": ["http://127.0.0.1:1"], "health": {"passive": {"fails": 3}}}},
        "sites": [
            {
                "hosts": ["localhost"],
                "routes": [
                    {"path": "/a", "respond": {"status": 200, "body": "a"}},
                    {"path": "/b", "proxy": {"to": "api"}},
                ],
            }
        ],
    }
    assert refusals(configuration, validator, tmp_path) == (False, False)
    changed = copy.deepcopy(configuration)
    place = changed
    for part in filter(None, key.split(".")):
        place = place[int(part)] if part.isdigit() else place[part]
    place.update(value)
    assert refusals(changed, validator, tmp_path) == (True, True)


@pytest.mark.parametrize(
    "section",
    [
        {"limits": {"idle_timeout": 5}},
        {"limits": {"request_fields": 100000}},
        {"limits": {"request_head": "64KB"}},
        {"workers": "many"},
        {"log": {"level": "loud"}},
        {"limits": []},
        {"sites": []},
        {"drain": "30s"},
    ],
)
def test_a_value_of_a_wrong_form_is_refused_by_both(validator, tmp_path, section):
    base = {
        "version": 1,
        "listeners": {"plain": {"bind": "127.0.0.1:0"}},
        "sites": {"hosts": "localhost", "routes": {"path": "/", "respond": "x"}},
    }
    assert refusals(base, validator, tmp_path) == (False, False)
    assert refusals({**base, **section}, validator, tmp_path) == (True, True)


@pytest.mark.parametrize(
    "section",
    [
        {"limits": {"client_connections": "off", "client_handshakes": "off", "response_timeout": "off"}},
        {"limits": {"client_handshakes": "10/s"}},
        {"limits": None},
        {"workers": "auto", "watch": True, "drain": {"grace": "0s"}},
        {"workers": "${WORKERS}", "watch": "${WATCH}", "drain": {"grace": "${GRACE}"}},
        {"limits": {"request_body": 1048576, "request_head": "64K"}},
        {"sites": {"hosts": "localhost", "routes": {"match": "/x.*", "respond": {"status": 404}}}},
        {"sites": {"hosts": "*", "compress": "on", "hsts": "off", "routes": {"path": "/", "redirect": "https://{host}/"}}},
    ],
)
def test_every_form_of_a_value_is_accepted_by_both(validator, tmp_path, section, monkeypatch):
    for name, value in [("WORKERS", "2"), ("WATCH", "true"), ("GRACE", "5s")]:
        monkeypatch.setenv(name, value)
    base = {
        "version": 1,
        "listeners": {"plain": {"bind": "127.0.0.1:0"}},
        "sites": {"hosts": "localhost", "routes": {"path": "/", "respond": "x"}},
    }
    assert refusals({**base, **section}, validator, tmp_path) == (False, False)


def refusals(configuration, validator, folder):
    """Whether the gateway and the schema refuse a configuration."""
    (folder / "isagate.yaml").write_text(json.dumps(configuration))
    checked = subprocess.run([gateway.binary(), "check"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode in (0, 78), checked.stderr
    return checked.returncode == 78, not validator.is_valid(configuration)


def names(schema):
    """Every key that the schema has anywhere."""
    if isinstance(schema, list):
        return set().union(*map(names, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema.get("properties", {}))
    return found.union(*(names(value) for value in schema.values()))


def test_every_documented_key_is_in_the_schema(schema):
    tables = re.findall(r"^\| Key \|.*\n(?:\|.*\n)+", DOCUMENTATION, re.MULTILINE)
    documented = {
        part
        for table in tables
        for row in re.findall(r"^\| `([a-z0-9_.]+)`", table, re.MULTILINE)
        for part in row.split(".")
    }
    known = names(schema)
    assert len(documented & known) > 150
    assert sorted(documented - known) == []
