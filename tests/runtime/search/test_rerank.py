"""A cross-encoder puts the documents in front anew; whether it does is compared."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle.registry import Registry, model_files
from fourhats_runtime.pipeline import run_step
from fourhats_runtime.search import experiment
from fourhats_runtime.search.rankers import Found
from fourhats_runtime.search.rerank import MOST_PASSAGES, MOST_RERANKED, CrossEncoder, Reranker
from fourhats_runtime.search.version import load_version

from tests.runtime.search.world import reranker_toml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourhats_runtime import Project


@pytest.fixture
def rereading(searched: Project) -> Project:
    """Give the library with noisy vectors, and a cross-encoder that knows its words."""
    settings = reranker_toml(searched.folder)
    (searched.folder / "config" / "search.toml").write_text(settings, encoding="utf-8")
    project = searched.at(searched.folder)
    run_step("train", project)
    return project


def encoder(project: Project, name: str = "cross") -> CrossEncoder:
    reranker_toml(project.folder)
    models = project.folder / "models"
    return CrossEncoder(models / f"{name}.onnx", models / "tokenizer.json")


def found(*places: int) -> Found:
    scores = np.linspace(1, 0.5, len(places), dtype=np.float32)
    return Found(np.array(places, dtype=np.int64), scores, 0.5)


def test_pairs_are_read_together_and_scored_between_nothing_and_one(unsearched: Project) -> None:
    passages = ["the car and a doctor", "a car", "page", "it is a vehicle of the physician says it"]
    said = encoder(unsearched)("automobile medic", passages)
    assert said.tolist() == pytest.approx([1 / 2, 1 / (1 + np.e), 1 / (1 + np.e**2), 1 / 2])


def test_of_two_classes_the_last_one_answers_as_far_as_it_is_ahead(unsearched: Project) -> None:
    said = encoder(unsearched, "two_classes")("automobile medic", ["a car", "page"])
    assert said.tolist() == pytest.approx([1 / (1 + np.e**1.5), 1 / (1 + np.e**3)])


def by_letters(asked: list[list[str]]) -> CrossEncoder:
    """Give what takes the longest passage for the best, and notes what it reads."""

    class Letters:
        def __call__(self, _question: str, passages: Sequence[str]) -> np.ndarray:
            asked.append(list(passages))
            return np.array([len(passage) / 100 for passage in passages])

    return Letters()  # type: ignore[return-value]


def test_a_document_is_as_good_as_its_best_passage() -> None:
    reranker = Reranker(by_letters([]), {3: ("aa",), 5: ("a", "aaaa"), 7: ("aaa", "a")})
    (order,) = reranker(["?"], [found(3, 5, 7)])
    assert order.places.tolist() == [5, 7, 3]
    assert order.scores.tolist() == pytest.approx([0.04, 0.03, 0.02])
    assert order.certainty == pytest.approx(0.04)


def test_only_the_first_are_read_and_the_others_follow() -> None:
    places = range(MOST_RERANKED + 5)
    asked: list[list[str]] = []
    reranker = Reranker(by_letters(asked), {place: ("a" * place,) for place in places})
    (order,) = reranker(["?"], [found(*places)])
    assert len(asked[0]) == MOST_RERANKED
    assert order.places.tolist() == [*reversed(places[:MOST_RERANKED]), *places[MOST_RERANKED:]]
    assert order.scores[MOST_RERANKED:].tolist() == [0] * 5


def test_of_a_long_document_the_passages_that_share_words_are_read() -> None:
    asked: list[list[str]] = []
    passages = (*(f"other {number}" for number in range(MOST_PASSAGES + 2)), "a Red car", "red")
    Reranker(by_letters(asked), {0: passages})(["red car"], [found(0)])
    assert asked == [["a Red car", "red", *passages[: MOST_PASSAGES - 2]]]


def test_where_nothing_is_found_nothing_is_read() -> None:
    nothing = Found(np.array([], dtype=np.int64), np.array([], dtype=np.float32), 0.0)
    asked: list[list[str]] = []
    assert Reranker(by_letters(asked), {})(["?"], [nothing]) == [nothing]
    assert not asked


def test_a_model_of_vectors_is_no_reranker(unsearched: Project) -> None:
    models = unsearched.folder / "models"
    with pytest.raises(ProjectError, match="it is no re-ranker"):
        CrossEncoder(models / "model.onnx", models / "tokenizer.json")


def test_what_is_found_is_compared_with_and_without_it(rereading: Project) -> None:
    registry = Registry(rereading.artifacts / "registry")
    version = registry.require("challenger")
    card, noted = registry.card(version), registry.noted(version, "compared")
    assert noted is not None
    rows = {row["name"]: row for row in noted["table"]}
    with_it = [name for name in rows if name.endswith(", re-ranked by cross")]
    (name,) = with_it
    without = rows[name.removesuffix(", re-ranked by cross")]
    assert card["model"] == name
    assert rows[name]["MRR"]["figure"] > without["MRR"]["figure"]
    assert rows[name]["milliseconds"] > without["milliseconds"]
    assert rows[name]["megabytes"] > without["megabytes"]
    assert "cross" in card["models"]
    assert not [row for row in rows if row.startswith("cross")]


def test_it_takes_the_milliseconds_of_a_question(
    rereading: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count(start=100.0, step=6.3)
    monkeypatch.setattr(experiment, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    rows = {row["name"]: row for row in run_step("train", rereading).facts["table"]}
    (name,) = (name for name in rows if name.endswith(", re-ranked by cross"))
    without = rows[name.removesuffix(", re-ranked by cross")]
    assert rows[name]["milliseconds"] - without["milliseconds"] == pytest.approx(6300 / 63)


def test_a_loaded_version_rereads_as_the_experiment_did(rereading: Project) -> None:
    registry = Registry(rereading.artifacts / "registry")
    version = registry.require("challenger")
    (given,) = load_version(rereading, version).ask(["automobile medic"])
    assert given.places[0] == 0
    assert given.certainty == pytest.approx(0.5)
    evaluated = run_step("evaluate", rereading).facts["figures"]["MRR"]
    table = (registry.noted(version, "compared") or {})["table"]
    (row,) = (row for row in table if row["name"].endswith("re-ranked by cross"))
    assert evaluated == pytest.approx(row["MRR"])


def test_a_changed_reranker_is_named(rereading: Project) -> None:
    registry = Registry(rereading.artifacts / "registry")
    version = registry.require("challenger")
    card = registry.card(version)
    path = registry.model(card["models"]["cross"]["weights"]["sha256"])
    assert path.name in model_files(card)
    path.write_bytes(b"other")
    with pytest.raises(DamagedError, match=path.name):
        load_version(rereading, version)


def test_it_is_not_kept_where_it_finds_no_more(searched: Project, tmp_path: Path) -> None:
    del tmp_path
    settings = searched.folder / "config" / "search.toml"
    text = settings.read_text(encoding="utf-8")
    reread = reranker_toml(searched.folder).partition("[search.models.cross]")
    settings.write_text(text + reread[1] + reread[2], encoding="utf-8")
    project = searched.at(searched.folder)
    run_step("train", project)
    registry = Registry(project.artifacts / "registry")
    version = registry.require("challenger")
    table = (registry.noted(version, "compared") or {})["table"]
    chosen = registry.card(version)["model"]
    best = max(row["MRR tuned"] for row in table)
    rows = {row["name"]: row["MRR tuned"] for row in table}
    assert rows[chosen] == pytest.approx(best)
    if "re-ranked" in chosen:
        assert best > rows[chosen.removesuffix(", re-ranked by cross")]
