"""Prometheus' rules and Grafana's dashboard, held against a real Prometheus and a real API.

Grafana itself cannot be had here: of its dashboard, every query is asked, and its data source and
folders are looked up in what compose.yaml mounts.
"""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from tests.services.availability import unavailable
from tests.services.ports import wait_for
from tests.services.prometheus import (
    Prometheus,
    PrometheusMissingError,
    as_mounted,
    program,
    prometheus,
    promtool,
)
from tests.services.rendered import Project, example_record, pid_of, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKETS = ("0.1", "0.5", "1.0", "+Inf")
# Each rule: counters that grow by so much every 15 s (`predict_seconds` by bucket), and what fires.
SERIES: list[tuple[str, dict[str, str], set[str]]] = [
    (
        "all is well",
        {
            'up{job="api"}': "1+0x60",
            'predict_requests_total{status="200"}': "0+300x60",
            'predict_requests_total{status="500"}': "0+1x60",
            'predict_requests_total{status="429"}': "0+1x60",
            "prediction_log_failures_total": "0+0x60",
            **{f'predict_seconds_bucket{{le="{bound}"}}': "0+300x60" for bound in BUCKETS},
        },
        set(),
    ),
    ("it is down", {'up{job="api"}': "0+0x60"}, {"ApiDown"}),
    (
        "requests fail",
        {
            'predict_requests_total{status="200"}': "0+90x60",
            'predict_requests_total{status="503"}': "0+10x60",
        },
        {"ApiErrors"},
    ),
    ("the log is full", {"prediction_log_failures_total": "0+1x60"}, {"ApiCannotLog"}),
    (
        "it is slow",
        {
            'predict_seconds_bucket{le="0.1"}': "0+95x60",
            'predict_seconds_bucket{le="0.5"}': "0+95x60",
            'predict_seconds_bucket{le="1.0"}': "0+100x60",
            'predict_seconds_bucket{le="+Inf"}': "0+100x60",
        },
        {"ApiSlow"},
    ),
    (
        "too many ask",
        {
            'predict_requests_total{status="200"}': "0+80x60",
            'predict_requests_total{status="429"}': "0+20x60",
        },
        {"ApiBusy"},
    ),
]


@pytest.fixture(scope="module")
def deploy(default_project: Project) -> Path:
    try:
        program("promtool")
    except PrometheusMissingError as error:
        unavailable(error)
    return default_project.folder / "deploy"


@pytest.fixture(scope="module")
def rules(deploy: Path) -> dict[str, dict[str, Any]]:
    """Prometheus' alerts by their names."""
    groups = yaml.safe_load((deploy / "alert_rules.yaml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture(scope="module")
def queries(deploy: Path) -> list[str]:
    """What the dashboard asks, with the interval that Grafana would put in."""
    board = json.loads((deploy / "grafana" / "dashboards" / "api.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [query.replace("$__rate_interval", "10s") for query in asked]


@pytest.fixture(scope="module")
def watched(
    deploy: Path, default_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prometheus, str]]:
    """Prometheus, and the API that it watches, which has answered a few requests."""
    with serve(default_project) as url:
        folder = tmp_path_factory.mktemp("prometheus") / "files"
        with prometheus(deploy, folder, url.removeprefix("http://")) as server:
            wait_for(lambda: server.query("predict_seconds_count") != [], timeout=30)
            record = example_record(default_project)
            for _ in range(30):
                assert httpx.post(f"{url}/predict", json=[record]).status_code == 200
            answered = "sum(increase(predict_requests_total[10s])) > 0"
            wait_for(lambda: server.query(answered) != [], timeout=30)
            yield server, url


def test_promtool_finds_no_fault(deploy: Path, tmp_path: Path) -> None:
    config = as_mounted(deploy, tmp_path / "files")
    assert "SUCCESS" in promtool("check", "rules", config.with_name("alert_rules.yml"))
    assert "SUCCESS" in promtool("check", "config", config)


@pytest.mark.parametrize(("case", "series", "fires"), SERIES)
def test_each_rule_fires_on_what_it_is_for_and_on_nothing_else(  # noqa: PLR0913, PLR0917
    deploy: Path,
    rules: dict[str, dict[str, Any]],
    tmp_path: Path,
    case: str,
    series: dict[str, str],
    fires: set[str],
) -> None:
    expected = [
        {"eval_time": "12m", "alertname": name, "exp_alerts": []} for name in set(rules) - fires
    ]
    test = {
        "rule_files": [str(deploy / "alert_rules.yaml")],
        "evaluation_interval": "15s",
        "tests": [
            {
                "name": case,
                "interval": "15s",
                "input_series": [{"series": name, "values": v} for name, v in series.items()],
                "alert_rule_test": expected,
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})',
                        "eval_time": "12m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                    for name in fires
                ],
            }
        ],
    }
    file = tmp_path / "rules_test.yaml"
    file.write_text(yaml.safe_dump(test))
    promtool("test", "rules", file)


def test_every_alert_says_how_bad_it_is_and_where_to_read_on(
    deploy: Path, rules: dict[str, dict[str, Any]]
) -> None:
    runbook = (deploy.parent / "docs" / "runbook.md").read_text(encoding="utf-8")
    for name, rule in rules.items():
        assert rule["labels"]["severity"] in {"critical", "warning"}, name
        page, _, section = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbook.md"
        assert f"\n### {section}\n" in runbook, name


def test_every_figure_that_is_asked_for_is_one_that_the_api_tells(
    watched: tuple[Prometheus, str], rules: dict[str, dict[str, Any]], queries: list[str]
) -> None:
    told = set(re.findall(r"^(\w+)[{ ]", httpx.get(f"{watched[1]}/metrics").text, re.MULTILINE))
    for expression in (*queries, *(rule["expr"] for rule in rules.values())):
        bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", "", expression)
        named = set(re.findall(r"\b(?:predict|requests)\w*_\w+", bare))
        assert named <= told, expression


def test_every_query_of_the_dashboard_gives_figures(
    watched: tuple[Prometheus, str], queries: list[str]
) -> None:
    assert len(queries) > 8
    for query in queries:
        values = [series["value"][1] for series in watched[0].query(query)]
        assert values, query
        assert "NaN" not in values, query


def test_grafana_finds_its_data_source_and_its_dashboard_where_compose_puts_them(
    deploy: Path,
) -> None:
    grafana = yaml.safe_load((deploy / "compose.yaml").read_text())["services"]["grafana"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    provisioning = deploy / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "api.yaml").read_text())[
        "providers"
    ]
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    assert source["url"] == "http://prometheus:9090"
    board = json.loads((deploy / "grafana" / "dashboards" / "api.json").read_text())
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    for panel in board["panels"]:
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": source["uid"]}


def test_a_killed_api_fires_the_alert_in_a_real_prometheus(
    watched: tuple[Prometheus, str],
) -> None:
    server, url = watched
    wait_for(lambda: server.alerts() == {}, timeout=20)
    os.kill(pid_of(url), signal.SIGKILL)
    wait_for(lambda: server.alerts().get("ApiDown") == "firing", timeout=20)
