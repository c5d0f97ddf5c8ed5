"""`isagate fmt`: the layout of configuration files."""

import os
import pathlib
import re
import subprocess

import gateway
import patience
import pytest

UNTIDY = """\
# The gateway.
version: 1


listeners:
    plain:   {bind: ['127.0.0.1:0']}  # for tests
sites:
- hosts: [ localhost ]
  routes:
  # Says pong.
  - {path: /ping,respond: pong}
  - path: /text
    respond:
      body: |
        # no comment
          indented
"""

TIDY = """\
# The gateway.
version: 1

listeners:
  plain: { bind: ["127.0.0.1:0"] }  # for tests
sites:
  - hosts: [localhost]
    routes:
      # Says pong.
      - { path: /ping, respond: pong }
      - path: /text
        respond:
          body: |
            # no comment
              indented
"""


def fmt(*arguments, folder, text=None):
    return subprocess.run(
        [gateway.binary(), "fmt", *arguments],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=patience.seconds(20),
    )


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "isagate.yaml"
    file.write_text(UNTIDY)
    return file


def test_the_file_gets_its_layout_and_stays_valid(file):
    outcome = fmt(folder=file.parent)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    assert file.read_text() == TIDY
    assert subprocess.run([gateway.binary(), "check"], cwd=file.parent, capture_output=True).returncode == 0


def test_a_file_with_its_layout_is_not_written(file):
    fmt(folder=file.parent)
    before = file.stat()
    assert fmt(folder=file.parent).returncode == 0
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_check_names_the_file_and_changes_nothing(file):
    outcome = fmt("--check", "isagate.yaml", folder=file.parent)
    assert (outcome.returncode, outcome.stdout) == (1, "isagate.yaml\n")
    assert file.read_text() == UNTIDY
    fmt(folder=file.parent)
    outcome = fmt("--check", folder=file.parent)
    assert (outcome.returncode, outcome.stdout) == (0, "")


def test_standard_input_is_laid_out_on_standard_output(tmp_path):
    outcome = fmt("-", folder=tmp_path, text=UNTIDY)
    assert (outcome.returncode, outcome.stdout) == (0, TIDY)


def test_mode_and_links_stay(file):
    file.chmod(0o640)
    link = file.parent / "link.yaml"
    link.symlink_to(file.name)
    assert fmt("link.yaml", folder=file.parent).returncode == 0
    assert link.is_symlink() and file.read_text() == TIDY
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(file.parent)) == ["isagate.yaml", "link.yaml"]


def test_a_file_that_is_no_yaml_is_refused_with_the_place(file):
    file.write_text("version: 1\nlisteners: [\n")
    outcome = fmt(folder=file.parent)
    assert outcome.returncode == 78
    assert re.search(r"isagate\.yaml:\d+:\d+: error: not valid YAML", outcome.stderr)
    assert file.read_text() == "version: 1\nlisteners: [\n"


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    assert fmt("nothing.yaml", folder=tmp_path).returncode == 78


def test_the_projects_own_configurations_have_the_layout():
    files = [path for path in pathlib.Path(gateway.ROOT, "deploy").glob("**/isagate.yaml")]
    assert len(files) > 1
    for file in files:
        outcome = fmt("--check", str(file), folder=gateway.ROOT)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def examples():
    """The configurations in the documentation."""
    for page in ["configuration.md", "administration.md", "pools.md", "porting-from-iis.md"]:
        text = pathlib.Path(gateway.ROOT, "docs", page).read_text()
        yield from re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for block in re.findall(r"(?:^    .*\n|^\n)+", text, re.MULTILINE):
            block = re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") + "\n"
            if re.match(r"(?:#.*\n)*\w+:(?:\n| [{\[\w])", block):
                yield block


def test_examples_of_the_documentation_are_laid_out_without_a_change_of_meaning(tmp_path):
    count = 0
    for text in examples():
        outcome = fmt("-", folder=tmp_path, text=text)
        if outcome.returncode == 78:
            continue  # no YAML
        assert outcome.returncode == 0, text + outcome.stderr
        assert fmt("-", folder=tmp_path, text=outcome.stdout).stdout == outcome.stdout
        count += 1
    assert count > 5
