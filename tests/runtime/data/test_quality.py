"""Rows that break the contract, or a check of the project's own, are set aside with a reason."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import duckdb
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data import Check
from fourhats_runtime.data.joins import put_together
from fourhats_runtime.data.landing import land
from fourhats_runtime.data.masking import Mask
from fourhats_runtime.data.quality import broken, valid_rows, validate
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sql import among, literal, quote
from fourhats_runtime.data.typed_values import typed
from fourhats_runtime.data.warehouse import connect, count, one_row, scratch
from fourhats_runtime.data.warehouse.local import Local
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pipeline import Result, run_step

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

EARLY = Check("costs much in the first month", "tenure_months > 0 OR monthly_fee < 100 -- ok\n")


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_every_row_is_either_clean_or_in_quarantine(ran: Project) -> None:
    with connect(ran) as connection:
        rows, failing, clean = (count(connection, t) for t in ("raw", "quarantine", "clean"))
    assert failing > 0
    assert failing + clean == rows


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_a_failing_row_is_kept_with_its_reason(ran: Project, contract: Contract) -> None:
    feature = next((c for c in contract.features if c.is_number), contract.features[0])
    with connect(ran) as connection:
        reason, value = one_row(
            connection,
            f"SELECT reasons, {quote(feature.source)} FROM quarantine ORDER BY _row LIMIT 1",
        )
    assert feature.name in reason
    assert value == "???"


@pytest.mark.parametrize("classes", [3, 60])
def test_no_list_of_texts_is_joined_as_of_many_columns_that_takes_minutes(
    tmp_path: Path, classes: int
) -> None:
    kinds = tuple(f"kind {n}" for n in range(classes))
    spelt = {"a": tuple(f"k{n}" for n in range(classes))}
    target = {"role": "target", "categories": ("a", "b"), "spellings": spelt, "set_aside": kinds}
    columns = (
        {"name": "k", "source": "k", "type": "category", "categories": kinds},
        {"name": "b", "source": "b", "type": "boolean"},
        {"name": "y", "source": "y", "type": "category", **target},
    )
    contract = Contract.model_validate({"columns": columns})
    with closing(Local(tmp_path / "raw.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE raw AS SELECT 's' AS _source, 1 AS _row, 'k' AS k, 'yes' AS b, 'a' AS y"
        )
        found = connection.execute(f"EXPLAIN {valid_rows(connection, contract)}").fetchall()
    plan = str(found).lower()
    assert "filter" in plan
    assert "join" not in plan


@pytest.mark.parametrize("number", [2, 60, 300])
def test_a_text_is_sought_among_few_and_among_many(number: int) -> None:
    texts = [f"it's {n}" for n in range(number)]

    def found(text: str | None) -> object:
        query = f"SELECT {among('x', texts)} FROM (SELECT CAST(? AS VARCHAR) AS x)"
        return duckdb.execute(query, [text]).fetchall()[0][0]

    assert all(found(text) is True for text in texts)
    assert [found(text) for text in ("", "it's", "it's 1 ", "s 1", None)] == [*[False] * 4, None]


def test_a_thousand_rules_are_checked_at_once(tmp_path: Path) -> None:
    names = [f"g{n}" for n in range(520)]
    columns = [Column(name=name, source=name, type="number") for name in names]
    contract = Contract(
        columns=(*columns, Column(name="y", source="y", type="text", role="target"))
    )
    values = ", ".join(f"'{n}.5' AS {name}" for n, name in enumerate(names))
    with closing(Local(tmp_path / "wide.duckdb")) as connection:
        connection.execute(
            f"CREATE TABLE raw AS SELECT 's' AS _source, 1 AS _row, {values}, 'a' AS y"
        )
        connection.execute("INSERT INTO raw SELECT * REPLACE (2 AS _row, 'x' AS g7) FROM raw")
        (violation,) = validate(connection, contract)
        (reasons,) = one_row(connection, "SELECT reasons FROM quarantine")
    assert str(violation) == "g7 is no number: 1 rows (first: row 2)"
    assert reasons == "g7 is no number"


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_each_rule_of_the_contract_is_checked(ran: Project, contract: Contract) -> None:
    with connect(ran) as connection:
        before = {(v.column, v.reason): v.rows for v in validate(connection, contract)}
        for column in contract.features:
            source = quote(column.source)
            bad = {"nullable": "''", "min": f"'{(column.min or 0) - 1}'", "categories": "'???'"}
            bad["max"] = f"'{(column.max or 0) + 1}'"
            for rule, value in bad.items():
                active = not column.nullable if rule == "nullable" else getattr(column, rule)
                if active in (None, (), False):
                    continue
                connection.execute("BEGIN")
                connection.execute(f"UPDATE raw_sample SET {source} = {value} WHERE rowid = 0")
                after = {(v.column, v.reason): v.rows for v in validate(connection, contract)}
                connection.execute("ROLLBACK")
                changed = {key for key in after if after[key] != before.get(key)}
                assert {name for name, _ in changed} == {column.name}, (column.name, rule)


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("number", " 12.5 ", 12.5),
        ("number", "-.5e2", -50.0),
        ("number", "12a", None),
        ("number", "1_000", None),
        ("integer", "12.0", 12),
        ("integer", "12.5", None),
        ("boolean", "Yes", True),
        ("boolean", "on", None),
        ("datetime", "2026/1/2", datetime(2026, 1, 2)),  # noqa: DTZ001 (the warehouse's are in UTC)
        ("datetime", "now", None),
    ],
)
def test_a_text_is_what_every_warehouse_takes_it_for(
    fresh: Project,
    type_: Literal["integer", "number", "boolean", "datetime"],
    text: str,
    value: object,
) -> None:
    column = Column(name="x", source="X", type=type_, role="target")
    found, missing = typed(column, "VARCHAR")
    with scratch(fresh) as connection:
        connection.execute(f"CREATE TABLE raw AS SELECT {literal(text)} AS {quote('X')}")
        assert one_row(connection, f"SELECT {found}, {missing} FROM raw") == (value, False)


def test_too_many_failing_rows_stop_the_run(fresh: Project) -> None:
    run_step("extract", fresh)
    column = next(c for c in fresh.contract.features if c.is_number)
    with connect(fresh) as connection:
        connection.execute(
            f"UPDATE raw_sample SET {quote(column.source)} = '???' WHERE rowid % 3 = 0"
        )
    with pytest.raises(ProjectError, match="fail the contract's checks"):
        run_step("validate", fresh)


def test_a_column_missing_from_the_data_is_named(fresh: Project) -> None:
    run_step("extract", fresh)
    column = fresh.contract.features[0].source
    with connect(fresh) as connection:
        connection.execute(f"ALTER TABLE raw_sample RENAME COLUMN {quote(column)} TO other")
        connection.execute(
            "CREATE OR REPLACE VIEW raw AS SELECT 'sample' AS _source, * FROM raw_sample"
        )
    with pytest.raises(ProjectError, match=f"no column '{column}'"):
        run_step("validate", fresh)


def test_of_rows_with_the_same_id_the_newest_counts(ran: Project, contract: Contract) -> None:
    assert contract.id is not None
    key = quote(contract.id.source)
    with connect(ran) as connection:
        connection.execute(f"UPDATE raw_sample SET {key} = '1' WHERE rowid = 1")
        found = [v for v in validate(connection, contract) if "comes again" in v.reason]
    assert [violation.rows for violation in found] == [1]
    assert [violation.first_row for violation in found] == [1]


def test_a_row_without_its_id_is_nobodys_second(ran: Project, contract: Contract) -> None:
    assert contract.id is not None
    key = quote(contract.id.source)
    with connect(ran) as connection:
        connection.execute(f"UPDATE raw_sample SET {key} = '1' WHERE rowid = 1")
        connection.execute(f"UPDATE raw_sample SET {key} = NULL WHERE rowid IN (5, 6)")
        found = {
            v.reason: v.rows for v in validate(connection, contract) if v.column == "customer_id"
        }
    assert found == {"comes again with a newer row": 1, "is missing": 2}


def test_validation_reports_rows_in_and_out(line: tuple[Project, dict[str, Result]]) -> None:
    result = line[1]["validate"]
    assert result.rows_in - result.rows_out == sum(v["rows"] for v in result.facts["violations"])


def test_a_row_that_fails_a_check_of_ones_own_is_set_aside_with_its_reason(fresh: Project) -> None:
    project = replace(fresh, checks=(EARLY,))
    run_step("extract", project)
    (violation,) = (
        each
        for each in run_step("validate", project).facts["violations"]
        if each["reason"] == EARLY.reason
    )
    run_step("transform", project)
    with connect(project) as connection:
        aside = connection.execute(
            "SELECT _row, tenure_months, monthly_fee FROM quarantine "
            f"WHERE reasons = '{EARLY.reason}' ORDER BY _row"
        ).fetchall()
        assert count(connection, "clean") + count(connection, "quarantine") == count(
            connection, "raw"
        )
        assert broken(connection, project.contract, project.checks)[1:] == (0, [])
    assert (violation["column"], violation["rows"]) == ("", len(aside))
    assert violation["first_row"] == aside[0][0]
    assert all((int(months), float(fee) >= 100) == (0, True) for _, months, fee in aside)


def test_a_check_that_cannot_be_answered_lets_the_row_pass(fresh: Project) -> None:
    run_step("extract", fresh)
    assert violations(fresh, Check("calls too often", "support_calls < 100")) == []
    (unknown,) = violations(fresh, Check("calls?", "coalesce(support_calls < 100, FALSE)"))
    assert unknown.startswith("calls?: ")


def violations(project: Project, check: Check) -> list[str]:
    """Give the violations of the check."""
    with connect(project) as connection:
        found = validate(connection, project.contract, (check,))
    return [str(violation) for violation in found if violation.reason == check.reason]


def test_what_transform_makes_is_held_to_ones_own_checks(ran: Project, contract: Contract) -> None:
    with connect(ran) as connection:
        connection.execute("UPDATE clean SET monthly_fee = 50")
        assert broken(connection, contract, (EARLY,))[1:] == (0, [])
        connection.execute("UPDATE clean SET monthly_fee = 110, tenure_months = 0 WHERE _row < 9")
        (changed,) = one_row(connection, "SELECT count(*) FROM clean WHERE _row < 9")
        _, values, names = broken(connection, contract, (EARLY,))
    assert 0 < values == changed
    assert names == ["the check 'costs much in the first month'"]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("tenure > 0", "tenure"),
        ("monthly_fee >", "syntax error"),
        ("CAST(contract AS INTEGER) > 0", "Could not convert"),
    ],
)
def test_a_check_that_cannot_be_asked_is_named(
    condition: str, words: str, ran: Project, contract: Contract
) -> None:
    bad = Check("no such thing", condition)
    for step in ("validate", "transform"):
        with pytest.raises(ProjectError, match="the check 'no such thing' cannot be") as refused:
            run_step(step, replace(ran, checks=(EARLY, bad)))
        assert words in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
    with connect(ran) as connection, pytest.raises(ProjectError, match="'no such thing'"):
        broken(connection, contract, (bad,))


@pytest.mark.parametrize("reason", ["", " ", "one; two", "two\nlines"])
def test_a_check_needs_a_reason_of_one_line(reason: str, ran: Project) -> None:
    with pytest.raises(ProjectError, match="needs a reason"):
        run_step("validate", replace(ran, checks=(Check(reason, "TRUE"),)))


def test_a_targets_spellings_blanks_and_rare_classes_are_understood(ran: Project) -> None:
    returned = Column(
        name="returned",
        source="Returned",
        type="category",
        role="target",
        categories=("no", "yes"),
        spellings={"yes": ("YES", "Yes")},
        set_aside=("maybe",),
        blank="no",
    )
    place = Column(name="reasons", source="reasons", type="number")
    contract = Contract(columns=(returned, place))
    with scratch(ran) as connection:
        values = ", ".join(
            f"({number}, {text})"
            for number, text in enumerate(("'yes'", "'YES'", "' Yes '", "''", "NULL", "'maybe'"))
        )

        def load(into: duckdb.DuckDBPyConnection) -> Loaded:
            into.execute(
                f"CREATE TABLE raw_files AS FROM (VALUES {values}) AS t(reasons, Returned)"
            )
            return Loaded(None)

        land(connection, ran, Mask.nothing(), "raw_files", load)
        put_together(connection, (), ["files"])
        (violation,) = validate(connection, contract)
        assert str(violation) == "returned is a class that is set aside: 1 rows (first: row 6)"
        rows = connection.execute(f"{valid_rows(connection, contract)} ORDER BY _row").fetchall()
        assert [row[:2] for row in rows] == [
            *(("yes", 0.0), ("yes", 1.0), ("yes", 2.0), ("no", 3.0), ("no", 4.0)),
        ]
        assert one_row(connection, "SELECT reasons, reasons_ FROM quarantine") == (
            *("returned is a class that is set aside", 5),
        )
