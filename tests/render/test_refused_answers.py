"""Answers that would break the project are refused with a reason, before anything is written."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.render.answer_sets import Answers, named, questions
from tests.render.tree import Tree, grow
from tests.services.rendered import project_env

NO_SLUG = "is no valid name"
NO_PACKAGE = "is no valid package name"

REFUSED = [
    ("engagement_today", "x" * 301, "at most 300 characters"),
    ("engagement_costs_today", "a\x07b", "plain text, on one line"),
    ("engagement_whys", "a;b;c;d;e;f", "Name at most 5"),
    ("engagement_whys", "a;;b", "take away a semicolon"),
    ("engagement_alternatives", "a\nb", "plain text, on one line"),
    ("engagement_stakeholders", "Finance", r"who \| stake"),
    ("engagement_stakeholders", "; ".join(["a | b"] * 9), "Name at most 8"),
    ("engagement_done", "a\x7fb", "plain text, on one line"),
    ("engagement_deadline", "2027-02-30", "is no day"),
    ("engagement_budget", -1.0, "at least 0"),
    ("engagement_latency_ms", -1, "from 0 to"),
    ("engagement_personal_data", "a\nb", "plain text, on one line"),
    ("estimate_day_rate", -1.0, "at least 0"),
    ("estimate_people", 0, "from 1 to 20"),
    ("project_slug", "Acme", NO_SLUG),
    ("project_slug", "acme_churn", NO_SLUG),
    ("project_slug", "acme--churn", NO_SLUG),
    ("project_slug", "-acme", NO_SLUG),
    ("project_slug", "acme-", NO_SLUG),
    ("project_slug", "1acme", NO_SLUG),
    ("project_slug", "acme churn", NO_SLUG),
    ("project_slug", "../acme", NO_SLUG),
    ("project_slug", "größe", NO_SLUG),
    ("project_slug", "acme\n", NO_SLUG),
    ("project_slug", "", NO_SLUG),
    ("project_slug", "a" * 31, "31 characters: use at most 30"),
    ("project_slug", "scikit-learn", "library that the project itself uses"),
    ("project_slug", "fourhats-runtime", "library that the project itself uses"),
    ("project_slug", "python", "command that the project itself needs"),
    ("project_slug", "aux", "device on Windows"),
    ("project_slug", "com1", "device on Windows"),
    ("package_name", "nul", "device on Windows"),
    ("project_name", "Con", "device on Windows"),
    ("package_name", "acme-churn", NO_PACKAGE),
    ("package_name", "_acme", NO_PACKAGE),
    ("package_name", "Acme", NO_PACKAGE),
    ("package_name", "1acme", NO_PACKAGE),
    ("package_name", "acme.churn", NO_PACKAGE),
    ("package_name", "acme\n", NO_PACKAGE),
    ("package_name", "class", "Python keyword"),
    ("package_name", "match", "Python keyword"),
    ("package_name", "json", "standard library"),
    ("package_name", "tomllib", "standard library"),
    ("package_name", "duckdb", "library that the project itself uses"),
    ("package_name", "fourhats_runtime", "library that the project itself uses"),
    ("package_name", "runtime", "library that the project itself uses"),
    ("package_name", "sklearn", "library that the project itself uses"),
    ("package_name", "tests", "library that the project itself uses"),
    ("package_name", "a" * 31, "31 characters: use at most 30"),
    ("project_name", "", "at least one character"),
    ("project_name", "  ", "at least one character"),
    ("project_name", "a" * 81, "81 characters: use at most 80"),
    ("project_name", "two\nlines", "one line"),
    ("project_name", "bell\x07", "control character"),
    ("project_name", "json", "standard library"),
    ("project_name", "Import", "Python keyword"),
    ("project_name", "Test", "standard library"),
    ("project_name", "Polars", "library that the project itself uses"),
    ("project_description", " \n", "plain text"),
    ("project_description", "\x1b[31mred", "plain text"),
    ("client_name", "", "plain text"),
    ("client_name", "a\x00b", "plain text"),
    ("user_name", "", "name"),
    ("user_name", "two\nlines", "one line"),
    ("user_email", "team", "no e-mail address"),
    ("user_email", "team@", "no e-mail address"),
    ("user_email", 'te"am@example.com', "no e-mail address"),
    ("user_email", "team@example", "no e-mail address"),
    ("user_email", "team@example.com\n", "no e-mail address"),
    ("business_problem", "", "plain text"),
    ("business_problem", "a\x00b", "plain text"),
    ("business_decision", " ", "plain text"),
    ("business_owner", "", "plain text"),
    ("value_currency", "eur", "three capital letters"),
    ("value_currency", "EURO", "three capital letters"),
    ("value_currency", "€", "three capital letters"),
    ("value_currency", "EUR\n", "three capital letters"),
    ("value_right", 0, "above 0"),
    ("value_right", -1.5, "above 0"),
    ("value_right", float("nan"), "above 0"),
    ("value_right", float("inf"), "above 0"),
    ("value_wrong", 0, "above 0"),
    ("value_wrong", -20, "above 0"),
    ("value_tolerance", 0, "above 0"),
    ("value_reading", -0.1, "at least 0"),
    ("value_monthly_volume", 0, "at least 1"),
    ("value_monthly_volume", -5, "at least 1"),
    ("value_monthly_volume", "many", "many"),
    ("files_path", "data\n.csv", "control character"),
    ("bigquery_project", "Acme Analytics", "project id"),
    ("bigquery_project", "acme\n", "project id"),
    ("bigquery_query", " ", "query"),
    ("excel_path", "data\n.xlsx", "control character"),
    ("excel_sheet", "Orders\n", "control character"),
    ("mysql_query", "\x07", "query"),
    ("postgres_query", "  ", "query"),
    ("object_storage_url", "https://bucket/sales", "s3://bucket"),
    ("rest_api_url", "ftp://example.com/customers", "https://"),
    ("rest_api_url", "https://user:password@example.com/customers", "without a password"),
    ("snowflake_query", "\x00", "query"),
    ("data_sources", [], "at least one source"),
    ("model_family", [], "at least one library"),
    ("model_family", ["sklearn", "prophet"], "prophet"),
    ("serving", [], "at least one way"),
    ("alerts", [], "at least one"),
    ("task", "forecasting", "forecasting"),
    ("client_language", "it", "it"),
    ("license", "GPL", "GPL"),
    ("python_version", "3.10", "3.10"),
    ("engine", "spark", "PySpark is not there for Python 3.14"),
    ("model_family", ["tensorflow"], "TensorFlow is not there for Python 3.14"),
    ("data_sources", ["files", "fax"], "fax"),
    ("storage", "local", "storage is a bucket"),
    ("platform", "kubernetes", "not a cluster"),
    ("airflow_operator", "ecs", "choose another airflow_operator, or cloud=aws"),
    ("airflow_operator", "cloud_run", "choose another airflow_operator, or cloud=gcp"),
]
ASKED_FOR: dict[str, Answers] = {
    "value_tolerance": {"task": "regression"},
    "value_reading": {"task": "search"},
    "bigquery_project": {"data_sources": ["bigquery"]},
    "bigquery_query": {"data_sources": ["bigquery"]},
    "excel_path": {"data_sources": ["excel"]},
    "excel_sheet": {"data_sources": ["excel"]},
    "mysql_query": {"data_sources": ["mysql"]},
    "postgres_query": {"data_sources": ["postgres"]},
    "object_storage_url": {"data_sources": ["object_storage"]},
    "rest_api_url": {"data_sources": ["rest_api"]},
    "snowflake_query": {"data_sources": ["snowflake"]},
    "engine": {"python_version": "3.14"},
    "model_family": {"python_version": "3.14"},
    "storage": {"cloud": "aws"},
    "platform": {"cloud": "aws"},
}


@pytest.mark.parametrize(
    ("name", "answer", "reason"), REFUSED, ids=[f"{name}={answer!r}" for name, answer, _ in REFUSED]
)
def test_a_bad_answer_is_refused_with_the_reason_and_nothing_written(
    name: str,
    answer: Any,  # noqa: ANN401 - answers are of any type
    reason: str,
    source: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    with pytest.raises(ValueError, match=reason):
        grow(folder, source, ASKED_FOR.get(name, {}) | {name: answer})
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize(
    "answers",
    [
        {"engine": "spark"},
        {"warehouse": "postgres"},
        {"model_family": ["lightgbm"]},
        {"dataframe": "pandas"},
        {"serving": ["api", "stream"]},
        {"storage": "bucket"},
        {"cloud": "gcp", "storage": "bucket"},
    ],
    ids=named,
)
def test_what_a_search_does_not_do_is_refused(
    answers: Answers, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"A search .* or (choose )?another task"):
        grow(tmp_path / "project", source, answers | {"task": "search"})
    assert not (tmp_path / "project").exists() or not list((tmp_path / "project").iterdir())


def test_every_question_that_could_be_answered_badly_is_tried() -> None:
    menus = {"profile", "dataframe", "warehouse", "broker"}
    menus |= {"orchestrator", "cloud", "ci", "worked_example"}
    menus |= {"engagement_explainable", "engagement_on_clients_machines"}
    assert {name for name, _, _ in REFUSED} | menus == set(questions())


def test_copier_alone_renders_the_same_project_without_trust(
    source: Path, tmp_path: Path, default_tree: Tree
) -> None:
    assert _copy(source, tmp_path / "project", "--defaults").returncode == 0
    copied = Tree(tmp_path / "project", default_tree.answers)
    assert copied.contents() == default_tree.contents()


def test_copier_alone_takes_answers_as_words(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    words = ["project_name=Größe: 1", "serving=[batch]", "task=regression", "value_tolerance=2.5"]
    options = [part for word in words for part in ("--data", word)]
    assert _copy(source, folder, "--defaults", *options).returncode == 0
    kept = grow(
        tmp_path / "same",
        source,
        {
            "project_name": "Größe: 1",
            "serving": ["batch"],
            "task": "regression",
            "value_tolerance": 2.5,
        },
    )
    assert Tree(folder, kept.answers).contents() == kept.contents()


def test_copier_alone_refuses_a_bad_answer_too(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    done = _copy(source, folder, "--defaults", "--data", "package_name=json")
    assert done.returncode != 0
    assert "standard library" in done.stderr
    assert not folder.exists() or not list(folder.iterdir())


def _copy(source: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "copier", "copy", *options, source, folder],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=project_env({}),
    )
