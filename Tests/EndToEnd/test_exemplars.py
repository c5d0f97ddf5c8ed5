"""Exemplars of OpenMetrics: which request is one of those in a bucket."""

import re

import pytest
from metrics import BIND, Metrics, collect
from prometheus_client.openmetrics.parser import text_string_to_metric_families

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
ROUTE = {"path": "/id", "headers": {"set": {"X-Request-ID": "{request_id}"}}, "respond": {}}


@pytest.fixture
def start(start_gateway):
    def start(*routes, **keys):
        return start_gateway([ROUTE, *routes], admin={**BIND, "latency_buckets": ["50ms", "10s"]}, **keys)

    return start


def exemplars(server):
    """By the bounds of their buckets; as another program's parser reads them."""
    text = collect(server, "Accept: application/openmetrics-text").text
    (family,) = [one for one in text_string_to_metric_families(text) if one.name == "isagate_request_duration_seconds"]
    return {one.labels["le"]: one.exemplar for one in family.samples if one.exemplar}


def test_a_bucket_names_one_of_its_requests(start):
    server = start()
    client = server.plain()
    ids = {client.get("/id")["X-Request-ID"] for _ in range(5)}
    ((bound, exemplar),) = exemplars(server).items()
    assert bound == "0.05" and set(exemplar.labels) == {"request_id"}
    assert exemplar.labels["request_id"] in ids
    assert 0 <= exemplar.value <= 0.05 and exemplar.timestamp.sec > 1_700_000_000


def test_every_bucket_has_its_own(start_gateway):
    routes = [ROUTE, {"path": "/slow", "extension": "slow"}]
    server = start_gateway(
        routes, ["slow"], admin={**BIND, "latency_buckets": ["50ms", "10s"]}, trace_context=True
    )
    client = server.plain()
    client.get("/id")
    client.get("/slow?100")
    found = exemplars(server)
    assert set(found) == {"0.05", "10.0"}
    assert 0.1 <= found["10.0"].value < 10


def test_a_sampled_trace_is_named_too(start):
    server = start(trace_context={"accept": True})
    server.plain().get("/id", f"traceparent: 00-{TRACE}-{PARENT}-01")
    ((_, exemplar),) = exemplars(server).items()
    assert exemplar.labels["trace_id"] == TRACE
    assert re.fullmatch("[0-9a-f]{32}", exemplar.labels["request_id"])


def test_a_trace_that_nobody_records_is_not_named(start):
    server = start(trace_context={"accept": True})
    server.plain().get("/id", f"traceparent: 00-{TRACE}-{PARENT}-00")
    ((_, exemplar),) = exemplars(server).items()
    assert "trace_id" not in exemplar.labels


@pytest.mark.parametrize("length, is_there", [(78, True), (79, False), (128, False)])
def test_an_id_too_long_for_open_metrics_is_left_out(start, length, is_there):
    server = start(trace_context=True, request_id={"accept": True})
    server.plain().get("/id", f"X-Request-ID: {'x' * length}")
    ((_, exemplar),) = exemplars(server).items()
    assert ("request_id" in exemplar.labels, "trace_id" in exemplar.labels) == (is_there, True)


def test_prometheus_own_form_has_none(start):
    server = start()
    server.plain().get("/id")
    assert " # " not in collect(server).text
    assert Metrics(server).sum("isagate_requests_total") == 1


def test_another_program_reads_the_whole_document(start, origin):
    server = start()
    server.secure().get("/id")
    text = collect(server, "Accept: application/openmetrics-text").text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"isagate_requests", "isagate_connections", "isagate_extension_calls"} <= names
