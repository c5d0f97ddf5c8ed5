"""The lines on standard error: text, or an object of JSON in each."""

import json
import os
import pty
import signal
import subprocess

import gateway
import patience


def serve(start_gateway, operator):
    return start_gateway([gateway.PING], log={"level": "debug", "operator": operator}, workers=1)


def test_each_line_is_an_object_with_time_level_and_message(start_gateway):
    server = serve(start_gateway, "json")
    server.plain().get("/ping")
    client = server.plain()
    client.send("GET /\"\\\u00fc HTTP/1.1\r\nHost: a b\r\n\r\n".encode())
    assert client.read_response().status == 400
    server.signal(signal.SIGHUP)
    server.log.wait_for("reload")
    server.stop()
    program = '.[] | select(keys != ["level", "message", "time"] or (.time | fromdate) == null) | halt_error(1)'
    outcome = subprocess.run(["jq", "-es", program], input=server.log.text, capture_output=True, text=True)
    # Nothing is selected.
    assert (outcome.returncode, outcome.stdout) == (4, ""), outcome.stderr
    found = [json.loads(line) for line in server.log.lines]
    assert {line["level"] for line in found} >= {"info", "notice"}
    assert any(line["message"].startswith("ready: ") for line in found)
    assert any(line["message"].startswith("request refused: ") for line in found)


def test_lines_are_text_where_nothing_else_is_asked_for(start_gateway):
    server = start_gateway([gateway.PING])
    server.stop()
    assert not any(line.startswith("{") for line in server.log.lines)


def test_auto_is_json_where_nobody_looks_and_text_on_a_terminal(start_gateway):
    server = serve(start_gateway, "auto")
    server.stop()
    assert all(line.startswith("{") for line in server.log.lines)
    # The same configuration again, on a terminal.
    shown, terminal = pty.openpty()
    process = subprocess.Popen(
        [gateway.binary(), "run", "--config", str(server.file)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal,
    )
    os.close(terminal)
    text = b""
    while b" notice: ready: " not in text:
        text += os.read(shown, 65536)
    process.terminate()
    try:
        while piece := os.read(shown, 65536):
            text += piece
    except OSError:
        pass  # A terminal without a writer reports an error.
    assert process.wait(patience.seconds(30)) == 0
    os.close(shown)
    assert b'"message"' not in text
