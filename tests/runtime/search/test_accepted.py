"""A search is accepted by what it earns, how fast it answers and what came in, as a model is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.documents.language import Language
from fourhats_runtime.engagement import accept, write_exit_report, write_status
from fourhats_runtime.engagement.criteria import asking
from fourhats_runtime.engagement.trial import Address
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.search.judgement import judged_questions
from fourhats_runtime.search.log import searches
from fourhats_runtime.serve import create_app

from tests.runtime.serve.served import served as in_a_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project


PARTS = ("figure", "low", "high")


@contextmanager
def serve(project: Project) -> Iterator[Address]:
    with in_a_thread(create_app(project)) as there:
        yield Address(there.port, "")


def test_a_search_is_accepted_and_its_documents_say_by_what(searched: Project) -> None:
    found, (page, printed) = accept(searched, serve)
    names = ("value", "latency", "available", "rows", "age", "retraced")
    assert {each.name: each.state for each in found.criteria} == dict.fromkeys(names, "met")
    evaluation = Registry(searched.artifacts / "registry").noted(found.version, "evaluation")
    assert evaluation is not None
    worth = evaluation["gain"]["gain"] * evaluation["monthly_volume"]
    assert found.criteria[0].figure == pytest.approx(worth)
    assert "best policy without a model: answer nothing" in page.read_text(encoding="utf-8")
    assert printed.is_file()
    write_status(searched, None, None)
    write_exit_report(searched, None)
    for name in ("status", "exit_report"):
        text = (searched.folder / "docs" / f"{name}.md").read_text(encoding="utf-8")
        assert "**Accepted: all 6 criteria are met.**" in text
        found_first = evaluation["figures"]["MRR"]
        mean, low, high = (Language().figure(found_first[each]) for each in PARTS)
        assert f"| MRR | {mean} ({low} to {high}) |" in text
        assert "| mean rank | " in text


def test_the_requests_are_trials_and_the_questions_those_that_judge(searched: Project) -> None:
    with connect(searched, read_only=True) as connection:
        asked = asking(connection, searched)
    assert asked.path == "/search"
    assert [body["questions"] for body in asked.bodies] == [
        [text] for text in judged_questions(searched)
    ]
    before = searches(searched, 10_000)
    accept(searched, serve)
    assert searches(searched, 10_000) == before


def test_each_answer_has_a_reason_where_reasons_are_agreed(searched: Project) -> None:
    terms = "[acceptance]\nexplained = true\nrequests = 500\nreproducible = false\n"
    (searched.folder / "config" / "engagement.toml").write_text(terms, encoding="utf-8")
    found, (page, _) = accept(searched.at(searched.folder), serve)
    (explained,) = (each for each in found.criteria if each.name == "explained")
    assert explained.state == "met"
    assert "a reason for each document that was found" in page.read_text(encoding="utf-8")
