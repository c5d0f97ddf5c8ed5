"""The lines on standard error: text, or an object of JSON in each."""

import json
import os
import pty
import re
import signal
import subprocess
import time

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


def fail_to_load(start_gateway, count, **log):
    """A gateway that has failed so often, in the same way."""
    extension = {"load": "first_request", "load_retry": "100ms"}
    server = start_gateway([gateway.PING], {"refuses_to_load": extension}, log=log, workers=1)
    client = server.plain()
    for _ in range(count):
        assert client.get("/refuses_to_load").status == 500
        # Until it is tried again.
        time.sleep(0.15)
    return server


def test_a_line_that_repeats_is_counted_and_the_count_comes_by_itself(start_gateway):
    server = fail_to_load(start_gateway, 4, repeats="1s")
    found = server.log.wait_for(r"error: (.*refuses_to_load.*) … (\d+) more like it$")
    server.stop()
    written = [line for line in server.log.lines if line.endswith(f" error: {found[1]}")]
    # A second may end between them.
    counted = sum(int(match[1]) for line in server.log.lines if (match := re.search(r"… (\d+) more like it$", line)))
    assert len(written) + counted == 4 and len(written) < 3


def test_what_was_counted_is_told_at_the_end_in_json_too(start_gateway):
    server = fail_to_load(start_gateway, 4, repeats="1h", operator="json")
    server.stop()
    errors = [line for line in map(json.loads, server.log.lines) if line["level"] == "error"]
    assert [line.get("repeats") for line in errors] == [None, 3]
    assert errors[0]["message"] == errors[1]["message"]


def test_every_line_is_written_where_that_is_wanted(start_gateway):
    server = fail_to_load(start_gateway, 3, repeats="off")
    server.stop()
    assert "more like it" not in server.log.text
    errors = [line.partition("Z ")[2] for line in server.log.lines if " error: " in line]
    assert len(errors) == 3 and len(set(errors)) == 1


def test_every_reload_that_fails_is_reported_as_a_whole(start_gateway):
    server = start_gateway([gateway.PING], log={"repeats": "1h"}, admin={"socket": "admin.sock"}, workers=1)
    server.file.write_text(server.file.read_text().replace('"routes"', '"roots"'))
    for _ in range(2):
        assert server.command("reload").returncode == 78
    server.stop()
    errors = [line.partition("Z ")[2] for line in server.log.lines if " error: " in line]
    assert len(errors) > 4 and errors[: len(errors) // 2] == errors[len(errors) // 2 :]


def test_notices_are_never_held_back(start_gateway):
    server = start_gateway([gateway.PING], log={"repeats": "1h"}, admin={"socket": "admin.sock"}, workers=1)
    for _ in range(2):
        os.kill(server.gateway_pid, signal.SIGKILL)
        server.log.wait_for(r"was ended by signal 9")
        server.plain().get("/ping")
    server.log.wait_for(r"notice: ready: ", count=2)
    server.stop()
