"""Documents as they are searched, and the questions that search is judged by."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fourhats_runtime import Project
from fourhats_runtime import contract as contract_file
from fourhats_runtime.contract import Contract, Questions
from fourhats_runtime.data.sources import pages
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.search import questions
from fourhats_runtime.search.documents import OVERLAP, WORDS, Document, Documents, gathered, mended
from fourhats_runtime.search.settings import Search

ROOT = Path(__file__).parents[3]


def page(name: str, title: str = "", body: str = "") -> Document:
    return Document(name, {"title": title, "body": body})


@pytest.mark.parametrize(
    ("text", "as_read"),
    [
        ("Tom &amp; Jerry&#39;s", "Tom & Jerry's"),
        ("twice &amp;amp; escaped", "twice & escaped"),
        ("<p>one</p>\n <b>two</b>", "one two"),
        ("3 < 4 > 2", "3 < 4 > 2"),
        ("  a\u00a0b ", "a b"),
        (None, ""),
    ],
)
def test_texts_are_mended(text: str | None, as_read: str) -> None:
    assert mended(text) == as_read


def test_what_says_the_same_is_left_out_and_known_as_a_twin() -> None:
    found = gathered([page("a", "One", "x"), page("b", "one", "X"), page("c", "One", "y")])
    assert [document.id for document in found.all] == ["a", "c"]
    assert found.twins == {"b": "a"}


def test_missing_texts_are_counted_and_empty_documents_left_out() -> None:
    found = gathered([page("a", "One"), page("b", "", "two"), page("c")])
    assert len(found) == 2
    assert found.notes() == [
        "2 without body",
        "2 without title",
        "1 left out without any text",
    ]


def test_nothing_but_empty_documents_is_refused() -> None:
    with pytest.raises(ProjectError, match="no document has a text"):
        gathered([page("a")])


def test_long_texts_are_parted_with_the_title_before_each() -> None:
    body = " ".join(map(str, range(250)))
    first, second, third = page("a", "Title", body).passages(("title", "body"))
    assert all(each.startswith("Title\n") for each in (first, second, third))
    assert first.split()[1:] == [str(number) for number in range(WORDS)]
    assert second.split()[1] == str(WORDS - OVERLAP)
    assert third.split()[-1] == "249"


@pytest.mark.parametrize(
    ("document", "fields", "parts"),
    [
        (page("a", "Title", "one two"), ("title", "body"), ["Title\none two"]),
        (page("a", "Title", ""), ("title", "body"), ["Title"]),
        (page("a", "", "one"), ("title", "body"), ["one"]),
        (page("a", "Title", "one"), ("title",), ["Title"]),
        (page("a", "Title", ""), ("body",), []),
    ],
)
def test_short_texts_are_one_passage(
    document: Document, fields: tuple[str, ...], parts: list[str]
) -> None:
    assert list(document.passages(fields)) == parts


def test_every_word_of_a_text_is_in_a_passage_once_or_in_an_overlap() -> None:
    for length in (1, WORDS, WORDS + 1, 2 * WORDS - OVERLAP, 2 * WORDS - OVERLAP + 1, 777):
        words = [str(number) for number in range(length)]
        parts = [part.split() for part in page("a", body=" ".join(words)).passages(("body",))]
        joined = parts[0] + [word for part in parts[1:] for word in part[OVERLAP:]]
        assert joined == words
        assert all(len(part) <= WORDS for part in parts)


def load(folder: Path) -> questions.Questions:
    project = Project(name="library", task="search", train="", root=folder)
    return questions.load(project, contract(), library())


def library(count: int = 40) -> Documents:
    texts = (" ".join(f"word{number}x{place}" for place in range(20)) for number in range(count))
    return gathered([page(f"p{number}", body=text) for number, text in enumerate(texts)])


def contract() -> Any:  # noqa: ANN401 (what is read of one)
    return SimpleNamespace(questions=Questions())


def written(folder: Path, *lines: str) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / "queries.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_question_stays_in_its_half_when_others_come(tmp_path: Path) -> None:
    lines = [f"question {number},p{number}" for number in range(40)]
    first = load(written(tmp_path, "text,id", *lines[:35]))
    other = tmp_path / "other"
    other.mkdir()
    more = load(written(other, "text,id", *reversed(lines)))
    assert set(first.tuned) <= set(more.tuned)
    assert set(first.judged) <= set(more.judged)
    assert not set(more.tuned) & set(more.judged)


def test_several_right_answers_none_and_unknown_ones(tmp_path: Path) -> None:
    lines = [f"question {number},p{number}" for number in range(40)]
    folder = written(tmp_path, "text,id", *lines, "question 1,p2", "what else,", "question 3,p999")
    found = load(folder)
    by_text = {each.text: each.right for each in (*found.tuned, *found.judged)}
    assert by_text["question 1"] == {"p1", "p2"}
    assert by_text["what else"] == frozenset()
    assert found.notes == ("1 right answers are no document",)


def test_a_twin_is_a_right_answer() -> None:
    documents = gathered([page("a", "One"), page("b", "One")])
    assert questions.Question("?", frozenset({"b"})).right_of(documents) == {"a"}


def test_without_a_file_questions_are_made_and_weak(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found.weak
    assert "weak" in found.notes[0]
    documents = {document.id: document for document in library().all}
    asked = [*found.tuned, *found.judged]
    assert sum(not question.right for question in asked) == 2 * len(library()) / 5
    for question in asked:
        if not question.right:
            pages = {word.partition("x")[0] for word in question.text.split()}
            assert len(pages) == len(question.text.split())
            continue
        (right,) = question.right
        assert question.text in documents[right].texts["body"]


def test_what_people_judged_is_better_than_what_is_made(tmp_path: Path) -> None:
    about = {"trial": False, "answers": []}
    asked = [about | {"search_id": f"s{n}", "question": f"question {n}"} for n in range(40)]
    said = [{"search_id": f"s{n}", "document": f"p{n}", "sign": "right"} for n in range(40)]
    for name, entries in (("searches", asked), ("outcomes", said)):
        (tmp_path / "artifacts" / name).mkdir(parents=True)
        lines = "\n".join(map(json.dumps, entries))
        (tmp_path / "artifacts" / name / "2026-11-30.jsonl").write_text(lines, encoding="utf-8")
    found = load(tmp_path)
    assert not found.weak
    assert {each.text: each.right for each in found.tuned}.items() <= {
        f"question {n}": {f"p{n}"} for n in range(40)
    }.items()
    assert len(found.tuned) + len(found.judged) == 40


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["text,number", "a,b"], "has no column 'id'"),
        (["text,id", "a,p1"], "holds 1 questions"),
    ],
)
def test_a_file_that_does_not_do_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        load(written(tmp_path, *lines))


def test_the_model_that_a_project_shows_as_a_comment_is_valid() -> None:
    text = (ROOT / "template" / "config" / "search.toml.jinja").read_text(encoding="utf-8")
    shown = re.findall(r"^# (\[search\.models.*\]|\w+ = [\"{].*)$", text, re.MULTILINE)
    (model,) = Search.model_validate(tomllib.loads("\n".join(shown))["search"]).models.values()
    assert model.kind == "sentence"
    assert model.weights.folder == model.tokenizer.folder == "data/models"


def test_the_questions_of_a_new_project_are_about_its_sample() -> None:
    contract = contract_file.load(ROOT / "includes" / "search" / "contract.toml")
    made = pages.make(contract).to_pydict()
    titles = dict(zip(made["page"], made["title"], strict=True))
    path = ROOT / "template" / contract.questions.path
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"] for row in rows} == {"", *titles}
    for row in rows[:50]:  # one a page, which says what is done with what
        *_, thing = titles[row["id"]].split()
        assert thing in row["text"], row


COLUMNS = [
    {"name": "page", "source": "page", "type": "text", "role": "id"},
    {"name": "body", "source": "body", "type": "text", "role": "field"},
]


def test_a_contract_of_documents_has_fields_and_no_target() -> None:
    found = Contract.model_validate({"columns": COLUMNS})
    assert [column.name for column in found.fields] == ["body"]
    assert found.classes == ()


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"role": "target", "type": "category"}, "1 columns have the role 'target'"),
        ({"role": "feature", "type": "number"}, "1 columns have the role 'feature'"),
        ({"role": "field", "type": "number"}, "a field is of type 'text'"),
        ({"role": "id", "type": "text"}, "2 columns have the role 'id'"),
    ],
)
def test_what_documents_have_no_use_for_is_refused(column: dict[str, str], said: str) -> None:
    other = {"name": "other", "source": "other"} | column
    with pytest.raises(ValueError, match=said):
        Contract.model_validate({"columns": [*COLUMNS, other]})
