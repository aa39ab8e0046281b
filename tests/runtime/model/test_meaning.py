"""What texts mean reaches the model by a pre-trained one, in training and wherever it is asked."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data import Files
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.retrace import retrace
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import BEST_DIMENSIONS, for_forests, for_linear, for_trees
from fourhats_runtime.model.features import columns, feed, lasting
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.meaning import column_of, vector_names
from fourhats_runtime.model.parts import Part
from fourhats_runtime.monitor.influence import dependence_figure, importances
from fourhats_runtime.pipeline import run_step, steps
from fourhats_runtime.serve import create_app
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from tests.runtime.sample_project import sample_project
from tests.runtime.search.world import CONCEPTS, models, pinned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourhats_runtime import Project

TOLERANCE = 1e-4
CONTRACT = """
table = "tickets"
positive = "yes"

[[columns]]
name = "ticket"
source = "ticket"
type = "integer"
role = "id"

[[columns]]
name = "message"
source = "message"
type = "text"
nullable = true
vectors = "table"

[[columns]]
name = "days"
source = "days"
type = "number"

[[columns]]
name = "left"
source = "left"
type = "category"
role = "target"
categories = ["no", "yes"]
"""
ANGRY = CONCEPTS[:5]
"""The concepts of which a message tells that somebody leaves."""
REVIEW = Column(name="review", source="r", type="text", vectors="any")
CLASSES = Column(name="y", source="y", type="category", role="target", categories=("no", "yes"))
NUMBER = Column(name="y", source="y", type="number", role="target")


def tickets(root: Path, rows: int = 600) -> Project:
    """Write tickets that say each thing by one word only; every fourth is open."""
    random = np.random.default_rng(0)
    project = sample_project(root, sources=(Files(),))
    (root / "models").mkdir()
    models(root / "models")
    (root / "config" / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    describe(root)
    business = root / "config" / "business.toml"
    text = business.read_text(encoding="utf-8")
    business.write_text(text.replace("act_wrong = -20.0", "act_wrong = -100.0"), encoding="utf-8")
    (root / "config" / "training.toml").write_text("[training]\ntrials = 2\n", encoding="utf-8")
    sources = '[files]\npath = "tickets.csv"\n\n[outcomes]\npath = ""\n'
    (root / "config" / "sources.toml").write_text(sources, encoding="utf-8")
    with (root / "tickets.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ticket", "message", "days", "left"])
        for number in range(rows):
            place = int(random.integers(len(CONCEPTS)))
            message = "" if number % 50 == 0 else f"about the {CONCEPTS[place][0]}"
            left = ("no", "yes")[bool(message) and (place < len(ANGRY)) != (random.random() < 0.1)]
            table.writerow([number, message, number % 7, "" if number % 4 == 0 else left])
    return project


def describe(root: Path, licence: str = "MIT", *, kind: str = "static") -> None:
    file = {"static": "table.safetensors", "sentence": "model.onnx"}[kind]
    text = f"""
[pretrained.models.table]
kind = "{kind}"
licence = "{licence}"
origin = "made by the tests"
weights = {pinned(root, file)}
tokenizer = {pinned(root, "tokenizer.json")}
"""
    (root / "config" / "pretrained.toml").write_text(text, encoding="utf-8")


def asked(project: Project, messages: Sequence[str | None]) -> list[float]:
    """Give the probabilities that the API answers."""
    records = [{"ticket": 0, "message": message, "days": 3} for message in messages]
    with TestClient(create_app(project)) as client:
        answer = client.post("/predict", json=records)
    assert answer.status_code == 200, answer.text
    return [
        each["probability"] if each["probability_of"] == "yes" else 1 - each["probability"]
        for each in answer.json()["predictions"]
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give the tickets, whose line has run: not to be changed."""
    project = tickets(tmp_path_factory.mktemp("tickets") / "project")
    for step in steps(project):
        run_step(step, project)
    return project


def test_a_word_that_no_row_had_is_understood(trained: Project) -> None:
    """Every row said "car": the model is asked about an "automobile"."""
    angry = asked(trained, [f"about the {concept[1]}" for concept in ANGRY])
    others = asked(trained, [f"about the {concept[2]}" for concept in CONCEPTS[len(ANGRY) :]])
    assert min(angry) > 0.6
    assert max(others) < 0.4


def test_batch_and_api_answer_as_the_model_does(trained: Project) -> None:
    model = Model.champion(trained)
    messages = ["about the car", None, "   ", "<script>alert(1)</script>", "ß" * 9000]
    direct = model.predict({"message": list[object](messages), "days": [3] * 5})[:, 1]
    assert asked(trained, messages) == pytest.approx(direct.tolist(), abs=1e-6)
    scores = run_step("score", trained)
    assert scores.rows_out == 150
    assert direct[1] == direct[2]


def test_the_files_go_with_the_version_and_serve_without_the_projects(
    trained: Project, tmp_path: Path
) -> None:
    shutil.copytree(trained.folder, tmp_path / "project")
    project = trained.at(tmp_path / "project")
    before = asked(project, ["about the medic"])
    for path in (project.folder / "models", project.artifacts / "registry" / "models"):
        for file in path.iterdir():
            file.unlink()
    (project.folder / "config" / "pretrained.toml").unlink()
    assert asked(project.at(project.folder), ["about the medic"]) == before
    registry = Registry(project.artifacts / "registry")
    version = registry.require("champion")
    weights = registry.folder(version) / "table.weights"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=r"table\.weights is damaged"):
        Model.load(project, version)


def test_a_version_is_retraced_with_its_models(trained: Project) -> None:
    version = Registry(trained.artifacts / "registry").require("champion")
    assert retrace(trained, version).difference is None


def test_a_texts_vector_is_one_input_to_people(trained: Project) -> None:
    model = Model.champion(trained)
    row = {
        "message": np.array(["about the car", "about the boat"] * 30, dtype=object),
        "days": np.arange(60.0) % 7,
    }
    inputs = model.inputs(row)
    part = Part(
        inputs,
        np.array([1.0, 0.0] * 30),
        vectors=vector_names(inputs, model.contract),
    )
    found = importances(model, part, seed=0)
    assert set(found) == {"message_vector", "days"}
    assert found["message_vector"].loss > 20 > 4 * abs(found["days"].loss)
    assert dependence_figure(model, part, list(found)) is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"licence": "CC-BY-NC-4.0"}, r"pretrained\.toml: the model 'table' has the licence"),
        (
            {"file": None},
            r"'message' has vectors = 'table', which config/pretrained\.toml does not",
        ),
        ({"kind": "reranker"}, r"'message' has vectors = 'table', a re-ranker, which makes none"),
    ],
)
def test_a_model_that_cannot_be_used_stops_the_training(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    project = tickets(tmp_path / "project", rows=100)
    for step in ("extract", "validate", "transform"):
        run_step(step, project)
    if "licence" in change:
        describe(project.folder, change["licence"])
    elif "kind" in change:
        file = project.folder / "config" / "pretrained.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('"static"', f'"{change["kind"]}"'), encoding="utf-8")
    else:
        (project.folder / "config" / "pretrained.toml").unlink()
    with pytest.raises(ProjectError, match=said):
        run_step("train", project.at(project.folder))
    assert Registry(project.artifacts / "registry").versions() == []


def test_a_sentence_model_serves_as_well(tmp_path: Path) -> None:
    project = tickets(tmp_path / "project")
    describe(project.folder, kind="sentence")
    for step in ("extract", "validate", "transform", "train", "evaluate", "promote"):
        run_step(step, project)
    yes, no = asked(project, ["about the physician", "about the disease"])
    assert yes > 0.6
    assert no < 0.4
    registry = Registry(project.artifacts / "registry")
    card = registry.card(registry.require("champion"))
    assert card["pretrained"]["table"]["kind"] == "sentence"


def _drawn(contract: Contract, rows: int = 600, width: int = 48) -> Part:
    """Draw texts whose vectors lie on a line from one end to the other; some are missing."""
    random = np.random.default_rng(0)
    direction = random.normal(size=width)
    place = random.normal(size=rows)
    table = np.outer(place, direction) + random.normal(size=(rows, width))
    texts = [None if number % 40 == 0 else f"text {number}" for number in range(rows)]

    def embed(asked_for: Sequence[str]) -> Any:  # noqa: ANN401 (vectors)
        places = [int(each.removeprefix("text ")) if " " in each else 0 for each in asked_for]
        return table[places].astype(np.float32)

    inputs = feed(columns({"review": texts}, contract), contract, None, {"review": embed})
    actual = (place > 0).astype(np.float64) if contract.classes else place
    return Part(inputs, actual, vectors=vector_names(inputs, contract))


@pytest.mark.parametrize(
    ("target", "estimator", "encode"),
    [
        (CLASSES, LogisticRegression(max_iter=500), for_linear),
        (CLASSES, HistGradientBoostingClassifier(early_stopping=False), for_trees),
        (NUMBER, Ridge(), for_linear),
        (NUMBER, RandomForestRegressor(min_samples_leaf=5, random_state=0), for_forests),
    ],
    ids=lambda each: type(each).__name__ if hasattr(each, "get_params") else "",
)
def test_vectors_are_learnt_from_and_served_as_they_were_learnt(
    target: Column,
    estimator: Any,  # noqa: ANN401
    encode: Any,  # noqa: ANN401
) -> None:
    contract = Contract(columns=(REVIEW, target), positive="yes" if target.categories else None)
    part = _drawn(contract)
    assert set(part.kinds.values()) == {"vector"}
    learned, judged = part.where(slice(0, None, 2)), part.where(slice(1, None, 2))
    candidate = Candidate("any", lambda _: estimator, encode)
    model = candidate.fit(learned, contract, {})
    outputs = model.predict(judged, contract)
    said = outputs[:, 1] if contract.classes else outputs
    assert np.corrcoef(judged.actual, said)[0, 1] > 0.8
    width = model.pipeline["encode"].transform(judged.frame).shape[1]
    assert width == (48 if encode is for_linear else BEST_DIMENSIONS)
    graph = convert(model.pipeline, contract, part.kinds)
    assert check_parity(graph, model.pipeline, judged, contract, TOLERANCE) < TOLERANCE


def test_vectors_are_of_length_one_and_missing_where_a_text_is() -> None:
    contract = Contract(columns=(REVIEW, CLASSES))
    calls: list[list[str]] = []

    def embed(texts: Sequence[str]) -> Any:  # noqa: ANN401 (vectors)
        calls.append(list(texts))
        return np.array([[3, 4] if text == "a" else [0, 0] for text in texts], dtype=np.float32)

    texts = ["a", None, " a ", "nothing", "  "]
    inputs = feed(columns({"review": texts}, contract), contract, None, {"review": embed})
    table = np.hstack([inputs["review_vector_0"], inputs["review_vector_1"]])
    gap = [np.nan, np.nan]
    assert table == pytest.approx(np.array([[0.6, 0.8], gap, [0.6, 0.8], [0, 0], gap]), nan_ok=True)
    assert calls == [["a", "nothing"]]
    assert lasting(inputs, contract) == {}
    assert column_of("review_vector_1", contract) == "review"
    assert column_of("other_vector_1", contract) is None
    endless = {"review": lambda some: np.full((len(some), 2), np.inf, dtype=np.float32)}
    with pytest.raises(ProjectError, match="gives no finite vector"):
        feed(columns({"review": texts}, contract), contract, None, endless)


def test_a_column_of_that_name_is_refused() -> None:
    other = Column(name="review_vector_0", source="v", type="number")
    contract = Contract(columns=(REVIEW, other, CLASSES))
    row = columns({"review": ["a"], "review_vector_0": [1.0]}, contract)
    with pytest.raises(
        ProjectError, match="'review_vector_0' is a feature, and a part of a text's"
    ):
        feed(row, contract, None, {"review": lambda some: np.ones((len(some), 1), np.float32)})


@pytest.mark.parametrize(
    "column",
    [{"type": "category", "vectors": "any"}, {"type": "text", "role": "ignore", "vectors": "any"}],
)
def test_vectors_are_of_texts_that_a_model_learns_from(column: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="vectors are of a feature of the type text"):
        Column.model_validate({"name": "a", "source": "a", **column})
    with pytest.raises(ValueError, match="should match pattern"):
        Column.model_validate({"name": "a", "source": "a", "type": "text", "vectors": "../x"})
