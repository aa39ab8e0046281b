"""The line of a search, from pages to answers, and what happens when pages change."""

from __future__ import annotations

import csv
import dataclasses
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.cli import Commands
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.pipeline import Asked, Result, run_step
from fourhats_runtime.search import train
from fourhats_runtime.search.version import load_version

from tests.runtime.search.world import rows, search_toml, write_questions, write_rows

if TYPE_CHECKING:
    from fourhats_runtime import Project

    from tests.runtime.search.conftest import Line


def again(project: Project, *steps: str) -> dict[str, Result]:
    wanted = steps or ("extract", "validate", "transform", "train", "evaluate", "promote")
    return {step: run_step(step, project) for step in wanted}


def test_words_and_meaning_together_find_more_than_each(library_line: Line) -> None:
    facts = library_line[1]["train"].facts
    by_name = {row["name"]: row["MRR"][0] for row in facts["table"]}
    project = library_line[0]
    registry = Registry(project.artifacts / "registry")
    chosen = registry.card(registry.require("champion"))["model"]
    assert "bm25" in chosen
    assert " and " in chosen
    alone = [value for name, value in by_name.items() if " and " not in name]
    assert by_name[chosen] >= max(alone)


def test_what_was_judged_by_was_not_tuned_by(library_line: Line) -> None:
    counts = library_line[1]["train"].facts["questions"]
    assert counts["tuned"] + counts["judged"] == 63
    assert library_line[1]["evaluate"].rows_in == counts["judged"]


def test_the_first_champion_earns_more_than_answering_nothing(library_line: Line) -> None:
    evaluation = library_line[1]["evaluate"].facts
    assert evaluation["gain"]["low"] > 0
    assert evaluation["ahead"] == []
    assert library_line[1]["promote"].facts["promoted"] is True


def test_a_loaded_version_finds_what_the_experiment_said(library_line: Line) -> None:
    project, results = library_line
    registry = Registry(project.artifacts / "registry")
    chosen = registry.card(registry.require("champion"))["model"]
    (row,) = [each for each in results["train"].facts["table"] if each["name"] == chosen]
    assert results["evaluate"].facts["figures"]["MRR"] == pytest.approx(row["MRR"])
    assert results["evaluate"].facts["value"] == pytest.approx(row["value"])


def test_the_report_has_every_candidate_and_every_licence(library_line: Line) -> None:
    project, results = library_line
    page = (project.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert all(row["name"] in page for row in results["train"].facts["table"])
    assert "MIT; made by the tests" in page


def test_the_page_of_monitoring_says_what_is_watched_of_a_search(library_line: Line) -> None:
    page = library_line[0].artifacts / "reports" / "monitor.html"
    text = page.read_text(encoding="utf-8")
    assert "The index holds the documents that are there" in text
    assert "Over time" not in text


def test_the_same_documents_make_the_same_version(searched: Project) -> None:
    registry = Registry(searched.artifacts / "registry")
    before = registry.require("champion")
    found = again(searched, "train", "evaluate", "promote")
    assert registry.versions() == [before]
    assert "0 texts embedded" in found["train"].words


def test_only_new_and_changed_texts_are_embedded(searched: Project) -> None:
    pages = rows()
    pages[0]["body"] += " and a grove"
    pages.append(pages[1] | {"page": "p99", "body": "a tutor of a vessel", "title": "about it"})
    write_rows(searched.folder, pages)
    found = again(searched)
    looked_through = 3 * 2  # models, by all fields, the title, the body; the changed title is old
    assert found["train"].facts["embedded"] == 2 * 2 * 2 + 2
    assert looked_through < found["train"].facts["embedded"]


def test_an_index_that_holds_more_is_promoted_at_the_same_quality(searched: Project) -> None:
    registry = Registry(searched.artifacts / "registry")
    before = registry.require("champion")
    pages = rows()
    pages.append(pages[1] | {"page": "p99", "body": "a tutor of a vessel", "title": "about it"})
    write_rows(searched.folder, pages)
    promoted = again(searched)["promote"]
    assert promoted.facts["promoted"] is True
    assert "1 documents are new" in promoted.words
    assert registry.require("champion") != before


def test_who_is_as_good_and_holds_the_same_is_not_promoted(searched: Project) -> None:
    registry = Registry(searched.artifacts / "registry")
    before = registry.require("champion")
    card, folder = registry.card(before), registry.folder(before)
    files = {name: (folder / name).read_bytes() for name in card["files"]}
    contract = (folder / "contract.toml").read_text(encoding="utf-8")
    other = registry.add(b"", contract, card | {"weak": True}, files)
    assert other != before
    promoted = again(searched, "evaluate", "promote")["promote"]
    assert promoted.facts["promoted"] is False
    assert registry.require("champion") == before


def test_an_index_that_lost_what_is_asked_for_is_refused(searched: Project) -> None:
    registry = Registry(searched.artifacts / "registry")
    before = registry.require("champion")
    for number, page in enumerate(lost := rows()):
        page["body"] = page["title"] = f"nothing{number}"
    write_rows(searched.folder, lost)
    again(searched)
    assert registry.require("champion") == before
    assert registry.require("challenger") != before


def test_a_table_of_questions_is_answered(searched: Project) -> None:
    batch = searched.folder / "data" / "batch.csv"
    batch.write_text("text\nautomobile medic\nwho knows\n", encoding="utf-8")
    assert run_step("score", searched).rows_out == 1
    with (searched.artifacts / "scores" / "answers.csv").open(encoding="utf-8") as file:
        first, *_, last = csv.DictReader(file)
    assert (first["id"], first["rank"]) == ("p0", "1")
    assert (last["question"], last["id"]) == ("who knows", "")


def test_going_back_makes_the_version_before_champion(searched: Project) -> None:
    registry = Registry(searched.artifacts / "registry")
    before = registry.require("champion")
    write_rows(searched.folder, rows()[:-1])
    again(searched)
    assert registry.require("champion") != before
    assert run_step("rollback", searched, asked=Asked(to="")).facts["champion"] == before


def test_without_questions_figures_are_weak_everywhere(unsearched: Project) -> None:
    (unsearched.folder / "data" / "queries.csv").unlink()
    found = again(unsearched, "extract", "validate", "transform", "train", "evaluate", "promote")
    assert all("weak" in found[step].words for step in ("train", "evaluate", "promote"))
    run_step("report", unsearched)
    page = (unsearched.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert "weak" in page


def test_a_licence_that_forbids_commercial_use_stops_the_line(unsearched: Project) -> None:
    again(unsearched, "extract", "validate", "transform")
    config = unsearched.folder / "config" / "search.toml"
    config.write_text(search_toml(unsearched.folder, "CC-BY-NC-4.0"), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"'graph' has the licence 'CC-BY-NC-4\.0'"):
        run_step("train", unsearched.at(unsearched.folder))
    accepted = '[search]\naccepted_licences = ["graph", "table"]\n'
    config.write_text(accepted + config.read_text(encoding="utf-8"), encoding="utf-8")
    assert run_step("train", unsearched.at(unsearched.folder)).rows_out == len(rows())


def test_until_documents_come_made_up_ones_stand_in(unsearched: Project) -> None:
    (unsearched.folder / "data" / "queries.csv").unlink()
    found = again(dataclasses.replace(unsearched, sources=()))
    assert found["extract"].rows_out == 50
    assert found["evaluate"].facts["made_up"] is True
    assert found["evaluate"].facts["weak"] is True


def test_a_bucket_is_refused_in_one_line(
    searched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(searched, read_only=True) as connection:
        monkeypatch.setenv("STORAGE__URL", "s3://bucket/folder")
        with pytest.raises(ProjectError, match=r"empty storage\.url"):
            train(searched.at(searched.folder), connection, lambda _done, _all: None)


def test_its_commands_are_those_that_it_has(unsearched: Project) -> None:
    commands = {command.__name__ for command in Commands(unsearched).line()}
    assert {"run", "train", "score", "monitor", "serve"} <= commands
    assert not {"explore", "experiments", "retrace", "handover", "stream"} & commands
    with pytest.raises(ProjectError, match="what config/search"):
        Commands(unsearched).train([unsearched.folder / "variant.toml"], compare=True)


def test_an_index_is_built_without_a_word(
    searched: Project, caplog: pytest.LogCaptureFixture
) -> None:
    load_version(searched, Registry(searched.artifacts / "registry").require("champion"))
    assert caplog.text == ""


def test_too_few_questions_are_refused(searched: Project) -> None:
    write_questions(searched.folder, [("automobile medic", "p0")])
    with pytest.raises(ProjectError, match="holds 1 questions"):
        run_step("train", searched)


@pytest.mark.parametrize("name", ["documents.parquet", "vectors_1.parquet"])
def test_a_changed_file_of_a_version_is_named(searched: Project, name: str) -> None:
    registry = Registry(searched.artifacts / "registry")
    champion = registry.require("champion")
    (registry.folder(champion) / name).write_bytes(b"other")
    with pytest.raises(DamagedError, match=name):
        load_version(searched, champion)


def test_a_changed_model_is_named(searched: Project) -> None:
    for path in (searched.artifacts / "registry" / "models").iterdir():
        path.write_bytes(b"other")
    champion = Registry(searched.artifacts / "registry").require("champion")
    with pytest.raises(DamagedError, match="models"):
        load_version(searched, champion)
