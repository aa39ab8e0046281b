"""An exploration says of simulated worlds what is true, and the same as page and as text."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.explore import Exploration, Section, as_html, as_markdown, explore, write
from fourhats_runtime.explore.association import associated
from fourhats_runtime.explore.leaks import suspects
from fourhats_runtime.explore.outcome import Told, told
from fourhats_runtime.explore.repeats import missing_together, repeated
from fourhats_runtime.explore.sample import MOST_ROWS, Rows
from fourhats_runtime.explore.segments import differing
from fourhats_runtime.lifecycle.comparison import MADE_UP
from fourhats_runtime.pipeline import run_step

from tests.runtime.explore.worlds import answers, project_of

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

ROWS = 4_000
YES_OF_HIGH, YES_OF_LOW = 0.4, 0.02
"""Acting pays from 1 in 6 on (100 where right, -20 where wrong)."""


def _rows(project: Project) -> Rows:
    with connect(project, read_only=True) as connection:
        return Rows.of(connection, project)


def _section(found: Exploration, title: str) -> Section:
    (section,) = [each for each in found.sections if each.title == title]
    return section


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a world in which `group` alone tells the outcome, and `copy` says the same."""
    random = np.random.default_rng(11)
    high = random.random(ROWS) < 0.5
    group = np.where(high, "high", "low").astype(object)
    gap = random.random(ROWS) < 0.3
    values = {
        "group": group,
        "copy": np.where(high, 1.0, 0.0) + random.normal(0, 0.1, ROWS),
        "noise": random.normal(size=ROWS),
        "colour": random.choice(np.array(["blue", "red", "green"], object), ROWS),
        "first_gap": np.where(gap, np.nan, random.normal(size=ROWS)),
        "second_gap": np.where(gap, np.nan, random.normal(size=ROWS)),
        "other_gap": np.where(random.random(ROWS) < 0.3, np.nan, random.normal(size=ROWS)),
        "comment": np.array(
            [f"<b>write</b> to anna.{row}@example.com or 030 1234567" for row in range(ROWS)],
            object,
        ),
        "customer": np.array([f"pseudonym-{row}" for row in range(ROWS)], object),
        "outcome": answers(random, np.where(high, YES_OF_HIGH, YES_OF_LOW)),
    }
    columns: dict[str, dict[str, Any]] = {
        "comment": {"type": "text", "categories": []},
        "customer": {"type": "text", "categories": [], "role": "id", "pii": True},
        "mail": {"type": "text", "role": "ignore", "pii": True, "note": "an address"},
        "ended_on": {"type": "datetime", "role": "ignore", "leak": "suspected", "note": "too late"},
    }
    return project_of(tmp_path_factory.mktemp("world") / "project", values, columns=columns)


@pytest.fixture(scope="module")
def rows(world: Project) -> Rows:
    """Give the rows of the world."""
    return _rows(world)


@pytest.fixture(scope="module")
def features(rows: Rows) -> dict[str, Told]:
    """Give what each feature of the world tells."""
    return {each.name: each for each in told(rows)}


@pytest.fixture(scope="module")
def explored(world: Project) -> Exploration:
    """Give the whole exploration."""
    return explore(world)


def test_what_tells_the_outcome_comes_first_with_the_money(features: dict[str, Told]) -> None:
    assert set(list(features)[:2]) == {"group", "copy"}
    group = features["group"]
    assert group.is_real
    # Act on the half where yes is likely: 0.5 * (0.4 * 100 - 0.6 * 20), against acting on all.
    by_it = 0.5 * (YES_OF_HIGH * 100 - (1 - YES_OF_HIGH) * 20)
    of_all = (YES_OF_HIGH + YES_OF_LOW) / 2 * 120 - 20
    assert group.gain.is_better
    assert group.gain.low < by_it - of_all < group.gain.high
    # Mutual information by the entropy, worked out by hand.
    chances = np.array([[YES_OF_HIGH, 1 - YES_OF_HIGH], [YES_OF_LOW, 1 - YES_OF_LOW]])
    of_whole = chances.mean(axis=0)
    entropy = -(of_whole * np.log(of_whole)).sum()
    truth = 1 + (chances * np.log(chances)).sum(axis=1).mean() / entropy
    assert group.low < truth < group.high
    assert group.high - group.low < 0.1


def test_what_tells_nothing_is_said_to_be_chance(features: dict[str, Told]) -> None:
    for name in ("noise", "colour", "other_gap"):
        assert not features[name].is_real
        assert not features[name].gain.is_better
        assert features[name].share < 0.01


def test_a_number_is_told_in_money(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    group = random.choice(np.array(["high", "low"], object), ROWS)
    values = {
        "group": group,
        "noise": random.normal(size=ROWS),
        "outcome": np.where(group == "high", 100.0, 50.0) + random.uniform(-2, 2, ROWS),
    }
    first, last = told(_rows(project_of(tmp_path / "project", values, task="regression")))
    assert (first.name, last.name) == ("group", "noise")
    # Exactly right earns 10, 20 off nothing: one off is half a unit. One number suits one half
    # alone, and loses more on the other: to plan with nothing, which earns nothing, is better.
    assert first.gain.low < 10 - 0.5 < first.gain.high
    assert first.gain.is_better
    assert not last.gain.is_better


def test_rows_of_one_entity_count_once(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    shops, each = 60, 60
    of_shop = random.normal(size=shops)
    chance = random.uniform(0.02, 0.6, shops)
    values = {
        "size": np.repeat(of_shop, each),
        "shop": np.repeat(np.arange(shops), each),
        "outcome": answers(random, np.repeat(chance, each)),
    }
    # By its rows, the size of 60 shops would tell a lot.
    alike = _rows(project_of(tmp_path / "a", values, columns={"shop": {"role": "entity"}}))
    loose = _rows(project_of(tmp_path / "b", values, columns={"shop": {"role": "ignore"}}))
    assert told(loose)[0].is_real
    assert not told(alike)[0].is_real
    assert differing(loose, ["size"])
    assert not differing(alike, ["size"])


def test_columns_go_together_or_do_not(rows: Rows) -> None:
    pairs = {frozenset((each.one, each.other)): each for each in associated(rows, list(rows.codes))}
    # Both say which half a row is of: the ranks of two halves that lie apart.
    both = pairs.pop(frozenset(("group", "copy")))
    assert both.figure == pytest.approx(0.75**0.5, abs=0.01)
    assert not pairs


def test_each_measure_of_association_is_right(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    one = random.normal(size=ROWS)
    name = random.choice(np.array(["a", "b", "c"], object), ROWS)
    values = {
        "one": one,
        "falls": -one + random.normal(size=ROWS),
        "name": name,
        "same": np.where(name == "a", "x", np.where(name == "b", "y", "z")).astype(object),
        "outcome": answers(random, np.full(ROWS, 0.3)),
    }
    rows = _rows(project_of(tmp_path / "project", values))
    first, second = associated(rows, list(rows.codes))
    assert first.by == "Cramér's V"
    assert first.figure == pytest.approx(1, abs=0.001)
    # Spearman's of a normal correlation of 0.5 ** 0.5.
    rho = -6 / np.pi * np.arcsin(0.5**0.5 / 2)
    assert second.by == "rank correlation"
    assert second.figure == pytest.approx(rho, abs=0.03)


def test_groups_that_differ_are_named_with_their_rate(
    rows: Rows, features: dict[str, Told]
) -> None:
    found = differing(rows, list(features))
    assert {each.column for each in found} == {"group", "copy"}
    (high,) = [each for each in found if (each.column, each.bin) == ("group", "high")]
    assert high.level - high.off < YES_OF_HIGH < high.level + high.off
    assert high.others == pytest.approx(YES_OF_LOW, abs=0.01)


def test_what_is_missing_together_is_named(rows: Rows) -> None:
    ((names, count),) = missing_together(rows)
    assert names == ["first_gap", "second_gap"]
    assert count == int(np.isnan(rows.sample["first_gap"]).sum())


def test_rows_that_repeat_others_are_counted(tmp_path: Path) -> None:
    number = np.arange(1.0, 201.0) * 100
    values = {
        "key": np.arange(206),
        # Three rows once more, one of them twice; one nearly; two with another outcome.
        "number": np.concatenate([number, number[[3, 5, 5]], [number[7] + 0.01], number[[8, 9]]]),
        "name": np.array([*["Word"] * 203, "word ", "Word", "Word"], object),
        "outcome": np.array([*["no"] * 204, "yes", "yes"], object),
    }
    project = project_of(tmp_path / "project", values, columns={"key": {"role": "id"}})
    with connect(project, read_only=True) as connection:
        found = repeated(Rows.of(connection, project))
    assert list(found.values()) == [3, 4, 4]


def test_suspects_are_those_of_the_contract_and_those_that_show(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    outcome = answers(random, np.full(500, 0.3))
    values = {
        "told": np.where(outcome == "yes", 1.0, 0.0),
        "noise": random.normal(size=500),
        "outcome": outcome,
    }
    project = project_of(
        tmp_path / "project",
        values,
        columns={
            "ended": {"type": "datetime", "role": "ignore", "leak": "suspected", "note": "too late"}
        },
    )
    found = dict(suspects(_rows(project)))
    assert found["ended"] == "too late"
    assert "for one class only" in found["told"]
    assert set(found) == {"ended", "told"}


def test_page_and_text_say_the_same(explored: Exploration) -> None:
    page, text = unescape(as_html(explored)), as_markdown(explored)
    assert MADE_UP not in page
    for section in explored.sections:
        said = [section.title, *section.words]
        if section.table is not None:
            said += [*section.table.head, *(cell for row in section.table.rows for cell in row)]
        for words in said:
            assert words in page
            assert words.replace("|", "\\|") in text
    assert len(explored.sections) == text.count("\n## ") == page.count("<h2>")


def test_the_page_is_whole_by_itself(explored: Exploration, world: Project) -> None:
    path = write(world, explored)
    assert path == world.artifacts / "reports" / "exploration.html"
    page = path.read_text(encoding="utf-8")
    pictures = re.findall(r'(?:src|href)="([^"]{30})', page)
    assert len(pictures) >= 3
    assert all(each.startswith("data:image/png;base64,") for each in pictures)


def test_personal_data_is_nowhere(explored: Exploration) -> None:
    for said in (as_html(explored), as_markdown(explored)):
        assert "pseudonym-" not in said
        assert "example.com" not in said
        assert "1234567" not in said
    assert "<b>" not in as_html(explored)  # a text of the data is no HTML
    out = _section(explored, "What was left out, and why").table
    assert out is not None
    assert ["mail", "personal data (an address)"] in out.rows
    assert ["ended_on", "is suspected to give the outcome away (too late)"] in out.rows


def test_columns_are_described(explored: Exploration) -> None:
    table = _section(explored, "Each column").table
    assert table is not None
    described = {row[0]: dict(zip(table.head, row, strict=True)) for row in table.rows}
    assert not {"mail", "customer"} & set(described)
    assert described["colour"]["Different values"] == "3"
    assert described["noise"]["Missing"] == "none"
    assert described["first_gap"]["Missing"].endswith("%)")
    assert "write" in described["comment"]["Values"]


def test_a_wide_table_ends(tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    values = {f"x{place}": random.normal(size=800) for place in range(300)}
    values["outcome"] = answers(random, 1 / (1 + np.exp(-2 * values["x123"])))
    found = explore(project_of(tmp_path / "project", values))
    table = _section(found, "What tells the outcome").table
    assert table is not None
    assert table.rows[0][0] == "x123"
    assert len(as_html(found)) < 3_000_000


def test_a_long_table_is_drawn_from_evenly(tmp_path: Path) -> None:
    number = np.arange(3 * MOST_ROWS, dtype=np.float64)
    values = {"number": number, "outcome": np.full(len(number), "no", dtype=object)}
    columns = {"outcome": {"categories": ["no", "yes"]}}
    rows = _rows(project_of(tmp_path / "project", values, columns=columns))
    assert 0.9 * MOST_ROWS < len(rows.outcomes) < 1.1 * MOST_ROWS
    assert rows.sample["number"].mean() == pytest.approx(number.mean(), rel=0.02)


@pytest.mark.parametrize("outcome", [[None] * 60, ["no"] * 60, ["no", "yes", None] * 20])
def test_few_outcomes_are_said_to_be_few(tmp_path: Path, outcome: list[str | None]) -> None:
    values = {
        "empty": np.full(60, np.nan),
        "same": np.ones(60),
        "outcome": np.array(outcome, dtype=object),
    }
    columns = {"outcome": {"categories": ["no", "yes"]}}
    found = explore(project_of(tmp_path / "project", values, columns=columns))
    said = " ".join(_section(found, "What tells the outcome").words)
    assert "Fewer than 100 rows have an outcome" in said
    assert "nan" not in as_markdown(found).lower()


def test_no_rows_are_no_failure(tmp_path: Path) -> None:
    values = {"x": np.zeros(0), "outcome": np.zeros(0, dtype=object)}
    columns = {"outcome": {"categories": ["no", "yes"]}}
    found = explore(project_of(tmp_path / "project", values, columns=columns))
    assert as_html(found)


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_the_sample_is_explored(cleaned: Project) -> None:
    found = explore(cleaned)
    assert len({section.title for section in found.sections}) == 11
    first = _section(found, "What tells the outcome").table
    assert first is not None
    assert first.rows[0][2] == "yes"
    assert MADE_UP in as_html(found)


def test_what_is_missing_before_is_said_in_one_line(fresh: Project) -> None:
    run_step("extract", fresh)
    with pytest.raises(ProjectError, match="run the step `transform` first"):
        explore(fresh)
