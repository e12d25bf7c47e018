"""What Prometheus and Grafana get."""

import json

import chart
from chart import CHART, SERVICES, case, of_kind, profile


def test_alerts_and_dashboards_are_those_of_the_files():
    rendered = profile("production")
    source = chart.yaml.safe_load((CHART / "files/alerts.yaml").read_text())
    rule, = of_kind(rendered, "PrometheusRule")
    assert rule["spec"] == source
    boards = {name: text for it in of_kind(rendered, "ConfigMap")
              for name, text in it["data"].items()}
    files = {file.name: file for file in (CHART / "files/dashboards").glob("*.json")}
    assert files and boards.keys() == files.keys()
    for name, file in files.items():
        assert json.loads(boards[name]) == json.loads(file.read_text())


def test_run_books_are_found_below_the_address_that_is_given():
    rule, = of_kind(case(CHART / "ci/gateway.yaml"), "PrometheusRule")
    urls = [it["annotations"]["runbook_url"] for group in rule["spec"]["groups"]
            for it in group["rules"] if "alert" in it]
    assert urls and all(url.startswith("https://code.example.org/vigie/docs/") for url in urls)


def test_prometheus_finds_the_metrics_of_every_service_once():
    rendered = profile("production")
    monitor, = of_kind(rendered, "ServiceMonitor")
    selected = [it for it in of_kind(rendered, "Service")
                if monitor["spec"]["selector"]["matchLabels"].items()
                <= it["metadata"]["labels"].items()]
    ports = [it["spec"]["selector"]["app.kubernetes.io/component"] for it in selected
             for port in it["spec"]["ports"] if port["name"] == "metrics"]
    assert sorted(ports) == SERVICES
