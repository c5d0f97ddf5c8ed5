"""What a monitoring system collects from /metrics of the admin listener."""

import json
import ssl
import subprocess

import gateway
import patience
import pytest
import wire
from metrics import BIND, Metrics, collect

ROUTES = [
    gateway.PING,
    {"path": "/away", "redirect": {"to": "https://elsewhere.test/"}},
    {"path": "/secret", "allow": ["192.0.2.1"], "respond": {}},
]
@pytest.fixture
def server(start_gateway):
    return start_gateway(ROUTES, admin=BIND)


def check(text):
    """Has Prometheus's own program read the metrics, and complain about what is against its rules."""
    outcome = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


# The documents


def test_promtool_accepts_the_metrics_of_everything_there_is(start_gateway, origin):
    server = start_gateway(
        [*ROUTES, {"path": "/up/*", "proxy": "origin"}, {"path": "/files/*", "files": {"root": "."}}],
        {"hello": {}, "knows_process": {"run": "isolated"}},
        upstreams={"origin": {"servers": [origin.url, "http://127.0.0.1:1"]}},
        admin=BIND,
    )
    with server.secure() as client:
        for path in ("/ping", "/away", "/secret", "/hello", "/knows_process", "/up/x", "/files/none", "/nowhere"):
            client.get(path)
    assert server.command("reload").returncode == 0
    check(collect(server).text)


def test_the_format_is_the_one_that_the_client_prefers(server):
    prometheus = "text/plain; version=0.0.4; charset=utf-8"
    open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    for accept, expected in [
        (None, prometheus),
        ("*/*", prometheus),
        ("text/plain", prometheus),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", open_metrics),
        ("text/plain, application/openmetrics-text;q=0.3", prometheus),
        ("application/openmetrics-text;q=0", prometheus),
    ]:
        response = collect(server, *([f"Accept: {accept}"] if accept else []))
        assert (response["Content-Type"], response["Vary"]) == (expected, "Accept"), accept
        assert response.text.endswith("# EOF\n") == (expected == open_metrics)


def test_open_metrics_name_counters_without_their_suffix(server):
    text = collect(server, "Accept: application/openmetrics-text").text
    assert "# TYPE isagate_requests counter\n" in text
    assert "# TYPE isagate_connections_accepted counter\nisagate_connections_accepted_total{" in text
    assert "# TYPE isagate_connections_accepted_total counter\n" in collect(server).text


# Requests


def test_requests_are_counted_by_site_route_method_and_class_of_status(start_gateway):
    hosts = gateway.site(ROUTES, ["localhost", "127.0.0.1"])
    server = start_gateway(sites=[hosts, gateway.site([gateway.PING], ["*"])], admin=BIND)
    with server.plain() as client:
        for _ in range(3):
            assert client.get("/ping").status == 200
        assert client.get("/ping", method="HEAD").status == 200
        assert client.get("/away").status == 308
        assert client.get("/secret").status == 403
        assert client.get("/nowhere").status == 404
        assert client.get("/ping", method="BREW").status == 200
        assert client.get("/ping", "Host: third.test").status == 200
        metrics = Metrics(server)
    counted = {
        (each["site"], each["route"], each["method"], each["code"]): metrics.sum("isagate_requests_total", **each)
        for each in metrics.labels("isagate_requests_total")
    }
    assert counted == {
        ("localhost", "respond", "GET", "2xx"): 3,
        ("localhost", "respond", "HEAD", "2xx"): 1,
        ("localhost", "redirect", "GET", "3xx"): 1,
        ("localhost", "respond", "GET", "4xx"): 1,
        ("localhost", "none", "GET", "4xx"): 1,
        ("localhost", "respond", "other", "2xx"): 1,
        ("*", "respond", "GET", "2xx"): 1,
    }


def test_kinds_of_routes_are_told_apart(start_gateway, origin):
    server = start_gateway(
        [{"path": "/up/*", "proxy": "origin"}, {"path": "/files/*", "files": {"root": "."}}],
        {"hello": {}},
        upstreams={"origin": {"servers": [origin.url]}},
        admin=BIND,
    )
    with server.plain() as client:
        for path in ("/up/x", "/files/ca.pem", "/hello"):
            client.get(path)
        metrics = Metrics(server)
    for route in ("proxy", "files", "extension"):
        assert metrics.sum("isagate_requests_total", route=route) == 1, route


def test_requests_of_http_2_are_counted_alike(server):
    outcome = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", server.authority, server.url("/ping"), server.url("/ping")],
        capture_output=True,
        timeout=patience.seconds(30),
    )
    assert outcome.stdout == b"pong\n" * 2
    patience.until(lambda: Metrics(server).sum("isagate_requests_total", route="respond", code="2xx") == 2)


def test_a_request_that_is_refused_belongs_to_no_site(server):
    with server.raw("plain") as client:
        client.send("GARBAGE\r\n\r\n")
        assert client.read_response().status == 400
    metrics = Metrics(server)
    assert metrics.sum("isagate_requests_total", site="", code="4xx") == 1
    assert metrics.sum("isagate_refusals_total", event="request_refused", reason="invalid request line") == 1


def test_clients_cannot_add_series(server):
    def series_after(count):
        # A request is counted once its response was sent.
        patience.until(lambda: Metrics(server).sum("isagate_request_duration_seconds_count") == count)
        return Metrics(server).samples.keys()

    with server.plain() as client:
        client.get("/ping")
        # What the supervisor adds comes at about the same time.
        patience.until(lambda: series_after(1) == series_after(1))
        before = series_after(1)
        for index in range(20):
            client.get(f"/ping?{index}", f"X-Field: {index}", f"User-Agent: {index}")
        assert series_after(21) == before


def test_times_are_counted_in_buckets(start_gateway):
    buckets = ["10ms", "200ms", "30s"]
    server = start_gateway([gateway.PING], ["slow"], admin={**BIND, "latency_buckets": buckets})
    with server.plain() as client:
        client.get("/slow?500")
        client.get("/ping")
    name = "isagate_request_duration_seconds"
    patience.until(lambda: Metrics(server).sum(f"{name}_count") == 2)
    metrics = Metrics(server)
    slow = [metrics.sum(f"{name}_bucket", route="extension", le=le) for le in ("0.01", "0.2", "30.0", "+Inf")]
    assert slow == [0, 0, 1, 1]
    assert 0.4 < metrics.sum(f"{name}_sum", route="extension") < 30
    assert metrics.sum(f"{name}_bucket", route="respond", le="+Inf") == 1


@pytest.mark.parametrize("buckets", [["2s", "1s"], ["1s", "1s"], [f"{index}ms" for index in range(1, 40)]])
def test_buckets_that_do_not_ascend_or_are_too_many_are_refused(server, buckets):
    server.configure({**server.configuration, "admin": {**BIND, "latency_buckets": buckets}})
    outcome = server.command("reload")
    assert outcome.returncode == 78
    assert "the times must ascend" in outcome.stderr or "at most 32 buckets" in outcome.stderr


def test_bytes_are_counted_both_ways(start_gateway, origin):
    server = start_gateway([gateway.PING], ["echo"], admin=BIND)
    with server.plain() as client:
        assert client.post("/echo", "x" * 5000).status == 200
        metrics = Metrics(server)
    received = metrics.sum("isagate_request_bytes_total", route="extension")
    assert 5000 < received < 5200
    assert metrics.sum("isagate_response_bytes_total", route="extension") == 5000


def test_compressed_responses_are_counted_by_coding(start_gateway):
    text = "compressible " * 1000
    server = start_gateway([{"path": "/text", "compress": "on", "respond": {"body": text}}], admin=BIND)
    with server.plain() as client:
        for coding in ("gzip", "gzip", "identity", "deflate"):
            assert client.get("/text", f"Accept-Encoding: {coding}").status == 200
        metrics = Metrics(server)
    responses = {one: metrics.sum("isagate_compressed_responses_total", coding=one) for one in ("gzip", "deflate", "br")}
    assert responses == {"gzip": 2, "deflate": 1, "br": 0}
    assert metrics.sum("isagate_compression_input_bytes_total", coding="gzip") == 2 * len(text)
    assert 0 < metrics.sum("isagate_compression_output_bytes_total", coding="gzip") < len(text) / 4


# Connections


def test_connections_and_clients_are_counted(server):
    with server.plain() as one, server.secure() as two:
        assert one.get("/ping").status == two.get("/ping").status == 200
        metrics = Metrics(server)
    assert metrics.sum("isagate_connections") == 2
    assert metrics.sum("isagate_clients") == 1
    assert metrics.sum("isagate_connections_accepted_total") == 2


def test_handshakes_are_counted_by_what_they_negotiated(server):
    context = server.context()
    with server.secure(context) as client:
        client.get("/ping")
        session = client.socket.session
    with server.secure(context, session=session) as client:
        client.get("/ping")
        assert client.socket.session_reused
    older = server.context()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with server.secure(older) as client:
        client.get("/ping")
    metrics = Metrics(server)
    name = "isagate_tls_handshakes_total"
    assert metrics.sum(name, version="TLSv1.3", resumed="no", records="isagate") == 1
    assert metrics.sum(name, version="TLSv1.3", resumed="yes", records="isagate") == 1
    assert metrics.sum(name, version="TLSv1.2", resumed="no", records="openssl") == 1
    assert all(each["group"] not in ("none", "other") for each in metrics.labels(name))


def test_handshakes_that_fail_are_counted_by_reason(server):
    with server.raw() as client:
        client.send(b"\x16\x03\x01\x00\x05nonsense")
        client.expect_gone()
    patience.until(lambda: Metrics(server).sum("isagate_refusals_total", event="tls_handshake_failed") == 1)


# State


def test_workers_tell_how_busy_they_are(server):
    first = Metrics(server)
    assert first.sum("isagate_workers") == 2
    for worker in ("0", "1"):
        assert first.sum("isagate_worker_loop_lag_seconds", worker=worker) < patience.seconds(0.5)
    with server.plain() as client:
        client.get("/ping")
    assert Metrics(server).sum("isagate_worker_turns_total") > first.sum("isagate_worker_turns_total")


def test_reloads_are_counted_with_the_outcome_and_time_of_the_last_one(server):
    assert not Metrics(server).labels("isagate_last_reload_successful")
    assert server.command("reload").returncode == 0
    patience.until(lambda: Metrics(server).sum("isagate_reloads_total", outcome="done") == 1)
    metrics = Metrics(server)
    assert metrics.sum("isagate_last_reload_successful") == 1
    assert metrics.sum("isagate_generation") == 2
    server.configure({**server.configuration, "version": 2})
    assert server.command("reload").returncode == 78
    patience.until(lambda: Metrics(server).sum("isagate_reloads_total", outcome="refused") == 1)
    later = Metrics(server)
    assert later.samples[("isagate_last_reload_successful", frozenset())] == 0
    assert later.sum("isagate_last_reload_timestamp_seconds") >= metrics.sum("isagate_last_reload_timestamp_seconds")


def test_counts_continue_over_a_reload(server):
    with server.plain() as client:
        client.get("/ping")
        assert server.command("reload").returncode == 0
        client.get("/ping")
        assert Metrics(server).sum("isagate_requests_total", site="*", route="respond") == 2


def test_a_site_that_is_gone_has_no_series(server):
    with server.plain() as client:
        client.get("/ping")
    patience.until(lambda: Metrics(server).sum("isagate_requests_total", site="*") == 1)
    server.configure({**server.configuration, "sites": [gateway.site(ROUTES, ["localhost"])]})
    assert server.command("reload").returncode == 0
    assert not [each for each in Metrics(server).labels("isagate_requests_total") if each["site"] == "*"]


def test_certificates_tell_when_they_expire(server):
    metrics = Metrics(server)
    status = json.loads(server.command("status", "--json").stdout)
    files = {each["file"] for each in status["gateway"]["certificates"]}
    name = "isagate_certificate_expiry_timestamp_seconds"
    assert {each["file"] for each in metrics.labels(name)} == files
    assert all(metrics.sum("isagate_certificate_generation", file=file) == 1 for file in files)
    assert all(metrics.sum(name, file=file) > 1.7e9 for file in files)


def test_servers_of_upstreams_tell_whether_they_are_up(start_gateway, origin):
    health = {"passive": {"fails": 1, "eject": "1h"}}
    server = start_gateway(
        [{"path": "/*", "proxy": "origin"}],
        upstreams={"origin": {"servers": ["http://127.0.0.1:1", origin.url], "health": health}},
        admin=BIND,
    )
    dead = {"upstream": "origin", "server": "http://127.0.0.1:1"}
    assert Metrics(server).sum("isagate_upstream_server_up", **dead) == 1
    with server.plain() as client:
        patience.until(lambda: client.get("/x") and Metrics(server).sum("isagate_upstream_server_ejected", **dead) == 1)
    metrics = Metrics(server)
    assert metrics.sum("isagate_upstream_server_up", **dead) == 0
    assert metrics.sum("isagate_upstream_server_up", upstream="origin", server=origin.url) == 1


def test_pools_tell_their_state_and_why_processes_ended(start_gateway):
    pool = {"run": "isolated", "rapid_fail": {"crashes": 1, "within": "1m", "pause": "1h"}}
    server = start_gateway(extensions={"knows_process": pool}, admin=BIND)
    metrics = Metrics(server)
    assert metrics.sum("isagate_pool_state", pool="knows_process", state="running") == 1
    assert metrics.sum("isagate_pool_processes", pool="knows_process", state="ready") == 1
    assert metrics.sum("isagate_extension_loaded", extension="knows_process") == 1
    with server.secure() as client:
        assert client.get("/knows_process?kill").status == 502
    patience.until(lambda: Metrics(server).sum("isagate_pool_state", pool="knows_process", state="stopped") == 1)
    metrics = Metrics(server)
    assert metrics.sum("isagate_pool_process_ends_total", pool="knows_process", reason="crash") == 1
    assert metrics.sum("isagate_ready") == 0


def test_attempts_at_servers_are_counted(start_gateway, origin):
    server = start_gateway(
        [{"path": "/*", "proxy": "origin"}],
        upstreams={"origin": {"servers": ["http://127.0.0.1:1", origin.url], "balance": "round_robin"}},
        admin=BIND,
        workers=1,
    )
    with server.plain() as client:
        for _ in range(4):
            assert client.get("/x").status == 200
    metrics = Metrics(server)
    dead = {"upstream": "origin", "server": "http://127.0.0.1:1"}
    live = {"upstream": "origin", "server": origin.url}
    failed = metrics.sum("isagate_upstream_failures_total", **dead)
    assert failed >= 1
    assert metrics.sum("isagate_upstream_requests_total", **dead) == failed
    assert metrics.sum("isagate_upstream_retries_total", **dead) == failed
    # A kept connection that the server has closed meanwhile takes another attempt.
    assert 4 <= metrics.sum("isagate_upstream_requests_total", **live) <= 8
    assert metrics.sum("isagate_upstream_failures_total", **live) == 0
    assert 1 <= metrics.sum("isagate_upstream_connections_total", **live) <= 4
    assert metrics.sum("isagate_upstream_connections_total", **dead) == 0


def test_look_ups_of_files_are_counted(start_gateway):
    server = start_gateway([{"path": "/*", "files": {"root": "."}}], admin=BIND, workers=1, file_cache={"fresh": "1h"})
    with server.plain() as client:
        for _ in range(3):
            assert client.get("/ca.pem").status == 200
    metrics = Metrics(server)
    assert metrics.sum("isagate_file_cache_lookups_total", result="miss") == 1
    assert metrics.sum("isagate_file_cache_lookups_total", result="hit") == 2


def test_requests_at_an_extension_are_told_by_their_state(start_gateway):
    server = start_gateway([gateway.PING], {"slow": {"threads": 1}}, admin=BIND)
    seconds = int(patience.seconds(3)) * 1000
    with server.plain() as one, server.plain() as two:
        for client in (one, two):
            client.send(wire.request(f"/slow?{seconds}"))

        def requests(state):
            return Metrics(server).sum("isagate_extension_requests", extension="slow", state=state)

        patience.until(lambda: (requests("running"), requests("waiting")) == (1, 1))


def test_lines_of_access_logs_are_counted(server):
    with server.plain() as client:
        client.get("/ping")
        patience.until(lambda: Metrics(server).sum("isagate_access_log_lines_total") == 1)
    assert Metrics(server).sum("isagate_access_log_lines_lost_total") == 0
