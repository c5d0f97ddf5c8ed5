"""The slow log: a line of each request that exceeds a time, with where the time went and the stack of its thread."""

import json
import re
import subprocess
import time

import gateway
import origin
import patience
import pytest
import wire


def slow(after="200ms", **settings):
    return {"slow": {"after": after, "path": "slow.log", "format": "json", **settings}}


def lines(server):
    """The complete lines written so far."""
    return (server.folder / "slow.log").read_text().split("\n")[:-1]


def records(server):
    return [json.loads(line) for line in lines(server)]


def await_running(server, count=1):
    """The lines of requests in progress, once there are so many."""
    patience.until(lambda: len([line for line in lines(server) if '"running":true' in line]) >= count)
    return [record for record in records(server) if "running" in record]


def test_an_extension_that_takes_long_is_reported_with_its_stack_and_again_at_its_end(start_gateway):
    server = start_gateway([gateway.PING], ["naps"], log=slow(), workers=1)
    client = server.plain()
    client.get("/naps?0")
    client.get("/ping")
    client.send(wire.request("/naps?1500", "X-Request-ID: ignored"))
    (running,) = await_running(server)
    # It still runs.
    assert client.read_response().text == "1500\n"
    server.stop()
    assert (running["phase"], running["extension"], running["path"], running["query"]) == (
        "extension", "naps", "/naps", "1500")
    assert "status" not in running and 200 <= running["duration_ms"] < 1400
    assert re.match(r"(worker|naps)-\d", running["thread"])
    nap = next(number for number, frame in enumerate(running["stack"]) if "take_a_nap+0x" in frame)
    assert re.fullmatch(
        rf"#{nap + 1} 0x[0-9a-f]+ HttpExtensionProc\+0x[0-9a-f]+ in /\S+/naps.so\+0x[0-9a-f]+",
        running["stack"][nap + 1])
    first, ended = records(server)
    assert first == running
    assert (ended["status"], ended["request_id"]) == (200, running["request_id"])
    assert 1300 <= ended["extension_run_us"] / 1000 <= ended["duration_ms"] + 10
    assert ended["queue_ms"] + ended["client_ms"] < 200


def test_the_stack_of_an_isolated_extension_is_that_of_its_process(start_gateway):
    server = start_gateway([], {"naps": {"run": "isolated"}}, log=slow(), workers=1)
    client = server.plain()
    client.get("/naps?0")
    process = server.pool_processes()[0]
    client.send(wire.request("/naps?1500"))
    (running,) = await_running(server)
    assert client.read_response().text == "1500\n"
    server.stop()
    assert (running["phase"], running["process"]) == ("extension", process)
    assert any("take_a_nap+0x" in frame for frame in running["stack"])
    assert any("HttpExtensionProc+0x" in frame for frame in running["stack"])
    assert records(server)[-1]["extension_run_us"] >= 1_300_000


@pytest.mark.parametrize("how", [{}, {"run": "isolated"}])
def test_a_request_that_waits_for_a_thread_is_in_the_queue(start_gateway, how):
    server = start_gateway([], {"naps": {"threads": 1, **how}}, log=slow("300ms"), workers=1)
    first, second = server.plain(), server.plain()
    first.send(wire.request("/naps?1200"))
    await_running(server)
    second.send(wire.request("/naps?1"))
    running = await_running(server, 2)
    assert first.read_response().status == second.read_response().status == 200
    server.stop()
    assert [record["phase"] for record in running] == ["extension", "queue"]
    assert "stack" not in running[1]
    (ended,) = [record for record in records(server) if record["query"] == "1" and "running" not in record]
    assert 200 <= ended["queue_ms"] <= ended["duration_ms"] and ended["extension_run_us"] < 200_000


def test_a_request_that_no_thread_runs_is_pending(start_gateway):
    server = start_gateway(
        [], {"pending_forever": {"request_timeout": "1s"}}, log=slow(), workers=1)
    client = server.plain()
    assert client.get("/pending_forever").status == 504
    server.stop()
    running, ended = records(server)
    assert running["phase"] == "pending" and "stack" not in running
    assert (ended["status"], ended["extension"]) == (504, "pending_forever")
    assert ended["extension_run_us"] >= 800_000


def test_a_slow_upstream_is_named_with_its_times(start_gateway):
    distant = origin.Origin("distant")
    distant.delay = 0.8
    server = start_gateway(
        [{"path": "/up", "proxy": {"to": "api"}}],
        upstreams={"api": {"servers": [{"url": f"http://127.0.0.1:{distant.port}"}]}}, log=slow(), workers=1,
    )
    assert server.plain().get("/up").status == 200
    server.stop()
    distant.stop()
    running, ended = records(server)
    assert running["phase"] == "upstream"
    for record in running, ended:
        assert (record["upstream"], record["upstream_server"]) == ("api", f"127.0.0.1:{distant.port}")
        assert record["queue_ms"] + record["connect_ms"] < 200
    assert 600 <= ended["wait_ms"] <= ended["duration_ms"]


def test_the_time_of_a_slow_client_is_its_own(start_gateway):
    server = start_gateway([gateway.PING], ["counts"], log=slow(), workers=1)
    client = server.plain()
    client.send("POST /counts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
    (running,) = await_running(server)
    client.send("cd")
    assert client.read_response().status == 200
    other = server.plain()
    other.send("GET /ping HTTP/1.1\r\nHost: local")
    # It is what takes its time.
    time.sleep(0.4)
    other.send("host\r\n\r\n")
    assert other.read_response().status == 200
    server.stop()
    assert running["phase"] == "client"
    ended = [record for record in records(server) if "running" not in record]
    assert [record["path"] for record in ended] == ["/counts", "/ping"]
    for record in ended:
        assert 200 <= record["client_ms"] <= record["duration_ms"]


def test_a_number_of_stacks_in_a_second_is_not_exceeded(start_gateway):
    server = start_gateway(
        [], {"naps": {"threads": 8}}, log=slow(stacks_per_second=1), workers=1, admin={"socket": "admin.sock"})
    clients = [server.plain() for _ in range(6)]
    for client in clients:
        client.send(wire.request("/naps?900"))
    running = await_running(server, 6)
    for client in clients:
        assert client.read_response().status == 200
    stacks = len([record for record in running if "stack" in record])
    # A second may end between them.
    assert 1 <= stacks <= 2
    status = server.command("status").stdout
    assert f"access log slow: 12 lines, {stacks} stacks, {6 - stacks} left out" in status
    server.stop()


def test_a_slow_request_of_http2_is_reported(start_gateway, certificates):
    server = start_gateway([], ["naps"], log=slow(), workers=1)
    outcome = subprocess.run(
        ["curl", "-s", "--http2", "--cacert", str(certificates / "ca.pem"), server.url("/naps?800")],
        capture_output=True, text=True)
    assert outcome.stdout == "800\n"
    server.stop()
    running, ended = records(server)
    assert running["protocol"] == ended["protocol"] == "HTTP/2.0"
    assert any("take_a_nap" in frame for frame in running["stack"])


def test_text_has_the_stack_on_lines_of_its_own(start_gateway):
    server = start_gateway([], ["naps"], log=slow(format="text"), workers=1)
    client = server.plain()
    assert client.get("/naps?700").status == 200
    server.stop()
    first, *frames, last = lines(server)
    assert re.match(
        r'\S+Z 127.0.0.1 localhost "GET /naps\?700 HTTP/1.1" - \d+ ms: head 0, queue .*; extension=naps .* running in'
        r" extension, thread \S+$", first)
    assert all(re.match(r"    #\d+ 0x", frame) for frame in frames) and any("take_a_nap" in frame for frame in frames)
    assert re.match(r'\S+Z 127.0.0.1 localhost "GET /naps\?700 HTTP/1.1" 200 \d+ ms: .*extension \d{6} us, ', last)


def test_no_stack_is_taken_where_none_is_wanted(start_gateway):
    server = start_gateway([], ["slow"], log=slow(stack=False), workers=1)
    client = server.plain()
    # A thread that is interrupted would sleep for less.
    began = time.monotonic()
    assert client.get("/slow?700").status == 200
    assert time.monotonic() >= began + 0.69
    server.stop()
    running, ended = records(server)
    assert running["phase"] == "extension" and "stack" not in running


def test_a_route_may_do_without_it_and_a_reload_may_switch_it_on(start_gateway):
    routes = [{"path": "/naps", "extension": "naps", "log": "off"}, {"path": "/other", "extension": "naps"}]
    server = start_gateway([], {"naps": {}}, sites=[gateway.site(routes)], workers=1, admin={"socket": "admin.sock"})
    assert server.plain().get("/other?400").status == 200
    configuration = dict(server.configuration, log=slow())
    server.configure(configuration)
    assert server.command("reload").returncode == 0
    client = server.plain()
    assert client.get("/naps?400").status == client.get("/other?400").status == 200
    server.stop()
    assert {record["path"] for record in records(server)} == {"/other"}
    assert len(records(server)) == 2


def test_a_crash_of_a_slow_request_still_has_its_report(start_gateway):
    server = start_gateway([], {"naps": {}, "crashes": {}}, log=slow(), workers=1)
    client = server.plain()
    client.send(wire.request("/naps?900"))
    await_running(server)
    other = server.plain()
    other.send(wire.request("/crashes?pointer"))
    server.log.wait_for(r"critical: crash: signal 11 \(SIGSEGV\)")
    server.log.wait_for(r"critical: crash: #0 0x[0-9a-f]+ HttpExtensionProc")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"path": "a.log"}, "missing key 'after'"),
        ({"after": "1s"}, "missing key 'path'"),
        ({"after": "0s", "path": "a.log"}, "10ms"),
        ({"after": "1s", "path": "a.log", "format": "combined"}, "text or json"),
        ({"after": "1s", "path": "main.log"}, "already has the lines of the log"),
        ({"after": "1s", "path": "-", "rotate": {"daily": True}}, "only files are rotated"),
    ],
)
def test_a_mistake_is_reported(start_gateway, tmp_path, settings, message):
    file = tmp_path / "wrong.yaml"
    log = {"access": [{"name": "main", "path": "main.log"}], "slow": settings}
    file.write_text(json.dumps({"version": 1, "log": log, "listeners": {"a": {"bind": ["127.0.0.1:1"]}}, "sites": []}))
    outcome = subprocess.run([gateway.binary(), "check", "--config", str(file)], capture_output=True, text=True)
    assert outcome.returncode == 78 and message in outcome.stderr
