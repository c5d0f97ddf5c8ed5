"""`isagate explain` about reasons: every one that the sources can give is in the catalogue."""

import json
import pathlib
import re
import subprocess

import gateway
import patience
import pytest

SOURCES = pathlib.Path(gateway.ROOT, "Sources")
LITERAL = r'"((?:[^"\\]|\\.)*)"'

# Where the sources give a reason as a text, by folder, and what the reason is given for.
PLACES = [
    ("**/*.swift", r"setLogReason\(" + LITERAL, None),
    ("HTTP/**/*.swift", r"case \.\w+: \(\d+, " + LITERAL, None),
    ("**/*.swift", r"exchange\.fail\(status: \d+.*reason: " + LITERAL, "response"),
    ("**/*.swift", r"[mM]essage\(\s*\d{3}, " + LITERAL, "response"),
    ("**/*.swift", r'"\d{3} [A-Z][A-Za-z ]+: ([^"\\]*)\\n"', "response"),
    ("Gateway/**/*.swift", r"refuse\(exchange, " + LITERAL, "response"),
    ("StaticFiles/*.swift", r"refuse\(chosen, " + LITERAL, "response"),
    ("Gateway/Acceptor.swift", r"refused\.note\(" + LITERAL, "connection refused"),
    ("Gateway/ClientConnections.swift", r"case \.\w+\(.*\): " + LITERAL, "connection refused"),
    ("Gateway/ProxyHeaderReader.swift", r"case \.(?:timeout|gone): " + LITERAL, "connection refused"),
    ("Gateway/Acceptor.swift", r"(?:handshakes\.note|\.nothing)\(" + LITERAL, "TLS handshake failed"),
    ("TLS/Negotiation/*.swift", r"refuse\(" + LITERAL, "TLS handshake failed"),
    ("TLS/TLSStream.swift", r"\.failed\(" + LITERAL, "TLS handshake failed"),
    ("ISAPI/Dispatching/*.swift", r"[^.]report\(" + LITERAL, "misbehaviour"),
    ("StaticFiles/FileRoot.swift", r"case \.\w+: " + LITERAL, "file not served"),
    ("StaticFiles/*.swift", r"reporter\.report\(\s*" + LITERAL, "file not served"),
    ("ISAPI/Loading/ExtensionModule.swift", r"case \.\w+\(let \w+\): " + LITERAL, "extension not loaded"),
    ("Gateway/Supervision/**/*.swift", r"AdminResponse\(\s*\.(?:busy|refused|failed), " + LITERAL, "command refused"),
    ("Gateway/Supervision/**/*.swift", r"answerWithoutGateway\([^,]+, [^,]+, " + LITERAL, "command refused"),
]

# Texts at these places that no operator has to look up: they explain themselves, or are another text's beginning.
PLAIN = {"the command needs a pool", "the command does not say what to do", "x: x"}


def explain(*arguments):
    return subprocess.run(
        [gateway.binary(), "explain", *arguments], capture_output=True, text=True, timeout=patience.seconds(20)
    )


@pytest.fixture(scope="module")
def catalogue():
    return json.loads(explain("--list", "--json").stdout)


def given():
    """Every text that the sources give as a reason, with its event."""
    for folder, pattern, event in PLACES:
        found = []
        for path in sorted(SOURCES.glob(folder)):
            if "Reasons" not in path.parts:
                found += re.findall(pattern, path.read_text())
        assert found, f"nothing matches {pattern} in {folder}"
        for text in found:
            text = re.sub(r"\\\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "x", text)
            if text not in PLAIN:
                yield text, event


def fits(reason, text):
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text)
        for pattern in [reason["text"], *reason["otherTexts"]]
        if pattern != "*"
    )


def test_every_reason_in_the_sources_is_in_the_catalogue(catalogue):
    missing = [
        f"{event}: {text}"
        for text, event in given()
        if not any(fits(reason, text) and event in (None, reason["event"]) for reason in catalogue)
    ]
    assert missing == []


def test_every_entry_about_a_response_is_in_the_sources(catalogue):
    texts = {text for text, _ in given()}
    stale = [
        reason["text"]
        for reason in catalogue
        if reason["event"] in ("response", "file not served", "misbehaviour")
        and not any(fits(reason, text) for text in texts)
        and not reason["text"].startswith("called ")
    ]
    assert stale == []


def test_a_reason_is_explained_with_its_cause_and_what_to_do():
    outcome = explain("no_route")
    assert outcome.returncode == 0, outcome.stderr
    for word in ["no route answers for the requested path", "answered 404", "meaning ", "cause ", "action "]:
        assert word in outcome.stdout


def test_a_reason_is_found_by_a_line_of_the_log(catalogue):
    line = "request refused: Content-Length with Transfer-Encoding, client 192.0.2.7, request 3f"
    found = json.loads(explain("--json", line).stdout)
    assert [one["code"] for one in found] == ["content_length_with_transfer_encoding"]
    assert found[0] in catalogue


def test_words_need_no_quotes():
    assert explain("no", "route").stdout == explain("no_route").stdout


def test_an_unknown_reason_has_similar_ones_and_a_code_of_its_own():
    outcome = explain("no_routte")
    assert (outcome.returncode, outcome.stdout) == (64, "")
    assert "Similar are: no_route" in outcome.stderr


def test_without_a_reason_the_command_line_is_wrong():
    assert explain().returncode == 64
    assert explain("--list", "no_route").returncode == 64


def test_the_list_has_every_code_once(catalogue):
    listed = [line.split()[0] for line in explain("--list").stdout.splitlines() if line.startswith("  ")]
    assert sorted(listed) == sorted(reason["code"] for reason in catalogue)
