"""The alert rules and the dashboard in deploy/monitoring, against the metrics of a gateway and by Prometheus's own program."""

import json
import pathlib
import re
import subprocess

import gateway
import jsonschema
import pytest
import yaml
from metrics import BIND, collect

FOLDER = pathlib.Path(__file__).parents[2] / "deploy" / "monitoring"
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
NAME = re.compile(r"isagate_[a-z0-9_]+")

# What Grafana's dashboards of schema version 39 have, as far as they are used here.
POSITION = {
    "type": "object",
    "required": ["x", "y", "w", "h"],
    "properties": {
        "x": {"type": "integer", "minimum": 0, "maximum": 23},
        "y": {"type": "integer", "minimum": 0},
        "w": {"type": "integer", "minimum": 1, "maximum": 24},
        "h": {"type": "integer", "minimum": 1},
    },
}
SOURCE = {"type": "object", "required": ["type", "uid"]}
TARGET = {
    "type": "object",
    "required": ["refId", "expr", "datasource"],
    "properties": {"refId": {"type": "string"}, "expr": {"type": "string"}, "datasource": SOURCE},
}
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos"],
    "properties": {
        "id": {"type": "integer"},
        "type": {"enum": ["row", "stat", "table", "timeseries"]},
        "gridPos": POSITION,
        "datasource": SOURCE,
        "targets": {"type": "array", "minItems": 1, "items": TARGET},
        "fieldConfig": {"type": "object", "required": ["defaults", "overrides"]},
    },
    "if": {"properties": {"type": {"not": {"const": "row"}}}},
    "then": {"required": ["targets", "datasource", "fieldConfig", "options"]},
}
VARIABLE = {
    "type": "object",
    "required": ["name", "type", "query"],
    "properties": {"type": {"enum": ["datasource", "query"]}},
}
SCHEMA = {
    "type": "object",
    "required": ["title", "uid", "schemaVersion", "panels", "time", "templating", "annotations"],
    "properties": {
        "title": {"type": "string"},
        "uid": {"type": "string", "maxLength": 40, "pattern": "^[a-zA-Z0-9_-]+$"},
        "schemaVersion": {"const": 39},
        "refresh": {"type": "string"},
        "time": {"type": "object", "required": ["from", "to"]},
        "panels": {"type": "array", "items": PANEL},
        "templating": {"type": "object", "properties": {"list": {"type": "array", "items": VARIABLE}}},
    },
}


def expressions():
    """The queries of the dashboard, with its variables replaced."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"].replace("$__rate_interval", "5m")
            yield text.replace("$job", "isagate").replace("$instance", ".*")


@pytest.fixture(scope="module")
def names(start_shared_gateway):
    """The names of all metrics of a gateway that has had requests of each kind."""
    server = start_shared_gateway(
        [gateway.PING, {"path": "/up/*", "proxy": "app"}],
        extensions={"hello": {}, "knows_process": {"run": "isolated"}},
        upstreams={"app": {"servers": ["http://127.0.0.1:1"]}},
        admin=BIND,
    )
    for path in ("/ping", "/up/x", "/hello", "/knows_process"):
        server.secure().get(path)
    server.secure().get("/ping", "Bad Field: x")
    assert server.command("reload").returncode == 0
    text = collect(server).text
    return set(re.findall(r"^# TYPE (\S+)", text, re.M)) | set(re.findall(r"^(isagate_[a-z0-9_]+)", text, re.M))


def test_promtool_accepts_the_alert_rules():
    outcome = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", str(FOLDER / "alerts.yaml")],
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_promtool_sees_each_alert_when_it_is_due(tmp_path):
    """Series that cause an alert, and those of a gateway that is well."""
    labels = 'job="isagate", instance="one"'
    well = {
        f"up{{{labels}}}": "1x60",
        f"isagate_ready{{{labels}}}": "1x60",
        f"isagate_connections{{{labels}}}": "10x60",
        f"isagate_connections_limit{{{labels}}}": "100x60",
        f'isagate_certificate_expiry_timestamp_seconds{{{labels}, site="a", file="a.pem"}}': "8640000x60",
        f'isagate_requests_total{{{labels}, site="a", route="files", method="GET", code="2xx"}}': "0+600x60",
        f'isagate_requests_total{{{labels}, site="a", route="files", method="GET", code="5xx"}}': "0+1x60",
        f'isagate_access_log_lines_lost_total{{{labels}, log="access"}}': "0x60",
        f'isagate_worker_loop_lag_seconds{{{labels}, worker="0"}}': "0.001x60",
        f'isagate_pool_process_ends_total{{{labels}, pool="p", reason="requests"}}': "0+1x60",
        f'isagate_upstream_requests_total{{{labels}, upstream="u", server="s"}}': "0+100x60",
        f'isagate_upstream_failures_total{{{labels}, upstream="u", server="s"}}': "0+1x60",
        f'isagate_extension_errors_total{{{labels}, extension="e", reason="queue_full"}}': "0x60",
        f'isagate_request_duration_seconds_bucket{{{labels}, site="a", route="files", le="1"}}': "0+600x60",
        f'isagate_request_duration_seconds_bucket{{{labels}, site="a", route="files", le="10"}}': "0+600x60",
        f'isagate_request_duration_seconds_bucket{{{labels}, site="a", route="files", le="+Inf"}}': "0+600x60",
    }
    ill = {
        f"up{{{labels}}}": "0x60",
        f"isagate_ready{{{labels}}}": "0x60",
        f'isagate_condition{{{labels}, reason="pool_stopped", name="p"}}': "1x60",
        f"isagate_connections{{{labels}}}": "90x60",
        f"isagate_connections_limit{{{labels}}}": "100x60",
        f'isagate_certificate_expiry_timestamp_seconds{{{labels}, site="a", file="a.pem"}}': "86400x60",
        f'isagate_requests_total{{{labels}, site="a", route="files", method="GET", code="5xx"}}': "0+600x60",
        f'isagate_access_log_lines_lost_total{{{labels}, log="access"}}': "0+1x60",
        f'isagate_worker_loop_lag_seconds{{{labels}, worker="0"}}': "0.5x60",
        f'isagate_pool_process_ends_total{{{labels}, pool="p", reason="crash"}}': "0+1x60",
        f'isagate_upstream_requests_total{{{labels}, upstream="u", server="s"}}': "0+100x60",
        f'isagate_upstream_failures_total{{{labels}, upstream="u", server="s"}}': "0+50x60",
        f'isagate_extension_errors_total{{{labels}, extension="e", reason="queue_full"}}': "0+1x60",
        f'isagate_request_duration_seconds_bucket{{{labels}, site="a", route="files", le="1"}}': "0+1x60",
        f'isagate_request_duration_seconds_bucket{{{labels}, site="a", route="files", le="10"}}': "0+600x60",
        f'isagate_request_duration_seconds_bucket{{{labels}, site="a", route="files", le="+Inf"}}': "0+600x60",
    }

    def case(series, fires):
        """What fires is a count of alerts by name: their labels are of no interest here."""
        query = "count by (alertname) (ALERTS{alertstate='firing'})"
        samples = [{"labels": f'{{alertname="{rule["alert"]}"}}', "value": 1} for rule in ALERTS] if fires else []
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [{"expr": query, "eval_time": "40m", "exp_samples": samples}],
        }

    document = {
        "rule_files": [str(FOLDER / "alerts.yaml")],
        "evaluation_interval": "1m",
        "tests": [case(well, False), case(ill, True)],
    }
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(document))
    outcome = subprocess.run(
        ["promtool", "test", "rules", str(tmp_path / "tests.yaml")], capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_every_metric_of_the_alerts_exists(names):
    for rule in ALERTS:
        assert set(NAME.findall(rule["expr"])) <= names, rule["alert"]


def test_the_reasons_of_alerts_are_known(start_shared_gateway):
    server = start_shared_gateway([gateway.PING])
    reasons = {rule["labels"]["reason"] for rule in ALERTS if "reason" in rule["labels"]}
    (condition,) = [rule for rule in ALERTS if rule["alert"] == "IsagateCondition"]
    reasons |= set(re.search(r'reason=~"([^"]*)"', condition["expr"])[1].split("|"))
    for reason in reasons:
        assert server.command("explain", reason).stdout.startswith(f"{reason}: "), reason


def test_the_dashboard_is_what_grafana_expects():
    jsonschema.validate(DASHBOARD, SCHEMA)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        own = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not own & cells, f"{panel['title']} lies over another panel"
        cells |= own


def test_every_metric_of_the_dashboard_exists(names):
    for text in expressions():
        assert set(NAME.findall(text)) <= names, text


def test_prometheus_understands_every_query_of_the_dashboard(tmp_path):
    rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    outcome = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
