"""A contract of documents is inferred: what names, says, narrows down, links and dates each."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from fourhats_runtime.contract import Contract
from fourhats_runtime.profile import TableFileError, profile_file, to_toml

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime.profile import Profile

BODIES = (
    "how the pump is taken apart and put together again",
    "what the alarm of the boiler means and what to do then",
    "which oil the gearbox takes and how often it is changed",
)


def page(number: int, **changed: object) -> dict[str, object]:
    return {
        "body": f"{BODIES[number % 3]}, part {number}",
        "changed_at": f"2026-05-{1 + number % 28:02}T10:00:00",
        "heading": f"Manual {number}",
        "kind": ("manual", "notice")[number % 2],
        "page_id": 1000 + 7 * number,
        "published": f"2025-{1 + number % 12:02}-03",
        "public": number % 3 == 0,
        "url": f"https://docs.example/{number}",
        "author_email": f"author{number}@example.com",
        "views": number * 17 % 1000,
    } | changed


def inferred(tmp_path: Path, rows: list[dict[str, Any]], name: str = "pages.json") -> Profile:
    path = tmp_path / name
    path.write_text(json.dumps(rows), encoding="utf-8")
    return profile_file(str(path), task="search")


def roles(profile: Profile) -> dict[str, str]:
    return {column.name: column.role for column in profile.columns}


def test_every_column_gets_its_part(tmp_path: Path) -> None:
    profile = inferred(tmp_path, [page(number) for number in range(60)])
    assert roles(profile) == {
        "heading": "field",
        "body": "field",
        "kind": "filter",
        "public": "filter",
        "page_id": "id",
        "published": "time",
        "url": "link",
        "author_email": "ignore",
        "changed_at": "ignore",
        "views": "ignore",
    }
    (author,) = (each for each in profile.columns if each.name == "author_email")
    assert author.pii
    assert author.note == "personal data: e-mail addresses"
    (kind,) = (each for each in profile.columns if each.name == "kind")
    assert (kind.type, kind.categories) == ("category", ("manual", "notice"))
    assert "Several columns could say when a document is of" in " ".join(profile.warnings)


def test_the_contract_that_is_written_is_one_of_documents(tmp_path: Path) -> None:
    rows = [page(number) for number in range(60)]
    rows[3]["heading"] = None
    text = to_toml(inferred(tmp_path, rows))
    contract = Contract.model_validate(tomllib.loads(text))
    assert [field.name for field in contract.fields] == ["heading", "body"]
    assert contract.fields[0].nullable
    assert contract.id is not None
    assert contract.link is not None
    assert contract.time_order == ("published",)
    assert contract.questions.path == "data/queries.csv"
    assert contract.table == "pages"
    assert "predict" not in text


def test_personal_data_within_texts_is_said(tmp_path: Path) -> None:
    rows = [page(number) for number in range(30)]
    rows[4]["body"] = "write to jane.doe@example.com before you open the valve"
    (said,) = (
        words for words in inferred(tmp_path, rows).warnings if "jane" in words or "texts" in words
    )
    assert said.startswith("body: e-mail addresses stand in 1 of 30 texts")


def test_an_id_is_best_called_one_and_else_is_short(tmp_path: Path) -> None:
    rows = [page(number, slug=f"doc-{number}") for number in range(30)]
    for row in rows:
        del row["page_id"], row["url"]
    found = roles(inferred(tmp_path, rows))
    assert found["slug"] == "id"
    assert found["heading"] == "field"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"page_id": 1, "heading": "one", "url": "x", "body": "always the same text"},
            "no column names",
        ),
        ({"body": "x", "heading": 3}, "no column holds texts to search"),
    ],
)
def test_what_is_no_table_of_documents_is_refused(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    rows = [page(number, **changed) for number in range(30)]
    for row in rows:
        row.pop("views"), row.pop("author_email"), row.pop("changed_at"), row.pop("published")
    with pytest.raises(TableFileError, match=said):
        inferred(tmp_path, rows)


def test_without_moments_links_or_groups_a_contract_has_none(tmp_path: Path) -> None:
    rows = [{"key": f"k{number}", "text": f"{BODIES[number % 3]} {number}"} for number in range(20)]
    assert roles(inferred(tmp_path, rows)) == {"text": "field", "key_": "id"}
