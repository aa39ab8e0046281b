"""What follows from a search that has run: ledger, retrace, status, model card, hand-over."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fourhats_runtime.engagement import write_status
from fourhats_runtime.engagement.criteria import retraced
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.handover import bundle, hand_over
from fourhats_runtime.lifecycle.ledger import experiments
from fourhats_runtime.lifecycle.registry import Registry, model_files
from fourhats_runtime.lifecycle.retrace import AnotherModelError
from fourhats_runtime.pipeline import Asked, run_step
from fourhats_runtime.pretrained.embedding import Sentence, Static
from fourhats_runtime.search import documents
from fourhats_runtime.search.searcher import Searcher

from tests.runtime.sample_project import TEMPLATE
from tests.runtime.search.world import search_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fourhats_runtime import Project


def champion(project: Project) -> str:
    return Registry(project.artifacts / "registry").require("champion")


def test_the_ledger_says_why_what_was_changed_and_what_it_adds(searched: Project) -> None:
    text = search_toml(searched.folder).partition("[search.models.table]")[0]
    (searched.folder / "config" / "search.toml").write_text(text, encoding="utf-8")
    project = searched.at(searched.folder)
    run_step("train", project, asked=Asked(note="one model is enough"))
    first, second = experiments(project)
    assert first.verdict == "champion"
    assert first.gain is not None
    assert first.gain.over == "answer nothing"
    assert first.changed == ()
    assert (first.measure, second.measure) == ("MRR", "MRR")
    assert second.figure is not None
    assert 0 < second.figure["low"] <= second.figure["figure"] <= second.figure["high"] <= 1  # type: ignore[operator]
    assert second.note == "one model is enough"
    assert second.changed == ("models: table",)
    assert second.verdict == "trained"
    assert second.seconds is not None


def test_other_questions_and_documents_are_named_in_the_ledger(searched: Project) -> None:
    path = searched.folder / "data" / "queries.csv"
    path.write_text(path.read_text(encoding="utf-8") + "automobile kid,p3\n", encoding="utf-8")
    pages = searched.folder / "data" / "pages.csv"
    lines = pages.read_text(encoding="utf-8").splitlines()
    pages.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    for step in ("extract", "validate", "transform", "train"):
        run_step(step, searched)
    *_, last = experiments(searched)
    assert last.changed == ("settings: questions", "data: 1 rows fewer")


def test_a_version_is_retraced_to_the_same_vectors(searched: Project) -> None:
    found = retraced(searched, champion(searched))
    assert found.rows == 45
    assert found.difference is None or found.difference < 1e-6
    assert "vectors" in str(found)
    with pytest.raises(ProjectError, match=r"no version 'v9-00000000' \(there are: v1-"):
        retraced(searched, "v9-00000000")


def test_other_passages_or_vectors_are_another_model(
    searched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        other.setattr(documents, "WORDS", 10)
        other.setattr(documents, "OVERLAP", 2)
        with pytest.raises(AnotherModelError, match="other passages"):
            retraced(searched, champion(searched))
    for kind in (Sentence, Static):
        monkeypatch.setattr(kind, "__call__", off_by_little(kind.__call__))
    with pytest.raises(AnotherModelError, match=r"other vectors today, by up to 0\.0"):
        retraced(searched, champion(searched))


def off_by_little(embed: Callable[[Any, Sequence[str]], np.ndarray]) -> object:
    return lambda self, texts: embed(self, texts) + np.float32(0.01)


def test_the_status_tells_figures_and_what_is_next(searched: Project) -> None:
    (page, *_) = write_status(searched, None, None)
    text = page.read_text(encoding="utf-8")
    assert f"trained {champion(searched)}" in text
    assert "| MRR |" in text
    assert "accept" in text


def test_the_model_card_is_the_champions_whoever_was_trained_since(searched: Project) -> None:
    text = search_toml(searched.folder).partition("[search.models.table]")[0]
    (searched.folder / "config" / "search.toml").write_text(text, encoding="utf-8")
    project = searched.at(searched.folder)
    run_step("train", project)
    run_step("report", project)
    challenger = Registry(project.artifacts / "registry").require("challenger")
    card = (project.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    assert f"`{champion(project)}`" in card
    assert f"`{challenger}`" not in card


def test_the_model_card_names_models_figures_and_rule(searched: Project) -> None:
    run_step("report", searched)
    card = (searched.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    registered = Registry(searched.artifacts / "registry").card(champion(searched))
    assert f"`{champion(searched)}`" in card
    for name, model in registered["models"].items():
        assert (
            f"- {name}: made by the tests; licence MIT; SHA-256 `{model['weights']['sha256']}`"
            in card
        )
    assert "| MRR |" in card
    assert "45 documents" in card
    assert "\n\n\n" not in card
    lineage = (searched.folder / "docs" / "lineage.md").read_text(encoding="utf-8")
    assert "| `body` | `body` of `raw_files` | field |" in lineage
    assert 'model(["search of pages"])' in lineage


@pytest.fixture
def ready(searched: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the library with what a rendered project has beside, and its report."""
    (searched.folder / "deploy").mkdir()
    shutil.copy(TEMPLATE / "deploy" / "tools.txt", searched.folder / "deploy")
    (searched.folder / ".gitignore").write_text(".env\n", encoding="utf-8")
    (searched.folder / ".env.example").write_text("PSEUDONYM_KEY=\n", encoding="utf-8")
    run_step("report", searched)

    def bill(_folder: Path, path: Path) -> int:
        path.write_text("{}\n", encoding="utf-8")
        return 0

    monkeypatch.setattr(bundle, "write_bill", bill)
    return searched


def test_who_takes_over_can_search_at_once(ready: Project, tmp_path: Path) -> None:
    made = hand_over(ready, tmp_path / "out")
    project = ready.at(made.folder / "project")
    registry = Registry(project.artifacts / "registry")
    assert set(registry.models()) == model_files(registry.card(made.champion))
    example = json.loads((made.folder / "example.json").read_text(encoding="utf-8"))
    searcher = Searcher.of(project)
    try:
        version, (found,) = searcher.search("r", example["questions"], 1, {}, trial=True)
    finally:
        searcher.close()
    assert version == made.champion
    assert found.certainty > 0
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    assert "http://127.0.0.1:8000/search" in start
    licences = (made.folder / "licences.md").read_text(encoding="utf-8")
    assert "made by the tests; licence MIT" in licences
