"""An option that was not chosen leaves no trace."""

import re
from pathlib import PurePath
from typing import NamedTuple

import pytest

from tests.render.answer_sets import questions
from tests.render.tree import Tree


class Trace(NamedTuple):
    """What only a choice's own lines say, and where else a mention is meant."""

    words: str
    elsewhere: tuple[str, ...] = ()
    also: str = ""
    """A question by which the same may be chosen."""
    within: tuple[str, str] | None = None
    """The choice without which it is not asked for."""


# The tests stand on DuckDB, tell the log, and shut out whatever is set around them.
ITS_TESTS = ("conftest.py",)
# The page on making changes says what a source may give.
ITS_PAGE = ("changing.md",)
# Airflow's own database and queue.
ITS_CHART = ("helm.md", "values.yaml")
# Wherever it runs, the weekly job knows the short names of the template's address.
ITS_UPDATES = ("template-update.yml",)
DIGEST = re.compile(r"\bsha(?:256|512):\w+")
"""Any word may be in one."""
AIRFLOW = ("orchestrator", "airflow")
NOT_ASKED = {"search": ("dataframe", "model_family")}
"""Of a task: which questions."""
# Every choice of every menu stands here; one that leaves nothing to be found has no words.
TRACES: dict[tuple[str, str], Trace] = {
    ("profile", "recommended"): Trace(""),
    ("profile", "everything"): Trace(""),
    ("client_language", "en"): Trace(""),
    ("client_language", "fr"): Trace(""),
    ("client_language", "de"): Trace(""),
    ("client_language", "es"): Trace(""),
    ("license", "proprietary"): Trace("Do Not Upload"),
    ("license", "MIT"): Trace(r"\bMIT\b"),
    ("license", "BSD-3-Clause"): Trace("BSD"),
    ("python_version", "3.11"): Trace(r"python:3\.11|python-version: .3\.11|versionSpec: .3\.11"),
    ("python_version", "3.12"): Trace(r"python:3\.12|python-version: .3\.12|versionSpec: .3\.12"),
    ("python_version", "3.13"): Trace(r"python:3\.13|python-version: .3\.13|versionSpec: .3\.13"),
    ("python_version", "3.14"): Trace(r"python:3\.14|python-version: .3\.14|versionSpec: .3\.14"),
    ("task", "classification"): Trace(r'task="classification"|act_right|predict_proba'),
    ("task", "search"): Trace(r'task="search"|search\.toml|bm25|value_reading|/search\b'),
    ("task", "regression"): Trace(r'task="regression"|value_tolerance|mean_absolute_error'),
    ("data_sources", "bigquery"): Trace("bigquery|google-(api|cloud)", also="warehouse"),
    ("data_sources", "excel"): Trace("excel|calamine|xlsx"),
    ("data_sources", "files"): Trace(r"\[files\]|\bFiles\(|FILES__PATH|files_path"),
    ("data_sources", "mysql"): Trace("mysql|mariadb"),
    ("data_sources", "postgres"): Trace("postgres|adbc", elsewhere=ITS_CHART, also="warehouse"),
    ("data_sources", "object_storage"): Trace(r"object.?storage|ObjectStorage"),
    ("data_sources", "rest_api"): Trace("rest[_-]?api|tenacity", elsewhere=("mwaa.md",)),
    ("data_sources", "snowflake"): Trace("snowflake", also="warehouse"),
    ("dataframe", "polars"): Trace("polars", elsewhere=ITS_PAGE),
    # PySpark asks for pandas.
    ("dataframe", "pandas"): Trace(r'dataframe="pandas"|import pandas|\.isna\(\)|,pandas,'),
    ("engine", "local"): Trace('engine="local"'),
    ("engine", "spark"): Trace(r"\bspark|pyspark|py4j|openjdk"),
    ("warehouse", "duckdb"): Trace('warehouse="duckdb"', elsewhere=ITS_TESTS),
    ("warehouse", "bigquery"): Trace('warehouse="bigquery"'),
    ("warehouse", "postgres"): Trace('warehouse="postgres"|WAREHOUSE_URL'),
    ("warehouse", "snowflake"): Trace('warehouse="snowflake"'),
    ("model_family", "sklearn"): Trace(
        "max_leaf_nodes|RandomForest|for_forests", elsewhere=ITS_PAGE
    ),
    ("model_family", "lightgbm"): Trace("lightgbm|onnxmltools"),
    ("model_family", "pytorch"): Trace(r"\btorch\b|pytorch|torch_layers|onnxscript"),
    ("model_family", "tensorflow"): Trace(r"tensorflow|keras|tf2onnx"),
    # FastAPI itself stays among the pins: MLflow asks for it.
    ("serving", "api"): Trace(
        r"API_KEY_HASHES|service\.py|httptools|uvloop|/predict\b|predict_re", elsewhere=ITS_TESTS
    ),
    ("serving", "batch"): Trace(r"'score'|\"score\"|\"batch\"|scores\.toml|artifacts/scores"),
    ("serving", "stream"): Trace(r'"stream"|stream\.toml|stream_alerts|dead.letter|idempotency'),
    ("broker", "redis"): Trace(
        r"\bredis\b|REDIS_", elsewhere=ITS_CHART, within=("serving", "stream")
    ),
    ("broker", "kafka"): Trace("kafka", within=("serving", "stream")),
    ("cloud", "none"): Trace(""),
    ("cloud", "aws"): Trace(r"terraform/aws|aws_ecs|Fargate"),
    ("cloud", "gcp"): Trace(r"terraform/gcp|\bgoogle_(cloud|secret|storage)|Cloud Run\b"),
    ("cloud", "azure"): Trace(r"terraform/azure|\bazurerm_|Container Apps"),
    ("storage", "local"): Trace(""),
    ("storage", "bucket"): Trace(r"\bstorage\.toml|obstore|STORAGE__URL", elsewhere=ITS_TESTS),
    ("orchestrator", "airflow"): Trace(r"airflow|\bdags?\b"),
    ("airflow_operator", "process"): Trace("BashOperator", within=AIRFLOW),
    ("airflow_operator", "docker"): Trace(
        r"DockerOperator|providers-docker|^\[docker\]", within=AIRFLOW
    ),
    ("airflow_operator", "kubernetes"): Trace(
        r"KubernetesPodOperator|providers-cncf|volume_claim", within=AIRFLOW
    ),
    ("airflow_operator", "ecs"): Trace(r"EcsRunTask|providers-amazon|\[ecs\]|mwaa", within=AIRFLOW),
    ("airflow_operator", "cloud_run"): Trace(
        r"CloudRunExecute|providers-google|\[cloud_run\]|composer", within=AIRFLOW
    ),
    ("orchestrator", "none"): Trace(r"systemd|\bA timer runs|CronJob|schedule\.tf"),
    ("platform", "containers"): Trace(""),
    # On Azure, Airflow itself is in a cluster.
    ("platform", "kubernetes"): Trace(
        r"deploy/kubernetes|kustomize|kubectl", elsewhere=("helm.md",)
    ),
    ("ci", "azure_devops"): Trace(
        r"azure.?(devops|pipelines|repos)|vmImage|\$\(System|vstoken|\bdevops_"
    ),
    ("ci", "github"): Trace(r"github|actions/", elsewhere=ITS_UPDATES),
    ("ci", "gitlab"): Trace(r"gitlab|merge.request|\bCI_PROJECT", elsewhere=ITS_UPDATES),
    ("ci", "none"): Trace(""),
    ("alerts", "log"): Trace('"log": log', elsewhere=ITS_TESTS),
    ("alerts", "slack"): Trace("slack"),
    ("alerts", "teams"): Trace(r"\bteams\b|TEAMS_WEBHOOK"),
    ("alerts", "email"): Trace("ALERT_EMAIL_|mailto|smtp"),
    ("alerts", "webhook"): Trace('ALERT_WEBHOOK|"webhook": webhook|a webhook'),
}


@pytest.mark.quick
def test_every_choice_is_known_here() -> None:
    menus = {
        (name, value)
        for name, question in questions().items()
        if "choices" in question
        for value in _values(question["choices"])
    }
    assert set(TRACES) == menus


def test_what_was_chosen_is_there_and_what_was_not_is_nowhere(tree: Tree) -> None:
    wrong = []
    for (question, choice), trace in TRACES.items():
        if not trace.words:
            continue
        found = _mentions(tree, trace)
        asked = trace.within is None or trace.within[1] in _chosen(tree, trace.within[0])
        asked &= question not in NOT_ASKED.get(tree.answers["task"], ())
        chosen = _chosen(tree, question) if asked else []
        if choice not in chosen + (_chosen(tree, trace.also) if trace.also else []):
            wrong += [f"{question}={choice} was not chosen, but {line}" for line in found]
        elif not found:
            wrong.append(f"{question}={choice} was chosen, but is nowhere")
    assert not wrong


@pytest.mark.quick
def test_examples_are_there_where_they_are_wanted(tree: Tree) -> None:
    found = _mentions(
        tree, Trace("calls_a_month|price_a_degree|snow in the heat|test account|a stub")
    )
    assert bool(found) == tree.answers["worked_example"], found


@pytest.mark.quick
def test_credentials_of_stores_are_asked_for_where_something_is_in_one(tree: Tree) -> None:
    found = _mentions(tree, Trace("AWS_|AZURE_"))
    wanted = "object_storage" in tree.answers["data_sources"] or tree.shares_a_bucket
    assert bool(found) == wanted, found


@pytest.mark.quick
def test_what_serves_is_nowhere_in_a_project_that_only_scores(tree: Tree) -> None:
    found = _mentions(tree, Trace(r"\bserve\b(?! types)|msgspec|prometheus|compose\.yaml"))
    assert bool(found) == bool({"api", "stream"} & set(tree.answers["serving"])), found


def _mentions(tree: Tree, trace: Trace) -> list[str]:
    words = re.compile(trace.words, re.IGNORECASE | re.MULTILINE)
    found = []
    for name, text in tree.texts.items():
        if name == ".copier-answers.yml" or PurePath(name).name in trace.elsewhere:
            continue
        named = DIGEST.sub("", f"{name}\n{text}")
        if words.search(named):  # most hold none of them, and need not be looked at by line
            lines = named.splitlines()
            found += [f"{name}: {line.strip()}" for line in lines if words.search(line)]
    return found


def _chosen(tree: Tree, question: str) -> list[str]:
    if question == "storage":
        return ["bucket" if tree.shares_a_bucket else "local"]
    answer = tree.answers[question]
    return answer if isinstance(answer, list) else [answer]


def _values(menu: list[str] | dict[str, str]) -> list[str]:
    return list(menu.values() if isinstance(menu, dict) else menu)
