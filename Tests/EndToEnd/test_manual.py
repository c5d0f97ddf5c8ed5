"""The manual pages: well-formed, and with every command and option that the program has."""

import json
import pathlib
import re
import subprocess

import gateway
import pytest

MANUAL = pathlib.Path(gateway.ROOT, "deploy", "man")
PAGES = sorted(MANUAL.glob("*.[15]"))


def rendered(page):
    """The page as text, without the spaces that fill lines."""
    text = subprocess.run(["mandoc", "-T", "utf8", page], capture_output=True, text=True, check=True).stdout
    return " ".join(re.sub(".\b", "", text).split())


def commands():
    """Every command, as the program describes itself: its words, and its options and arguments."""
    program = subprocess.run([gateway.binary(), "--experimental-dump-help"], capture_output=True, text=True, check=True)

    def walk(command, words):
        yield words, command.get("arguments", [])
        for inner in command.get("subcommands", []):
            if inner.get("shouldDisplay", True):
                yield from walk(inner, [*words, inner["commandName"]])

    yield from walk(json.loads(program.stdout)["command"], [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_mistakes(page):
    outcome = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    assert outcome.stdout + outcome.stderr == ""


def test_both_pages_exist():
    assert [page.name for page in PAGES] == ["isagate.1", "isagate.yaml.5"]


def test_every_command_and_option_is_in_the_manual():
    text = rendered(MANUAL / "isagate.1")
    missing = []
    for words, arguments in commands():
        if words and words not in (["pools"], ["import"]) and " ".join(words) not in text:
            missing.append(" ".join(words))
        for argument in arguments:
            for name in argument.get("names", []):
                option = "--" + name["name"] if name["kind"] == "long" else "-" + name["name"]
                if argument.get("shouldDisplay", True) and not re.search(rf"(?<![\w-]){option}(?![\w-])", text):
                    missing.append(" ".join([*words, option]))
    assert missing == []


def test_every_section_of_the_file_is_in_the_manual():
    schema = json.loads(subprocess.run([gateway.binary(), "schema"], capture_output=True, text=True, check=True).stdout)
    text = rendered(MANUAL / "isagate.yaml.5")
    missing = [name for name in schema["properties"] if not re.search(rf"\b{name}\b", text)]
    assert missing == []
