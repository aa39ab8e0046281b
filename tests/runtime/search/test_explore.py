"""What documents and questions are like, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from fourhats_runtime.cli import Commands
from fourhats_runtime.pipeline import run_step
from fourhats_runtime.search import near
from fourhats_runtime.search.explore import explore

from tests.runtime.search.world import questions, rows, write_questions, write_rows

if TYPE_CHECKING:
    import pytest
    from fourhats_runtime import Project
    from fourhats_runtime.explore import Exploration, Section

LONG = (
    "der Vertrag wird von der Bank und dem Kunden geschlossen und ist nicht mit einem anderen zu "
    "verwechseln, den die Bank schon hat und auf den sie besteht"
)


def prepared(project: Project) -> Project:
    for step in ("extract", "validate", "transform"):
        run_step(step, project)
    return project


def section(found: Exploration, title: str) -> Section:
    return next(each for each in found.sections if each.title == title)


def table(found: Exploration, title: str) -> dict[str, tuple[str, ...]]:
    shown = section(found, title).table
    assert shown is not None
    return {cells[0]: tuple(cells[1:]) for cells in shown.rows}


def test_documents_are_counted_with_what_they_lack(unsearched: Project) -> None:
    pages = rows()
    pages[0]["title"] = ""
    pages[1] |= {"title": "", "body": ""}
    pages[3] |= {"title": pages[2]["title"], "body": pages[2]["body"]}
    write_rows(unsearched.folder, pages)
    found = explore(prepared(unsearched))
    there = table(found, "What there is")
    assert there["Documents that can be found"] == ("43",)
    assert there["… left out, as they say the same as another"] == ("1",)
    assert there["… left out, as they have no text"] == ("1",)
    assert there["Passages of them"] == ("43",)
    assert there["Time"] == ("2026-01-01 to 2026-12-01",)
    assert table(found, "Texts")["title"] == ("2", "2", "2", "2")
    assert table(found, "Texts")["body"] == ("1", "13", "13", "13")
    filters = table(found, "What answers are narrowed down by")
    assert filters["shelf"] == ("0", "south (23), north (20)")


def test_languages_are_told_by_their_commonest_words(unsearched: Project) -> None:
    pages = rows()
    pages[0]["body"] = LONG
    pages[1] |= {"title": "x1", "body": "y2"}
    write_rows(unsearched.folder, pages)
    found = table(explore(prepared(unsearched)), "Languages")
    assert found == {"English": ("43",), "German": ("1",), "not clear": ("1",)}


def test_what_looks_like_personal_data_is_named(unsearched: Project) -> None:
    pages = rows()
    pages[4]["body"] += " write to jane.doe@example.com today"
    pages[5]["body"] += " or call +49 30 1234567, please"
    pages[6]["title"] = "version 1.2.3 of 2026"
    write_rows(unsearched.folder, pages)
    found = section(explore(prepared(unsearched)), "Personal data in texts").table
    assert found is not None
    assert list(found.rows) == [
        ["body", "e-mail addresses", "1", "p4"],
        ["body", "phone numbers", "1", "p5"],
    ]


def test_questions_are_held_against_the_documents(unsearched: Project) -> None:
    gone = ("automobile of nobody", "p999")
    asked = [*questions(), gone, ("car doctor", "p0")]
    write_questions(unsearched.folder, asked)
    found = explore(prepared(unsearched))
    there = table(found, "Questions")
    assert there["Without a right answer"] == ("6",)
    assert there["Whose right answer is no document any more"] == ("1",)
    assert there["That share no word with their right answer"] == ("45",)
    assert "“automobile of nobody”" in section(found, "Questions").words[-1]
    asked_for = table(found, "Which documents are asked for")
    assert asked_for["p0"] == ("3",)


def test_documents_that_nobody_asks_for_are_named(unsearched: Project) -> None:
    write_questions(unsearched.folder, questions()[:43])
    words = section(explore(prepared(unsearched)), "Which documents are asked for").words
    assert words[0].startswith("2 of 45 documents are the answer to no question")
    assert words[0].endswith("Such are: p43, p44.")


def test_without_questions_the_made_ones_are_called_weak(unsearched: Project) -> None:
    (unsearched.folder / "data" / "queries.csv").unlink()
    found = explore(prepared(unsearched))
    assert "weak" in section(found, "Questions").words[0]
    assert "Which documents are asked for" not in {each.title for each in found.sections}


def test_too_few_questions_stop_no_exploration(unsearched: Project) -> None:
    write_questions(unsearched.folder, [("automobile medic", "p0")])
    (words,) = section(explore(prepared(unsearched)), "Questions").words
    assert "holds 1 questions" in words


def test_the_command_writes_a_page_or_prints_it(
    unsearched: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(unsearched)
    Commands(unsearched).explore(markdown=True)
    assert "## Documents that say the same" in capsys.readouterr().out
    Commands(unsearched).explore()
    assert capsys.readouterr().out == "Page: artifacts/reports/exploration.html\n"
    page = (unsearched.artifacts / "reports" / "exploration.html").read_text(encoding="utf-8")
    assert "Which documents are asked for" in page


def varied(words: list[str], random: np.random.Generator, changes: int) -> str:
    found = list(words)
    for place in random.choice(len(found), size=changes, replace=False):
        found[place] = "changed"
    return " ".join(found)


def test_texts_with_a_few_other_words_are_nearly_the_same() -> None:
    random = np.random.default_rng(3)
    made = [[f"w{number}" for number in random.integers(500, size=200)] for _ in range(30)]
    texts = [" ".join(words) for words in made]
    texts += [varied(made[place], random, changes=2) for place in (4, 9)]
    texts += [varied(made[9], random, changes=1)]
    texts += [varied(made[15], random, changes=60)]
    assert near.groups(texts) == [[4, 30], [9, 31, 32]]


def test_short_and_empty_texts_are_alike_only_when_they_say_the_same() -> None:
    assert near.groups(["a b", "A  b!", "a c", "", "", "b"]) == [[0, 1]]


def test_the_last_words_count_like_the_first() -> None:
    assert near.groups(["a b c d e f", "a b c d e g"]) == []
    assert near.groups(["f b c d e a", "g b c d e a"]) == []
    assert near.groups(["x a b c d e f g", "y a b c d e f g"]) == []
