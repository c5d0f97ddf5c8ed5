"""How long requests wait for extensions and run there, and why they fail: in metrics and in access logs."""

import json
import threading
import time

import patience
import pytest
import wire
from metrics import BIND, Metrics

TIMES = {"path": "access.log", "format": {"json": ["query", "extension_wait_us", "extension_run_us"]}}


@pytest.fixture(params=["in_process", "isolated"])
def start(request, start_gateway):
    def start(name, admin=BIND, **settings):
        extension = {"threads": 1, **settings}
        if request.param == "isolated":
            extension["run"] = "isolated"
        return start_gateway(extensions={name: extension}, admin=admin, log={"access": TIMES})

    return start


def times(server, count):
    """The microseconds of waiting and of running of each logged request."""
    patience.until(lambda: len(server.access_log) == count)
    lines = [json.loads(line) for line in server.access_log]
    return [(line["extension_wait_us"], line["extension_run_us"]) for line in lines]


def test_a_request_that_runs_long_says_so(start):
    server = start("slow")
    for query in (0, 0, 80):
        assert server.plain().get(f"/slow?{query}").status == 200
    waited, ran = zip(*times(server, 3))
    assert min(ran[:2]) < 80_000 <= ran[2]
    metrics = Metrics(server)
    assert metrics.sum("isagate_extension_calls_total", extension="slow") == 3
    total = metrics.sum("isagate_extension_run_seconds_total", extension="slow")
    assert abs(total - sum(ran) / 1e6) < 0.001
    assert abs(metrics.sum("isagate_extension_wait_seconds_total") - sum(waited) / 1e6) < 0.001


def test_what_waits_for_a_thread_does_not_run(start):
    server = start("slow")
    clients = [server.plain() for _ in range(3)]
    began = time.monotonic()
    for client in clients:
        client.send(wire.request("/slow?400"))
    for client in clients:
        assert client.read_response().status == 200
    elapsed = (time.monotonic() - began) * 1e6
    found = sorted(times(server, 3))
    # One after the other: what they wait for is not counted as their own.
    assert all(ran >= 400_000 for _, ran in found) and sum(ran for _, ran in found) <= elapsed
    assert found[1][0] >= 200_000 and found[2][0] >= 500_000


def test_a_pending_request_runs_until_its_end(start):
    server = start("holds")
    holding = server.plain()
    thread = threading.Thread(target=holding.get, args=["/holds"])
    thread.start()
    patience.until(lambda: server.plain().get("/holds?count").text.strip().startswith("1"))
    held = time.monotonic()
    for _ in range(20):
        server.plain().get("/holds?count")
    released = time.monotonic()
    server.plain().get("/holds?release")
    thread.join()

    def lines():
        return [json.loads(line) for line in server.access_log]

    patience.until(lambda: any(line["query"] == "" for line in lines()))
    (line,) = [line for line in lines() if line["query"] == ""]
    assert (released - held) * 1e6 <= line["extension_run_us"] < patience.seconds(10) * 1e6


@pytest.mark.parametrize(
    "query, reason", [("silent=1", "no_response"), ("code=4", "status_error"), ("code=77", "unknown_status")]
)
def test_answers_that_are_errors_are_counted_by_reason(start, query, reason):
    server = start("returns")
    server.plain().get(f"/returns?{query}")
    server.plain().get("/returns?code=1")
    metrics = Metrics(server)
    errors = {
        labels["reason"]: metrics.sum("isagate_extension_errors_total", **labels)
        for labels in metrics.labels("isagate_extension_errors_total")
    }
    assert {name for name, count in errors.items() if count} == {reason}
    assert metrics.sum("isagate_extension_calls_total", extension="returns") == 2


def test_a_request_beyond_its_time_and_one_beyond_the_queue_are_counted(start):
    server = start("slow", queue=1, request_timeout="200ms")
    clients = [server.plain() for _ in range(4)]
    duration = 500

    def ask(client):
        client.get(f"/slow?{duration}")

    threads = [threading.Thread(target=ask, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    metrics = Metrics(server)
    counts = {
        reason: metrics.sum("isagate_extension_errors_total", reason=reason) for reason in ("timeout", "queue_full")
    }
    assert counts["timeout"] >= 1 and sum(counts.values()) == 4


def test_counts_go_on_when_an_extension_is_set_up_anew(start):
    server = start("slow")
    assert server.plain().get("/slow?1").status == 200
    extensions = server.configuration["extensions"]
    changed = {"slow": {**extensions["slow"], "queue": 17}}
    server.configure({**server.configuration, "extensions": changed})
    assert server.command("reload").returncode == 0
    assert server.plain().get("/slow?1").status == 200
    assert Metrics(server).sum("isagate_extension_calls_total", extension="slow") == 2


def test_logs_have_times_without_metrics(start):
    server = start("slow", admin={"socket": "admin.sock"})
    server.plain().get("/slow?30")
    ((_, ran),) = times(server, 1)
    assert ran >= 30_000
