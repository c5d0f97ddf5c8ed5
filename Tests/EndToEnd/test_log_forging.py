"""Nothing that clients send can forge a line of an access log, or a field of one."""

import json
import random
import re
import shlex
import subprocess

import gateway
import pytest

FORMATS = {
    "combined": "combined",
    "json": "json",
    "w3c": "w3c",
    "json-fields": {"json": ["header.x-evil", "user_agent", "path", "query", "status"]},
    "w3c-fields": {"w3c": ["cs(X-Evil)", "cs(User-Agent)", "cs-uri-query", "cs(Referer)", "sc-status"]},
    "template": {"template": '{header.x-evil} {path} {status} "{user_agent}" {query}'},
}

VALUES = [
    b'" 200 5 "-" "-"',
    b'\\" 200 \\\\',
    b'","status":200,"x":"',
    b"#Fields: date time",
    b"#Software: other",
    b"a b\tc\t",
    b"-",
    b"\\x22\\u0022",
    b"\x80\xff\xfe\xc3\x28",
    "\u2028\u2029\u0085ü€\U0001f600\u202e".encode(),
    b"[2J\x9b31m",
    b"%0d%0aGET",
    b"}{[]:,",
    b"x" * 3000,
    b'"' * 2000,
]


def corpus():
    chance = random.Random(19)
    values = list(VALUES)
    # Every byte that may be in the value of a field (RFC 9110 §5.5).
    allowed = [byte for byte in range(256) if byte >= 0x20 and byte != 0x7F or byte == 9]
    values.append(bytes(allowed))
    values += [bytes(chance.choice(allowed) for _ in range(chance.randint(1, 60))) for _ in range(200)]
    return [value.strip(b" \t") or b"-" for value in values]


@pytest.fixture(scope="module")
def logs(start_shared_gateway):
    """The bytes of each log of a gateway that has been asked for everything, and the number of requests."""
    server = start_shared_gateway(
        [gateway.PING],
        workers=1,
        log={
            "access": [
                {"name": name, "path": f"{name}.log", "format": format} for name, format in FORMATS.items()
            ]
        },
    )
    count = 0
    for number, value in enumerate(corpus()):
        client = server.plain()
        query = bytes(byte for byte in value if 0x20 < byte < 0x7F and byte not in b'#"<>\\^`{|}')[:1000]
        client.socket.sendall(
            b"GET /ping?" + query + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: " + value + b"\r\nReferer: " + value
            + b"\r\nX-Evil: " + value + b"\r\nConnection: close\r\n\r\n"
        )
        assert client.read_response().status == 200, (number, value)
        count += 1
    server.stop()
    return {name: (server.folder / f"{name}.log").read_bytes() for name in FORMATS}, count


def lines(logs, name):
    content = logs[0][name]
    assert content.endswith(b"\n")
    return [line for line in content[:-1].split(b"\n") if not (name.startswith("w3c") and line.startswith(b"#"))]


@pytest.mark.parametrize("name", FORMATS)
def test_there_is_one_line_for_each_request_in_printable_ascii(logs, name):
    found = lines(logs, name)
    assert len(found) == logs[1]
    for line in found:
        assert all(0x20 <= byte < 0x7F for byte in line), line


@pytest.mark.parametrize("name", ["json", "json-fields"])
def test_jq_reads_every_line_of_json(logs, name, tmp_path):
    (tmp_path / "log").write_bytes(logs[0][name])
    result = subprocess.run(["jq", "-c", ".status", tmp_path / "log"], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["200"] * logs[1]


def test_json_gives_the_value_back(logs):
    def comparable(text):
        # How many replacement characters stand for what is not UTF-8 is left to each decoder.
        return re.sub("\ufffd+", "\ufffd", text)

    for line, value in zip(lines(logs, "json-fields"), corpus(), strict=True):
        found = json.loads(line)["header.x-evil"]
        assert comparable(found) == comparable(value.decode(errors="replace"))


def test_lines_of_w3c_have_the_fields_that_were_announced(logs):
    for line in lines(logs, "w3c"):
        assert len(line.split(b" ")) == 15 and line.split(b" ")[11] == b"200", line
    for line in lines(logs, "w3c-fields"):
        assert len(line.split(b" ")) == 5 and line.endswith(b" 200"), line


def test_only_the_gateway_writes_directives(logs):
    for name in ["w3c", "w3c-fields"]:
        directives = [line for line in logs[0][name].split(b"\n") if line.startswith(b"#")]
        assert [line.split(b" ")[0] for line in directives] == [b"#Software:", b"#Version:", b"#Date:", b"#Fields:"]


def test_combined_lines_have_their_parts(logs):
    for line in lines(logs, "combined"):
        # No quotation mark of a client is left, so that a plain reader of quotation marks finds the parts.
        assert line.count(b'"') == 6 and shlex.split(line.decode().replace("\\x", "x"))[6:8] == ["200", "5"], line


def test_values_of_a_template_do_not_run_into_each_other(logs):
    for line in lines(logs, "template"):
        words = line.split(b'"')[0].split(b" ")
        assert len(words) == 4 and words[1:3] == [b"/ping", b"200"], line


@pytest.mark.parametrize("name, format", [("combined", "COMBINED"), ("w3c", "W3C")])
def test_goaccess_reads_every_line(logs, name, format, tmp_path):
    file, report = tmp_path / "access.log", tmp_path / "report.json"
    # goaccess reads 4 KiB of a line.
    readable = [line for line in logs[0][name].split(b"\n") if len(line) < 4095]
    file.write_bytes(b"\n".join(readable))
    count = sum(line != b"" and not line.startswith(b"#") for line in readable)
    subprocess.run(
        ["goaccess", file, f"--log-format={format}", "--no-global-config", "-o", report],
        capture_output=True, check=True, stdin=subprocess.DEVNULL,
    )
    general = json.loads(report.read_text(errors="replace"))["general"]
    assert (general["valid_requests"], general["failed_requests"]) == (count, 0) and count > logs[1] - 5
