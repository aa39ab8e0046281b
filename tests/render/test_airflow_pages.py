"""The pages on Airflow name what there is, and the values are names that its chart knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.render.tree import Tree, grow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHART = "1.22.0"
# Of the chart's reference (airflow.apache.org/docs/helm-chart/1.22.0/parameters-ref.html) and its
# values.yaml, what we say something of: its schema is in no registry of packages.
KNOWN = {
    "airflowVersion",
    "allowPodLaunching",
    "apiSecretKeySecretName",
    "createUserJob.defaultUser.enabled",
    "dags.gitSync.branch",
    "dags.gitSync.credentialsSecret",
    "dags.gitSync.depth",
    "dags.gitSync.enabled",
    "dags.gitSync.repo",
    "dags.gitSync.subPath",
    "data.metadataSecretName",
    "defaultAirflowTag",
    "executor",
    "fernetKeySecretName",
    "jwtSecretName",
    "postgresql.enabled",
    "redis.enabled",
    "scheduler.serviceAccount.name",
    "statsd.enabled",
    "triggerer.enabled",
}
# Of the executors, those that tell a late run: the others know no callbacks.
TELLING = {"LocalExecutor", "CeleryExecutor"}
PAGES = [
    ({"cloud": "aws"}, {"mwaa.md"}),
    ({"cloud": "gcp"}, {"composer.md"}),
    ({"cloud": "azure"}, {"helm.md", "values.yaml"}),
    ({"platform": "kubernetes"}, {"helm.md", "values.yaml"}),
    ({}, set()),
    ({"cloud": "aws", "orchestrator": "none"}, set()),
    ({"cloud": "aws", "airflow_operator": "kubernetes"}, set()),
    ({"cloud": "gcp", "airflow_operator": "docker"}, set()),
    ({"cloud": "azure", "airflow_operator": "process"}, set()),
    ({"platform": "kubernetes", "airflow_operator": "docker"}, set()),
]


@pytest.fixture(scope="module", params=PAGES, ids=[str(answers) for answers, _ in PAGES])
def case(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tree, set[str]]:
    answers, files = request.param
    return grow(tmp_path_factory.mktemp("pages") / "project", source, answers), files


def test_a_page_is_there_for_each_airflow_that_may_run_the_line(
    case: tuple[Tree, set[str]],
) -> None:
    tree, files = case
    folder = tree.folder / "deploy" / "airflow"
    assert {path.name for path in folder.glob("*")} == files
    assert folder.exists() == bool(files)


def test_pages_name_only_what_there_is(case: tuple[Tree, set[str]]) -> None:
    tree, files = case
    terraform = "".join(path.read_text() for path in tree.folder.glob("deploy/terraform/*/*.tf"))
    for name in files:
        page = tree.text(f"deploy/airflow/{name}")
        for path in re.findall(r"\]\((\.\.?/[^)#]+|\w+\.\w+)\)", page):
            assert (tree.folder / "deploy" / "airflow" / path).exists(), path
        for path in re.findall(r"\b(?:deploy|dags|config)/[\w/.]+\.\w+\b", page):
            assert (tree.folder / path).exists() or "/dags/" in page, path
        for output in re.findall(r"output -raw (\w+)", page):
            assert f'output "{output}"' in terraform
        for variable in re.findall(r"echo '(\w+) = ", page):
            assert f'variable "{variable}"' in terraform


def test_the_values_are_those_that_the_chart_knows_and_no_secret(
    case: tuple[Tree, set[str]],
) -> None:
    tree, files = case
    if "values.yaml" not in files:
        return
    values = yaml.safe_load(tree.text("deploy/airflow/values.yaml"))
    assert set(leaves(values)) <= KNOWN
    assert values["airflowVersion"] == values["defaultAirflowTag"]
    assert values["executor"] in TELLING
    page = tree.text("deploy/airflow/helm.md")
    assert f"--version {CHART} " in page
    assert f"version {CHART}:" in tree.text("deploy/airflow/values.yaml")
    assert f"Airflow {values['airflowVersion']} " in page
    secrets = set(re.findall(r"create secret generic ([\w-]+)", page))
    named = [values["data"]["metadataSecretName"], values["dags"]["gitSync"]["credentialsSecret"]]
    named += [value for name, value in values.items() if name.endswith("SecretName")]
    assert secrets >= set(named)
    if tree.answers["platform"] == "kubernetes":
        _, binding = yaml.safe_load_all(tree.text("deploy/kubernetes/base/airflow.yaml"))
        (account,) = binding["subjects"]
        assert account["name"] == values["scheduler"]["serviceAccount"]["name"]
        assert values["allowPodLaunching"] is False


def leaves(values: dict[str, Any], above: str = "") -> Iterator[str]:
    """Give the names of all values, as Helm's `--set` has them."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"
