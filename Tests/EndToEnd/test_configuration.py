"""The command line on good and bad configurations."""

import json
import shutil
import subprocess

import gateway
import patience
import pytest

GOOD = """\
version: 1
listeners:
  plain: { bind: ["127.0.0.1:0"] }
sites:
  - hosts: [localhost]
    routes:
      - { path: /ping, respond: { body: "pong\\n" } }
"""

# Each line that ends in a comment has one mistake, at the column the comment names.
FIVE_MISTAKES = """\
version: 2 # 10
listeners:
  plain: { bind: ["127.0.0.1:http"] } # 19
limits: { idle_timout: 5s, header_timeout: 10 } # 11 44
sites:
  - hosts: [localhost]
    routes:
      - { path: ping, respond: { body: "pong\\n" } } # 17
"""


def isagate(*arguments, folder):
    return subprocess.run(
        [gateway.binary(), *arguments], cwd=folder, capture_output=True, text=True, timeout=patience.seconds(20)
    )


def write(folder, text):
    (folder / "isagate.yaml").write_text(text)


@pytest.mark.parametrize("arguments", [["check", "--config", "isagate.yaml"], ["check"], ["-t"]])
def test_a_good_file_is_accepted(tmp_path, arguments):
    write(tmp_path, GOOD)
    outcome = isagate(*arguments, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("arguments", [["check"], ["-t"], ["run"]])
def test_five_mistakes_are_named_with_line_and_column(tmp_path, arguments):
    write(tmp_path, FIVE_MISTAKES)
    outcome = isagate(*arguments, folder=tmp_path)
    assert outcome.returncode == 78
    assert outcome.stdout == ""
    errors = [line.split(":")[1:4] for line in outcome.stderr.splitlines() if ": error: " in line]
    assert errors == [[line, column, " error"] for line, column in places(FIVE_MISTAKES)]
    assert "did you mean 'idle_timeout'?" in outcome.stderr


def places(text):
    """The positions of the mistakes, according to the comments of a text."""
    return [
        (str(number), column)
        for number, line in enumerate(text.splitlines(), 1)
        for column in line.partition(" # ")[2].split()
    ]


def test_a_large_file_is_accepted(tmp_path):
    write(tmp_path, GOOD + "# more\n" * 600_000)
    assert isagate("check", folder=tmp_path).returncode == 0


def test_a_file_beyond_the_limit_is_refused(tmp_path):
    write(tmp_path, GOOD + "#" * (16 << 20))
    outcome = isagate("check", folder=tmp_path)
    assert outcome.returncode == 78
    assert "cannot read the configuration: File too large" in outcome.stderr


def test_a_caret_points_at_the_mistake(tmp_path):
    write(tmp_path, GOOD.replace("path: /ping", "pth: /ping"))
    lines = isagate("check", folder=tmp_path).stderr.splitlines()
    shown = next(index for index, line in enumerate(lines) if line.lstrip().startswith("- { pth:"))
    assert lines[shown].index("pth") == lines[shown + 1].index("^")


def test_a_file_of_authorities_for_servers_is_called_that(tmp_path):
    write(tmp_path, GOOD + 'upstreams: { a: { servers: [{ url: "https://a.test" }], tls: { ca: ca.pem } } }\n')
    (tmp_path / "ca.pem").write_text("nothing\n")
    outcome = isagate("check", folder=tmp_path)
    assert outcome.returncode == 78
    assert "ca.pem: is no list of authorities for the certificates of servers: expected a PEM" in outcome.stderr


def test_text_that_is_not_yaml_is_an_error_with_its_place(tmp_path):
    write(tmp_path, "version: 1\nlisteners: {\n")
    outcome = isagate("check", folder=tmp_path)
    assert outcome.returncode == 78
    assert ": error: " in outcome.stderr


def test_a_missing_file_is_named(tmp_path):
    outcome = isagate("check", "--config", "absent.yaml", folder=tmp_path)
    assert outcome.returncode == 78
    assert "absent.yaml" in outcome.stderr


def test_a_key_of_another_certificate_is_an_error(tmp_path, certificates):
    shutil.copytree(certificates, tmp_path, dirs_exist_ok=True)
    pair = {"chain": "localhost.pem", "key": "localhost-rsa.key"}
    outcome = check_certificate(tmp_path, pair)
    assert outcome.returncode == 78
    assert "localhost" in outcome.stderr


def test_a_certificate_file_without_a_certificate_is_an_error(tmp_path, certificates):
    shutil.copytree(certificates, tmp_path, dirs_exist_ok=True)
    (tmp_path / "empty.pem").write_text("nothing\n")
    outcome = check_certificate(tmp_path, {"chain": "empty.pem", "key": "localhost.key"})
    assert outcome.returncode == 78
    assert "empty.pem" in outcome.stderr


def check_certificate(folder, pair):
    site = {"hosts": ["*"], "certificates": [pair], "routes": [gateway.PING]}
    write(folder, json.dumps({"version": 1, "listeners": gateway.LISTENERS, "sites": [site]}))
    return isagate("check", folder=folder)


def test_an_address_in_use_is_a_runtime_failure(ping, tmp_path):
    port = ping.ports["plain"]
    write(tmp_path, GOOD.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    outcome = isagate("run", folder=tmp_path)
    assert outcome.returncode == 1
    assert f"127.0.0.1:{port}" in outcome.stderr


def test_the_version_is_printed_on_standard_output(tmp_path):
    outcome = isagate("version", folder=tmp_path)
    assert outcome.returncode == 0
    assert outcome.stdout.startswith("isagate ")
    assert outcome.stderr == ""


def test_a_wrong_command_line_is_a_usage_error(tmp_path):
    assert isagate("serve", folder=tmp_path).returncode == 64
    assert isagate("check", "--no-such-option", folder=tmp_path).returncode == 64
