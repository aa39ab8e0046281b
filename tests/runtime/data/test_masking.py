"""Personal data is masked on its way into the warehouse, the same in SQL and in Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import duckdb
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.masking import Mask, staging
from fourhats_runtime.data.privacy import Pseudonyms, pseudonyms
from fourhats_runtime.errors import ProjectError

if TYPE_CHECKING:
    from fourhats_runtime import Project

KEYS = [b"k" * 32, b"k" * 64, b"k" * 65, "ü€".encode() * 20]
NUMBER = Column(name="n", source="n", type="integer")
TARGET = Column(name="y", source="y", type="integer", role="target")
Marked = tuple[str, Literal["id", "entity", "ignore"]]


def contract_with(*marked: Marked, pii: bool = True) -> Contract:
    columns = [
        Column(name=name.lower(), source=name, type="text", role=role, pii=pii)
        for name, role in marked
    ]
    return Contract(columns=(*columns, NUMBER, TARGET))


@pytest.mark.parametrize("key", KEYS)
def test_a_pseudonym_in_sql_is_the_one_in_python(key: bytes) -> None:
    made = Pseudonyms(key)
    for text in ("anna", "  anna ", "Zoë 🎩", "", "'; DROP TABLE x"):
        ((found,),) = duckdb.execute(f"SELECT {made.sql('?')}", [text]).fetchall()
        assert found == made.of(text)
        assert len(found) == 32


def test_a_pseudonym_is_known_by_its_standard() -> None:
    """RFC 4231, test case 2, cut to 128 bits."""
    made = Pseudonyms(b"Jefe").of("what do ya want for nothing?")
    assert made == "5bdcc146bf60754e6a042426089575c7"


def test_marked_columns_go_and_ids_are_replaced_whatever_their_capitals(
    fresh: Project,
) -> None:
    mask = Mask.of(contract_with(("Person", "id"), ("EMail", "ignore")), fresh)
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES (' anna ', 'a@x', 1), (' ? ', 'b@x', 2), "
            "(NULL, 'c@x', 3)) AS t(PERSON, email, n)"
        )
        rows = connection.execute(mask.select(connection, "t")).fetchall()
    assert mask.pseudonyms is not None
    assert rows == [(mask.pseudonyms.of("anna"), 1), (None, 2), (None, 3)]


def test_an_entity_is_replaced_too_and_an_id_that_is_no_personal_data_stays(
    fresh: Project,
) -> None:
    both = contract_with(("Order", "id"), ("Person", "entity"))
    marked = [c.model_copy(update={"pii": c.role == "entity"}) for c in both.columns]
    mask = Mask.of(both.model_copy(update={"columns": tuple(marked)}), fresh)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'o1' AS \"order\", 'anna' AS person, 1 AS n")
        rows = connection.execute(mask.select(connection, "t")).fetchall()
    assert mask.pseudonyms is not None
    assert rows == [("o1", mask.pseudonyms.of("anna"), 1)]


def test_the_state_changes_with_marks_and_key(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    person: Marked = ("person", "id")
    mail: Marked = ("email", "ignore")
    masks = [
        Mask.nothing(),
        Mask.of(contract_with(mail), fresh),
        Mask.of(contract_with(person), fresh),
        Mask.of(contract_with(person, mail), fresh),
    ]
    monkeypatch.setenv("PSEUDONYM_KEY", "another one " * 4)
    masks.append(Mask.of(contract_with(person, mail), fresh))
    states = [mask.state for mask in masks]
    assert len(set(states)) == len(states)
    assert states[0] == Mask.of(contract_with(person, pii=False), fresh).state == ""


@pytest.mark.parametrize(
    ("key", "words"), [("", "is not set"), ("k" * 31, "is too short"), ("k" * 32, None)]
)
def test_a_key_has_at_least_32_characters(
    key: str, words: str | None, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSEUDONYM_KEY", key)
    contract = contract_with(("person", "id"))
    if words is None:
        assert pseudonyms(contract, fresh) == Pseudonyms(key.encode())
    else:
        with pytest.raises(ProjectError, match=f"PSEUDONYM_KEY {words}"):
            pseudonyms(contract, fresh)
    assert pseudonyms(contract_with(("person", "id"), pii=False), fresh) is None
    assert pseudonyms(contract_with(("email", "ignore")), fresh) is None
    with_entity = contract_with(("person", "entity"))
    if words is None:
        assert pseudonyms(with_entity, fresh) == Pseudonyms(key.encode())


def test_what_waits_is_gone_afterwards_also_if_it_fails(fresh: Project) -> None:
    def failing(connection: duckdb.DuckDBPyConnection) -> None:
        with staging(connection, replace(fresh)):
            connection.execute("CREATE TABLE t AS SELECT 1 AS x")
            assert (fresh.artifacts / "staging.duckdb").exists()
            raise KeyboardInterrupt

    with duckdb.connect() as connection:
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                failing(connection)
            assert list(fresh.artifacts.iterdir()) == []
            assert connection.execute("SHOW TABLES").fetchall() == []
