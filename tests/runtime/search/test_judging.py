"""The field's figures, what answers earn, and what is watched."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.business import SearchValue
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.pipeline import run_step
from fourhats_runtime.search.documents import Document, gathered
from fourhats_runtime.search.figures import by_question, hits, ranks, with_intervals
from fourhats_runtime.search.questions import Question
from fourhats_runtime.search.rankers import Found
from fourhats_runtime.search.value import Asked, Rule, earned, fit

from tests.runtime.search.world import rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourhats_runtime import Project

DOCUMENTS = gathered([Document(name, {"body": name}) for name in "abcdefghijkl"])
QUESTIONS = (
    Question("first", frozenset("a")),
    Question("fourth", frozenset("d")),
    Question("two", frozenset("ac")),
    Question("never", frozenset("z")),
    Question("nothing", frozenset()),
)
VALUE = SearchValue(currency="EUR", monthly_volume=1, found=5, wrong=-2, none=0, reading=-0.1)


def found(*certainties: float) -> list[Found]:
    places = np.arange(12, dtype=np.int64)
    return [Found(places, np.ones(12, dtype=np.float32), each) for each in certainties]


def test_figures_are_those_of_the_field() -> None:
    right = hits(found(1, 1, 1, 1, 1), QUESTIONS, DOCUMENTS)
    figures = by_question(right, QUESTIONS, DOCUMENTS)
    assert figures["MRR"].tolist() == [1, 0.25, 1, 0]
    assert figures["recall@1"].tolist() == [1, 0, 0.5, 0]
    assert figures["recall@3"].tolist() == [1, 0, 1, 0]
    assert figures["recall@10"].tolist() == [1, 1, 1, 0]
    assert figures["mean rank"].tolist() == [1, 4, 1, 101]
    ideal = 1 + 1 / np.log2(3)
    expected = [1, 1 / np.log2(5), (1 + 1 / np.log2(4)) / ideal, 0]
    assert figures["nDCG@10"].tolist() == pytest.approx(expected)
    assert ranks(right).tolist() == [1, 4, 1, np.inf, np.inf]


def test_intervals_cover_and_shrink_with_the_number_of_questions() -> None:
    random = np.random.default_rng(0)
    few, many = (random.random(number) for number in (25, 2500))
    wide, narrow = (with_intervals({"MRR": each}, seed=0)["MRR"] for each in (few, many))
    widths = [each["high"] - each["low"] for each in (wide, narrow)]  # type: ignore[operator]
    assert wide["low"] < few.mean() == wide["figure"] < wide["high"]  # type: ignore[operator]
    assert 5 < widths[0] / widths[1] < 20
    assert widths[1] == pytest.approx(2 * 1.96 * many.std() / 50, rel=0.1)


def test_what_answers_earn() -> None:
    asked = Asked(np.array([1.0, 3.0, np.inf, 1.0]), np.array([0.9, 0.9, 0.9, 0.1]))
    amounts = earned(asked, Rule(answers=2, threshold=0.5), VALUE)
    assert amounts.tolist() == pytest.approx([5 - 0.1, -2 - 0.2, -2 - 0.2, 0])


def test_nothing_fits_where_answers_lose_money() -> None:
    sure, unsure = np.full(30, 0.8), np.full(30, 0.3)
    asked = Asked(np.r_[np.ones(30), np.full(30, np.inf)], np.r_[sure, unsure])
    rule = fit(asked, VALUE)
    assert rule.answers == 1
    assert 0.3 < rule.threshold < 0.8
    lost = Asked(np.full(30, np.inf), unsure)
    assert earned(lost, fit(lost, VALUE), VALUE).tolist() == [0] * 30


def test_more_answers_are_given_where_the_right_one_stands_further_down() -> None:
    third = Asked(np.full(30, 3.0), np.full(30, 0.5))
    assert fit(third, VALUE).answers == 3
    assert fit(third, VALUE.model_copy(update={"reading": -3.0})).threshold > 0.5


def watched(project: Project) -> dict[str, Finding]:
    facts = run_step("monitor", project).facts["findings"]
    return {each["incident"]: Finding(**each) for each in facts}


def note(project: Project, name: str, entries: Sequence[Mapping[str, object]]) -> None:
    folder = project.artifacts / name
    folder.mkdir(exist_ok=True)
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (folder / "2026-11-30.jsonl").write_text(lines, encoding="utf-8")


def search(number: int, question: str = "automobile medic", *answers: str) -> dict[str, object]:
    about = {"search_id": f"s{number}", "question": question, "trial": False}
    return about | {"answers": list(answers)}


def test_without_searches_nothing_is_judged_and_the_index_is_whole(searched: Project) -> None:
    found = watched(searched)
    judged = {name for name, finding in found.items() if finding.state != "unknown"}
    assert found["search:index"].state == "fine"
    assert not judged & {"search:answered", "search:questions", "search:clicks", "search:value"}


def test_the_index_tells_its_size_and_the_newest_document_its_age(
    searched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = watched(searched)
    assert re.search(r"holds 45 documents in 0\.\d MB", found["search:index"].message)
    assert "days old (written)" in found["data:newest"].message
    monkeypatch.setenv("DATA__MAX_ROW_AGE_DAYS", "30")
    write_rows(searched.folder, [page | {"written": "2020-01-01"} for page in rows()])
    project = searched.at(searched.folder)
    for step in ("extract", "validate", "transform"):
        run_step(step, project)
    assert watched(project)["data:newest"].state == "alert"


def test_an_index_that_lags_behind_is_alerted_on(searched: Project) -> None:
    write_rows(searched.folder, [page | {"body": page["body"] + " new"} for page in rows()])
    for step in ("extract", "validate", "transform"):
        run_step(step, searched)
    finding = watched(searched)["search:index"]
    assert (finding.state, finding.figure) == ("alert", 45)


@pytest.mark.parametrize(("answered", "state"), [(19, "fine"), (4, "alert")])
def test_many_questions_without_an_answer_are_alerted_on(
    searched: Project, answered: int, state: str
) -> None:
    asked = [search(n, "automobile medic", *["p0"] * (n < answered)) for n in range(20)]
    note(searched, "searches", asked)
    assert watched(searched)["search:answered"].state == state


@pytest.mark.parametrize(
    ("later", "state"), [("automobile medic", "fine"), ("ship tutor", "alert")]
)
def test_other_questions_than_before_are_alerted_on(
    searched: Project, later: str, state: str
) -> None:
    asked = [search(n, "automobile medic" if n < 25 else later, "p0") for n in range(50)]
    note(searched, "searches", asked)
    assert watched(searched)["search:questions"].state == state


@pytest.mark.parametrize(("rank", "state"), [(1, "fine"), (4, "alert")])
def test_clicks_far_down_are_alerted_on(searched: Project, rank: int, state: str) -> None:
    note(searched, "searches", [search(n, "car", "p1", "p2", "p3", "p4") for n in range(30)])
    click = {"document": f"p{rank}", "sign": "click"}
    note(searched, "outcomes", [{"search_id": f"s{n}"} | click for n in range(30)])
    assert watched(searched)["search:clicks"].state == state


@pytest.mark.parametrize(("sign", "state"), [("right", "fine"), ("wrong", "alert")])
def test_judged_answers_are_held_against_what_was_promised(
    searched: Project, sign: str, state: str
) -> None:
    note(searched, "searches", [search(n, "car", "p1") for n in range(30)])
    judged = {"document": "p1", "sign": sign}
    note(searched, "outcomes", [{"search_id": f"s{n}"} | judged for n in range(30)])
    assert watched(searched)["search:value"].state == state
    assert Registry(searched.artifacts / "registry").require("champion")
