"""The line of a search, from pages to answers, and what happens when pages change."""

from __future__ import annotations

import csv
import dataclasses
from typing import TYPE_CHECKING
from unittest.mock import MagicMock

import pytest
from fourhats_runtime.cli import Commands
from fourhats_runtime.contract_commands import ContractCommands
from fourhats_runtime.data import RestApi, bucket
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.sharing import shared
from fourhats_runtime.pipeline import Asked, Result, run_step
from fourhats_runtime.search import bench, nearest
from fourhats_runtime.search.log import searches
from fourhats_runtime.search.searcher import Searcher
from fourhats_runtime.search.version import load_version
from obstore.store import MemoryStore

from tests.runtime.search.world import rows, search_toml, write_questions, write_rows
from tests.services.rest_server import rest_server

if TYPE_CHECKING:
    from fourhats_runtime import Project

    from tests.runtime.search.conftest import Line


def again(project: Project, *steps: str) -> dict[str, Result]:
    wanted = steps or ("extract", "validate", "transform", "train", "evaluate", "promote")
    return {step: run_step(step, project) for step in wanted}


def test_words_and_meaning_together_find_more_than_each(library_line: Line) -> None:
    facts = library_line[1]["train"].facts
    by_name = {row["name"]: row["MRR"]["figure"] for row in facts["table"]}
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


def test_another_machine_answers_by_what_the_bucket_holds(
    searched: Project, unsearched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    monkeypatch.setenv("STORAGE__URL", "s3://acme/library")
    with shared(searched.at(searched.folder)):
        pass
    searcher = Searcher.of(unsearched.at(unsearched.folder))
    try:
        version, (found,) = searcher.search("r", ["automobile medic"], 1, {}, trial=False)
    finally:
        searcher.close()
    champion = Registry(searched.artifacts / "registry").require("champion")
    assert (version, found.answers[0].id) == (champion, "p0")
    (search,) = searches(searched.at(searched.folder), 10)
    assert search.question == "automobile medic"


def test_the_line_of_another_machine_goes_on_from_the_bucket(
    searched: Project, unsearched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    monkeypatch.setenv("STORAGE__URL", "s3://acme/library")
    with shared(searched.at(searched.folder)):
        pass
    other = unsearched.at(unsearched.folder)
    assert run_step("evaluate", other).facts["gain"]["low"] > 0
    assert other.artifacts.joinpath("registry", "models").is_dir()


def test_its_commands_are_those_that_it_has(unsearched: Project) -> None:
    commands = {command.__name__ for command in Commands(unsearched).line()}
    assert {"run", "train", "score", "monitor", "serve"} <= commands
    assert {"explore", "experiments", "retrace", "handover"} <= commands
    assert "stream" not in commands
    with pytest.raises(ProjectError, match="what config/search"):
        Commands(unsearched).train([unsearched.folder / "variant.toml"], compare=True)


def test_a_contract_is_inferred_from_the_pages(
    unsearched: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = ContractCommands(lambda: unsearched)
    with pytest.raises(ProjectError, match="add --merge"):
        commands.infer()
    with pytest.raises(ProjectError, match="leave out --target"):
        commands.infer(target="title", force=True)
    commands.infer(force=True)
    assert "describes 6 columns, 45 rows" in capsys.readouterr().out
    contract = unsearched.at(unsearched.folder).contract
    assert [field.name for field in contract.fields] == ["title", "body"]
    assert [column.name for column in contract.filters] == ["shelf"]
    again(unsearched.at(unsearched.folder), "extract", "validate", "transform")
    write_rows(unsearched.folder, [page | {"topic": "a", "url2": "b"} for page in rows()])
    commands.infer(merge=True)
    assert "added topic, url2" in capsys.readouterr().out


def test_documents_come_page_by_page_from_an_api(unsearched: Project) -> None:
    sources = unsearched.folder / "config" / "sources.toml"
    with rest_server() as server:
        server.records += [page | {"published": {"by": "the library"}} for page in rows() * 5]
        for number, record in enumerate(server.records):
            record["page"] = f"p{number}"
            record["body"] += f" copy{number // 45}"
        settings = (
            f'[library]\nurl = "{server.url}/page"\nrecords = "data.items"\npagination = "page"\n'
            'size_parameter = "limit"\npage_size = 30\n\n[outcomes]\npath = ""\n'
        )
        sources.write_text(settings, encoding="utf-8")
        project = dataclasses.replace(unsearched, sources=(RestApi("library"),))
        ContractCommands(lambda: project).infer(force=True)
        contract = project.contract
        assert {"title", "body"} <= {field.name for field in contract.fields}
        found = again(project, "extract", "validate", "transform", "train")
        assert len(server.queries()) > 2
    assert found["extract"].rows_out == 225
    assert found["train"].rows_out == 225


def test_an_index_is_built_without_a_word(
    searched: Project, caplog: pytest.LogCaptureFixture
) -> None:
    load_version(searched, Registry(searched.artifacts / "registry").require("champion"))
    assert caplog.text == ""


def test_the_graph_of_many_passages_is_of_the_version_and_built_once(
    searched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(searched.artifacts / "registry")
    before = registry.require("challenger")
    monkeypatch.setattr(bench, "MOST_EXACT", 30)
    monkeypatch.setattr(nearest, "MOST_EXACT", 30)
    run_step("train", searched)
    version = registry.require("challenger")
    graphs = [name for name in registry.card(version)["files"] if name.startswith("graph")]
    assert version != before
    assert graphs
    built = list((searched.artifacts / "vectors").glob("*.usearch"))
    run_step("train", searched)
    assert registry.require("challenger") == version
    assert list((searched.artifacts / "vectors").glob("*.usearch")) == built
    index = MagicMock(side_effect=nearest._index)  # noqa: SLF001 (nothing else tells how it is found)
    monkeypatch.setattr(nearest, "_index", index)
    (found,) = load_version(searched, version).ask(["automobile medic"])
    assert index.call_count == len(graphs)
    assert found.places[0] == 0
    (registry.folder(version) / graphs[0]).write_bytes(b"other")
    with pytest.raises(DamagedError, match=graphs[0]):
        load_version(searched, version)


def test_a_graph_of_other_vectors_takes_the_place_of_the_old_one(
    searched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "MOST_EXACT", 30)
    run_step("train", searched)
    built = set((searched.artifacts / "vectors").glob("*.usearch"))
    write_rows(searched.folder, rows()[:-1])
    again(searched, "extract", "validate", "transform", "train")
    now = set((searched.artifacts / "vectors").glob("*.usearch"))
    assert len(now) == len(built)
    assert not now & built


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
