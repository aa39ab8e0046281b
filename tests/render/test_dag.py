"""The DAG holds one way to run a step, is short, and reads its own settings strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.render.answer_sets import choices
from tests.render.tree import Tree, grow

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.quick

LINES = 150
BY_DEFAULT = 115
WORDS = {
    "process": ("bash", ".venv", "process"),
    "docker": ("docker",),
    "kubernetes": ("kubernetes", "k8s", "pod"),
    "ecs": ("ecs", "aws", "amazon"),
    "cloud_run": ("cloud_run", "cloudrun", "google", "gcp"),
}
CASES: list[dict[str, Any]] = [
    {},
    {"airflow_operator": "docker"},
    {"airflow_operator": "kubernetes"},
    {"airflow_operator": "kubernetes", "storage": "bucket"},
    {"platform": "kubernetes", "serving": ["api"]},
    {"cloud": "azure"},
    {"cloud": "aws"},
    {"cloud": "gcp"},
    {"cloud": "gcp", "airflow_operator": "kubernetes"},
]
CHOSEN = {"aws": "ecs", "gcp": "cloud_run", "azure": "kubernetes"}


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tree, str]:
    """A project, and the way that its answers come to."""
    answers = request.param
    way = CHOSEN.get(answers.get("cloud"), "kubernetes" if "platform" in answers else "process")
    tree = grow(tmp_path_factory.mktemp("way") / "project", source, answers)
    return tree, answers.get("airflow_operator", way)


def test_every_way_is_looked_at() -> None:
    assert set(WORDS) == set(choices()["airflow_operator"])


def test_the_dag_is_short_and_names_no_other_way(case: tuple[Tree, str]) -> None:
    tree, way = case
    assert tree.answers["airflow_operator"] == way
    text = tree.text("dags/customer_churn.py")
    assert len(text.splitlines()) <= (BY_DEFAULT if way == "process" else LINES)
    others = {word for name, words in WORDS.items() if name != way for word in words}
    assert [word for word in sorted(others) if word in text.lower()] == []
    assert any(word in text.lower() for word in WORDS[way])


def test_the_settings_are_those_of_the_way(case: tuple[Tree, str]) -> None:
    tree, way = case
    settings = tree.toml("config/airflow.toml")
    tables = {name for name, value in settings.items() if isinstance(value, dict)}
    assert tables == ({way} & {"docker", "kubernetes"})
